"""Disks for UEFI machines."""

from __future__ import annotations

import shutil
import struct
import subprocess
import unittest
from pathlib import Path
from typing import Any

import testtools

from osc_imagebuild.boot import ipxe
from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import content, fat16, grub_stub, ipxe_stub
from osc_imagebuild.model.boot_sources import EfiStubDisk
from tests.unit.samples import spec

LOADER = bytes(range(256)) * 100  # several clusters


def read(disk: bytes, path: str) -> bytes:
    """Read a file as a firmware does, by what the file system says of itself."""
    sector, per, reserved, fats, entries = struct.unpack_from("<HBHBH", disk, 11)
    (fat_sectors,) = struct.unpack_from("<H", disk, 22)
    table_at = (reserved + fats * fat_sectors) * sector
    data_at = table_at + 32 * entries
    chain = struct.unpack_from(f"<{fat_sectors * 256}H", disk, reserved * sector)
    found = disk[table_at:data_at]
    for name in path.split("/"):
        stem, _, extension = name.partition(".")
        wanted = f"{stem:<8}{extension:<3}".encode()
        at = next(n for n in range(0, len(found), 32) if found[n:].startswith(wanted))
        cluster, size = struct.unpack_from("<HI", found, at + 26)
        found = b""
        while 2 <= cluster < 0xFFF8:
            start = data_at + (cluster - 2) * sector * per
            found += disk[start : start + sector * per]
            cluster = chain[cluster]
        found = found[: size or None]
    return found


class FatTest(testtools.TestCase):
    """The file system."""

    def test_read_back(self) -> None:
        disk = fat16.build({"EFI/BOOT/BOOTX64.EFI": LOADER, "README": b"hi"})
        self.assertEqual(LOADER, read(disk, "EFI/BOOT/BOOTX64.EFI"))
        self.assertEqual(b"hi", read(disk, "README"))
        self.assertEqual(b"\x55\xaa", disk[510:512])
        # With fewer clusters it would be a FAT12, whatever it calls itself.
        (sectors,) = struct.unpack_from("<H", disk, 19)
        self.assertEqual(len(disk), sectors * 512)
        self.assertGreaterEqual(sectors // 4, 4085)

    def test_refused(self) -> None:
        for files in (
            {"a name that is long": b""},
            {"lower.efi": b""},
            {"A": b"", "A/B": b""},
            {f"D/F{n}": b"" for n in range(100)},
        ):
            self.assertRaises(ValueError, fat16.build, files)


class StubTest(testtools.TestCase):
    """GRUB with a script on a disk."""

    def setUp(self) -> None:
        """Have GRUB, whatever this machine has."""
        super().setUp()
        self.script = ""
        self.patch(grub_stub, "_tool", lambda: "grub-mkstandalone")
        self.patch(grub_stub, "_PLACES", [str(self._platforms())])
        self.patch(subprocess, "run", self._run)

    def _platforms(self) -> Path:
        import fixtures

        place = Path(self.useFixture(fixtures.TempDir()).path)
        (place / "x86_64-efi").mkdir()
        return place

    def _run(self, command: list[str], **kwargs: Any) -> None:
        config = command[-1].partition("=")[2]
        self.script = Path(config).read_text()
        Path(command[command.index("-o") + 1]).write_bytes(LOADER)

    def test_stub(self) -> None:
        """A small disk, with the loader at the path that is tried by itself."""
        with content.open_content(EfiStubDisk("boot", "x86_64")) as (file, size):
            disk = file.read()
        self.assertEqual((size, b"QFI\xfb", "boot"), (len(disk), disk[:4], self.script))
        self.assertIn(LOADER[:2048], disk)

    def test_missing(self) -> None:
        """What to install, or another way."""
        self.assertEqual([], ipxe_stub.missing_parts("uefi"))
        [line] = grub_stub.missing_parts("aarch64")
        self.assertIn("grub-efi-arm64-bin", line)
        self.patch(grub_stub, "_tool", lambda: None)
        error = self.assertRaises(SpecError, grub_stub.stub_disk, "")
        self.assertIn("grub-common", str(error))
        self.assertIn("--boot-method kernel", str(error))

    def test_grub_fails(self) -> None:
        """In its own words."""

        def run(command: list[str], **kwargs: Any) -> None:
            raise subprocess.CalledProcessError(1, command, stderr=b"no space")

        self.patch(subprocess, "run", run)
        error = self.assertRaises(SpecError, grub_stub.stub_disk, "")
        self.assertIn("no space", str(error))


class ScriptTest(testtools.TestCase):
    """What GRUB is told."""

    def test_script(self) -> None:
        """Addresses as GRUB has them, and a command line that it leaves alone."""
        asked = spec(
            firmware="uefi", kernel_args="ds=nocloud;s=$x --- console=ttyS0,115200"
        )
        [image] = ipxe.METHOD.images(asked)
        assert isinstance(image.content, EfiStubDisk)
        script = image.content.script
        self.assertIn(
            "linux '(http,mirror)/linux' 'ds=nocloud;s=$x' '---' 'con", script
        )
        self.assertIn("initrd '(http,mirror)/initrd';", script)
        self.assertIn("IMAGEBUILD-IPXE-FAILED", script)
        self.assertEqual([], ipxe.METHOD.problems(asked))
        wrong = spec(firmware="uefi", kernel_args="it's")
        self.assertEqual(1, len(ipxe.METHOD.problems(wrong)))
        wrong = spec(firmware="uefi", kernel_url="http://mirror/o'clock")
        self.assertEqual(1, len(ipxe.METHOD.problems(wrong)))

    @unittest.skipUnless(shutil.which("grub-script-check"), "no GRUB here")
    def test_hostile_address(self) -> None:
        """What GRUB's script takes for its own is none of it, by GRUB's own parser."""
        url = "http://mirror/a;b&c(d)|$e{f}\\g"
        [image] = ipxe.METHOD.images(
            spec(firmware="uefi", kernel_url=url, ramdisk_url=url)
        )
        assert isinstance(image.content, EfiStubDisk)
        script = image.content.script
        self.assertEqual(2, script.count("'(http,mirror)/a;b&c(d)|$e{f}\\g'"))
        done = subprocess.run(
            ["grub-script-check"], input=script, text=True, capture_output=True
        )
        self.assertEqual(0, done.returncode, done.stderr)
