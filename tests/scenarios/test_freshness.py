"""Whether the newest image of a family is still what a build would make."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.freshness import Freshness
from tests.fakes.image import FakeImage
from tests.unit.base import CloudTestCase

DAY = 86400
# What a look may cost of the cloud's API, by template.
MOST_CALLS = 6


class FreshnessTest(CloudTestCase):
    """Families on the fake cloud, of the mini installer."""

    def look(self, max_age_s: int | None = None, **fields: Any) -> Freshness:
        """Return what became of a family; nothing is written, and little is asked."""
        builder, mutations = self.builder("looks"), len(self.cloud.mutations)
        found = builder.outdated(self.request(**fields), max_age_s=max_age_s)
        self.assertLessEqual(builder.api.calls.total(), MOST_CALLS)
        self.assertEqual(mutations, len(self.cloud.mutations))
        return found

    def built(self, **fields: Any) -> FakeImage:
        """Return the image that a build has made."""
        build = self.builder().create(self.request(**fields))
        return self.cloud.glance.images[build.result_id]

    def test_missing(self) -> None:
        """There is none of the family, whatever others there are."""
        self.assertEqual("missing", self.look().state)
        self.built()
        self.assertEqual("current", self.look().state)
        self.assertEqual("missing", self.look(family="other").state)
        self.assertEqual("missing", self.look(output="volume").state)

    def test_changed(self) -> None:
        """What a build was made of counts, and then what the next one is made of."""
        image = self.built()
        found = self.look()
        assert found.current
        self.assertEqual(
            (image.id, "current", ()), (found.current.id, found.state, found.changed)
        )
        wanted: dict[str, Any] = {"properties": {"a": "b"}}
        found = self.look(**wanted)
        self.assertEqual("the template changed", found.reason)
        newer = self.built(**wanted)
        found = self.look(**wanted)
        assert found.current
        self.assertEqual((newer.id, False), (found.current.id, found.is_outdated))

    def test_renamed(self) -> None:
        """Only where the newest result has the name alone."""
        self.built(family="f", name="one", replace=True)
        wanted: dict[str, Any] = {"family": "f", "name": "two"}
        self.assertEqual("current", self.look(**wanted).state)
        wanted["replace"] = True
        self.assertEqual("the name changed", self.look(**wanted).reason)
        image = self.built(**wanted)
        self.assertEqual("current", self.look(**wanted).state)
        names = {i.name: i.hidden for i in self.cloud.glance.images.values() if i.data}
        self.assertFalse(names.pop("two"))
        self.assertEqual("two", image.name)
        self.assertEqual(
            [True], [h for n, h in names.items() if str(n).startswith("one (")]
        )
        self.assertNotIn("one", names)

    def test_parent_to_come(self) -> None:
        """What is not there yet is no mistake where it is to be built; others are told."""
        wanted: dict[str, Any] = {
            "name": "layer",
            "from_image": "family:base",
            "os": "",
        }
        self.assertRaises(SpecError, self.look, **wanted)
        found = self.builder().outdated(self.request(**wanted), parent_anew=True)
        self.assertEqual("missing", found.state)
        wrong = self.request(**{**wanted, "keep": -1})
        self.assertRaises(SpecError, self.builder().outdated, wrong, parent_anew=True)
        self.built(name="base")
        self.built(**wanted)
        found = self.builder().outdated(self.request(**wanted), parent_anew=True)
        self.assertEqual("its parent is built anew", found.reason)
        self.assertEqual("current", self.look(**wanted).state)

    def test_age(self) -> None:
        """By the cloud's clock."""
        self.built()
        self.cloud.world.sleep(10 * DAY)
        self.assertFalse(self.look(11 * DAY).is_outdated)
        found = self.look(9 * DAY)
        self.assertEqual(("outdated", "older than 9 days"), (found.state, found.reason))
        self.assertEqual(10, found.age_s // DAY)

    def test_others_words(self) -> None:
        """An image that does not say what it was built from is not called current."""
        image = self.built()
        text = str(image.properties["imagebuild_inputs"])
        for said in ("", "x" * 5000, "\0\ud800", "media=0123456789abcdef", text[:40]):
            image.properties["imagebuild_inputs"] = said
            found = self.look()
            self.assertEqual("it does not say what it was built from", found.reason)
        del image.properties["imagebuild_inputs"]
        self.assertTrue(self.look().is_outdated)

    def test_costs(self) -> None:
        """Few calls for each kind of media and output; those of the cloud's log too."""
        iso = "http://m.fake/installer.iso"
        data = self.cloud.mirror.files["installer.iso"]
        image = self.cloud.glance.add(
            "demo", status="active", disk_format="iso", data=data, size=len(data)
        )
        self.look()  # logs in, and asks for versions
        looks: tuple[dict[str, Any], ...] = (
            {},
            {"output": "volume"},
            {"output": "snapshot"},
            {"source": iso},
            {"source": iso, "boot_method": "cdrom"},
            {"source": image.id, "boot_method": "cdrom"},
            {"source": image.id, "boot_method": "kernel"},
        )
        for fields in looks:
            before = len(self.cloud.log)
            self.look(**fields)
            calls = [c for c in self.cloud.log[before:] if c.service != "identity"]
            self.assertLessEqual(len(calls), MOST_CALLS + 2, str(fields))

    def test_warnings(self) -> None:
        """What cannot be seen from here is told, and changes nothing."""
        self.built()
        self.cloud.mirror.down = True
        found = self.look()
        self.assertEqual("current", found.state)
        self.assertIn("not reachable from here", "\n".join(found.warnings))

    def test_mistakes(self) -> None:
        """A request that cannot be built is not looked at any further."""
        error = self.assertRaises(SpecError, self.look, os="minni")
        self.assertIn("did you mean mini?", str(error))
        two: dict[str, Any] = {"source": "ftp://x/y", "timeout_min": 0}
        error = self.assertRaises(SpecError, self.look, **two)
        self.assertEqual(2, len(error.problems), str(error))


class CreateIfChangedTest(CloudTestCase):
    """The same as one call."""

    def test_once(self) -> None:
        """A build the first time, nothing the second, another after a change."""
        builder, request = self.builder(), self.request()
        first = builder.create_if_changed(request)
        self.assert_built(first.build)
        self.assertEqual("missing", first.freshness.state)
        mutations = len(self.cloud.mutations)
        second = builder.create_if_changed(request)
        self.assertIsNone(second.build)
        self.assertEqual(mutations, len(self.cloud.mutations))
        assert second.freshness.current and first.build
        self.assertEqual(first.build.result_id, second.freshness.current.id)
        third = builder.create_if_changed(self.request(tags=("new",)))
        self.assert_built(third.build)

    def assert_built(self, build: Record | None) -> None:
        """There was a build, and it is complete."""
        assert build
        self.assertEqual("complete", build.status)
