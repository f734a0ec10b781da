"""A client dies, or a service fails, at each mutation of a prune."""

from __future__ import annotations

from collections.abc import Sequence

from osc_imagebuild.builds.record import Record
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import LOST, Fault, answered, on_mutation
from tests.scenarios.test_prune import DAY, PruneTestCase


class PruneSweepTest(PruneTestCase):
    """Four builds, of which two results and all records go."""

    def begun(self, output: str = "image") -> list[Record]:
        """Return builds whose results and records are too many."""
        self.cloud = FakeCloud()
        verify = output != "image"
        builds = [self.built(output=output, verify=verify) for _ in range(4)]
        self.cloud.world.sleep(DAY)
        return builds

    def again(self, output: str) -> dict[str, str]:
        """Prune all that can go."""
        return self.pruned(kind=output, keep=1, records=True)

    def assert_pruned(self, builds: Sequence[Record]) -> None:
        """The newest two results are left, and nothing else is."""
        self.assertEqual([False, False, True, True], self.left(builds))
        self.assertEqual([False] * 4, self.records(builds))
        self.assert_empty(*(made for build in builds[2:] for made in build.made))

    def test_killed(self) -> None:
        """Another client does the rest, once the dead one's lease is over."""
        for output in ("image", "volume", "snapshot"):
            builds = self.begun(output)
            found: list[tuple[str, FakeCloud]] = []
            self.cloud.observers.append(
                lambda when, call, found=found: found.append(  # type: ignore[misc]
                    (f"{when} {call.number} {call.kind}", self.cloud.fork())
                )
            )
            self.again(output)
            self.assert_pruned(builds)
            self.assertGreater(len(found), 20)
            for where, cloud in found:
                self.cloud = cloud
                with self.one_of_many(f"{output}: {where}"):
                    self.again(output)
                    self.cloud.world.sleep(200)
                    self.again(output)
                    self.assert_pruned(builds)

    def test_faults(self) -> None:
        """What is refused, lost or away is told, and keeps nothing else from going.

        Each mutation meets two of the faults, the next one other two.
        """
        faults = (LOST, *(answered(status) for status in (403, 404, 409, 503)))
        for output in ("image", "volume", "snapshot"):
            builds = self.begun(output)
            start, first = self.cloud.fork(), len(self.cloud.mutations)
            self.again(output)
            numbers = range(first + 1, len(self.cloud.mutations) + 1)
            for number in numbers:
                for fault in (faults[number % 5], faults[(number + 2) % 5]):
                    self.cloud = start.fork()
                    with self.one_of_many(f"{output}: {number}, {fault.name}"):
                        self.meet(builds, output, number, fault)

    def meet(
        self, builds: Sequence[Record], output: str, number: int, fault: Fault
    ) -> None:
        """Meet a fault once; a second time all is done."""
        self.cloud.hooks.append(on_mutation(number, fault))
        fates = self.again(output)
        stays = [fate for fate in fates.values() if fate != "DELETED"]
        self.assertLessEqual(len(stays), 1, str(fates))
        if fault.name in ("503", "reply lost"):
            self.assertEqual([], stays)
        self.assertEqual([True, True], self.left(builds[2:]))
        self.cloud.world.sleep(200)
        self.again(output)
        self.assert_pruned(builds)
