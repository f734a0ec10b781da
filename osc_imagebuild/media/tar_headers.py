"""Headers of a tar stream, with all that pax and GNU tar have added to them. Pure.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header"; the GNU tar manual,
"Storing Sparse Files".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 512
FILE, HARD_LINK, LINK, FOLDER, _EXTENDED = b"0", b"1", b"2", b"5", b"x"
# What fits into the fields of a header; more goes into a pax header before it.
_LONGEST_NAME, _LONGEST_OWNER = 100, 31
_LARGEST, _HIGHEST_ID = 8**11 - 1, 8**7 - 1


@dataclass(frozen=True)
class Entry:
    """What a header says; ``more`` are records of the pax header."""

    path: bytes
    kind: bytes
    status: os.stat_result
    size: int = 0
    target: bytes = b""
    more: tuple[tuple[bytes, bytes], ...] = ()


def blocks(entry: Entry, mode: int, owner: str, mtime_ns: int) -> bytes:
    """Return the header of an entry, behind the pax header that it needs, if any.

    An ``owner`` (user:group) takes the place of its own: the names count then, and
    whoever unpacks it has them.
    """
    user, _, group = owner.encode().partition(b":")
    ids = (0, 0) if owner else (entry.status.st_uid, entry.status.st_gid)
    path = entry.path + (b"/" if entry.kind == FOLDER else b"")
    more = [*entry.more, *_too_large(entry, path, ids, mtime_ns)]
    names = ((b"uname", user), (b"gname", group))
    more += [(key, name) for key, name in names if len(name) > _LONGEST_OWNER]
    header = _ustar(
        path,
        entry.kind,
        mode,
        (min(ids[0], _HIGHEST_ID), min(ids[1], _HIGHEST_ID)),
        min(entry.size, _LARGEST),
        min(max(mtime_ns // 10**9, 0), _LARGEST),
        entry.target,
        (user, group),
    )
    if not more:
        return header
    data = b"".join(record(*pair) for pair in more)
    extended = _ustar(
        b"PaxHeaders/x", _EXTENDED, 0o644, (0, 0), len(data), 0, b"", (b"", b"")
    )
    return extended + _padded(data) + header


def _too_large(
    entry: Entry, path: bytes, ids: tuple[int, int], mtime_ns: int
) -> Iterator[tuple[bytes, bytes]]:
    """Yield what does not fit into a header, as records."""
    seconds, rest = divmod(mtime_ns, 10**9)
    for key, value in ((b"path", path), (b"linkpath", entry.target)):
        if len(value) > _LONGEST_NAME or not value.isascii():
            yield key, value
    for key, number, most in (
        (b"size", entry.size, _LARGEST),
        (b"uid", ids[0], _HIGHEST_ID),
        (b"gid", ids[1], _HIGHEST_ID),
    ):
        if number > most:
            yield key, b"%d" % number
    if rest or not 0 <= seconds <= _LARGEST:
        yield b"mtime", _time(mtime_ns)


def sparse_table(pieces: list[tuple[int, int]]) -> bytes:
    """Return the blocks that say where a file has data, as offsets and lengths."""
    numbers = [len(pieces), *(number for piece in pieces for number in piece)]
    return _padded(b"".join(b"%d\n" % number for number in numbers))


def sparse_records(path: bytes, size: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return the records of a file with holes that has ``size`` bytes."""
    return (
        (b"GNU.sparse.major", b"1"),
        (b"GNU.sparse.minor", b"0"),
        (b"GNU.sparse.name", path),
        (b"GNU.sparse.realsize", b"%d" % size),
    )


def _time(mtime_ns: int) -> bytes:
    """Return a time as pax has it; one before 1970 has whole seconds."""
    seconds, rest = divmod(mtime_ns, 10**9)
    return b"%d.%09d" % (seconds, rest) if seconds >= 0 else b"%d" % seconds


def record(key: bytes, value: bytes) -> bytes:
    """Return a record, which begins with its own length."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    if len(str(length)) > len(str(len(rest))):
        length += 1
    return b"%d%s" % (length, rest)


def _ustar(
    path: bytes,
    kind: bytes,
    mode: int,
    ids: tuple[int, int],
    size: int,
    time: int,
    target: bytes,
    names: tuple[bytes, bytes],
) -> bytes:
    """Return the block of a header; what is too long in it is cut off."""
    parts = (
        path[:_LONGEST_NAME].ljust(100, b"\0"),
        b"%07o\0" % mode,
        *(b"%07o\0" % number for number in ids),
        *(b"%011o\0" % number for number in (size, time)),
        b" " * 8,
        kind,
        target[:_LONGEST_NAME].ljust(100, b"\0"),
        b"ustar\0" + b"00",
        *(name[:_LONGEST_OWNER].ljust(32, b"\0") for name in names),
        b"0000000\0" * 2,
    )
    block = b"".join(parts).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)
