"""Steps of the wall clock and suspends, in every sleep of a build."""

from __future__ import annotations

import functools

from osc_imagebuild import outputs
from tests.fakes.clock import TroubledClock
from tests.fakes.cloud import FakeCloud
from tests.scenarios.test_clocks import TROUBLES, ClockTestCase

# A step, and which of the sleeps in it.
Place = tuple[str, int]


class EverySleepTest(ClockTestCase):
    """Each trouble in each sleep, for each output.

    A sleep that another output has as well, of the same number in the same step, meets
    one of the troubles in turn. Where it is to be the ``whole``, it meets all of them.
    """

    whole = False

    def places(self, kind: str) -> list[Place]:
        """Where a build of an output sleeps."""
        found: list[Place] = []
        self.cloud = FakeCloud()
        self.events.clear()

        def sleep(seconds: float) -> None:
            step = self.events[-1].step if self.events else ""
            found.append((step, sum(step == known for known, _ in found)))
            plain(seconds)

        clock = TroubledClock(self.cloud.world, 0)
        plain = clock.sleep
        self.patch(clock, "sleep", sleep)
        request = self.request(output=kind)
        self.assert_complete(self.with_clock(clock).create(request))
        self.assertEqual(clock.sleeps, len(found))
        self.assertGreater(len(found), 15)
        return found

    def sweep(self, kind: str) -> None:
        """They all complete."""
        earlier = outputs.names()[: outputs.names().index(kind)]
        swept = {place for other in earlier for place in self.places(other)}
        for number, place in enumerate(self.places(kind), 1):
            every = self.whole or place not in swept
            for trouble in range(len(TROUBLES)) if every else (number,):
                self.trouble({"output": kind}, number, trouble)


# Tests of their own, as a test is never divided among workers.
for _kind in outputs.names():
    setattr(
        EverySleepTest,
        f"test_{_kind}",
        functools.partialmethod(EverySleepTest.sweep, _kind),
    )
