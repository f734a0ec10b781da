"""Boot method ipxe: what its stub cannot do, and how it gets its address."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.boot import ipxe
from osc_imagebuild.model.boot_sources import EfiStubDisk, StubDisk
from osc_imagebuild.model.spec import Address
from tests.unit.samples import spec

ADDRESS = Address(
    ip="10.1.2.9",
    netmask="255.255.255.0",
    prefix="24",
    subnet="10.1.2.0/24",
    gateway="10.1.2.1",
    nameservers="10.1.2.53 10.1.2.54",
)


class IpxeTest(testtools.TestCase):
    """Specs and addresses in, images, commands and refusals out."""

    def test_problems(self) -> None:
        """HTTP alone, two architectures, and a quote that GRUB cannot have."""
        quote = {"kernel_args": "a='b'"}
        for fields, words in (
            ({}, ()),
            ({"kernel_url": "https://m/linux"}, ("not https://m/linux",)),
            (
                {"kernel_url": "ftp://m/linux", "ramdisk_url": "https://m/initrd"},
                ("not ftp://m/linux", "not https://m/initrd"),
            ),
            ({"arch": "ppc64le"}, ("not ppc64le",)),
            (quote, ()),
            ({**quote, "firmware": "uefi"}, ("UEFI guests",)),
            ({"kernel_url": "http://m/'", "firmware": "uefi"}, ("UEFI guests",)),
        ):
            asked: dict[str, Any] = dict(fields)
            found = ipxe.METHOD.problems(spec(**asked))
            self.assertEqual(len(words), len(found), str(found))
            for word, text in zip(words, found, strict=True):
                self.assertIn(word, text)
                self.assertIn("use --boot-method kernel", text)

    def test_images(self) -> None:
        """One stub by the firmware, and no CD."""
        for firmware, kind in (("bios", StubDisk), ("uefi", EfiStubDisk)):
            [stub] = ipxe.METHOD.images(spec(firmware=firmware))
            self.assertIsInstance(stub.content, kind)
            self.assertEqual("", stub.shared_key)
        self.assertEqual((), ipxe.METHOD.cds(spec()))

    def test_address(self) -> None:
        """Of one network, with a way out of it only where there is a gateway."""
        self.assertEqual([], ipxe.grub_commands(None))
        self.assertEqual([], ipxe.ipxe_commands(None))
        alone = dataclasses.replace(ADDRESS, gateway="", nameservers="")
        self.assertEqual(
            [
                "net_add_addr fixed efinet0 10.1.2.9",
                "net_add_route subnet 10.1.2.0/24 fixed",
            ],
            ipxe.grub_commands(alone),
        )
        self.assertEqual(
            [
                "set net0/ip 10.1.2.9",
                "set net0/netmask 255.255.255.0",
                "ifopen net0 || goto wait",
            ],
            ipxe.ipxe_commands(alone),
        )
        self.assertEqual(
            [
                "set net0/ip 10.1.2.9",
                "set net0/netmask 255.255.255.0",
                "set net0/gateway 10.1.2.1",
                "set dns 10.1.2.53",
                "ifopen net0 || goto wait",
            ],
            ipxe.ipxe_commands(ADDRESS),
        )

    def test_routes(self) -> None:
        """GRUB takes an address's old class for its subnet, unless told otherwise."""
        for subnet, halves in (
            ("10.0.0.0/8", []),
            ("10.0.0.0/9", ["10.128.0.0/9"]),
            ("10.1.2.0/24", ["10.0.0.0/9", "10.128.0.0/9"]),
            ("172.16.0.0/16", []),
            ("172.16.8.0/24", ["172.16.0.0/17", "172.16.128.0/17"]),
            ("192.168.1.0/24", []),
            ("192.168.1.128/25", ["192.168.1.0/25"]),
            ("192.168.0.0/16", []),
        ):
            found = ipxe.grub_commands(dataclasses.replace(ADDRESS, subnet=subnet))
            ways = [line for line in found if line.startswith("net_add_route out")]
            wanted = [
                f"net_add_route out{number} {net} gw 10.1.2.1"
                for number, net in enumerate(["0.0.0.0/0", *halves])
            ]
            self.assertEqual(wanted, ways, subnet)
            self.assertEqual("net_add_dns 10.1.2.53", found[-1])
