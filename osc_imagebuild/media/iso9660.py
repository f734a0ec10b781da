"""Find a file in an ISO by its path; only the directories on the way are read.

Names are those of Rock Ridge, the plain ones of ISO 9660, and Joliet's. The
image may be a stranger's: what is wrong with it is a SpecError, and nothing
in it can make the work on it long.
Source: ECMA-119 (volume descriptors 8, directory records 9.1), SUSP 1.12 and
RRIP 1.12 (entries CE, NM), the Joliet Specification.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from osc_imagebuild.errors import SpecError

SECTOR = 2048
# The descriptors begin behind the system area.
_FIRST = 16
# What has to be read of an ISO to know that it is one.
BEGIN = (_FIRST + 1) * SECTOR
_MOST_DESCRIPTORS = 32
_PRIMARY, _SUPPLEMENTARY, _TERMINATOR = 1, 2, 255
_JOLIET = (b"%/@", b"%/C", b"%/E")
# SLES's full medium has its 12,000 packages in directories of up to 2 MiB.
DIRECTORY_LIMIT = 8 << 20
DIRECTORY, _ASSOCIATED, MORE_EXTENTS = 0x02, 0x04, 0x80
# Names that need continuations are long; those of kernels are not.
_MOST_CONTINUATIONS = 256


@dataclass(frozen=True)
class RawRecord:
    """A directory record as an ISO has it; ``at`` is its offset there.

    ``extent`` is the number of a block; nothing but `is_whole` may be asked of one that
    is not.
    """

    raw: bytes
    at: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether it has all its fields, and the name that it tells the length of."""
        return len(self.raw) >= 34 and len(self.raw) >= 33 + self.raw[32]

    @property
    def extent(self) -> int:
        """The block in which its data begin."""
        return _number(self.raw, 2)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return _number(self.raw, 10)

    @property
    def flags(self) -> int:
        """What it is, `DIRECTORY` and others."""
        return self.raw[25]

    @property
    def identifier(self) -> bytes:
        """Its plain name, or Joliet's."""
        return self.raw[33 : 33 + self.raw[32]]

    @property
    def system_use(self) -> bytes:
        """What is behind the name, which is padded to an odd length."""
        return self.raw[33 + self.raw[32] + (self.raw[32] + 1) % 2 :]


def system_use_entries(area: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and the data of the entries of Rock Ridge and the like."""
    while len(area) >= 4 and 4 <= area[2] <= len(area):
        yield area[:2], area[4 : area[2]]
        area = area[area[2] :]


@dataclass(frozen=True)
class Record:
    """A file or directory: where it begins and how long it is, in bytes."""

    at: int
    size: int
    flags: int
    name: str = ""

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return bool(self.flags & DIRECTORY)

    @property
    def is_plain(self) -> bool:
        """Whether it is a file in one piece."""
        return not self.flags & (DIRECTORY | _ASSOCIATED | MORE_EXTENTS)


class Volume:
    """What the volume descriptors of an ISO say; ``name`` is for errors.

    :raises: SpecError where there are none, or they say that it is cut off;
        what reading ``file`` raises
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self.size = file.seek(0, io.SEEK_END)
        self.descriptors = self._read_descriptors()
        primary = self.descriptors[:SECTOR]
        self._block = _number(primary, 128, 2)
        claimed = _number(primary, 80) * self._block
        if self._block not in (512, 1024, SECTOR):
            raise SpecError(f"{name} is damaged: it has blocks of {self._block} bytes")
        if claimed > self.size:
            raise SpecError(_cut_off(name, self.size, claimed))
        self.label = _encoded(primary[40:72])

    def find(self, path: str) -> Record | None:
        """Return the file or directory at ``path``, None where there is none.

        :raises: SpecError where the ISO is damaged; what reading it raises
        """
        for at in range(0, len(self.descriptors), SECTOR):
            descriptor = self.descriptors[at : at + SECTOR]
            kind, escape = descriptor[0], descriptor[88:91]
            joliet = kind == _SUPPLEMENTARY and escape in _JOLIET
            if kind != _PRIMARY and not joliet:
                continue
            record: Record | None = self._record(descriptor[156:190], joliet)
            for word in path.split("/"):
                record = self._entry(record, word, joliet) if record else None
            if record:
                return record
        return None

    def _entry(self, directory: Record, wanted: str, joliet: bool) -> Record | None:
        if not directory.is_directory:
            return None
        continuations = [_MOST_CONTINUATIONS]
        for raw in self._records(directory):
            record = self._record(raw, joliet, continuations)
            if record.name == wanted:
                return record
        return None

    def _records(self, directory: Record) -> Iterator[bytes]:
        """The raw records of a directory; none crosses the end of a sector."""
        if directory.size > DIRECTORY_LIMIT:
            raise SpecError(
                f"{self._name} has a directory of {directory.size} bytes, which no "
                "installer has"
            )
        data = self._read(directory.at, directory.size)
        for start in range(0, len(data), SECTOR):
            for _, raw in raw_records(data[start : start + SECTOR]):
                yield raw

    def _record(
        self, raw: bytes, joliet: bool, continuations: list[int] | None = None
    ) -> Record:
        record = RawRecord(raw)
        if not record.is_whole:
            raise SpecError(f"{self._name} is damaged: a directory makes no sense")
        if joliet:
            name = record.identifier.decode("utf-16-be", "replace").partition(";")[0]
        else:
            name = self._rock_ridge(record.system_use, continuations or [0])
            name = name or _plain(record.identifier)
        at = (record.extent + raw[1]) * self._block
        return Record(at, record.size, record.flags, name)

    def _rock_ridge(self, area: bytes, continuations: list[int]) -> str:
        """The name of Rock Ridge, '' where there is none.

        ``continuations`` is how many continuations may still be read.
        """
        name = b""
        for _ in range(2):
            following = b""
            for kind, data in system_use_entries(area):
                if kind == b"NM":
                    name += data[1:]
                elif kind == b"CE" and len(data) >= 24 and continuations[0] > 0:
                    continuations[0] -= 1
                    at = _number(data, 0) * self._block + _number(data, 8)
                    following = self._read(at, min(_number(data, 16), SECTOR))
            area = following
        return name.decode("utf-8", "replace")

    def _read(self, at: int, size: int) -> bytes:
        if at + size > self.size:
            raise SpecError(f"{self._name} is cut off, or damaged; get it anew")
        self._file.seek(at)
        return self._file.read(size)

    def _read_descriptors(self) -> bytes:
        """All volume descriptors, the primary one first."""
        self._file.seek(_FIRST * SECTOR)
        descriptors = b""
        for _ in range(_MOST_DESCRIPTORS):
            sector = self._file.read(SECTOR)
            first_is_wrong = not descriptors and sector[:1] != bytes([_PRIMARY])
            if len(sector) < SECTOR or sector[1:6] != b"CD001" or first_is_wrong:
                break
            descriptors += sector
            if sector[0] == _TERMINATOR:
                return descriptors
        raise SpecError(
            f"{self._name} is no ISO, or is cut off: it has no volume descriptors"
        )


def require_descriptor(begin: bytes, size: int, name: str) -> None:
    """See to it that a medium of ``size`` bytes that begins so is an ISO, and whole.

    A medium may have UDF alone, as Windows' tools make some.
    Source: ECMA-119, 8.4; ECMA-167, 2/9.1.2 and 3/9.1 (BEA01).

    :raises: SpecError
    """
    first = begin[_FIRST * SECTOR :][:SECTOR]
    if first[1:6] == b"BEA01":
        return
    if first[1:6] != b"CD001":
        raise SpecError(
            f"{name} is no ISO, or is cut off: it has {size} bytes and no volume "
            "descriptor; see whether it is an error page, or still compressed"
        )
    claimed = _number(first, 80) * _number(first, 128, 2)
    # What lacks of the last sector is padding at most.
    if first[0] == _PRIMARY and claimed > -(-size // SECTOR) * SECTOR:
        raise SpecError(_cut_off(name, size, claimed))


def _cut_off(name: str, size: int, claimed: int) -> str:
    return f"{name} is cut off: it has {size} bytes and says of itself {claimed}; get it anew"


def raw_records(sector: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of each record in a directory's sector.

    One that says that it goes on past the end of the sector is cut off there.
    """
    at = 0
    while at < len(sector) and (length := sector[at]):
        yield at, sector[at : at + length]
        at += length


def _number(data: bytes, at: int, size: int = 4) -> int:
    """A number that is there twice, the little-endian one."""
    return int.from_bytes(data[at : at + size], "little")


def _plain(name: bytes) -> str:
    """A name such as LINUX.;1 as people write it: in small letters."""
    return name.decode("ascii", "replace").partition(";")[0].rstrip(".").lower()


def _encoded(label: bytes) -> str:
    r"""The volume's name as one word: what is not plain is \xNN.

    Source: udev's encode_devnode_name; dracut and Anaconda take labels so.
    """
    plain = b"#+-.:=@_"
    return "".join(
        chr(c) if c < 128 and (chr(c).isalnum() or c in plain) else f"\\x{c:02x}"
        for c in label.rstrip(b" \0")
    )
