"""Make the disc with the contents of a build while it is streamed, in bounded memory.

An ISO whose few descriptors come first, and then one stream after the other, each where
`osc_imagebuild.model.contents` says, so that a guest can read them without a file system.
Source: ECMA-119 (ISO 9660): volume descriptors 8, directory records 9.1, path tables 9.4.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shlex
import struct
from collections.abc import Callable, Iterator

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import local_files
from osc_imagebuild.media.door import Door
from osc_imagebuild.media.tree_tar import TreeTar
from osc_imagebuild.model import contents
from osc_imagebuild.model.contents import Disc, Kind, Packed

_SECTOR = 2048
_PER_UNIT = contents.ALIGNMENT // _SECTOR
_CHUNK = 1 << 20
# A directory record has 32 bits for a length; this is the most that is whole units.
_LONGEST_EXTENT = (1 << 32) - contents.ALIGNMENT
_MORE = 0x80
_TABLES, _ROOT = 18, 20


class DiscReader:
    """A disc as a stream, which gives its last bytes only where all is what it was.

    ``seek`` begins anew, for a request that must be sent again.
    """

    def __init__(self, disc: Disc, heartbeat: Callable[[], None]) -> None:
        self._disc, self._heartbeat = disc, heartbeat
        self._chunks: Iterator[bytes] = iter(())
        self._rest = b""
        self.seek(0)

    def seek(self, offset: int) -> int:
        """Go to the begin; nowhere else.

        :raises: ValueError
        """
        if offset:
            raise ValueError("a disc can only be begun anew")
        self._chunks, self._rest = self._all(), b""
        return 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, b'' at the end.

        :raises: SpecError where a file cannot be read, or is another one than it was
        """
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _all(self) -> Iterator[bytes]:
        yield _descriptors([item.size_bytes for item in self._disc.items])
        for item in self._disc.items:
            yield from _same(item, self._heartbeat)
            yield bytes(-item.size_bytes % contents.ALIGNMENT)


def open_disc(disc: Disc, door: Door, heartbeat: Callable[[], None]) -> DiscReader:
    """Return a disc as a stream.

    :raises: SpecError where what is to be on it may not be read here, or is not what it was
    """
    for item in disc.items:
        if not door.trust.may_read(item.source):
            raise SpecError(
                f"{item.source} is a file of the machine that the build was begun on, and "
                "the record that names it was not written here: resume the build there, "
                f"or name the file: --allow-local {shlex.quote(item.source)}"
            )
        if not os.path.lexists(item.source):
            raise SpecError(
                f"{item.source}, which is to go into the image, is not on this machine; "
                "resume the build on the machine that has it"
            )
        if not door.trust.typed:
            # Not a byte of what is something else is sent anywhere.
            for _ in _same(item, heartbeat):
                pass
    return DiscReader(disc, heartbeat)


def streamed(item: Packed, heartbeat: Callable[[], None]) -> Iterator[bytes]:
    """Yield what is on the disc for an item, whatever it should be.

    :raises: SpecError where it cannot be read
    """
    if item.kind == Kind.ARCHIVE:
        return whole(item.source, heartbeat)
    packer = TreeTar(item.source, item.name, item.mode, item.owner, heartbeat)
    return packer.chunks()


def whole(path: str, heartbeat: Callable[[], None]) -> Iterator[bytes]:
    """Yield what is in a plain file.

    :raises: SpecError where it cannot be read
    """
    try:
        with local_files.opened(path) as file:
            while data := file.read(_CHUNK):
                heartbeat()
                yield data
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot read {path}: {error}") from error


def _same(item: Packed, heartbeat: Callable[[], None]) -> Iterator[bytes]:
    """Yield the stream of an item, but its end only where it is what it should be.

    :raises: SpecError
    """
    sha256, size, last = hashlib.sha256(), 0, b""
    for data in streamed(item, heartbeat):
        sha256.update(data)
        size += len(data)
        if size > item.size_bytes:
            break
        yield last
        last = data
    if (size, sha256.hexdigest()) != (item.size_bytes, item.sha256):
        raise SpecError(
            f"{item.source} has changed since the build was planned; start a new build"
        )
    yield last


def _descriptors(sizes: list[int]) -> bytes:
    """Return the first unit of a disc with streams of such sizes."""
    begins = [unit * _PER_UNIT for unit in contents.begins(sizes)]
    records = [
        _record(b"DATA%04d.;1" % number, at, length, more)
        for number, (begin, size) in enumerate(zip(begins, sizes, strict=True), 1)
        for at, length, more in _extents(begin, size)
    ]
    folder = _folder(records)
    sectors = len(folder) // _SECTOR
    total = contents.size(sizes) // _SECTOR
    # The root alone is in it. Source: ECMA-119, 9.4.
    tables = [struct.pack(f"{end}BBIH", 1, 0, _ROOT, 1) + b"\0\0" for end in "<>"]
    head = b"".join(
        (
            bytes(16 * _SECTOR),
            _primary(total, sectors * _SECTOR, len(tables[0])),
            b"\xffCD001\1".ljust(_SECTOR, b"\0"),
            *(table.ljust(_SECTOR, b"\0") for table in tables),
            folder,
        )
    )
    return head.ljust(contents.ALIGNMENT, b"\0")


def _extents(begin: int, size: int) -> Iterator[tuple[int, int, bool]]:
    """Yield block, length, and whether more follow, of the extents of a file."""
    for done in range(0, max(size, 1), _LONGEST_EXTENT):
        length = min(size - done, _LONGEST_EXTENT)
        yield begin + done // _SECTOR, length, done + length < size


def _folder(records: list[bytes]) -> bytes:
    """Return the root directory; no record of it goes over the end of a sector."""
    size, full = 0, bytearray()
    for final in (False, True):
        own = [_record(name, _ROOT, size, folder=True) for name in (b"\0", b"\1")]
        full = bytearray()
        for record in itertools.chain(own, records):
            if len(full) % _SECTOR + len(record) > _SECTOR:
                full += bytes(-len(full) % _SECTOR)
            full += record
        full += bytes(-len(full) % _SECTOR)
        assert not final or size == len(full)
        size = len(full)
    return bytes(full)


def _both(number: int, kind: str) -> bytes:
    """Return a number in both orders of its bytes."""
    return struct.pack(f"<{kind}", number) + struct.pack(f">{kind}", number)


def _record(
    name: bytes, block: int, size: int, more: bool = False, *, folder: bool = False
) -> bytes:
    flags = (0x02 if folder else 0) | (_MORE if more else 0)
    data = b"".join(
        (
            b"\0",
            _both(block, "I"),
            _both(size, "I"),
            bytes(7),
            bytes((flags, 0, 0)),
            _both(1, "H"),
            bytes((len(name),)),
            name,
            b"" if len(name) % 2 else b"\0",
        )
    )
    return bytes((len(data) + 1,)) + data


def _primary(total: int, folder: int, table: int) -> bytes:
    """Return the primary volume descriptor. Source: ECMA-119, 8.4."""
    none = b"0" * 16 + b"\0"
    return b"".join(
        (
            b"\1CD001\1\0",
            b" " * 32,
            contents.LABEL.encode().ljust(32),
            bytes(8),
            _both(total, "I"),
            bytes(32),
            _both(1, "H") * 2,
            _both(_SECTOR, "H"),
            _both(table, "I"),
            struct.pack("<II", _TABLES, 0),
            struct.pack(">II", _TABLES + 1, 0),
            _record(b"\0", _ROOT, folder, folder=True),
            b" " * (128 * 4 + 37 * 3),
            none * 4,
            b"\1\0",
        )
    ).ljust(_SECTOR, b"\0")
