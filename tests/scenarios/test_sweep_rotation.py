"""A client dies, or a service fails, at each mutation by which an image takes a name."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import ImageBuildError
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import LOST, Fault, answered, on_mutation
from tests.fakes.wire import Call
from tests.unit.base import ENTRIES, NAME, CloudTestCase

DAY = 86_400.0
OUTPUTS = ("image", "volume", "snapshot")
# Of the last build, what these steps do is swept.
STEPS = ("publish", "rotate")


class RotationSweepTest(CloudTestCase):
    """Three builds of which one older result is kept, and a fourth that dies."""

    def builder(self, client: str = "first", *, skew: float = 0.0) -> Builder:
        """One that can log in to another project."""
        return Builder(
            self.cloud.connect(client),
            catalog=ENTRIES,
            clock=self.cloud.clock(skew),
            listener=self.events.append,
            connect=lambda cloud, region: self.cloud.connect(cloud, project="p-other"),
        )

    def begun(self, output: str, old: str = "hide") -> Record:
        """Return the last build, whose installer runs, in a cloud with a family."""
        self.cloud = FakeCloud()
        wanted = {"output": output, "replace": True, "keep": 1, "old": old}
        for number in range(3):
            build = self.builder().create(self.request(**wanted))
            if output == "image" and number == 2:
                image = self.cloud.glance.images[build.result_id]
                image.visibility = "shared"
                image.members = {"p-2": "accepted", "p-3": "rejected"}
            self.cloud.world.sleep(DAY)
        accepting = {"member_clouds": ("elsewhere",)} if output == "image" else {}
        build = self.started(**wanted, **accepting)
        self.cloud.world.sleep(1800)
        return build

    def names(self, output: str) -> list[str]:
        """IDs of what has the name and can be seen."""
        cinder = self.cloud.cinder
        of: dict[str, Any] = {
            "image": self.cloud.glance.images,
            "volume": cinder.volumes,
            "snapshot": cinder.snapshots,
        }
        return [
            item.id
            for item in of[output].values()
            if item.name == NAME and not getattr(item, "hidden", False)
        ]

    def swept(self, build: Record, output: str) -> list[tuple[str, int, FakeCloud]]:
        """End a build; return the cloud as each of the mutations found and left it.

        There is one of the name at any time, and a second one for one request at most.
        """
        found: list[tuple[str, int, FakeCloud]] = []
        counts: list[int] = []

        def observe(when: str, call: Call) -> None:
            if self.events[-1].step in STEPS:
                where = f"{output}: {when} {call.number} {call.kind}"
                found.append((where, call.number, self.cloud.fork()))
            counts.append(len(self.names(output)))

        self.cloud.observers.append(observe)
        self.resumed(build.id)
        self.assertEqual(1, min(counts))
        self.assertLessEqual(counts.count(2), 2)  # after the one, before the next
        self.assertNotIn(3, counts)
        return found

    def assert_rotated(self, build: Record, output: str) -> None:
        """One has the name, one older one is kept, and all else is gone."""
        self.cloud.world.sleep(120)
        self.cloud.tick()
        self.assertEqual("complete", build.status)
        self.assertEqual([build.result_id], self.names(output))
        cinder = self.cloud.cinder
        results = [
            *(i.id for i in self.images() if "imagebuild" not in i.tags),
            *(cinder.volumes if output != "image" else ()),
            *cinder.snapshots,
        ]
        self.assertEqual(4 if output == "snapshot" else 2, len(results), str(results))
        self.assertEqual({}, self.cloud.nova.servers)
        if output == "image":
            image = self.cloud.glance.images[build.result_id]
            self.assertEqual({"p-2", "p-3", "p-other"}, set(image.members))
            self.assertEqual("accepted", image.members["p-other"])

    def test_killed(self) -> None:
        """Another client goes on, at once and after two hours."""
        for output in OUTPUTS:
            build = self.begun(output)
            for where, _, cloud in self.swept(build, output):
                for pause in (0, 7200):
                    self.cloud = cloud.fork()
                    self.cloud.world.advance(pause)
                    with self.one_of_many(f"{where}, {pause} s"):
                        self.assert_rotated(self.resumed(build.id), output)

    def test_deactivate(self) -> None:
        """Which takes two requests."""
        build = self.begun("image", "deactivate")
        for where, _, cloud in self.swept(build, "image"):
            self.cloud = cloud
            with self.one_of_many(where):
                self.assert_rotated(self.resumed(build.id), "image")
                older = [i for i in self.images() if i.data]
                states = sorted(i.status for i in older if "imagebuild" not in i.tags)
                self.assertEqual(["active", "deactivated"], states)

    def test_faults(self) -> None:
        """What is lost, refused or away keeps no build from its end."""
        faults = (LOST, answered(503), answered(409), answered(403), answered(404))
        for output in OUTPUTS:
            build = self.begun(output)
            start = self.cloud.fork()
            for where, number, _ in self.swept(build, output)[::2]:
                for fault in faults:
                    self.cloud = start.fork()
                    with self.one_of_many(f"{where}, {fault.name}"):
                        self.meet(build, number, fault, output)

    def meet(self, build: Record, number: int, fault: Fault, output: str) -> None:
        """Meet a fault once: the build is complete, or resumed it is."""
        self.cloud.hooks.append(on_mutation(number, fault))
        try:
            done = self.resumed(build.id)
        except ImageBuildError as error:
            self.assertIn(build.id, str(error))
            if self.builder().find(build.id).status == "failed":
                # Refused before it was published: nobody has lost the name.
                self.assertIn(fault.name, ("403", "404", "409"))
                self.assertEqual(1, len(self.names(output)))
                return
            done = self.resumed(build.id)
        self.assertEqual("complete", done.status)
        self.assertIn(done.result_id, self.names(output))
        self.assertLessEqual(len(self.names(output)), 2 if fault.name == "403" else 1)
