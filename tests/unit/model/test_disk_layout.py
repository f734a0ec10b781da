"""How a disk is divided: what is asked for, and what comes of it."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild.model import disk_layout
from osc_imagebuild.model.disk_layout import CIS, Volume, divided, size_mib
from osc_imagebuild.model.request import Request
from osc_imagebuild.template import schema


def volume(mount: str = "/srv", mib: int = 1024, *options: str) -> Volume:
    """A good volume, but for what is said."""
    return Volume(mount=mount, size_mib=mib, options=options)


GOOD = volume()
MANY = tuple(volume(f"/srv/{number}") for number in range(17))
# Layout, file system, volumes and --lvm; and the beginning of what is said, if anything.
ROWS: tuple[tuple[str, str, tuple[Volume, ...], bool, str | None], ...] = (
    ("", "", (), False, None),
    ("", "", (GOOD,), True, None),
    ("lvm", "xfs", (GOOD,), True, None),
    ("cis", "btrfs", (volume("/var", 320, "noatime"),), False, None),
    ("plain", "ext4", MANY[:16], False, None),
    ("zfs", "", (), False, "no disk layout 'zfs'; there are: plain, lvm, cis"),
    ("plain", "", (), True, "--lvm and --disk-layout plain exclude"),
    ("", "ntfs", (), False, "no file system 'ntfs'; there are: ext4, xfs, btrfs"),
    ("", "ext4 } . 1", (), False, "no file system 'ext4 } . 1'"),
    ("", "", MANY, False, "a disk has 16 volumes"),
    ("", "", (GOOD, volume("/srv", 2048)), False, "volume '/srv' is there twice"),
    ("", "", (volume("/srv", 319),), False, "volume '/srv': its size is 320 to"),
    ("", "", (volume("/srv", 10**9),), False, "volume '/srv': its size is 320 to"),
    ("", "", (volume("/srv", 320, "suid"),), False, "volume '/srv': no mount option"),
    (
        "",
        "",
        (volume("/srv", 320, "nodev,x"),),
        False,
        "volume '/srv': no mount option",
    ),
    ("", "", (volume("/var", 320, "noexec"),), False, "volume '/var': with noexec"),
    ("", "", (volume("/srv/a_b"), volume("/srv/a/b")), False, "volumes '/srv/a/b' and"),
    (
        "cis",
        "",
        (volume("/var_log"),),
        False,
        "volumes '/var/log' and '/var_log' would",
    ),
    ("", "", (volume("/snapshots"),), False, "volume '/snapshots': LVM keeps the name"),
    ("", "", (volume("/srv/tdata"),), False, "volume '/srv/tdata': LVM keeps the name"),
)
NO_PLACES = (
    *("", "/", "srv", "/srv/", "//srv", "/srv/../etc", "/srv/./x", "/.x", "/a b"),
    *("/srv\n", "/srv;reboot", "/$(x)", "/a'b", '/a"b', "/a}b", "/a{b", "/a,b", "/ä"),
    *("/a\\b", "/a<b", "/a&b", "/-a", "/a\0", f"/{'x' * 100}", "/srv/%x", "/{{x}}"),
)
RESERVED = (
    *("/boot", "/boot/efi", "/etc", "/usr", "/usr/local", "/bin", "/lib64", "/root"),
    *("/proc/x", "/sys", "/dev/shm", "/run/x", "/swapfile", "/mnt", "/lost+found"),
)


class ProblemsTest(testtools.TestCase):
    """Each is one sentence that names what is wrong."""

    def found(self, *volumes: Volume) -> list[str]:
        return disk_layout.problems("", "", volumes, lvm=False)

    def test_rows(self) -> None:
        for layout, filesystem, volumes, lvm, text in ROWS:
            found = disk_layout.problems(layout, filesystem, volumes, lvm=lvm)
            self.assertEqual(0 if text is None else 1, len(found), f"{text}: {found}")
            self.assertTrue(text is None or found[0].startswith(text), str(found))

    def test_no_places(self) -> None:
        """What is no plain path gets into no recipe, profile or shell."""
        for mount in NO_PLACES:
            [found] = self.found(volume(mount))
            self.assertIn("this is no place for one", found, mount)
            self.assertLess(len(found), 200)

    def test_reserved_places(self) -> None:
        for mount in RESERVED:
            [found] = self.found(volume(mount))
            word = "no place" if "+" in mount else "in its root file system"
            self.assertIn(word, found, mount)

    def test_all_at_once(self) -> None:
        found = self.found(volume("/boot", 1, "x"), volume("a"))
        self.assertEqual(4, len(found), str(found))


class DividedTest(testtools.TestCase):
    """What gets a file system of its own."""

    def test_order(self) -> None:
        """A place comes after the one that it is in."""
        found = divided("lvm", (volume("/var/log"), volume("/srv"), volume("/var")))
        self.assertEqual(["/srv", "/var", "/var/log"], [v.mount for v in found])
        self.assertEqual(["srv", "var", "var_log"], [v.name for v in found])

    def test_cis(self) -> None:
        """The benchmarks' own, or the user's size and more options for them."""
        self.assertEqual(CIS, divided("cis", ()))
        found = divided("cis", (volume("/tmp", 321, "noatime", "nodev"), GOOD))
        self.assertEqual({*(v.mount for v in CIS), "/srv"}, {v.mount for v in found})
        [tmp] = [v for v in found if v.mount == "/tmp"]
        self.assertEqual(("nodev", "nosuid", "noexec", "noatime"), tmp.options)
        # A whole number of extents.
        self.assertEqual(324, tmp.size_mib)

    def test_layout_of_a_request(self) -> None:
        for fields, layout in (
            ({}, "plain"),
            ({"lvm": True}, "lvm"),
            ({"disk_layout": "cis"}, "cis"),
            ({"disk_layout": "cis", "lvm": True}, "cis"),
        ):
            wanted: dict[str, Any] = fields
            self.assertEqual(layout, Request(name="x", **wanted).layout)


class SizeTest(testtools.TestCase):
    """Sizes in templates."""

    def test_sizes(self) -> None:
        for text, mib in (
            ("512MiB", 512),
            ("2 GiB", 2048),
            ("10GiB", 10240),
            *((wrong, None) for wrong in ("0MiB", "512", "1GB", "1.5GiB", "-1GiB")),
            *((wrong, None) for wrong in ("99999999GiB", "\u00b2GiB", "1GiB\n", "")),
        ):
            self.assertEqual(mib, size_mib(text), text)

    def test_the_schema_knows_the_same_words(self) -> None:
        found = schema.schema()["properties"]["disk"]["properties"]
        item = found["volumes"]["items"]["properties"]
        self.assertEqual([*disk_layout.Layout], found["layout"]["enum"])
        self.assertEqual([*disk_layout.Filesystem], found["filesystem"]["enum"])
        self.assertEqual([*disk_layout.OPTIONS], item["options"]["items"]["enum"])
        self.assertEqual(disk_layout.MOST_VOLUMES, found["volumes"]["maxItems"])
