"""What installers are told of a disk, and what each family refuses."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import curtin_storage, disk, families, partman
from osc_imagebuild.guests.disk import Disk
from osc_imagebuild.model.disk_layout import Volume
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import draft, selection
from tests.unit.wanted import CATALOG, PARTITIONS, VOLUMES, asked

CIS = {"disk_layout": "cis"}
BTRFS = {"filesystem": "btrfs"}
APART = {"disk_volumes": VOLUMES}
# System, architecture, wishes, and a part of what is said; None for nothing.
ROWS: tuple[tuple[str, str, dict[str, Any], str | None], ...] = (
    ("debian-13", "x86_64", {**CIS, **BTRFS, **APART}, None),
    ("debian-13", "s390x", {**CIS, **BTRFS}, None),
    ("debian-13", "s390x", BTRFS, "cannot be given Btrfs on s390x, whose boot loader"),
    ("debian-13", "s390x", APART, "cannot be given volumes as partitions on s390x"),
    ("debian-13", "ppc64le", APART, None),
    ("ubuntu-24.04", "s390x", BTRFS, "cannot be given Btrfs on s390x"),
    ("ubuntu-24.04", "s390x", APART, None),
    ("rocky-9", "x86_64", {**CIS, "filesystem": "ext4"}, None),
    ("rocky-9", "x86_64", BTRFS, "cannot be given Btrfs: its installer takes none"),
    ("rocky-9", "s390x", APART, "cannot be given volumes as partitions on s390x"),
    ("rocky-9", "s390x", {**CIS, **APART}, None),
    ("fedora-44", "x86_64", BTRFS, None),
    ("fedora-44", "x86_64", {**BTRFS, **CIS}, "beside LVM or volumes"),
    ("fedora-44", "x86_64", {**BTRFS, **APART}, "beside LVM or volumes"),
    ("sles-15", "s390x", {**BTRFS, **APART}, None),
    ("sles-16", "s390x", {**BTRFS, **CIS}, None),
    ("freebsd-14", "x86_64", {"disk_volumes": PARTITIONS}, None),
    ("freebsd-14", "x86_64", {"disk_layout": "plain"}, None),
    ("freebsd-14", "x86_64", CIS, "cannot be given the disk layout cis: there is no"),
    ("freebsd-14", "x86_64", {"disk_layout": "lvm"}, "the disk layout lvm"),
    ("freebsd-14", "x86_64", BTRFS, "a file system: its installer makes UFS"),
    ("freebsd-14", "x86_64", {"disk_volumes": VOLUMES[:1]}, "mount option 'nodev'"),
    ("windows-11", "x86_64", CIS, "a disk layout: Windows Setup divides the disk"),
    ("windows-11", "x86_64", BTRFS, "a file system: Windows Setup divides the disk"),
    ("windows-11", "x86_64", APART, "volumes beside the root: Windows Setup divides"),
)


class RefusalTest(testtools.TestCase):
    """Each wish is carried out, or refused with a reason."""

    def test_rows(self) -> None:
        for name, arch, wanted, text in ROWS:
            entry = CATALOG.entry(name)
            fields = {"firmware": "uefi"} if entry.family == "windows" else {}
            request = asked(entry, arch, **wanted, **fields)
            found = [
                line
                for line in families.family(entry.family).problems(entry, request)
                if "hardware" not in line and "TPM" not in line
            ]
            self.assertEqual(0 if text is None else 1, len(found), f"{name}: {found}")
            self.assertTrue(text is None or text in found[0], found)

    def test_others(self) -> None:
        """An own answer file says it itself; a layer is refused elsewhere."""
        entry = CATALOG.entry("rocky-9")
        request = Request(name="x", os=entry.name, filesystem="btrfs")
        self.assertEqual(1, len(disk.problems(entry, request)))
        for other in (
            dataclasses.replace(request, answer_file="x"),
            dataclasses.replace(request, from_image="x"),
        ):
            self.assertEqual([], disk.problems(entry, other))


class NeedTest(testtools.TestCase):
    """Volumes need room beside the system."""

    def test_disk(self) -> None:
        entry = CATALOG.entry("debian-13")
        for fields, gib in (
            ({}, entry.min_disk_gib),
            ({"lvm": True}, entry.min_disk_gib),
            (CIS, entry.min_disk_gib + 8),
            ({"disk_volumes": VOLUMES[:1]}, entry.min_disk_gib + 2),
        ):
            request = asked(entry, **fields)
            self.assertEqual(gib, disk.needed_gib(entry, request), str(fields))
            system = draft.find_system(CATALOG, request)
            self.assertEqual(gib, system.value and system.value.entry.min_disk_gib)
            told = [note for note in system.notes if note.startswith("disk: ")]
            self.assertEqual(gib > entry.min_disk_gib, bool(told))

    def test_too_small(self) -> None:
        """The same sentence as for any system."""
        request = asked(CATALOG.entry("debian-13"), disk_gib=8, **CIS)
        system = draft.find_system(CATALOG, request).value
        wanted = dict.fromkeys(("needed", "formatted", "cds", "no_disk"), False)
        error = self.assertRaises(
            SpecError, selection.root, request, system and system.entry, "", **wanted
        )
        self.assertIn("--disk 8 is too small for Debian 13", str(error))
        self.assertIn("12 GiB are needed", str(error))


class PartmanTest(testtools.TestCase):
    """Recipes of debian-installer."""

    def recipe(self, arch: str, *, uefi: bool = False, **fields: Any) -> partman.Recipe:
        request = Request(name="x", os="debian-13", arch=arch, **fields)
        wanted = disk.disk(CATALOG.entry("debian-13"), request)
        return partman.recipe(wanted, arch, uefi=uefi)

    def parts(self, text: str) -> list[str]:
        return [part.strip() for part in text.split(" .") if part.strip()]

    def test_primary_partitions(self) -> None:
        """What LVM is on can grow with the disk: no logical partition can."""
        for arch, uefi in (("x86_64", False), ("x86_64", True), ("s390x", False)):
            *_, boot, group, root = self.parts(
                self.recipe(arch, uefi=uefi, lvm=True).text
            )
            for part in (boot, group):
                self.assertIn("$primary{ }", part)
            self.assertEqual(arch == "x86_64" and not uefi, "$bootable{ }" in boot)
            self.assertIn(" -1 ext3 $primary{ } method{ lvm }", group)
            self.assertIn("$lvmok{ } lv_name{ root }", root)

    def test_volumes(self) -> None:
        """Fixed sizes in units of 10^6 bytes, all of which the disk has room for.

        Where it has less than the least sizes of all parts, the installer takes a recipe
        of its own. Source: partman-auto, lib/recipes.sh, choose_recipe.
        """
        parts = self.parts(
            self.recipe("x86_64", disk_layout="lvm", disk_volumes=VOLUMES).text
        )
        self.assertEqual(5, len(parts))
        self.assertTrue(parts[1].startswith("100 1000 -1 ext3 "), parts[1])
        request = Request(name="x", os="debian-13", disk_layout="cis")
        gib = disk.needed_gib(CATALOG.entry("debian-13"), request)
        least = sum(
            int(part.split()[0])
            for part in self.parts(self.recipe("x86_64", disk_layout="cis").text)
        )
        self.assertLess(least, gib * 1024**3 // 10**6)
        self.assertTrue(parts[2].startswith("2148 2148 2148 ext4 $lvmok{ }"), parts[2])
        self.assertIn("lv_name{ srv_data }", parts[2])
        self.assertIn("mountpoint{ /var/log }", parts[3])
        self.assertTrue(parts[4].endswith("mountpoint{ / }"))

    def test_partitions_are_on_a_label_that_has_room(self) -> None:
        """And what starts it is first."""
        for arch, uefi, first in (
            ("x86_64", False, "method{ biosgrub }"),
            ("x86_64", True, "method{ efi }"),
            ("aarch64", True, "method{ efi }"),
            ("ppc64le", False, "method{ prep }"),
        ):
            found = self.recipe(arch, uefi=uefi, disk_volumes=VOLUMES)
            self.assertEqual("gpt", found.label)
            self.assertIn(first, self.parts(found.text)[0])
            self.assertNotIn("lvm", found.text)
        self.assertEqual("", self.recipe("x86_64").label)

    def test_filesystem(self) -> None:
        """/boot stays what every boot loader reads."""
        parts = self.parts(self.recipe("x86_64", lvm=True, filesystem="btrfs").text)
        self.assertIn("filesystem{ ext4 }", parts[0])
        self.assertIn("filesystem{ btrfs }", parts[-1])


class CurtinTest(testtools.TestCase):
    """Actions of the installer of Ubuntu."""

    def actions(self, arch: str, *, uefi: bool, lvm: bool) -> list[dict[str, Any]]:
        volumes = (Volume(mount="/srv", size_mib=512),)
        wanted = Disk("xfs", lvm, volumes, chosen=True, shm_options=())
        return curtin_storage.actions(wanted, arch, uefi=uefi)

    def test_what_starts_it(self) -> None:
        """Exactly one thing is the boot loader's, but for s390x, which has none."""
        for arch, uefi, identities in (
            ("x86_64", False, ["disk"]),
            ("x86_64", True, ["esp"]),
            ("aarch64", True, ["esp"]),
            ("ppc64le", False, ["prep"]),
            ("s390x", False, []),
        ):
            for lvm in (False, True):
                found = self.actions(arch, uefi=uefi, lvm=lvm)
                grub = [a["id"] for a in found if a.get("grub_device")]
                self.assertEqual(identities, grub)
                flags = [a["flag"] for a in found if "flag" in a]
                self.assertEqual(arch == "x86_64" and not uefi, "bios_grub" in flags)

    def test_each_is_of_one_that_comes_before(self) -> None:
        for lvm in (False, True):
            found, seen = self.actions("x86_64", uefi=True, lvm=lvm), set[str]()
            for action in found:
                parts = [action.get(k) for k in ("device", "volume", "volgroup")]
                needs = {*filter(None, parts), *action.get("devices", ())}
                self.assertLessEqual(needs, seen)
                self.assertNotIn(action["id"], seen)
                seen.add(action["id"])
            kind = "lvm_partition" if lvm else "partition"
            last = [a for a in found if a["type"] == kind][-1]
            self.assertEqual(("root", -1), (last["id"], last["size"]))
            mounts = {a["path"] for a in found if a["type"] == "mount"}
            boot = {"/boot"} if lvm else set()
            self.assertEqual({"/", "/srv", "/boot/efi", *boot}, mounts)
