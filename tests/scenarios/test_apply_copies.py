"""Templates whose images have copies in another cloud."""

from __future__ import annotations

import dataclasses

from osc_imagebuild.builder.keeping import Refreshed
from osc_imagebuild.model.request import Request
from osc_imagebuild.upkeep.tasks import Applied, ToDo, Wish
from tests.fakes.cloud import FakeCloud
from tests.fakes.wire import Call
from tests.scenarios.elsewhere import TWO, ElsewhereTestCase


class ApplyCopiesTest(ElsewhereTestCase):
    """What a run could not copy is made good by the next one."""

    def apply(self) -> Applied:
        """Apply a template with copies."""
        request = Request(name="golden", os="mini", replace=True, copies=(TWO,))
        builder = self.builder()
        (applied,) = builder.apply(builder.survey([Wish("a.yaml", request)]))
        return applied

    def test_made_good(self) -> None:
        """The other cloud was away; then it gets its copy; then there is nothing to do."""
        request = Request(name="golden", os="mini", replace=True)
        self.assertEqual("complete", self.builder().create(request).status)
        applied = self.apply()
        self.assertEqual((ToDo.COPY, "copied"), (applied.task.to_do, applied.end))
        self.assertIn("no copy in two/RegionTwo: it is not", applied.task.reason)
        (copy,) = self.two.glance.images.values()
        self.assertEqual(("golden", "active"), (copy.name, copy.status))
        self.assertEqual("unchanged", self.apply().end)
        self.two.glance.images.clear()
        self.assertEqual("copied", self.apply().end)

    def test_stores(self) -> None:
        """Data that did not come to a store are copied by the next run, without a build."""
        glance = self.cloud.glance
        glance.stores = ["file1", "file2"]
        glance.methods.append("copy-image")
        plain = Request(name="golden", os="mini", replace=True)
        build = self.builder().create(plain)
        wishes = [Wish("a.yaml", dataclasses.replace(plain, all_stores=True))]
        for end in ("copied", "unchanged"):
            builder = self.builder()
            tasks = builder.survey(wishes)
            (applied,) = builder.apply(tasks)
            self.assertEqual(end, applied.end, str(applied.reason))
        self.assertEqual(2, len(glance.images[build.result_id].stores))

    def test_cost_of_nothing(self) -> None:
        """A layer that has its copy and is in all stores costs no more than six calls here."""
        self.cloud.glance.stores = ["file1", "file2"]
        self.cloud.glance.methods.append("copy-image")
        base = Request(name="base", os="mini", replace=True)
        wishes = [Wish("base.yaml", base)]
        for name in ("one", "two"):
            layer = Request(
                name=name,
                from_image="family:base",
                replace=True,
                copies=(TWO,),
                all_stores=True,
            )
            wishes.append(Wish(name, layer))
        builder = self.builder()
        ended = [applied.end for applied in builder.apply(builder.survey(wishes))]
        self.assertEqual(["complete"] * 3, ended)
        reader = self.builder("reader")
        spent = []
        for count in (2, 3):
            before = reader.api.calls.total()
            tasks = reader.survey(wishes[:count])
            self.assertEqual([ToDo.NOTHING] * count, [t.to_do for t in tasks])
            spent.append(reader.api.calls.total() - before)
        self.assertLessEqual(spent[1] - spent[0], 6, str(spent))

    def test_planted(self) -> None:
        """An image that only says that the build made it is copied by nobody's login."""
        request = Request(name="golden", os="mini", replace=True)
        build = self.builder().create(request)
        good = self.cloud.glance.images[build.result_id]
        self.cloud.world.sleep(86_400)
        evil = self.cloud.glance.add("demo", name="x", status="active", data=b"EVIL")
        evil.properties = {**good.properties, "imagebuild_result_id": evil.id}
        evil.properties["imagebuild_built_at"] = "2050-01-01T00:00:00Z"
        applied = self.apply()
        self.assertTrue(applied.is_failed)
        self.assertIn("no record that this user signed", str(applied.reason))
        self.assertEqual({}, self.two.glance.images)

    def test_one_that_cannot_be_copied(self) -> None:
        """A deactivated image is told of, and keeps no other template from its image."""
        copied = Request(name="golden", os="mini", replace=True, copies=(TWO,))
        build = self.builder().create(copied)
        self.cloud.glance.images[build.result_id].status = "deactivated"
        other = Request(name="other", os="mini")
        wishes = [Wish("a.yaml", copied), Wish("b.yaml", other)]
        tasks = self.builder().survey(wishes)
        self.assertEqual([ToDo.UNKNOWN, ToDo.BUILD], [t.to_do for t in tasks])

    def test_refused(self) -> None:
        """It is told, and the image stays what it is."""
        request = Request(name="golden", os="mini", replace=True)
        build = self.builder().create(request)
        self.two.glance.limits = {"image_count_total": 0}
        applied = self.apply()
        self.assertTrue(applied.is_failed)
        self.assertIn("no copy in two/RegionTwo: ", applied.reason)
        image = self.cloud.glance.images[build.result_id]
        self.assertEqual("golden", image.name)


class IfChangedTest(ElsewhereTestCase):
    """One image, built if something changed: it gets its copies whether or not it is."""

    def run_again(self) -> Refreshed:
        """Ask for it with a copy, and in all stores, where nothing changed."""
        request = Request(
            name="golden", os="mini", replace=True, copies=(TWO,), all_stores=True
        )
        refreshed = self.builder().create_if_changed(request)
        self.assertIsNone(refreshed.build)
        return refreshed

    def assert_made_good(self, end: str) -> Applied:
        """The next run ends so."""
        applied = self.run_again().made_good
        assert applied
        self.assertEqual(end, applied.end, str(applied.reason))
        return applied

    def setUp(self) -> None:
        """Have an image in one store."""
        super().setUp()
        self.cloud.glance.stores = ["file1", "file2"]
        self.cloud.glance.methods.append("copy-image")
        build = self.builder().create(Request(name="golden", os="mini", replace=True))
        self.image = self.cloud.glance.images[build.result_id]

    def test_made_good(self) -> None:
        """The copies are made without a build; then there is nothing to do."""
        self.assert_made_good("copied")
        (copy,) = self.two.glance.images.values()
        self.assertEqual(("golden", "active"), (copy.name, copy.status))
        self.assertEqual(2, len(self.image.stores))
        before = len(self.cloud.mutations), len(self.two.mutations)
        self.assert_made_good("unchanged")
        after = len(self.cloud.mutations), len(self.two.mutations)
        self.assertEqual(before, after)

    def test_refused(self) -> None:
        """It is told; the next run tries again."""
        self.two.glance.limits = {"image_count_total": 0}
        applied = self.assert_made_good("failed")
        self.assertIn("no copy in two/RegionTwo: ", applied.reason)
        self.two.glance.limits = {}
        self.assert_made_good("copied")

    def test_one_that_cannot_be_copied(self) -> None:
        """A deactivated image is told of."""
        self.image.status = "deactivated"
        applied = self.assert_made_good("failed")
        self.assertIn("there is no finished image", str(applied.reason))

    def test_killed(self) -> None:
        """A client that dies after any mutation: the next run goes on, and makes no more."""
        places: list[tuple[FakeCloud, FakeCloud]] = []

        def observe(when: str, call: Call) -> None:
            if when == "after":
                places.append(self.fork())

        for cloud in (self.cloud, self.two):
            cloud.observers.append(observe)
        self.assert_made_good("copied")
        self.assertGreater(len(places), 5)
        for number, (self.cloud, self.two) in enumerate(places):
            self.cloud.world.sleep(300)  # then a dead client's lease is over
            with self.one_of_many(str(number)):
                self.run_again()
                self.assert_made_good("unchanged")
                (copy,) = self.two.glance.images.values()
                self.assertEqual(("golden", "active"), (copy.name, copy.status))
