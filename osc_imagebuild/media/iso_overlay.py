"""Add files to an ISO while it is streamed, without unpacking it.

An ISO stays as it is but for the few sectors of the directories that are touched;
what is new follows behind its end. So its boot loaders, boot records and all its
files are where they were, and neither memory nor disk holds a copy of it.
Source: ECMA-119 (ISO 9660), IEEE P1281 and P1282 (SUSP and Rock Ridge).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media.iso9660 import (
    DIRECTORY,
    MORE_EXTENTS,
    SECTOR,
    RawRecord,
    raw_records,
    system_use_entries,
)

# No directory that a file is put into is larger, whatever a broken ISO says.
MAX_DIRECTORY = 1 << 20
MAX_PATH_TABLE = 4 << 20
_DESCRIPTOR = 16
# Sectors that are read together: over a network each reading takes its time.
_AT_ONCE = 16
# All that is read is kept; a directory that moves has its subdirectories read.
_MOST_READINGS = 2048
# Rock Ridge 1.12 has a serial number more than 1.09 in a file's modes.
_LONG_MODES = 40

# Reads so many bytes at an offset.
Read = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Overlay:
    """The changes of an ISO: sectors by their numbers.

    ``basis`` are the sectors that this was made of, as they are in the ISO.
    """

    sectors: Mapping[int, bytes]
    basis: Mapping[int, bytes]


def overlay(size: int, read: Read, files: Mapping[str, bytes]) -> Overlay:
    """Return what ``files`` change of an ISO of ``size`` bytes.

    ``files`` are paths and contents, new ones and such as replace what is there;
    their directories must be there. Only Rock Ridge, which Linux and the BSDs
    read, knows of what is new.

    :raises: SpecError where the ISO is not one that can be changed
    """
    disc = _Disc(size, read)
    for path, data in files.items():
        disc.put(path, data)
    return disc.finished()


def _rock_ridge(record: RawRecord, skip: int) -> dict[bytes, bytes]:
    """What Rock Ridge says in the record itself: by the names of its fields."""
    fields: dict[bytes, bytes] = {}
    for kind, data in system_use_entries(record.system_use[skip:]):
        fields[kind] = fields.get(kind, b"") + data
    return fields


class _Disc:
    """Sectors of an ISO as they were read, and as they become."""

    def __init__(self, size: int, read: Read) -> None:
        self._read = read
        self._changed: dict[int, bytearray] = {}
        self._seen: dict[int, bytes] = {}
        self._sectors = self._end = -(-size // SECTOR)
        volume = self._sector(_DESCRIPTOR)
        if volume[:7] != b"\x01CD001\x01" or volume[128:130] != b"\x00\x08":
            raise SpecError("this is no ISO 9660 image with sectors of 2048 bytes")
        root = RawRecord(bytes(volume[156:190]), _DESCRIPTOR * SECTOR + 156)
        self._root = root
        first = self._entries(root)[0]
        shared = _rock_ridge(first, 0).get(b"SP", b"")
        if shared[:2] != b"\xbe\xef":
            raise SpecError("the ISO has no Rock Ridge names; nothing can be added")
        self._skip = shared[2]

    def put(self, path: str, data: bytes) -> None:
        """Add a file, or replace one."""
        *folders, name = path.encode().split(b"/")
        if not name or len(name) > 100 or not all(folders):
            raise SpecError(f"not a path on a CD: {path!r}")
        folder = self._root
        for part in folders:
            record = self._find(folder, part)
            if record is None or not record.flags & DIRECTORY:
                raise SpecError(f"the ISO has no directory for {path}")
            folder = record
        extent = self._append(data)
        old = self._find(folder, name)
        if old is None:
            self._insert(folder, self._new(folder, name, extent, len(data)))
            return
        kinds = _rock_ridge(old, self._skip).keys() & {b"SL", b"CL"}
        if old.flags & (DIRECTORY | MORE_EXTENTS) or kinds:
            raise SpecError(f"{path} of the ISO is no plain file")
        self._write(old.at + 2, _both(extent) + _both(len(data)))

    def finished(self) -> Overlay:
        """All that has changed; the volume is as large as it has become."""
        self._write(_DESCRIPTOR * SECTOR + 80, _both(self._end))
        return Overlay(
            {number: bytes(data) for number, data in self._changed.items()},
            {
                block + at // SECTOR: data[at : at + SECTOR]
                for block, data in self._seen.items()
                for at in range(0, len(data), SECTOR)
            },
        )

    # --- directories

    def _records(self, folder: RawRecord) -> Iterator[RawRecord]:
        """The records of a directory, itself and the one above it first."""
        if not 0 < folder.size <= MAX_DIRECTORY:
            raise SpecError(f"a directory of the ISO is {folder.size} bytes large")
        for number in range(folder.extent, folder.extent + -(-folder.size // SECTOR)):
            for at, raw in raw_records(bytes(self._sector(number))):
                record = RawRecord(raw, number * SECTOR + at)
                if len(raw) != raw[0] or not record.is_whole:
                    raise SpecError("a directory of the ISO is damaged")
                yield record

    def _entries(self, folder: RawRecord) -> list[RawRecord]:
        """All records of a directory, the two that each has first."""
        records = list(self._records(folder))
        if [r.identifier for r in records[:2]] != [b"\0", b"\1"]:
            raise SpecError("a directory of the ISO is damaged")
        return records

    def _find(self, folder: RawRecord, name: bytes) -> RawRecord | None:
        for record in self._records(folder):
            if _rock_ridge(record, self._skip).get(b"NM", b"\0")[1:] == name:
                return record
        return None

    def _new(self, folder: RawRecord, name: bytes, extent: int, size: int) -> bytes:
        """The record of a plain file of root's, under a plain name that is free."""
        others = self._entries(folder)
        taken = {record.identifier for record in others}
        plain = (b"IMGBL%03d.;1" % number for number in range(1000))
        identifier = next(p for p in plain if p not in taken)
        modes = _both(0o100644) + _both(1) + _both(0) + _both(0)
        mode_entries = (
            _rock_ridge(record, self._skip).get(b"PX", b"") for record in others
        )
        if max(map(len, mode_entries)) == _LONG_MODES:
            modes += _both(extent)  # a serial number, which is this file's own
        fields = b"PX" + bytes([4 + len(modes), 1]) + modes
        fields += b"NM" + bytes([5 + len(name), 1, 0]) + name
        fixed = _both(extent) + _both(size) + folder.raw[18:25] + bytes(3)
        # The plain name's length is odd, so that nothing stands behind it.
        rest = b"\0" + fixed + b"\1\0\0\1" + bytes([len(identifier)])
        rest += identifier + fields
        odd = (1 + len(rest)) % 2
        return bytes([1 + len(rest) + odd]) + rest + bytes(odd)

    def _insert(self, folder: RawRecord, new: bytes) -> None:
        """Write the directory anew, where it is or behind the end where it grew."""
        records = [r.raw for r in self._entries(folder)]
        head, rest = records[:2], sorted([*records[2:], new], key=_identifier)
        packed = _packed([*head, *rest])
        if len(packed) <= -(-folder.size // SECTOR) * SECTOR:
            padded = packed.ljust(-(-folder.size // SECTOR) * SECTOR, b"\0")
            self._write(folder.extent * SECTOR, padded)
            return
        extent, place = self._append(packed), _both(len(packed))
        self._write(folder.at + 2, _both(extent) + place)
        raw = folder.raw[:2] + _both(extent) + place + folder.raw[18:]
        self._move(folder, RawRecord(raw, folder.at))

    def _move(self, old: RawRecord, new: RawRecord) -> None:
        """Correct all records that say where a directory is."""
        place = _both(new.extent) + _both(new.size)
        itself, parent, *others = self._entries(new)
        self._write(itself.at + 2, place)
        if old.at == self._root.at:
            self._write(parent.at + 2, place)
            self._root = new
        for child in others:
            if child.flags & DIRECTORY:
                up = self._entries(child)[1]
                self._write(up.at + 2, place)
        volume = bytes(self._sector(_DESCRIPTOR))
        (size,) = struct.unpack_from("<I", volume, 132)
        for offset, order in ((140, "<"), (144, "<"), (148, ">"), (152, ">")):
            (table,) = struct.unpack_from(f"{order}I", volume, offset)
            if table:
                self._move_in_table(table * SECTOR, size, order, old.extent, new.extent)

    def _move_in_table(
        self, start: int, size: int, order: str, old: int, new: int
    ) -> None:
        if size > MAX_PATH_TABLE:
            raise SpecError(f"a path table of the ISO is {size} bytes large")
        at = start
        while at + 8 < start + size:
            length = self._bytes(at, 1)[0]
            if self._bytes(at + 2, 4) == struct.pack(f"{order}I", old):
                self._write(at + 2, struct.pack(f"{order}I", new))
            at += 8 + length + length % 2

    # --- sectors

    def _sector(self, number: int) -> bytearray:
        if number in self._changed:
            return self._changed[number]
        if number >= self._sectors:
            raise SpecError("the ISO is cut off, or damaged: it points past its end")
        block = number - number % _AT_ONCE
        if block not in self._seen:
            if len(self._seen) >= _MOST_READINGS:
                raise SpecError("the ISO has larger directories than any installer")
            size = min(_AT_ONCE, self._sectors - block) * SECTOR
            self._seen[block] = self._read(block * SECTOR, size).ljust(size, b"\0")
        start = (number - block) * SECTOR
        return bytearray(self._seen[block][start : start + SECTOR])

    def _bytes(self, at: int, count: int) -> bytes:
        number, inside = divmod(at, SECTOR)
        data = self._sector(number)
        if inside + count > SECTOR:
            data = data + self._sector(number + 1)
        return bytes(data[inside : inside + count])

    def _write(self, at: int, data: bytes) -> None:
        while data:
            number, inside = divmod(at, SECTOR)
            part = data[: SECTOR - inside]
            sector = self._changed.setdefault(number, self._sector(number))
            sector[inside : inside + len(part)] = part
            at, data = at + len(part), data[len(part) :]

    def _append(self, data: bytes) -> int:
        """Write behind the end; return the number of the first sector."""
        first = self._end
        self._end += max(1, -(-len(data) // SECTOR))
        for number in range(first, self._end):
            self._changed[number] = bytearray(SECTOR)
        self._write(first * SECTOR, data)
        return first


def _both(number: int) -> bytes:
    """A number as ISO 9660 has it, in both orders of bytes."""
    return struct.pack("<I", number) + struct.pack(">I", number)


def _identifier(record: bytes) -> bytes:
    return RawRecord(record).identifier


def _packed(records: list[bytes]) -> bytes:
    """Records one after another, none across the end of a sector."""
    packed = b""
    for record in records:
        padding = -len(packed) % SECTOR
        if padding < len(record) and padding:
            packed += bytes(padding)
        packed += record
    return packed + bytes(-len(packed) % SECTOR)
