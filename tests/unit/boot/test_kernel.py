"""Boot method kernel: what it is made of, and how long its command line may be."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild import boot
from osc_imagebuild.boot import cdrom, ipxe, kernel
from osc_imagebuild.model.boot_sources import (
    BlankDisk,
    BootVolume,
    IsoFile,
    RemoteFile,
)
from osc_imagebuild.model.formats import Formats
from osc_imagebuild.model.spec import RootDevice
from tests.unit.samples import spec

METHOD = kernel.METHOD
ISO: dict[str, Any] = {
    "iso_url": "http://mirror/x.iso",
    "iso_version": "v1",
    "iso_kernel": "boot/linux",
    "iso_ramdisk": "boot/initrd",
}


class KernelTest(testtools.TestCase):
    """Specs in, images and CDs out."""

    def test_of_a_tree(self) -> None:
        """Kernel and ramdisk by their addresses, shared by what is in them."""
        linux, initrd, root = METHOD.images(spec(boot_properties={"hw_x": "y"}))
        self.assertEqual(RemoteFile("http://mirror/linux", "a" * 64), linux.content)
        self.assertEqual(RemoteFile("http://mirror/initrd", "b" * 64), initrd.content)
        self.assertEqual(["a" * 64, "b" * 64], [linux.shared_key, initrd.shared_key])
        self.assertEqual(["aki", "ari"], [linux.disk_format, initrd.disk_format])
        self.assertEqual((BlankDisk(2), ""), (root.content, root.shared_key))
        self.assertEqual(
            {"hw_x": "y", "os_command_line": "answer=here"}, root.properties
        )
        self.assertEqual({"kernel_id": "kernel", "ramdisk_id": "ramdisk"}, root.refs)

    def test_without_disks(self) -> None:
        """Where Glance takes none, the root volume says what its image would."""
        formats = Formats(disk="", cd="iso", text="ari")
        wanted = dataclasses.replace(
            spec(root=RootDevice.VOLUME, boot_method="kernel"), formats=formats
        )
        self.assertEqual(
            ["kernel", "ramdisk"], [image.role for image in boot.images(wanted)]
        )
        [root] = boot.volumes(wanted)
        self.assertTrue(root.is_blank)
        self.assertEqual({"kernel_id": "kernel", "ramdisk_id": "ramdisk"}, root.refs)
        self.assertEqual("answer=here", root.properties["os_command_line"])
        self.assertIn("neither here", " ".join(ipxe.METHOD.problems(wanted)))

    def test_of_an_iso(self) -> None:
        """Both are read out of it; another version is other content."""
        linux, initrd, _ = METHOD.images(spec(**ISO))
        paths = ("boot/linux", "boot/initrd")
        for image, path in zip((linux, initrd), paths, strict=True):
            wanted = IsoFile("http://mirror/x.iso", "", "v1", paths, path)
            self.assertEqual(wanted, image.content)
        later = METHOD.images(spec(**{**ISO, "iso_version": "v2"}))[0]
        self.assertEqual(
            3, len({linux.shared_key, initrd.shared_key, later.shared_key})
        )

    def test_cd(self) -> None:
        """The ISO is a CD beside the disk where the installer reads on from it."""
        own = {**ISO, "iso_image_id": "i-own", "iso_size_gib": 3}
        for fields, images, cds in (
            ({}, 3, ()),
            (ISO, 3, ()),
            (
                ISO | {"iso_as_cd": True},
                4,
                (BootVolume("iso", image_role="iso", cdrom=True, boots=False),),
            ),
            (
                own | {"iso_as_cd": True},
                3,
                (BootVolume("iso", "iso", "i-own", 3, True, False),),
            ),
        ):
            made = METHOD.images(spec(**fields))
            self.assertEqual(images, len(made), str(fields))
            self.assertEqual(cds, METHOD.cds(spec(**fields)))
            for extra in made[3:]:
                self.assertEqual(cdrom.iso_image(spec(**fields)), extra)

    def test_problems(self) -> None:
        """Nova keeps so many bytes of the command line, not letters."""
        limit = kernel.COMMAND_LINE_LIMIT
        for args, fields, advice in (
            ("x" * limit, {}, None),
            ("x" * (limit + 1), {}, "; use --boot-method ipxe"),
            ("ü" * limit, {}, "; use --boot-method ipxe"),
            ("x" * 300, {"firmware": "uefi"}, "shows its stub no network card"),
            ("x" * 300, ISO, f"keeps {limit} for boot method kernel"),
            (
                "x" * 300,
                ISO | {"firmware": "uefi"},
                f"keeps {limit} for boot method kernel",
            ),
        ):
            found = METHOD.problems(spec(kernel_args=args, **fields))
            self.assertEqual(int(advice is not None), len(found), str(found))
            for text in found:
                self.assertIn(f"{len(args.encode())} bytes", text)
                self.assertTrue(text.endswith(str(advice)), text)
