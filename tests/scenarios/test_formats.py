"""Clouds that take images in some formats only, convert nothing, or require properties."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import SpecError
from osc_imagebuild.planning import formats
from tests.fakes.cloud import FakeCloud
from tests.unit.base import PARENT, CloudTestCase

ISO = "http://mirror.fake/isos/mini.iso"
# A property may have any value.
ANY: list[str] = []
# What VEXXHOST's Atmosphere sets in glance-api.conf.
ATMOSPHERE = ("aki", "ari", "qcow2", "raw")
WAYS: list[dict[str, Any]] = [
    {"boot_method": "ipxe", "disk_gib": 2},
    {"boot_method": "kernel", "disk_gib": 2},
    {"boot_method": "cdrom", "source": ISO},
    {"boot_method": "kernel", "output": "volume"},
    {"boot_method": "ipxe", "output": "snapshot"},
]


class FormatsTestCase(CloudTestCase):
    """Builds on such clouds."""

    def begin(self, *takes: str, converts: bool = True) -> None:
        """Have a new cloud."""
        self.cloud = FakeCloud()
        self.cloud.glance.formats = list(takes) or self.cloud.glance.formats
        self.cloud.cinder.converts = converts

    def built(self, **fields: Any) -> Record:
        """Build; it must end well."""
        build = self.builder().create(self.request(**fields))
        self.assert_complete(build)
        return build

    def problems(self, **fields: Any) -> list[str]:
        """Return what is wrong with a request; nothing may have been written."""
        before = set(self.cloud.glance.used_ids)
        error = self.assertRaises(
            SpecError, self.builder().plan, self.request(**fields)
        )
        self.assertEqual(before, self.cloud.glance.used_ids)
        return list(error.problems)

    def sent(self) -> set[str]:
        """Return the formats of the images that were made."""
        bodies = [c.json for c in self.cloud.mutations if c.kind == "create image"]
        return {body["disk_format"] for body in bodies if body.get("disk_format")}


class TakenTest(FormatsTestCase):
    """What goes up is of a format that Glance takes."""

    def test_nothing_is_converted(self) -> None:
        """Raw volumes, CDs and images, whatever else Glance takes."""
        for takes in ((), ATMOSPHERE, ("raw", "aki", "ari")):
            for way in WAYS:
                with self.one_of_many(f"{way} {takes}"):
                    self.begin(*takes, converts=False)
                    asked = {**way, "disk_format": "raw"}
                    if "output" in way:
                        del asked["disk_format"]
                    self.built(**asked)
                    self.assertEqual(set(), self.sent() - {"raw", "aki", "ari"})

    def test_local_disks(self) -> None:
        """What Nova makes disks of is qcow2, if Glance takes that."""
        for takes, wanted in ((ATMOSPHERE, "qcow2"), (("raw",), "raw")):
            self.begin(*takes)
            self.cloud.nova.disks = wanted
            self.built()
            self.assertEqual({wanted, "raw"}, self.sent())

    def test_no_raw(self) -> None:
        """CDs are ISOs then; what the image has is kept as what Glance does not look at."""
        self.begin("qcow2", "iso", "ari")
        build = self.built(boot_method="cdrom", source=ISO)
        self.assertEqual({"qcow2", "iso", "ari"}, self.sent())
        self.assertEqual("qcow2", self.cloud.glance.images[build.result_id].disk_format)
        self.begin("qcow2", "iso")
        plan = self.builder().plan(self.request())
        self.assertIn("what the image has is not kept", "\n".join(plan.warnings))
        build = self.built()
        self.assertNotIn("inspected", build.marks)

    def test_no_disks(self) -> None:
        """The root volume is made of nothing, and cleaned as every other."""
        for way in (
            {"boot_method": "kernel", "output": "volume"},
            {"boot_method": "cdrom", "source": ISO, "output": "snapshot"},
        ):
            self.begin("aki", "ari", "iso")
            build = self.built(**way)
            self.assertTrue(build.spec.formats.has_blank_root)
            self.assertEqual(set(), self.sent() & {"raw", "qcow2"})
            for volume in self.cloud.cinder.volumes.values():
                self.assertNotIn("kernel_id", volume.properties)

    def test_shared_content_of_another_format(self) -> None:
        """An ISO that was brought as one is no help where nothing is converted."""
        self.begin("iso", "qcow2", "aki", "ari")
        self.built(boot_method="cdrom", source=ISO)
        self.cloud.glance.formats = list(ATMOSPHERE)
        self.cloud.cinder.converts = False
        request = self.request(
            name="other", boot_method="cdrom", source=ISO, disk_format="raw"
        )
        self.assertEqual("complete", self.builder().create(request).status)

    def test_asked_for(self) -> None:
        """Cinder makes an image of a format; else what most of the public images are."""
        self.begin()
        plan = self.builder().plan(self.request(disk_format="raw"))
        self.assertIn("Cinder makes images as raw", "\n".join(plan.choices))
        for fields, public, wanted in (
            ({"disk_format": "raw"}, (), "raw"),
            ({"disk_format": "qcow2"}, ("raw",), "qcow2"),
            ({"disk_gib": 2}, (), "qcow2"),
            ({"disk_gib": 2}, ("raw", "qcow2"), "qcow2"),
            ({"disk_gib": 2}, ("raw", "raw", "qcow2"), "raw"),
        ):
            self.begin()
            others = [self.public(kind) for kind in public]
            build = self.builder().create(self.request(**fields))
            made = self.cloud.glance.images[build.result_id]
            self.assertEqual(wanted, made.disk_format, f"{fields} {others}")

    def public(self, disk_format: str) -> str:
        """Add an image that everybody has."""
        return self.cloud.glance.add(
            "admins", visibility="public", disk_format=disk_format, status="active"
        ).id

    def test_refused_in_planning(self) -> None:
        """What cannot work."""
        for takes, fields, text in (
            (("aki", "ari"), {}, "the root disk must be a volume"),
            (("aki", "iso"), {"disk_gib": 2}, "Cinder makes no others"),
            (("aki", "iso"), {"output": "volume"}, "needs a disk of format qcow2 or"),
            (
                ("raw", "aki"),
                {"boot_method": "kernel", "disk_gib": 2},
                "takes no image as ari in ari here, and the ramdisk of boot method kernel",
            ),
            (
                ("raw",),
                {"disk_format": "qcow2"},
                "no image as qcow2 here; it takes: raw",
            ),
            (("aki", "ari"), {"boot_method": "cdrom", "source": ISO}, "as raw in bare"),
        ):
            self.begin(*takes)
            with self.one_of_many(f"{takes} {fields}"):
                self.assertIn(text, "\n".join(self.problems(**fields)))

    def test_what_nova_may_not_be_able_to(self) -> None:
        """In which format it keeps disks, nobody tells."""
        self.begin("raw")
        [warning] = self.builder().plan(self.request()).warnings
        self.assertIn("Glance takes no qcow2 here", warning)
        self.assertIn("--disk-format raw", warning)


class RequiredTest(FormatsTestCase):
    """A site requires properties of each image."""

    def require(
        self, required: dict[str, list[str]], *, changes: bool = False
    ) -> Builder:
        """Have a new cloud with such a site."""
        self.begin()
        self.cloud.glance.required = required
        self.cloud.glance.changes_need_required = changes
        return self.builder()

    def test_everything_says_it(self) -> None:
        """Record, lease, boot images, result: what a user gives, or the system has."""
        for way in (*WAYS, {}):
            self.require({"cost": ["a", "b"], "os_distro": ANY, "disk_format": ANY})
            with self.one_of_many(str(way)):
                build = self.built(**way, properties={"cost": "b"})
                for call in self.cloud.mutations:
                    if call.kind == "create image":
                        said = call.json["cost"], call.json["os_distro"]
                        self.assertEqual(("b", "mini"), said)
                self.assertEqual("b", build.spec.formats.required["cost"])

    def test_blank_root(self) -> None:
        """Cinder tells Glance what a volume says."""
        self.require({"cost": ANY})
        self.cloud.glance.formats = ["aki", "ari", "iso"]
        self.built(boot_method="kernel", output="volume", properties={"cost": "b"})

    def test_a_parent_without_it(self) -> None:
        """Nova is told what its image lacks; Cinder cannot be."""
        self.require({"cost": ANY})
        self.add_parent()
        asked = {"from_image": PARENT, "properties": {"cost": "b"}}
        self.built(**asked)
        [problem] = self.problems(**asked, disk_gib=2)
        self.assertIn(f"image {PARENT} lacks the property cost", problem)

    def test_refused_in_planning(self) -> None:
        """What is missing, with the values that it may have."""
        for required, given, text in (
            ({"cost": ANY}, {}, "give --property cost=<value>"),
            ({"cost": ["a", "b"]}, {}, "cost=<value> (one of: a, b)"),
            ({"cost": ["a"]}, {"cost": "c"}, "no cost=c here (one of: a)"),
            ({"owner": ANY}, {}, "requires owner of each image here"),
            ({"os_glance_x": ANY}, {}, "requires os_glance_x of each"),
        ):
            self.require(required)
            [problem] = self.problems(properties=given)
            self.assertIn(text, problem)

    def test_no_change_is_taken(self) -> None:
        """Glance 33.0.0 takes no change of any image then, and so no build."""
        self.require({"cost": ANY}, changes=True)
        [problem] = self.problems(properties={"cost": "b"})
        self.assertEqual(formats.NO_CHANGES, problem)
