"""Files in ISOs, of which some are damaged or made to do harm."""

from __future__ import annotations

import io
import struct
import time
from typing import Any

import pycdlib
import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import iso9660, iso_files
from tests.fakes.mirror import IN_ISO, installer_iso

PATHS = tuple(IN_ISO)
PVD = 16 * iso9660.SECTOR
ROOT = PVD + 156


def look(data: bytes, *paths: str, whole: bool = True) -> iso_files.Contents:
    """Look for files in an ISO."""
    opened = iso_files.Opened(io.BytesIO(data), "x.iso", at_hand=whole)
    return iso_files.contents(opened, paths or PATHS)


def record(name: bytes, at: int, size: int, flags: int = 0) -> bytes:
    """A directory record; ``at`` counts sectors."""
    length = 33 + len(name) + (1 - len(name) % 2)
    numbers = struct.pack("<I", at) + struct.pack(">I", at)
    numbers += struct.pack("<I", size) + struct.pack(">I", size)
    rest = bytes([0] * 7 + [flags, 0, 0, 1, 0, 0, 1, len(name)]) + name
    return (bytes([length, 0]) + numbers + rest).ljust(length, b"\0")


def with_root(directory: bytes, size: int = 0) -> bytes:
    """An ISO with another root directory, which may say that it is larger."""
    disc = bytearray(installer_iso("plain"))
    disc += bytes(-len(disc) % iso9660.SECTOR)
    at, size = len(disc) // iso9660.SECTOR, size or len(directory)
    struct.pack_into("<I", disc, ROOT + 2, at)
    struct.pack_into("<I", disc, ROOT + 10, size)
    return bytes(disc + directory)


class FindTest(testtools.TestCase):
    """Good ISOs."""

    def test_kinds_of_names(self) -> None:
        """Rock Ridge's, Joliet's, or none but those of ISO 9660."""
        for kind in ("rock_ridge", "joliet", "plain"):
            disc = installer_iso(kind)
            found = look(disc)
            self.assertEqual("MINI\\x201", found.label)
            for part in found.parts:
                target = io.BytesIO()
                iso_files.extract(
                    iso_files.Opened(io.BytesIO(disc), "x.iso"), part, target
                )
                self.assertTrue(IN_ISO[part.path] == target.getvalue(), kind)

    def test_long_names(self) -> None:
        """Names that go on elsewhere, which Rock Ridge's may."""
        made: Any = pycdlib.PyCdlib()
        made.new(rock_ridge="1.09")
        name, target = "linux-" + "x" * 200, io.BytesIO()
        made.add_fp(io.BytesIO(b"kernel"), 6, "/LINUX.;1", rr_name=name)
        made.write_fp(target)
        disc = target.getvalue()
        [part] = look(disc, name).parts
        self.assertEqual(b"kernel", disc[part.at : part.at + part.size])

    def test_version(self) -> None:
        """It tells ISOs apart by what is in the files, or else by their ends."""
        disc = installer_iso()
        part = look(disc).parts[0]

        def changed(at: int) -> bytes:
            return disc[: part.at + at] + b"!" + disc[part.at + at + 1 :]

        for at, whole, same in (
            *((40_000, True, False), (40_000, False, True)),
            *((0, False, False), (part.size - 1, False, False)),
        ):
            versions = {look(d, whole=whole).version for d in (disc, changed(at))}
            self.assertEqual(same, len(versions) == 1, f"{at} {whole}")


class DamagedTest(testtools.TestCase):
    """What is wrong is said, and soon."""

    def assert_wrong(self, text: str, disc: bytes, *paths: str) -> None:
        """It is refused at once, with this text."""
        began = time.process_time()
        error = self.assertRaises(SpecError, look, disc, *paths)
        self.assertIn("x.iso", str(error))
        self.assertIn(text, str(error))
        self.assertLess(time.process_time() - began, 20)

    def test_no_iso(self) -> None:
        """Nothing, zeros, a web page, or not even a begin."""
        for data in (b"", bytes(99_999), b"<html>" * 9999, installer_iso()[:PVD]):
            self.assert_wrong("is no ISO, or is cut off", data)
        many = installer_iso()[:PVD] + b"\1CD001".ljust(2048, b"\0") * 99
        self.assert_wrong("no volume descriptors", many)

    def test_cut_off(self) -> None:
        """Wherever it ends, and even where it lies about its size."""
        disc = installer_iso()
        self.assert_wrong("is cut off: it has", disc[:-2048])
        small = bytearray(disc[: look(disc).parts[0].at + 5])
        struct.pack_into("<I", small, PVD + 80, 20)
        self.assert_wrong("is cut off", bytes(small))

    def test_no_such_file(self) -> None:
        """Another system's ISO; a directory; below a file."""
        disc = installer_iso()
        self.assert_wrong("no file casper/vmlinuz", disc, "casper/vmlinuz")
        self.assert_wrong("isolinux of x.iso is no plain file", disc, "isolinux")
        self.assert_wrong("has no file", disc, "isolinux/linux/x")

    def test_sizes(self) -> None:
        """Empty, too large, beyond the end, in several pieces."""
        for size, at, flags, text in (
            (0, 30, 0, "has 0 bytes; no kernel"),
            (2 << 30, 30, 0, "larger than 1024 MiB"),
            (4096, 0xFFFFFFF0, 0, "is beyond its end"),
            (1 << 29, 30, 0, "is beyond its end"),
            (4096, 30, 0x80, "is no plain file"),
        ):
            root = record(b"LINUX.;1", at, size, flags).ljust(2048, b"\0")
            self.assert_wrong(text, with_root(root), "linux")

    def test_loop(self) -> None:
        """A directory that is in itself is gone through as often as asked for."""
        disc = with_root(b"")
        here = len(disc) // 2048
        loop = record(b"BOOT", here, 2048, 2).ljust(2048, b"\0")
        self.assert_wrong("has no file", with_root(loop), "boot/" * 50 + "linux")

    def test_huge_directories(self) -> None:
        """Larger than the ISO, than any, or full of the smallest entries."""
        self.assert_wrong("is cut off", with_root(bytes(2048), 1 << 20), "linux")
        self.assert_wrong("a directory of", with_root(bytes(2048), 1 << 30), "linux")
        full = (record(b"A", 30, 9) * 60).ljust(2048, b"\0")
        self.assert_wrong("has no file", with_root(full * 4000), "linux")

    def test_continuations_without_end(self) -> None:
        """Each name says that it goes on elsewhere."""
        goes_on = b"CE" + bytes([28, 1]) + struct.pack("<I4xI4xI4x", 16, 0, 2048)
        entry = bytearray(record(b"A", 30, 9) + goes_on)
        entry[0] = len(entry)
        full = bytes(entry * (2048 // len(entry))).ljust(2048, b"\0")
        self.assert_wrong("has no file", with_root(full * 4000), "linux")

    def test_nonsense_in_a_directory(self) -> None:
        """Entries that are shorter than they must be, or than they say."""
        for entry in (b"\5linux", bytes([34] + [0] * 31 + [99, 0])):
            self.assert_wrong("makes no sense", with_root(entry.ljust(2048, b"\0")))
        blocks = bytearray(installer_iso())
        struct.pack_into("<H", blocks, PVD + 128, 0)
        self.assert_wrong("blocks of 0 bytes", bytes(blocks))

    def test_label_is_one_word(self) -> None:
        """It comes onto a command line."""
        disc = bytearray(installer_iso())
        disc[PVD + 40 : PVD + 72] = b"a init=/bin/sh\n'\"\\\xff".ljust(32)
        label = look(bytes(disc)).label
        self.assertEqual(r"a\x20init=\x2fbin\x2fsh\x0a\x27\x22\x5c\xff", label)

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def test_any_damage(self, data: st.DataObject) -> None:
        """Bytes that matter are others: refused, or parts that are in it."""
        kind = data.draw(st.sampled_from(["rock_ridge", "joliet", "plain"]))
        disc = bytearray(installer_iso(kind))
        places = st.integers(PVD, min(len(disc), PVD + 40 * 2048) - 1)
        for at in data.draw(st.lists(places, min_size=1, max_size=40)):
            disc[at] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(0, len(disc)))
        try:
            found = look(bytes(disc[: max(end, len(disc) // 2)]), whole=False)
        except SpecError as error:
            self.assertIn("x.iso", str(error))
        else:
            for part in found.parts:
                self.assertTrue(0 <= part.at < part.at + part.size <= len(disc))
