"""PNG files that others wrote."""

from __future__ import annotations

import contextlib
import struct
import zlib

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_imagebuild.cloud import picture_files
from osc_imagebuild.model.manifest import LONGEST_SCREENSHOT
from osc_imagebuild.model.png import SIGNATURE, PngError, anew, size
from osc_imagebuild.model.readings import Picture
from tests.unit import pictures
from tests.unit.pictures import chunk, head

MOST = 1 << 20
END = chunk(b"IEND", b"")
ROW = chunk(b"IDAT", zlib.compress(b"\0\0"))
# Files that are none, or more than a picture.
BAD = {
    "nothing": b"",
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "SVG behind the first bytes": SIGNATURE + b"<svg onload='alert(1)'/>",
    "GIF": b"GIF89a\1\0\1\0\0\0\0;",
    "no head": SIGNATURE + ROW + END,
    "no rows": SIGNATURE + head(1, 1) + END,
    "short head": SIGNATURE + chunk(b"IHDR", b"\0" * 12) + ROW + END,
    "cut off": pictures.grey()[:-20],
    "checksum": pictures.grey().replace(ROW[-4:], b"\0\0\0\0"),
    "not zlib": SIGNATURE + head(1, 1) + chunk(b"IDAT", b"x" * 9) + END,
    "short rows": SIGNATURE + head(1, 9) + ROW + END,
    "no width": SIGNATURE + head(0, 1) + ROW + END,
    "wide": SIGNATURE + head(1 << 31, 1) + ROW + END,
    "large": SIGNATURE + head(8192, 8192) + ROW + END,
    "bomb": SIGNATURE + head(8000, 8000, kind=2) + chunk(b"IDAT", b"x") + END,
    "interlaced": SIGNATURE + head(1, 1, last=1) + ROW + END,
    "16 bits": SIGNATURE + head(1, 1, depth=16) + ROW + END,
    "see-through": SIGNATURE + head(1, 1, kind=6) + ROW + END,
    "unknown kind": SIGNATURE + head(1, 1, kind=200) + ROW + END,
    "filter": SIGNATURE + head(1, 1) + chunk(b"IDAT", zlib.compress(b"\x09\0")) + END,
    "unknown part": SIGNATURE + head(1, 1) + chunk(b"EVIL", b"") + ROW + END,
    "no palette": SIGNATURE + head(1, 1, kind=3) + ROW + END,
    "broken palette": pictures.palette(b"\0" * 4, b"\0\0\0"),
    "long palette": pictures.palette(b"\0" * 12, b"\0\0", depth=1),
    "length": SIGNATURE + struct.pack(">I", 1 << 31) + b"IHDR",
}


class PngTest(testtools.TestCase):
    """What is taken, and what comes of it."""

    def test_anew(self) -> None:
        """The picture is the same, and nothing else is left."""
        plain = pictures.grey(3, 2, 128)
        self.assertEqual(plain, anew(plain, MOST))
        self.assertEqual((3, 2), size(plain))
        place = len(SIGNATURE) + len(head(1, 1))
        spiced = plain[:place] + chunk(b"tEXt", b"Comment\0<script>") + plain[place:]
        self.assertEqual(plain, anew(spiced + b"<svg/>", MOST))
        self.assertEqual(plain, anew(plain.replace(END, END * 2), MOST))

    def test_palette(self) -> None:
        """Each value of a dot has a colour."""
        short = pictures.palette(b"\1\2\3", b"\0\x01\x02")
        whole = pictures.palette(b"\1\2\3" + bytes(765), b"\0\x01\x02")
        self.assertEqual(whole, anew(short, MOST))
        one_bit = pictures.palette(b"\1\2\3\4\5\6", b"\0\x40", depth=1)
        self.assertEqual(one_bit, anew(one_bit, MOST))

    def test_bad(self) -> None:
        """Attack: what is no picture, or is more than one."""
        for what, data in BAD.items():
            with testtools.ExpectedException(PngError, msg=what):
                anew(data, MOST)

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 60), st.binary(max_size=12))
    def test_damaged(self, place: int, data: bytes) -> None:
        """It is taken or refused, and nothing else happens."""
        plain = pictures.grey(3, 2)
        with contextlib.suppress(PngError):
            anew(plain[:place] + data + plain[place + len(data) :], MOST)


class SmallTest(testtools.TestCase):
    """Screens as they are kept."""

    def test_small(self) -> None:
        """Whatever is on it, it is small, plain and not larger than it was."""
        noise = bytes((i * i * 31 + i // 7) & 255 for i in range(1024 * 768 * 3))
        for width, height, rgb, wanted in (
            (720, 400, bytes(720 * 400 * 3), (720, 400)),
            (1024, 768, bytes(1024 * 768 * 3), (800, 600)),
            (1280, 800, bytes(1280 * 800 * 3), (800, 500)),
            (16, 8, b"\xff" * 384, (16, 8)),
            (1, 5000, b"\xff" * 15_000, (1, 600)),
            (1024, 768, noise, None),
        ):
            data = picture_files.small(Picture(width, height, rgb))
            self.assertLessEqual(len(data), LONGEST_SCREENSHOT)
            again = anew(data, MOST)
            self.assertIn(wanted, (None, size(again)))
            self.assertLessEqual(len(again), 2 * LONGEST_SCREENSHOT)
