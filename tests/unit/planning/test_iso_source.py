"""What is no installer's ISO is found out in planning, wherever it is."""

from __future__ import annotations

import struct
from pathlib import Path

import fixtures

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import iso9660
from tests.fakes.guests import MINI_ISO
from tests.unit.base import CloudTestCase

URL = "http://mirror.fake/other.iso"
_AT = 16 * iso9660.SECTOR


def described(descriptor: bytes) -> bytes:
    """Return an ISO with that as its first descriptor."""
    return bytes(_AT) + descriptor.ljust(iso9660.SECTOR, b"\0") + bytes(9000)


def claiming(blocks: int) -> bytes:
    """Return an ISO that says that it has so many blocks."""
    found = bytearray(described(b"\1CD001\1"))
    struct.pack_into("<I", found, _AT + 80, blocks)
    struct.pack_into("<H", found, _AT + 128, iso9660.SECTOR)
    return bytes(found)


GOOD = (MINI_ISO, claiming(20), described(b"\0BEA01\1"))
NO_ISO = (
    b"moved to another place\n",
    b"<html>404</html>".ljust(99_999),
    b"\x1f\x8b".ljust(99_999, b"x"),
    MINI_ISO[:_AT],
    described(b"\1CD002\1"),
)
CUT_OFF = (claiming(1000),)


class NoIsoTest(CloudTestCase):
    """An ISO at a URL, on this machine, and as an image."""

    def problem(self, source: str) -> str:
        """Return what is wrong with it, '' where it is taken."""
        request = self.request(boot_method="cdrom", source=source)
        try:
            self.builder().plan(request)
        except SpecError as error:
            return str(error)
        return ""

    def at_url(self, data: bytes) -> str:
        """Return what is wrong with it at a URL."""
        self.cloud.mirror.files["other.iso"] = data
        return self.problem(URL)

    def in_file(self, data: bytes) -> str:
        """Return what is wrong with it on this machine."""
        path = Path(self.useFixture(fixtures.TempDir()).path) / "other.iso"
        path.write_bytes(data)
        return self.problem(str(path))

    def as_image(self, data: bytes) -> str:
        """Return what is wrong with it as an image."""
        image = self.cloud.glance.add(
            "demo", status="active", disk_format="iso", data=data, size=len(data)
        )
        return self.problem(image.id)

    def test_table(self) -> None:
        """Text, pages, archives and what is cut off are refused, ISOs are not."""
        for ranges in (True, False):
            self.cloud.mirror.ranges = self.cloud.glance.gives_parts = ranges
            for place in (self.at_url, self.in_file, self.as_image):
                for datas, text in (
                    (GOOD, ""),
                    (NO_ISO, "is no ISO, or is cut off: it has"),
                    (CUT_OFF, "is cut off: it has"),
                ):
                    for data in datas:
                        with self.one_of_many(f"{place.__name__} {data[:20]!r}"):
                            found = place(data)
                            self.assertIn(text, found)
                            self.assertEqual(bool(text), bool(found), found)

    def test_empty(self) -> None:
        """It says so, or that it is none."""
        self.assertIn("other.iso is empty", self.at_url(b""))
        for place in (self.in_file, self.as_image):
            self.assertIn("is no ISO, or is cut off: it has 0 bytes", place(b""))
