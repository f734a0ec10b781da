"""Which boot method, network and disk a build gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import testtools

from osc_imagebuild import boot
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Flavor, Network, VolumeType
from osc_imagebuild.planning import selection
from tests import paths

MINI = Catalog([paths.MINI_CATALOG]).entry("mini")
HTTP = "http://mirror/linux"
IN_ISO = {"iso_kernel": "linux", "iso_ramdisk": "initrd"}
# What a table expects of a refusal.
REFUSED = "SpecError: "


def entry(*methods: str, arch: Mapping[str, Any] | None = None) -> Entry:
    """Return an entry that can be built with these methods."""
    keys = {**MINI.arches["x86_64"], **dict.fromkeys(IN_ISO, ""), **(arch or {})}
    arches = {"x86_64": keys}
    return dataclasses.replace(MINI, boot_methods=methods, arches=arches)


def request(method: str = "auto", **fields: Any) -> Request:
    """Return a request with a boot method."""
    return Request(name="x", os="mini", boot_method=method, **fields)


class SelectionTestCase(testtools.TestCase):
    """A table of choices."""

    def check(self, expected: str, begin: str, choose: Any) -> None:
        """Compare what is chosen, or why nothing can be, by its begin."""
        try:
            chosen, why = choose()
        except SpecError as error:
            chosen, why = REFUSED, str(error)
        self.assertEqual(expected, chosen, why)
        self.assertTrue(why.startswith(begin), f"{why!r}, not {begin!r}")


class IsoTest(SelectionTestCase):
    """The source is an ISO."""

    def test_boot_method(self) -> None:
        """The best that the entry allows and whose files it names."""
        no_keys = "boot method kernel: the catalogue does not tell where kernel and"
        tree = "boot method ipxe takes an install tree, and the source is an ISO; "
        for asked, of, expected, begin in (
            ("auto", entry("cdrom"), "cdrom", "boot method cdrom: the source is"),
            (
                "auto",
                entry("kernel", arch=IN_ISO),
                "kernel",
                "boot method kernel: the source is an ISO, and the installer of",
            ),
            ("auto", entry("ipxe"), REFUSED, f"{MINI.title} cannot be built with"),
            ("auto", entry("kernel"), REFUSED, f"{MINI.title} cannot be built with"),
            (
                "auto",
                entry("kernel", "cdrom"),
                "cdrom",
                "boot method cdrom: the source",
            ),
            ("cdrom", entry("cdrom"), "cdrom", ""),
            ("kernel", entry("kernel", arch=IN_ISO), "kernel", ""),
            ("ipxe", entry("ipxe", "cdrom"), REFUSED, f"{tree}use --boot-method cdrom"),
            ("ipxe", entry("ipxe"), REFUSED, f"{tree}give a tree"),
            ("kernel", entry("kernel"), REFUSED, no_keys),
            ("kernel", entry("kernel", "cdrom"), REFUSED, no_keys),
            ("cdrom", entry("ipxe"), REFUSED, f"{MINI.title} cannot be built with"),
        ):
            self.check(
                expected,
                begin,
                lambda r=asked, e=of: selection.iso_boot_method(request(r), e),
            )


class TreeTest(SelectionTestCase):
    """The source is an install tree."""

    def test_boot_method(self) -> None:
        """What is asked for, or the first that works here."""
        both = entry("ipxe", "kernel")
        lacks = {"ipxe": ["ipxe.lkrn is not installed"]}
        for asked, of, missing, expected, begin in (
            ("auto", both, {}, "ipxe", "boot method ipxe"),
            ("auto", both, lacks, "kernel", "boot method kernel, not ipxe: ipxe.lkrn"),
            ("auto", entry("cdrom"), {}, "cdrom", "boot method cdrom"),
            ("auto", entry("pxe"), {}, REFUSED, f"{MINI.title} can only be built with"),
            ("auto", entry("ipxe"), lacks, REFUSED, f"{MINI.title} cannot be built"),
            ("kernel", both, {}, "kernel", ""),
            ("ipxe", both, lacks, REFUSED, "2 things keep this build from starting"),
            ("ipxe", entry("ipxe"), lacks, REFUSED, "ipxe.lkrn is not installed"),
            ("pxe", both, {}, REFUSED, "no boot method 'pxe'; there are: auto, "),
            ("cdrom", both, {}, REFUSED, f"{MINI.title} cannot be built with boot"),
        ):
            self.check(
                expected,
                begin,
                lambda r=asked, e=of, m=missing: selection.boot_method(
                    request(r), e, HTTP, m
                ),
            )

    def test_https(self) -> None:
        """A firmware that speaks HTTP alone is passed over."""
        chosen, why = selection.boot_method(
            request(), entry("ipxe", "kernel"), "https://mirror/linux", {}
        )
        self.assertEqual("kernel", chosen)
        self.assertTrue(why.startswith("boot method kernel, not ipxe: "), why)
        self.assertIn("ipxe", boot.names())


class PlaceTest(SelectionTestCase):
    """Networks, drives, zones and disks."""

    def test_networks(self) -> None:
        """By ID or by a name that is one network's alone."""
        known = [
            Network("n-1", "lan", False, True, True),
            Network("n-2", "dmz", False, True, False),
            Network("n-3", "dmz", False, True, False),
        ]
        for name, expected, begin in (
            ("lan", "n-1", ""),
            ("n-2", "n-2", ""),
            ("dmz", REFUSED, "several networks are named 'dmz': n-2, n-3"),
            ("wan", REFUSED, "no network 'wan'; there are: dmz, dmz, lan"),
        ):
            self.check(
                expected,
                begin,
                lambda n=name: (selection.named_network(known, n).id, ""),
            )
        self.check(
            REFUSED,
            "no network 'lan'; there are: none",
            lambda: (selection.named_network([], "lan").id, ""),
        )
        for asked, chosen, drive in (
            (None, ["n-1"], False),
            (None, ["n-2", "n-1"], False),
            (None, ["n-2"], True),
            (True, ["n-1"], True),
            (False, ["n-2"], False),
        ):
            wanted = request(config_drive=asked)
            self.assertIs(drive, selection.config_drive(wanted, known, chosen)[0])

    def test_zones(self) -> None:
        """Of Nova's name where Cinder has one, else wherever it likes."""
        for zone, known, expected, begin in (
            ("az1", ["az1", "az2"], "az1", "volumes: in availability zone az1 too"),
            ("az1:host", ["az1"], "az1", "volumes: in availability zone az1 too"),
            (
                "az1",
                ["b", "a"],
                "",
                "volumes: where Cinder puts them, because it has no",
            ),
            ("az1", [], "", "volumes: where Cinder puts them, because it has no"),
        ):
            self.check(
                expected, begin, lambda z=zone, k=known: selection.volume_zone(z, k)
            )

    def test_volume_types(self) -> None:
        """By ID before a name, as another's name may be an ID."""
        known = [VolumeType("t-1", "fast"), VolumeType("t-2", "t-1")]
        for asked, types, expected, begin in (
            ("fast", known, known[0], ""),
            ("t-1", known, known[0], ""),
            ("t-2", known, known[1], ""),
            ("slow", known, REFUSED, "no volume type 'slow' that this project can use"),
            ("slow", [], REFUSED, "no volume type 'slow' that this project can use"),
        ):
            self.check(
                expected,  # type: ignore[arg-type]
                begin,
                lambda a=asked, t=types: (selection.volume_type(t, a), ""),
            )

    def test_boot_flavors(self) -> None:
        """The smallest that a finished image boots with."""
        small = Flavor("1", "small", 1, 512, 2)
        wide, deep = Flavor("2", "wide", 4, 512, 2), Flavor("3", "deep", 1, 4096, 20)
        known = [deep, wide, small]
        for disk_gib, ram_mib, expected, begin in (
            (2, 512, small, ""),
            (1, 1, small, ""),
            (3, 1, deep, ""),
            (2, 513, deep, ""),
            (21, 513, REFUSED, "no flavor has 513 MiB of RAM and 21 GiB of disk"),
        ):
            self.check(
                expected,  # type: ignore[arg-type]
                begin,
                lambda d=disk_gib, r=ram_mib: (selection.boot_flavor(known, d, r), ""),
            )

    def test_root(self) -> None:
        """A volume only for a reason, which is told."""
        nothing = {"needed": False, "cds": False, "no_disk": False}
        least = MINI.min_disk_gib
        for fields, method, given, size, begin in (
            ({}, "ipxe", {}, 0, ""),
            ({"disk_gib": least + 5}, "ipxe", {}, least + 5, "root disk: a volume of"),
            ({}, "cdrom", {}, least, "root disk: a volume of"),
            ({}, "ipxe", {"needed": True}, least, "root disk: a volume of"),
            ({}, "ipxe", {"cds": True}, least, "root disk: a volume of"),
            ({}, "ipxe", {"no_disk": True}, least, "root disk: a volume of"),
            ({"disk_gib": 0}, "ipxe", {}, REFUSED, "--disk 0 is too small for"),
        ):
            asked: dict[str, Any] = dict(fields)
            how: dict[str, bool] = {**nothing, **given}
            self.check(
                size,  # type: ignore[arg-type]
                begin,
                lambda a=asked, m=method, h=how: selection.root(
                    request(**a), MINI, m, **h
                ),
            )
