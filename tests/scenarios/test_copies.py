"""Copies: the image gets to other clouds and stores, whatever comes in between."""

from __future__ import annotations

import functools

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.copies import Copy
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import Fault, answered
from tests.fakes.wire import Call, Reply
from tests.scenarios.elsewhere import TWO, ElsewhereTestCase
from tests.unit.base import NAME


class CopiesTest(ElsewhereTestCase):
    """A copy in another cloud."""

    def test_streamed(self) -> None:
        """By default the data pass through this client."""
        build = self.built()
        copy = self.assert_copied(build)
        self.assertEqual("complete", build.status)
        mark = build.marks["copy-0"].data
        self.assertEqual({"target": "two/RegionTwo", "image_id": copy.id}, dict(mark))
        self.assertEqual(1, len([c for c in self.two.mutations if "upload" in c.kind]))
        self.assert_complete(build)
        self.assertIn("copy to two/RegionTwo: 0 of 0 MiB", self.told())

    def test_fetched(self) -> None:
        """Where that Glance can, it gets them by itself."""
        self.fetching()
        self.assert_copied(self.built())
        kinds = [call.kind for call in self.two.mutations]
        self.assertEqual(["create image", "import image", "change image"], kinds)

    def test_fetched_in_another_format(self) -> None:
        """What is not the same is deleted, and streamed."""
        self.fetching()
        self.two.glance.converts = True
        self.assert_copied(self.built())
        self.assertIn("upload image", [call.kind for call in self.two.mutations])

    def test_fetching_fails(self) -> None:
        """Then it is streamed as well."""
        self.fetching()
        self.two.glance.imports_fail = True
        self.assert_copied(self.built())

    def test_name_is_rotated_there(self) -> None:
        """The newest has the name there too; the older ones are put away."""
        builds = [self.built(replace=True, keep=1) for _ in range(3)]
        copy = self.assert_copied(builds[2])
        self.assertEqual(2, len(self.there()))
        old = self.there()[1]
        self.assertTrue(old.hidden)
        self.assertRegex(str(old.name), rf"^{NAME} \(")
        self.assertEqual(copy.id, self.there()[0].id)

    def test_without_replace(self) -> None:
        """Nobody there is renamed."""
        self.built()
        self.built()
        self.assertEqual([NAME, NAME], [i.name for i in self.there()])

    def test_visibility_that_is_refused_there(self) -> None:
        """It is private, and told."""
        self.two.glance.visibilities = {"private", "shared"}
        build = self.built(visibility="community")
        (copy,) = self.there()
        self.assertEqual((NAME, "private"), (copy.name, copy.visibility))
        self.assertIn("the copy is private, as community is refused", self.told())
        self.assertEqual("complete", build.status)

    def test_no_room(self) -> None:
        """The build is complete, the copy is not; nothing is left there."""
        self.two.glance.formats = []
        plan = self.builder().plan(self.request(copies=(TWO,)))
        self.two.glance.limits = {"image_count_total": 0}
        build = self.builder().start(plan)
        self.assertEqual("complete", build.status)
        self.assertEqual([], self.there())
        self.assertIn("413", build.marks["copy-0"].data["trouble"])
        self.assertIn("copy to two/RegionTwo: it failed: ", self.told())
        self.assertIn(f"Builder.copy('{build.result_id}', copy_to=", self.told())
        self.assert_complete(build)

    def test_data_that_are_changed_on_the_way(self) -> None:
        """Are deleted and told."""
        end = self.two.glance.end
        self.patch(self.two.glance, "end", lambda image, data: end(image, data + b"!"))
        build = self.built()
        self.assertEqual([], self.there())
        self.assertIn(
            "its sha512 is another one", build.marks["copy-0"].data["trouble"]
        )

    def test_others_record(self) -> None:
        """Whoever can write a record must not choose whose login is used."""
        build = self.started(copies=(TWO,))
        self.logins.clear()
        record = self.cloud.glance.images[build.id]
        record.properties["imagebuild_signature"] = "of somebody else"
        done = self.resumed(build.id)
        self.assertEqual([], self.logins)
        self.assertEqual([], self.there())
        self.assertEqual("complete", done.status)
        self.assertIn("no way to the cloud", done.marks["copy-0"].data["trouble"])

    def test_lists_that_lag(self) -> None:
        """What was just made there is found by its ID; there is one copy."""
        self.built(replace=True)
        build = self.started(copies=(TWO,), replace=True)
        self.two.lag.set(90.0, "images")
        self.builder().missing_copies(NAME, (TWO,))  # a look, so that there is a past
        self.cloud.world.sleep(1800)
        found: list[tuple[FakeCloud, FakeCloud]] = []
        self.two.observers.append(lambda when, call: found.append(self.fork()))
        self.assert_copied(self.resumed(build.id))
        for clouds in found:
            self.take(clouds)
            self.assert_copied(self.resumed(build.id))

    def test_squatted_ids(self) -> None:
        """What others made with an ID of ours is not touched."""
        build = self.started(copies=(TWO,))
        from osc_imagebuild.builds.copier import copy_id

        made: list[str] = []

        def squat(when: str, call: Call) -> None:
            for image in self.cloud.glance.images.values():
                if image.name and image.name.endswith("-result") and not made:
                    made.append(copy_id(image.id, "demo", 0))
                    other = self.two.glance.add("other", name="squatter")
                    del self.two.glance.images[other.id]
                    other.id = made[0]
                    self.two.glance.images[made[0]] = other
                    self.two.glance.used_ids.add(made[0])

        self.cloud.observers.append(squat)
        self.resumed(build.id)
        self.assertIn(made[0], self.two.glance.images)
        self.assertEqual([NAME, "squatter"], [i.name for i in self.there()])


class RefusedTest(ElsewhereTestCase):
    """What is told before anything is written."""

    def test_refused(self) -> None:
        """Each in words."""
        for fields, text in (
            ({"copies": (Copy("nowhere"),)}, "no way to the cloud nowhere"),
            ({"copies": (Copy("a/b"),)}, "no cloud is named 'a/b'"),
            ({"copies": (TWO, TWO)}, "is copied to two/RegionTwo once"),
            ({"copies": (TWO,), "output": "volume"}, "a volume cannot be copied"),
            ({"stores": ("x",)}, "Glance has one store here"),
            ({"stores": ("x",), "all_stores": True}, "exclude each other"),
            ({"stores": ("-",)}, "no store is named '-'"),
            ({"stores": ("a",), "output": "snapshot"}, "a snapshot cannot be copied"),
            ({"copies": tuple(Copy(f"c{n}") for n in range(17))}, "16 clouds at most"),
        ):
            with self.one_of_many(text):
                error = self.assertRaises(SpecError, self.built, **fields)
                self.assertIn(text, str(error))
        self.assert_empty()
        self.assertEqual([], self.there())

    def test_targets(self) -> None:
        """A cloud without room, without formats, and the same one."""
        self.two.glance.limits = {"image_count_total": 0}
        self.two.glance.formats = ["iso"]
        error = self.assertRaises(SpecError, self.built)
        self.assertIn("the quota of two/RegionTwo has no image left", str(error))
        self.assertIn("takes neither qcow2 nor raw", str(error))
        self.two.glance.formats = ["raw", "qcow2"]
        self.two.glance.limits = None
        self.two.glance.required = {"cost": ["a"]}
        error = self.assertRaises(SpecError, self.built)
        self.assertIn("no copy to two/RegionTwo: Glance takes no image", str(error))
        self.two = self.cloud
        error = self.assertRaises(SpecError, self.built)
        self.assertIn("that is where the image itself is", str(error))
        del self.two.keystone.services["image"]


class StoresTest(ElsewhereTestCase):
    """More stores of the same Glance."""

    def setUp(self) -> None:
        """Let Glance have three."""
        super().setUp()
        self.cloud.glance.stores = ["fast", "slow", "far"]
        self.cloud.glance.methods.append("copy-image")

    def test_stores(self) -> None:
        """One of them, or all."""
        for fields, stores in (
            ({"stores": ("slow",)}, ["fast", "slow"]),
            ({"all_stores": True}, ["fast", "slow", "far"]),
            ({"stores": ("fast",)}, ["fast"]),
        ):
            build = self.built(copies=(), **fields)
            image = self.cloud.glance.images[build.result_id]
            self.assertEqual(sorted(stores), sorted(image.stores))
            mark = build.marks["stored"].data
            self.assertEqual({"stores": " ".join(sorted(stores))}, dict(mark))

    def test_refused(self) -> None:
        """An unknown one, and a Glance that copies none."""
        self.cloud.glance.methods.remove("copy-image")
        error = self.assertRaises(SpecError, self.built, copies=(), stores=("web",))
        self.assertIn("no store 'web'; there are: fast, slow, far", str(error))
        self.assertIn("its import method copy-image is switched off", str(error))

    def test_failures(self) -> None:
        """The build is complete; it is told which store lacks it."""
        self.cloud.glance.broken_stores = {"far"}
        build = self.built(copies=(), all_stores=True)
        self.assertIn("Glance could not: far", build.marks["stored"].data["trouble"])
        self.assertEqual("fast slow", build.marks["stored"].data["stores"])
        self.assertIn("not in all stores: Glance could not: far", self.told())
        self.cloud.glance.copies_stores = False
        build = self.built(copies=(), all_stores=True)
        self.assertIn("403", build.marks["stored"].data["trouble"])
        self.assertEqual("complete", build.status)

    def test_never_ends(self) -> None:
        """A task that died is not waited for for ever."""
        self.patch(self.cloud.glance, "_end_import", lambda image, body: None)
        build = self.built(copies=(), stores=("slow",))
        self.assertIn(
            "not within 60 minutes: slow", build.marks["stored"].data["trouble"]
        )


class HostileTest(ElsewhereTestCase):
    """A cloud that answers what none should."""

    def test_garbage(self) -> None:
        """The build is complete, in bounded time."""
        build = self.started(copies=(TWO,))
        for body in (b"{", b"[]", b"null", b"x" * 1000, b'{"images": 7}', b""):
            for only in ("", "POST", "GET", "PUT", "PATCH"):
                saved = self.fork()
                with self.one_of_many(f"{body[:9]!r} {only}"):
                    self.meet(body, only, build.id)
                self.take(saved)

    def meet(self, body: bytes, only: str, build_id: str) -> None:
        """Meet answers that are all the same."""

        def hook(call: Call) -> Fault | None:
            if call.service != "image" or only not in ("", call.method):
                return None
            return Fault("hostile", Reply(200, body), carried_out=True)

        self.two.hooks.append(hook)
        begun = self.cloud.world.now
        done = self.resumed(build_id)
        self.assertEqual("complete", done.status)
        self.assertLess(self.cloud.world.now - begun, 6 * 3600)

    def test_refusals(self) -> None:
        """Of each kind, for ever."""
        build = self.started(copies=(TWO,))
        for status in (400, 401, 403, 404, 409, 413, 429, 500, 503):
            saved = self.fork()
            self.two.hooks.append(functools.partial(_refuse, status))
            with self.one_of_many(str(status)):
                done = self.resumed(build.id)
                self.assertEqual("complete", done.status)
                self.assertIn("trouble", done.marks["copy-0"].data)
                self.assertEqual([], self.there())
            self.take(saved)


def _refuse(status: int, call: Call) -> Fault:
    return answered(status)
