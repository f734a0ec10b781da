"""qcow2 images: their structure, and what QEMU says about them."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path

import fixtures
import testtools

from osc_imagebuild.media import qcow2
from osc_imagebuild.model.numbers import MOST_GIB

SIZES = ((b"", 512), (b"", 1 << 30), (b"x" * 700, 1 << 20), (b"y" * 200_000, 3 << 30))


class Qcow2Test(testtools.TestCase):
    """Images with nothing, little and some more on them."""

    def test_structure(self) -> None:
        """Header, tables, refcounts and data are where they should be."""
        for data, size in SIZES:
            image = qcow2.build(data, size)
            magic, version = struct.unpack(">4sI", image[:8])
            self.assertEqual((b"QFI\xfb", 3), (magic, version))
            self.assertEqual(0, len(image) % qcow2.CLUSTER)
            self.assertEqual(size, struct.unpack(">Q", image[24:32])[0])
            self.assertEqual(0, struct.unpack(">Q", image[8:16])[0], "backing file")
            clusters = len(image) // qcow2.CLUSTER
            at = 2 * qcow2.CLUSTER
            counts = struct.unpack(f">{clusters}H", image[at : at + 2 * clusters])
            self.assertEqual({1}, set(counts))
            if data:
                self.assertIn(data[:512], image[-len(data) - qcow2.CLUSTER :])

    def test_refused(self) -> None:
        """Data that do not fit."""
        self.assertRaises(ValueError, qcow2.build, b"x" * 1024, 512)
        self.assertRaises(ValueError, qcow2.build, bytes(3 << 30), 4 << 30)

    def test_absurd_sizes(self) -> None:
        """The largest that there may be takes little; what is larger takes nothing."""
        largest = MOST_GIB << 30
        self.assertGreater(2 << 20, len(qcow2.build(b"", largest)))
        for gib in (MOST_GIB + 1, 131_000_000, 10**30):
            self.assertRaises(ValueError, qcow2.build, b"", gib << 30)

    def test_qemu_agrees(self) -> None:
        """qemu-img finds no fault, and reads the data back."""
        qemu_img = shutil.which("qemu-img")
        if qemu_img is None:
            self.skipTest("qemu-img is not installed")
        where = Path(self.useFixture(fixtures.TempDir()).path)
        image, raw = where / "image.qcow2", where / "raw"
        for data, size in SIZES[:3]:
            image.write_bytes(qcow2.build(data, size))
            subprocess.run([qemu_img, "check", "-q", image], check=True)
            shown = subprocess.run(
                [qemu_img, "info", "--output=json", image],
                check=True,
                capture_output=True,
            )
            self.assertEqual(size, json.loads(shown.stdout)["virtual-size"])
            convert = f"{qemu_img} convert -O raw {image} {raw}"
            subprocess.run(convert.split(), check=True)
            with raw.open("rb") as file:
                self.assertEqual(data, file.read(len(data)))
