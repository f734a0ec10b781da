"""Images that exist are changed: what is taken, what comes of it, and what goes wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import InstallError, SpecError
from osc_imagebuild.model.request import File, Request
from osc_imagebuild.planning import offline, parents
from tests.fakes.image import FakeImage
from tests.unit.base import ENTRIES, PARENT, CloudTestCase
from tests.unit.wanted import VOLUMES


class LayersTest(CloudTestCase):
    """An image with a parent."""

    def setUp(self) -> None:
        """Have a parent, without which nothing here is built."""
        super().setUp()
        self.parent = self.add_parent()

    def layered(self, **fields: Any) -> Record:
        """Build an image of the parent, which says what it is."""
        known: dict[str, Any] = {
            "name": "golden",
            "from_image": PARENT,
            "commands": ("true",),
        }
        return self.builder().create(Request(**{**known, **fields}))

    def refused(self, **fields: Any) -> str:
        """Return why nothing is built; nothing was written."""
        error = self.assertRaises(SpecError, self.layered, **fields)
        self.assert_empty()
        return str(error)

    def result(self, build: Record) -> FakeImage:
        """Return the image that was made."""
        return self.cloud.glance.images[build.result_id]

    def test_complete(self) -> None:
        """It boots, says where it is from, and the parent is as it was."""
        before = self.parent.shown()
        build = self.layered()
        self.assert_complete(build)
        found = self.result(build).properties
        self.assertEqual(self.parent.id, found["imagebuild_parent_id"])
        self.assertEqual(before["os_hash_value"], found["imagebuild_parent_sha512"])
        self.assertEqual("mini", found["imagebuild_os"])
        self.assertEqual("scsi", found["hw_disk_bus"])
        self.assertEqual(before, self.parent.shown())
        self.assertEqual([], self.cloud.created("create volume"))

    def test_a_layer_of_a_layer(self) -> None:
        """It says all that it was made of, and where the first one is from."""
        self.parent.properties |= {
            "imagebuild_source": "http://user:pass@mirror.fake/debian",
            "imagebuild_source_sha256": "a" * 64,
            "imagebuild_built_at": "2026-01-31T12:00:00Z",
        }
        first = self.layered(name="first")
        second = self.builder().create(Request(name="golden", from_image="first"))
        found = self.result(second).properties
        self.assertEqual(
            f"{first.result_id} {self.parent.id}", found["imagebuild_ancestors"]
        )
        self.assertEqual(first.result_id, found["imagebuild_parent_id"])
        self.assertEqual("first", found["imagebuild_parent_name"])
        said = self.result(first).properties
        self.assertEqual(
            said["imagebuild_built_at"], found["imagebuild_parent_built_at"]
        )
        self.assertEqual("2026-01-31T12:00:00Z", said["imagebuild_parent_built_at"])
        self.assertEqual("http://mirror.fake/debian", found["imagebuild_source"])
        self.assertEqual("a" * 64, found["imagebuild_source_sha256"])

    def test_isolated(self) -> None:
        """Without metadata, all comes by config drive, and goes by the console."""
        self.cloud.nova.plan.metadata = False
        neutron = self.cloud.neutron
        neutron.add_network("isolated", "n-i", routed=False)
        neutron.add_network("bare", "n-b", routed=False, dhcp=False)
        for network in ("isolated", "bare"):
            for output in ("image", "volume"):
                self.cloud.mutations.clear()
                build = self.layered(networks=(network,), output=output)
                self.assert_complete(build)
                asked = [
                    call.json["server"]["config_drive"]
                    for call in self.cloud.mutations
                    if call.kind == "create server"
                ]
                self.assertEqual([True, True], asked)
                self.builder().delete(build.id, with_image=True)

    def test_config_drive(self) -> None:
        """Where the image reads nothing else, it gets one unless the user says no."""
        entry = self.builder().catalog.entry("mini")
        drive = {**entry.layer, "config_drive": True}
        wanted = dataclasses.replace(entry, layer=drive)
        for said, expected in ((None, True), (False, False), (True, True)):
            request = self.request(config_drive=said)
            found = parents.with_drive(request, wanted).config_drive
            self.assertEqual(expected, found)
            self.assertEqual(said, parents.with_drive(request, entry).config_drive)

    def test_other_outputs(self) -> None:
        """Its root volume is made of the parent."""
        for output, gib in (("volume", None), ("snapshot", None), ("image", 3)):
            build = self.layered(output=output, disk_gib=gib)
            self.assert_complete(build)
            self.builder().delete(build.id, with_image=True)

    def test_named(self) -> None:
        """By ID, by a family, by properties; the newest of several."""
        first = self.layered(replace=True)
        self.cloud.world.sleep(60)
        newer = self.add_parent(properties={"os_distro": "mini", "os_version": "1"})
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({"from_image": self.parent.id}, self.parent.id),
            ({"from_image": "family:golden"}, first.result_id),
            ({"from_properties": {"os_distro": "mini", "os_version": "1"}}, newer.id),
            (
                {"from_image": None, "from_properties": {"hw_disk_bus": "scsi"}},
                first.result_id,
            ),
        )
        for fields, parent in cases:
            spec = self.builder().plan(
                Request(**{"name": "x", "from_image": PARENT, **fields})
            )
            self.assertEqual(parent, spec.spec.media.parent.image_id, str(fields))

    def test_not_found(self) -> None:
        """What was looked for is told."""
        self.assertIn("no image 'none'", self.refused(from_image="none"))
        self.assertIn("the family 'none'", self.refused(from_image="family:none"))
        told = self.refused(from_properties={"colour": "blue"})
        self.assertIn("has not the properties colour=blue", told)
        self.add_parent()
        self.assertIn("give one's ID", self.refused())

    def test_unknown_system(self) -> None:
        """What it lacks, and what to give."""
        self.parent.properties = {"os_distro": "plan9", "os_version": "4"}
        told = self.refused()
        self.assertIn("os_distro=plan9 and os_version=4", told)
        self.assertIn("give --os", told)
        self.parent.properties = {}
        self.assertIn("it has no os_distro", self.refused())
        self.assert_complete(self.layered(os="mini"))

    def test_unfit(self) -> None:
        """Images that no server could start, or no copy would be like."""
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({"status": "deactivated"}, "it is deactivated"),
            ({"disk_format": "iso"}, "its format is iso"),
            ({"tags": ["imagebuild-part"]}, "part of a build"),
            (
                {"properties": {"imagebuild_os": "mini", "kernel_id": "x"}},
                "a kernel of",
            ),
        )
        for change, told in cases:
            self.cloud.glance.images.clear()
            self.add_parent(**change)
            self.assertIn(told, self.refused())

    def test_of_another_project(self) -> None:
        """An admin sees it, and it is refused all the same."""
        self.cloud.glance.admins = True
        self.parent.owner = "somebody"
        self.assertIn("another project's", self.refused(from_image=self.parent.id))

    def test_refused(self) -> None:
        """What an installer takes, and what the image has already."""
        cases: tuple[tuple[dict[str, Any], str], ...] = (
            ({"source": "http://mirror.fake"}, "--source is for an installer"),
            ({"answer_file": "x"}, "--answer-file is for an installer"),
            ({"boot_method": "ipxe"}, "--boot-method ipxe is for an installer"),
            ({"firmware": "uefi"}, "says itself which machine"),
            ({"lvm": True}, "cannot be given LVM: an image that exists has its own"),
            ({"disk_layout": "cis"}, "cannot be given a disk layout: an image that"),
            ({"filesystem": "xfs"}, "cannot be given a file system: an image that"),
            ({"disk_volumes": VOLUMES}, "cannot be given volumes beside the root: an"),
            ({"packages": ("vim",)}, "cannot be given packages"),
            ({"os": "windows-11"}, "unknown OS"),
            ({"arch": "aarch64"}, "not known for aarch64"),
            ({"from_properties": {"limit": "1"}}, "no property of images"),
            ({"from_image": None, "boot_method": "image"}, "name it with --from-image"),
        )
        for fields, told in cases:
            self.assertIn(told, self.refused(**fields))

    def test_no_room(self) -> None:
        """A flavor must have the disk and the memory of the parent."""
        self.parent.min_disk, self.parent.min_ram = 5, 1024
        self.assertIn("m1.tiny is too small", self.refused(flavor="m1.tiny"))
        build = self.layered()
        self.assertEqual("m1.small", build.spec.hardware.flavor_name)
        self.assertEqual(
            (10, 1024), (self.result(build).min_disk, self.result(build).min_ram)
        )

    def test_a_command_fails(self) -> None:
        """Its own words are the reason."""
        line = "IMAGEBUILD-FAILED command 1 ended with exit code 7"
        self.cloud.nova.plan.install_fails = line
        error = self.assertRaises(InstallError, self.layered)
        self.assertIn(
            "could not be changed: command 1 ended with exit code 7", str(error)
        )
        self.assertIn(PARENT, [i.name for i in self.cloud.glance.images.values()])

    def test_tried_again(self) -> None:
        """It begins with the parent once more, on a volume of its own too."""
        for gib in (None, 2):
            plan = self.cloud.nova.plan
            plan.install_fails = "IMAGEBUILD-FAILED command 1 ended with exit code 7"
            self.assertRaises(InstallError, self.layered, disk_gib=gib)
            plan.install_fails = ""
            [build] = [b for b in self.builder().list().builds if b.status == "failed"]
            done = self.builder().retry(build.id)
            self.assert_complete(done)
            self.builder().delete(done.id, with_image=True)

    def test_without_a_cloud(self) -> None:
        """What can be told of it, by the system if that is given."""
        fields: dict[str, Any] = {"name": "x", "from_image": "family:base"}
        outline = offline.check(ENTRIES, Request(**fields, packages=("vim",)))
        self.assertIsNone(outline.answers)
        self.assertIn("only the cloud tells", outline.warnings[0])
        outline = offline.check(ENTRIES, Request(**fields, os="mini", commands=("a",)))
        assert outline.answers
        self.assertIn("IMAGEBUILD-LAYER", outline.answers.answer)
        error = self.assertRaises(
            SpecError,
            offline.check,
            ENTRIES,
            Request(**fields, os="mini", packages=("vim",)),
        )
        self.assertIn("cannot be given packages", str(error))

    def test_no_cloud_init(self) -> None:
        """It is found out long before the time is over."""
        self.cloud.nova.plan.runs_user_data = False
        began = self.cloud.world.now
        error = self.assertRaises(InstallError, self.layered)
        self.assertIn("image parent does not run user data", str(error))
        self.assertLess(self.cloud.world.now - began, 900)

    def test_goes_off_early(self) -> None:
        """Somebody's command that powers off."""
        self.cloud.nova.plan.off_without_report = True
        error = self.assertRaises(InstallError, self.layered)
        self.assertIn("before its user data reported success", str(error))

    def test_hangs(self) -> None:
        """Silence has its end."""
        self.cloud.nova.plan.hangs = True
        error = self.assertRaises(InstallError, self.layered)
        self.assertIn("no sign of life", str(error))

    def test_the_parent_goes_or_changes(self) -> None:
        """After it was planned with."""
        for change in ("delete", "data"):
            self.cloud.glance.images.clear()
            parent = self.add_parent()
            builder = self.builder()
            plan = builder.plan(Request(name="golden", from_image=PARENT))
            if change == "delete":
                del self.cloud.glance.images[parent.id]
            else:
                parent.data = b"INSTALLED something else"
            error = self.assertRaises(InstallError, builder.start, plan)
            self.assertIn(f"image {parent.id}", str(error))

    def test_a_newer_parent(self) -> None:
        """Is what changed."""
        fields: dict[str, Any] = {"name": "golden", "from_image": "family:base"}
        self.assertRaises(SpecError, self.builder().outdated, Request(**fields))
        self.layered(name="base", replace=True)
        request = Request(**fields, files=(File(path="/a", content=b"b"),))
        self.builder().create(request)
        self.assertEqual("current", self.builder().outdated(request).state)
        self.cloud.world.sleep(60)
        self.layered(name="base", replace=True, commands=("false",))
        found = self.builder().outdated(request)
        self.assertEqual("the parent image changed", found.reason)
