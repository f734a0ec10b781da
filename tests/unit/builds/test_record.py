"""The build record: what it says, and what happens when it is damaged."""

from __future__ import annotations

from osc_imagebuild.builds import record
from osc_imagebuild.errors import RecordError
from osc_imagebuild.model.facts import Mark
from tests.fakes.image import FakeImage
from tests.unit.base import CloudTestCase


class RecordTest(CloudTestCase):
    """Records of builds on the fake cloud."""

    def setUp(self) -> None:
        """Have one build."""
        super().setUp()
        self.build = self.started()
        self.api = self.builder().api

    @property
    def image(self) -> FakeImage:
        """The image that is the record."""
        return self.cloud.glance.images[self.build.id]

    def test_what_it_is(self) -> None:
        """Private, hidden, queued for ever, and all its properties prefixed."""
        shown = self.image
        self.assertEqual(
            ("private", True, "queued"), (shown.visibility, shown.hidden, shown.status)
        )
        self.assertIn("imagebuild", shown.tags)
        for key, value in shown.properties.items():
            self.assertTrue(key.startswith("imagebuild_"), key)
            self.assertLess(len(value), 65_536, key)

    def test_what_is_read(self) -> None:
        """What was written."""
        found = record.load(self.api, self.build.id)
        self.assertEqual(("building", "install"), (found.status, found.step))
        self.assertEqual(self.build.spec, found.spec)
        self.assertIn("started", found.marks)
        self.assertEqual(
            ["image-stub", "server", "install"], [s for s, _ in found.steps]
        )
        self.assertEqual({"answer", "verify"}, set(record.texts(self.api, found.id)))

    def test_update(self) -> None:
        """Fields as they are kept, the console cut to what fits."""
        marks = {"started": Mark(5.0, {"a": "ä\n"})}
        found = record.update(
            self.api, self.build.id, marks=marks, console_tail="x" * 99_999 + "end"
        )
        self.assertEqual(marks, found.marks)
        self.assertEqual(record.TAIL_LIMIT, len(found.console_tail))
        self.assertTrue(found.console_tail.endswith("end"))

    def test_damage(self) -> None:
        """Every damage names the way out, and does not hide other builds."""
        other = self.builder().create(self.request(name="other"))
        for key, text in (
            ("spec", "{"),
            ("spec", "{}"),
            ("marks", "[]"),
            ("marks", '{"started": {}}'),
            ("marks", '{"started": {"at": NaN, "data": {}}}'),
            ("marks", '{"harvested": {"at": 1, "data": {}}}'),
            ("steps", '[["install"]]'),
            ("console_tail", "{"),
            ("schema", "999"),
        ):
            kept = dict(self.image.properties)
            self.image.properties[f"imagebuild_{key}"] = text
            error = self.assertRaises(RecordError, record.load, self.api, self.build.id)
            self.assertIn(f"openstack image build delete {self.build.id}", str(error))
            readable, damaged = record.load_all(self.api)
            self.assertEqual([other.id], [b.id for b in readable], text)
            self.assertEqual([self.build.id], damaged, text)
            self.image.properties = kept

    def test_none(self) -> None:
        """No record, or an image that is none."""
        image = self.cloud.glance.add("demo", name="x", hidden=True)
        for build_id in (image.id, "6f1ed002-0000-4c42-8ea0-111111111111"):
            error = self.assertRaises(RecordError, record.load, self.api, build_id)
            self.assertIn("there is no build", str(error))

    def test_packed_bomb(self) -> None:
        """A small property does not become a large memory."""
        packed = record.pack({"x": "0" * 5_000_000})
        self.assertLess(len(packed), 10_000)
        self.assertRaises(RecordError, record.unpack, packed)

    def test_names(self) -> None:
        """A name that two builds have is refused, with their IDs."""
        second = self.started()
        error = self.assertRaises(RecordError, self.builder().find, second.spec.name)
        for build in (self.build, second):
            self.assertIn(build.id, str(error))
