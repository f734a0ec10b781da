"""A client dies, or a service fails, at each mutation by which an image is copied."""

from __future__ import annotations

import functools

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import ImageBuildError
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import LOST, Fault, answered, on_mutation
from tests.fakes.wire import Call
from tests.scenarios.elsewhere import DAY, TWO, ElsewhereTestCase
from tests.unit.base import NAME

STEPS = ("stores", "copies", "complete")
Place = tuple[str, str, int, tuple[FakeCloud, FakeCloud]]


class CopiesSweepTest(ElsewhereTestCase):
    """The third image of a family, which goes to a second store and to another cloud."""

    def begun(self, *, fetched: bool) -> Record:
        """Return a build whose installer runs; there are older ones in both clouds."""
        self.begin()
        self.cloud.glance.stores = ["fast", "slow"]
        self.cloud.glance.methods.append("copy-image")
        if fetched:
            self.fetching()
        wanted = {"copies": (TWO,), "replace": True, "keep": 1, "stores": ("slow",)}
        for _ in range(2):
            self.builder().create(self.request(**wanted))
            self.cloud.world.sleep(DAY)
        build = self.started(**wanted)
        self.cloud.world.sleep(1800)
        return build

    def swept(self, build: Record) -> list[Place]:
        """End a build; return the clouds as each of the mutations found and left them."""
        found: list[Place] = []

        def observe(name: str, when: str, call: Call) -> None:
            if self.events[-1].step in STEPS:
                where = f"{when} {name} {call.number} {call.kind}"
                found.append((where, name, call.number, self.fork()))

        for name, cloud in (("here", self.cloud), ("there", self.two)):
            cloud.observers.append(functools.partial(observe, name))
        self.resumed(build.id)
        self.assert_copies(build.id)
        self.assertGreater(len(found), 20)
        return found

    def places(self, build: Record, *, fetched: bool) -> list[Place]:
        """Return what `swept` does; of data that are fetched only where that differs."""
        found = self.swept(build)
        if not fetched:
            return found
        kinds = ("create image", "import image")
        return [p for p in found if p[1] == "there" and p[0].endswith(kinds)]

    def assert_copies(self, build_id: str) -> None:
        """One has the name there, one older one is kept, and the stores are told."""
        build = self.builder().find(build_id)
        self.assertEqual("complete", build.status)
        copy = self.assert_copied(build)
        names = [str(image.name) for image in self.there()]
        self.assertEqual(2, len(names), str(names))
        self.assertTrue(any(name.startswith(f"{NAME} (") for name in names), str(names))
        self.assertEqual(copy.id, build.marks["copy-0"].data.get("image_id"))
        image = self.cloud.glance.images[build.result_id]
        self.assertEqual({"fast", "slow"}, set(image.stores))
        results = [i for i in self.images() if "imagebuild" not in i.tags]
        self.assertEqual(2, len(results), str([i.name for i in results]))

    def test_killed(self) -> None:
        """Another client goes on, at once and after two hours."""
        for fetched in (False, True):
            build = self.begun(fetched=fetched)
            for where, _, _, clouds in self.places(build, fetched=fetched):
                for pause in (0, 7200):
                    self.take(clouds)
                    self.cloud.world.advance(pause)
                    with self.one_of_many(f"{where}, {pause} s, fetched {fetched}"):
                        self.resumed(build.id)
                        self.assert_copies(build.id)

    def test_killed_within_the_upload(self) -> None:
        """What hangs there half full is deleted, and begun anew."""
        build = self.begun(fetched=False)
        for where, name, _, clouds in self.swept(build):
            if name == "there" and where.endswith("upload image"):
                self.take(clouds)
                for image in self.there():
                    if image.status == "queued":
                        self.two.glance.begin(image)
                self.resumed(build.id)
                self.assert_copies(build.id)

    def test_cancelled(self) -> None:
        """At each place: what was begun is removed, there too."""
        for fetched in (False, True):
            build = self.begun(fetched=fetched)
            for where, _, _, clouds in self.places(build, fetched=fetched):
                self.take(clouds)
                with self.one_of_many(where):
                    self.cloud.world.advance(300)
                    done = self.builder("other").cancel(build.id)
                    self.cloud.world.sleep(60)
                    left = [i for i in self.there() if "imagebuild-part" in i.tags]
                    self.assertEqual([], left)
                    said = [i.properties["imagebuild_build_id"] for i in self.there()]
                    if done.status == "cancelled":
                        self.assertNotIn(build.id, said)

    def test_faults(self) -> None:
        """What is lost, refused or away keeps no build from its end, and leaves nothing."""
        faults = (LOST, answered(503), answered(409), answered(403), answered(404))
        for fetched in (False, True):
            build = self.begun(fetched=fetched)
            start = self.fork()
            for where, name, number, _ in self.places(build, fetched=fetched)[::2]:
                for fault in faults:
                    self.take(start)
                    with self.one_of_many(f"{where}, {fault.name}, fetched {fetched}"):
                        self.meet(build, name, number, fault)

    def meet(self, build: Record, name: str, number: int, fault: Fault) -> None:
        """Meet a fault once: the build is complete; what is not copied is told."""
        cloud = self.cloud if name == "here" else self.two
        cloud.hooks.append(on_mutation(number, fault))
        try:
            done = self.resumed(build.id)
        except ImageBuildError as error:
            self.assertIn(build.id, str(error))
            self.assertEqual("here", name)
            done = self.resumed(build.id)
        self.assertEqual("complete", done.status)
        if not done.marks["copy-0"].data.get("trouble"):
            copy = self.assert_copied(done)
            self.assertEqual(copy.id, done.marks["copy-0"].data["image_id"])
            return
        self.assertEqual("there", name)
        left = [i.name for i in self.there() if "imagebuild-part" in i.tags]
        self.assertEqual([], left)
        self.assertIn("Builder.copy(", self.told())
