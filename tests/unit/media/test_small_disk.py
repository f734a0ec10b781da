"""Small disks in each format."""

from __future__ import annotations

import testtools

from osc_imagebuild.media import small_disk

MIB = 1 << 20
# A boot record, a CD's descriptors from its sector 16 on, and something behind them.
CD = b"BOOT".ljust(16 * 2048, b"\0") + b"".join(
    kind + b"CD001" + b"x" * 2042 for kind in (b"\1", b"\0", b"\xff")
)


class SmallDiskTest(testtools.TestCase):
    """What becomes of a boot disk, and of one with nothing on it."""

    def test_raw(self) -> None:
        """Whole MiB that are no CD, and else as they were."""
        disk = small_disk.build(CD + b"CD001", "raw")
        self.assertEqual(MIB, len(disk))
        self.assertEqual(b"CD001", disk[len(CD) : len(CD) + 5])
        self.assertEqual(1, disk.count(b"CD001"))
        self.assertEqual(CD.replace(b"CD001", bytes(5)), disk[: len(CD)])
        self.assertEqual(
            b"x".ljust(2 * MIB, b"\0")[:9], small_disk.build(b"x", "raw")[:9]
        )
        self.assertEqual(2 * MIB, len(small_disk.build(b"x" * (MIB + 1), "raw")))

    def test_qcow2(self) -> None:
        """It may be a CD as well."""
        disk = small_disk.build(CD, "qcow2")
        self.assertEqual((b"QFI\xfb", 3), (disk[:4], disk.count(b"CD001")))

    def test_blank(self) -> None:
        """A raw one is small; a qcow2 one has its size."""
        self.assertEqual(bytes(MIB), small_disk.blank(500, "raw"))
        self.assertEqual(b"QFI\xfb", small_disk.blank(500, "qcow2")[:4])
        self.assertRaises(ValueError, small_disk.blank, 10**9, "qcow2")
