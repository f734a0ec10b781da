"""The build record: what it says, and what happens when it is damaged."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import testtools

from osc_imagebuild.builds import record, record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images
from osc_imagebuild.errors import NextStep, NotFoundError, RecordError, Verb
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Iso
from osc_imagebuild.model.spec_json import SCHEMA_1
from osc_imagebuild.version import tool_version
from tests import paths
from tests.fakes.image import FakeImage
from tests.unit.base import CloudTestCase

SAVED = paths.DATA / "records"
# What a build cannot be driven without, whatever it is of.
NEEDED = {
    *("name", "os", "arch", "boot_method", "output", "flavor_id", "root", "disk_gib"),
    *("networks", "kernel_args", "result_properties", "verify_sign"),
}
OF_TREE = {"kernel_url", "ramdisk_url", "kernel_sha256", "ramdisk_sha256"}
OF_ANSWERS = {"answer_cd_label", "answer_cd_files", "answer_cd_texts", "answers_in_iso"}


def saved(name: str) -> dict[str, Any]:
    """Return a record as Glance had it in a build of version 0.1."""
    found: dict[str, Any] = json.loads((SAVED / f"0.1-{name}.json").read_text())
    return found


def read(data: dict[str, Any], **changes: Any) -> Record:
    """Read a record whose spec has these ``changes``; `Gone` takes a field away."""
    spec = json.loads(data["imagebuild_spec"]) | changes
    spec = {key: value for key, value in spec.items() if value is not Gone}
    return record.parse(images.parse({**data, "imagebuild_spec": json.dumps(spec)}))


class Gone:
    """Stands for a field that a spec has not."""


class OtherVersionTest(testtools.TestCase):
    """Records that earlier and later versions of the tool wrote."""

    def test_saved(self) -> None:
        """What 0.1 wrote is read, each build in its own state."""
        for name, status, step, marks in (
            ("running", "building", "install", {"started"}),
            ("running-iso", "building", "install", {"started"}),
            (
                *("complete", "complete", "complete"),
                {"started", "installed", "harvested", "verified", "complete"},
            ),
        ):
            found = record.parse(images.parse(saved(name)))
            self.assertEqual((status, step), (found.status, found.step), name)
            self.assertEqual(marks, marks & set(found.marks), name)
            self.assertEqual("0.1.0", found.tool_version)
            self.assertEqual("mini", found.spec.installer.os)
        running = record.parse(images.parse(saved("running")))
        self.assertEqual({"group": "g-1"}, running.spec.hardware.hints)
        self.assertEqual(("default",), running.spec.network.security_groups)
        self.assertEqual(("net-1",), running.spec.network.networks)
        self.assertEqual({"answer", "verify"}, set(unpacked("running")))

    def test_one_more(self) -> None:
        """A field that this version does not know is ignored, also in a part."""
        for name in ("running", "running-iso", "complete"):
            wanted = record.parse(images.parse(saved(name)))
            self.assertEqual(wanted, read(saved(name), encryption={"key": 1}))
            cd = dataclasses.asdict(Iso()) | {"signed": True}
            self.assertEqual(wanted, read(saved(name), driver_cd=cd))

    def test_one_fewer(self) -> None:
        """It has a default where that is safe; else another version is to be used."""
        of_iso = {name for name in SCHEMA_1 if name[:4] == "iso_"}
        for name, needed in (
            ("running", NEEDED | OF_TREE),
            ("running-iso", NEEDED | of_iso | OF_ANSWERS),
        ):
            refused = set()
            for field in json.loads(saved(name)["imagebuild_spec"]):
                try:
                    found = read(saved(name), **{field: Gone})
                except RecordError as error:
                    refused.add(field)
                    self.assertIn(f"its spec lacks {SCHEMA_1[field]}\n", str(error))
                    self.assert_other_version(str(error), saved(name)["id"])
                else:
                    self.assertEqual("install", found.step)
            self.assertEqual(needed, refused, name)

    def test_hints(self) -> None:
        """A hint was a text, and may be several now."""
        hints = {"group": "g", "different_host": ["a", "b"]}
        self.assertEqual(
            {"group": "g", "different_host": ("a", "b")},
            read(saved("running"), hints=hints).spec.hardware.hints,
        )

    def test_defaults(self) -> None:
        """Those of a build without what the fields are for; others stay as they are."""
        complete = record.parse(images.parse(saved("complete"))).spec
        gone = dict.fromkeys(
            ("hints", "security_groups", "driver_cd", "press_key"), Gone
        )
        wanted = dataclasses.replace(
            complete,
            hardware=dataclasses.replace(complete.hardware, hints={}),
            network=dataclasses.replace(complete.network, security_groups=()),
        )
        self.assertEqual(wanted, read(saved("complete"), **gone).spec)

    def test_other_kinds(self) -> None:
        """A field of another kind, another schema, and other words may be newer."""
        data = saved("running")
        for changes in (
            {"imagebuild_spec": json.dumps({"name": {"given": "golden"}})},
            {"imagebuild_spec": "{}"},
            {"imagebuild_spec": "eJw="},
            {"imagebuild_schema": "3"},
            {"imagebuild_schema": ""},
            {"imagebuild_marks": "[]"},
            {"imagebuild_steps": '[["install"]]'},
        ):
            image = images.parse({**data, **changes})
            error = self.assertRaises(RecordError, record.parse, image)
            self.assert_other_version(str(error), data["id"])

    def test_rows_of_another_length(self) -> None:
        """Progress has a sign, a label and per cent; four of them may be newer."""
        row = ["Installing", "installing", 50, "a word more"]
        error = self.assertRaises(RecordError, read, saved("running"), progress=[row])
        self.assertIn("its spec has at installer.progress what is none", str(error))

    def test_unknown(self) -> None:
        """A version that is no version is not shown, a build at its end is not resumed."""
        data = saved("complete") | {"imagebuild_schema": "3"}
        for version in ("", "1\x1b[2J", "9" * 999):
            image = images.parse({**data, "imagebuild_tool_version": version})
            error = str(self.assertRaises(RecordError, record.parse, image))
            self.assertIn("of this tool, unknown (", error)
            self.assertIn(f"Builder.show('{data['id']}')", error)
            self.assertNotIn("delete", error)

    def assert_other_version(self, error: str, build_id: str) -> None:
        """It says which version to use for what, and not to delete what may be newer."""
        self.assertIn("was written by another version of this tool, 0.1.0 (", error)
        self.assertIn(f"Builder.resume({build_id!r})", error)
        self.assertNotIn("delete", error)
        self.assertNotIn("damaged", error)


def unpacked(name: str) -> dict[str, str]:
    """Return the user data in a saved record."""
    return record.unpack(saved(name)["imagebuild_texts"])


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
        found = record_store.load(self.api, self.build.id)
        self.assertEqual(("building", "install"), (found.status, found.step))
        self.assertEqual(self.build.spec, found.spec)
        self.assertIn("started", found.marks)
        self.assertEqual(
            ["image-stub", "server", "install"], [s for s, _ in found.steps]
        )
        self.assertEqual(
            {"answer", "verify"}, set(record_store.texts(self.api, found.id))
        )

    def test_update(self) -> None:
        """Fields as they are kept, the console cut to what fits."""
        marks = {"started": Mark(5.0, {"a": "ä\n"})}
        found = record_store.update(
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
            ("spec", "[]"),
            ("marks", "[]"),
            ("marks", '{"started": {}}'),
            ("marks", '{"started": {"at": NaN, "data": {}}}'),
            ("marks", '{"harvested": {"at": 1, "data": {}}}'),
            ("steps", '[["install"]]'),
            ("console_tail", "{"),
        ):
            kept = dict(self.image.properties)
            self.image.properties[f"imagebuild_{key}"] = text
            error = self.assertRaises(
                RecordError, record_store.load, self.api, self.build.id
            )
            self.assertEqual((NextStep(Verb.DELETE, self.build.id),), error.next_steps)
            readable, damaged = record_store.read_all(self.api)
            self.assertEqual([other.id], [b.id for b in readable], text)
            self.assertEqual([self.build.id], list(damaged), text)
            self.image.properties = kept

    def test_newer(self) -> None:
        """What another version drives is listed as unreadable, and is not to be deleted."""
        self.image.properties["imagebuild_schema"] = "3"
        self.image.properties["imagebuild_tool_version"] = "99.1"
        error = self.assertRaises(
            RecordError, record_store.load, self.api, self.build.id
        )
        self.assertIn("version of this tool, 99.1 (", str(error))
        self.assertNotIn("delete", str(error))
        readable, damaged = record_store.read_all(self.api)
        self.assertEqual(([], [self.build.id]), (readable, list(damaged)))

    def test_resumed(self) -> None:
        """A build of 0.1 is driven to its end, and says who wrote its record last."""
        self.image.properties["imagebuild_tool_version"] = "0.1.0"
        spec = json.loads(self.image.properties["imagebuild_spec"])
        del spec["verify"]["timeout_s"], spec["hardware"]["hints"]
        self.image.properties["imagebuild_spec"] = json.dumps(spec | {"later": [1]})
        build = self.resumed(self.build.id)
        self.assert_complete(build)
        self.assertEqual(tool_version(), build.tool_version)

    def test_none(self) -> None:
        """No record, or an image that is none."""
        image = self.cloud.glance.add("demo", name="x", hidden=True)
        for build_id in (image.id, "6f1ed002-0000-4c42-8ea0-111111111111"):
            error = self.assertRaises(
                RecordError, record_store.load, self.api, build_id
            )
            self.assertIn("there is no build", str(error))

    def test_update_of_none(self) -> None:
        """A record that is gone is a RecordError; a replica that lags is waited for."""
        began = self.cloud.world.now
        del self.cloud.glance.images[self.build.id]
        error = self.assertRaises(
            RecordError, record_store.update, self.api, self.build.id, step="x"
        )
        self.assertEqual(f"build {self.build.id} was deleted meanwhile", str(error))
        self.assertGreaterEqual(self.cloud.world.now - began, record_store.LAG_S)

    def test_update_of_one_that_lags(self) -> None:
        """A replica that does not have it yet is asked again."""
        patch, tries = images.patch, []

        def late(*args: Any) -> Image:
            tries.append(args)
            if len(tries) == 1:
                raise NotFoundError("not yet", service="image")
            return patch(*args)

        self.patch(images, "patch", late)
        self.assertEqual(
            "x", record_store.update(self.api, self.build.id, step="x").step
        )

    def test_packed_bomb(self) -> None:
        """A small property does not become a large memory."""
        packed = record.pack({"x": "0" * 5_000_000})
        self.assertLess(len(packed), 10_000)
        self.assertRaises(RecordError, record.unpack, packed)

    def test_names(self) -> None:
        """A name that two builds have is refused, with their IDs."""
        second = self.started()
        error = self.assertRaises(
            RecordError, self.builder().find, second.spec.result.name
        )
        for build in (self.build, second):
            self.assertIn(build.id, str(error))
