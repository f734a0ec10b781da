"""The disc with contents, as another program reads it."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import fixtures
import pycdlib
import testtools

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import contents_disc
from osc_imagebuild.media.door import STRICT, TYPED
from osc_imagebuild.model import contents
from osc_imagebuild.model.contents import ALIGNMENT, LABEL, Disc, Packed


class DiscTest(testtools.TestCase):
    """Archives, which are on the disc as they are."""

    def setUp(self) -> None:
        super().setUp()
        self.place = Path(self.useFixture(fixtures.TempDir()).path)
        self.calls = 0

    def item(self, name: str, data: bytes) -> Packed:
        """An archive of the disc."""
        path = self.place / name
        path.write_bytes(data)
        return Packed(
            source=str(path),
            kind="archive",
            name=name,
            mode="",
            owner="",
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def beat(self) -> None:
        """Count."""
        self.calls += 1

    def test_read(self) -> None:
        """In any pieces, and begun anew; each stream is where the guest looks for it."""
        streams = (b"a" * 3_000_000, b"", os.urandom(ALIGNMENT), b"end")
        disc = Disc(items=tuple(self.item(f"{n}", s) for n, s in enumerate(streams)))
        reader = contents_disc.open_disc(disc, TYPED, self.beat)
        reader.read(5000)
        reader.seek(0)
        self.assertRaises(ValueError, reader.seek, 1)
        data = b"".join(iter(lambda: reader.read(777_777), b""))
        self.assertEqual(disc.size_bytes, len(data))
        self.assertGreater(self.calls, 3)
        iso = pycdlib.PyCdlib()
        iso.open_fp(io.BytesIO(data))
        self.assertEqual(LABEL, iso.pvd.volume_identifier.decode().rstrip())
        begins = contents.begins(map(len, streams))
        for number, (stream, begin) in enumerate(zip(streams, begins, strict=True), 1):
            found = io.BytesIO()
            iso.get_file_from_iso_fp(found, iso_path=f"/DATA{number:04}.;1")
            self.assertEqual(stream, found.getvalue())
            at = begin * ALIGNMENT
            self.assertEqual(stream, data[at : at + len(stream)])

    def test_many_and_large(self) -> None:
        """Directories of several sectors, and files in several extents."""
        sizes = [3, *[5] * (contents.MOST - 2), 9 << 30]
        path = self.place / "large.iso"
        with path.open("wb") as file:
            file.write(contents_disc._descriptors(sizes))
            file.truncate(contents.size(sizes))
        iso = pycdlib.PyCdlib()
        iso.open(str(path))
        self.addCleanup(iso.close)
        children = list(iso.list_children(iso_path="/"))[2:]
        self.assertEqual(
            [*sizes[:-1], (1 << 32) - ALIGNMENT],
            [child.get_data_length() for child in children],
        )
        extents = list(contents_disc._extents(512, 9 << 30))
        self.assertEqual([True, True, False], [more for _, _, more in extents])
        self.assertEqual(9 << 30, sum(length for _, length, _ in extents))

    def test_not_what_it_was(self) -> None:
        """The whole of it is never given."""
        item = self.item("a", b"x" * 100)
        for data in (b"y" * 100, b"x" * 99, b"x" * 5_000_000):
            Path(item.source).write_bytes(data)
            reader = contents_disc.open_disc(Disc(items=(item,)), TYPED, self.beat)
            reader.read(ALIGNMENT)
            error = self.assertRaises(SpecError, reader.read, ALIGNMENT)
            self.assertIn("has changed since the build was planned", str(error))

    def test_of_others(self) -> None:
        """A record's word opens no file; what is not there is told."""
        item = self.item("a", b"x")
        for change, door, told in (
            (None, STRICT, f"--allow-local {item.source}"),
            (os.unlink, TYPED, "is not on this machine"),
            (os.mkdir, TYPED, "it is a directory, not a plain file"),
        ):
            if change:
                change(item.source)
            disc = Disc(items=(item,))
            error = self.assertRaises(SpecError, self.whole, disc, door)
            self.assertIn(told, str(error))

    def whole(self, disc: Disc, door: object) -> bytes:
        """All of a disc."""
        reader = contents_disc.open_disc(disc, door, self.beat)  # type: ignore[arg-type]
        return b"".join(iter(lambda: reader.read(1 << 20), b""))
