"""Pack a file or a directory of this machine as a tar stream, whatever its size.

Modes, owners, times, links, extended attributes and holes are kept. The same tree makes
the same bytes each time. Links are packed as they are and never followed, so nothing
that is beside the tree gets into it.
Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header"; star's
documentation of SCHILY.xattr; the GNU tar manual, "Storing Sparse Files".
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import local_files

_BLOCK, _CHUNK = 512, 1 << 20
_END = bytes(2 * _BLOCK)
# Of what cannot be packed, so many are told at once.
_MOST_PROBLEMS = 20
# Each level keeps a directory open.
_DEEPEST = 200
_MOST_PIECES = 1 << 20
# What fits into the fields of a header; more goes into a pax header before it.
_LONGEST_NAME, _LARGEST, _HIGHEST_ID = 100, 8**11 - 1, 8**7 - 1
# A machine's own, which mean nothing on another one. Source: xattr(7).
_KEPT = ("user.", "trusted.", "security.capability", "system.posix_acl_")

_FILE, _HARD_LINK, _LINK, _FOLDER, _EXTENDED = b"0", b"1", b"2", b"5", b"x"


@dataclass(frozen=True)
class _Entry:
    """What a header says; ``more`` are records of the pax header."""

    path: bytes
    kind: bytes
    status: os.stat_result
    size: int = 0
    target: bytes = b""
    more: tuple[tuple[bytes, bytes], ...] = ()


@dataclass
class TreeTar:
    """A tar stream of ``source``, in which that is called ``name``.

    ``mode`` (octal, of a single file) and ``owner`` (user:group) take the place of its
    own, '' for none. ``digest`` is a sha256 like the stream's own, as if no file had a
    time.
    """

    source: str
    name: str
    mode: str = ""
    owner: str = ""
    heartbeat: Callable[[], None] = lambda: None
    digest: str = field(default="", init=False)
    _timeless: hashlib._Hash = field(default_factory=hashlib.sha256, init=False)
    _problems: list[str] = field(default_factory=list, init=False)
    _seen: dict[tuple[int, int], bytes] = field(default_factory=dict, init=False)

    def chunks(self) -> Iterator[bytes]:
        """Yield the stream, in pieces of some MiB at most.

        :raises: SpecError naming what cannot be packed
        """
        if os.open not in os.supports_dir_fd:
            raise SpecError(
                f"{self.source}: a client on this system cannot pack files; give contents "
                "by url and sha256"
            )
        try:
            fd = local_files.open_real(self.source)
        except (OSError, ValueError) as error:
            raise SpecError(f"cannot read {self.source}: {_why(error)}") from error
        try:
            name = os.fsencode(self.name)
            yield from self._opened(fd, os.fstat(fd), name, self.source, 0)
        finally:
            os.close(fd)
        if self._problems:
            raise SpecError(self._problems)
        self._timeless.update(_END)
        self.digest = self._timeless.hexdigest()
        yield _END

    def _opened(
        self, fd: int, status: os.stat_result, path: bytes, shown: str, depth: int
    ) -> Iterator[bytes]:
        """Pack an open file or directory."""
        try:
            more = _attributes(fd)
        except OSError as error:
            self._wrong(shown, _why(error))
            return
        if stat.S_ISDIR(status.st_mode):
            yield self._header(_Entry(path, _FOLDER, status, more=more))
            yield from self._folder(fd, path, shown, depth)
        else:
            yield from self._file(fd, status, path, shown, more)

    def _folder(self, fd: int, path: bytes, shown: str, depth: int) -> Iterator[bytes]:
        if depth >= _DEEPEST:
            self._wrong(shown, f"it is more than {_DEEPEST} directories deep")
            return
        try:
            names = sorted(map(os.fsencode, os.listdir(fd)))
        except OSError as error:
            self._wrong(shown, _why(error))
            return
        for name in names:
            inner = f"{shown}/{os.fsdecode(name)}"
            try:
                yield from self._inside(fd, name, path + b"/" + name, inner, depth + 1)
            except OSError as error:
                self._wrong(inner, _why(error))

    def _inside(
        self, folder: int, name: bytes, path: bytes, shown: str, depth: int
    ) -> Iterator[bytes]:
        """Pack what is called ``name`` in an open directory."""
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFLNK:
            target = os.readlink(name, dir_fd=folder)
            yield self._header(_Entry(path, _LINK, status, target=target))
            return
        if kind not in (stat.S_IFREG, stat.S_IFDIR):
            self._wrong(shown, "it is neither a file, nor a directory, nor a link")
            return
        identity = status.st_dev, status.st_ino
        if kind == stat.S_IFREG and status.st_nlink > 1:
            if first := self._seen.get(identity):
                yield self._header(_Entry(path, _HARD_LINK, status, target=first))
                return
            self._seen[identity] = path
        flags = local_files.STEADY | (os.O_DIRECTORY if kind == stat.S_IFDIR else 0)
        fd = os.open(name, flags, dir_fd=folder)
        try:
            opened = os.fstat(fd)
            if (opened.st_dev, opened.st_ino) != identity:
                raise SpecError(f"{shown} was replaced while it was read; try again")
            yield from self._opened(fd, opened, path, shown, depth)
        finally:
            os.close(fd)

    def _file(
        self,
        fd: int,
        status: os.stat_result,
        path: bytes,
        shown: str,
        more: tuple[tuple[bytes, bytes], ...],
    ) -> Iterator[bytes]:
        pieces, size = _pieces(fd, status), status.st_size
        if pieces is None:
            yield self._header(_Entry(path, _FILE, status, size, more=more))
            yield from self._data(fd, [(0, size)], shown)
        else:
            table = _padded(_table(pieces))
            size = len(table) + sum(length for _, length in pieces)
            more = (*more, *_sparse(path, status.st_size))
            entry = _Entry(b"GNUSparseFile.0/file", _FILE, status, size, more=more)
            yield self._header(entry)
            yield self._noted(table)
            yield from self._data(fd, pieces, shown)
        yield self._noted(bytes(-size % _BLOCK))
        after = os.fstat(fd)
        if (after.st_size, after.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
            raise SpecError(f"{shown} was changed while it was read; try again")

    def _data(
        self, fd: int, pieces: list[tuple[int, int]], shown: str
    ) -> Iterator[bytes]:
        for begin, length in pieces:
            end = begin + length
            while begin < end:
                data = os.pread(fd, min(_CHUNK, end - begin), begin)
                if not data:
                    raise SpecError(
                        f"{shown} became shorter while it was read; try again"
                    )
                begin += len(data)
                self.heartbeat()
                yield self._noted(data)

    def _noted(self, data: bytes) -> bytes:
        self._timeless.update(data)
        return data

    def _header(self, entry: _Entry) -> bytes:
        """Return the blocks that come before what an entry holds."""
        mode = stat.S_IMODE(entry.status.st_mode)
        if self.mode and entry.kind == _FILE:
            mode = int(self.mode, 8)
        self._timeless.update(_blocks(entry, mode, self.owner, 0))
        return _blocks(entry, mode, self.owner, entry.status.st_mtime_ns)

    def _wrong(self, shown: str, why: str) -> None:
        self._problems.append(f"cannot pack {shown!r:.300}: {why}")
        if len(self._problems) >= _MOST_PROBLEMS:
            raise SpecError(self._problems)


def _why(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error)


def _attributes(fd: int) -> tuple[tuple[bytes, bytes], ...]:
    """Return the extended attributes of an open file, as records of a pax header."""
    if not hasattr(os, "listxattr"):
        return ()
    try:
        names = sorted(n for n in os.listxattr(fd) if n.startswith(_KEPT))
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return ()
        raise
    return tuple(
        (b"SCHILY.xattr." + os.fsencode(name), os.getxattr(fd, name)) for name in names
    )


def _pieces(fd: int, status: os.stat_result) -> list[tuple[int, int]] | None:
    """Return where a file has data, as offsets and lengths; None where all of it is.

    Source: lseek(2), SEEK_DATA and SEEK_HOLE.
    """
    size = status.st_size
    if not hasattr(os, "SEEK_HOLE") or status.st_blocks * 512 >= size:
        return None
    pieces: list[tuple[int, int]] = []
    at = 0
    while at < size and len(pieces) < _MOST_PIECES:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break  # a hole up to the end
            return None  # a file system that knows no holes
        at = min(os.lseek(fd, begin, os.SEEK_HOLE), size)
        pieces.append((begin, at - begin))
    if pieces == [(0, size)] or len(pieces) >= _MOST_PIECES:
        return None
    return pieces if at == size and pieces else [*pieces, (size, 0)]


def _table(pieces: list[tuple[int, int]]) -> bytes:
    numbers = [len(pieces), *(number for piece in pieces for number in piece)]
    return b"".join(b"%d\n" % number for number in numbers)


def _sparse(path: bytes, size: int) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"GNU.sparse.major", b"1"),
        (b"GNU.sparse.minor", b"0"),
        (b"GNU.sparse.name", path),
        (b"GNU.sparse.realsize", b"%d" % size),
    )


def _blocks(entry: _Entry, mode: int, owner: str, mtime_ns: int) -> bytes:
    """Return the header of an entry, behind the pax header that it needs, if any."""
    status, more = entry.status, list(entry.more)
    user, group = b"", b""
    uid, gid = status.st_uid, status.st_gid
    if owner:
        user, _, group = owner.encode().partition(b":")
        uid = gid = 0  # the names count, and the guest has them
    path = entry.path + (b"/" if entry.kind == _FOLDER else b"")
    seconds, rest = divmod(mtime_ns, 10**9)
    for key, value, fits in (
        (b"path", path, len(path) <= _LONGEST_NAME and path.isascii()),
        (
            b"linkpath",
            entry.target,
            len(entry.target) <= _LONGEST_NAME and entry.target.isascii(),
        ),
        (b"size", b"%d" % entry.size, entry.size <= _LARGEST),
        (b"uid", b"%d" % uid, uid <= _HIGHEST_ID),
        (b"gid", b"%d" % gid, gid <= _HIGHEST_ID),
        (b"uname", user, len(user) < 32),
        (b"gname", group, len(group) < 32),
        (b"mtime", _time(mtime_ns), not rest and 0 <= seconds <= _LARGEST),
    ):
        if not fits:
            more.append((key, value))
    ids = (min(uid, _HIGHEST_ID), min(gid, _HIGHEST_ID))
    time = min(max(seconds, 0), _LARGEST)
    size = min(entry.size, _LARGEST)
    header = _ustar(
        path, entry.kind, mode, ids, size, time, entry.target, (user, group)
    )
    if not more:
        return header
    records = _padded(data := b"".join(_record(*pair) for pair in more))
    none = (b"", b"")
    extended = _ustar(
        b"PaxHeaders/x", _EXTENDED, 0o644, (0, 0), len(data), 0, b"", none
    )
    return extended + records + header


def _time(mtime_ns: int) -> bytes:
    """Return a time as pax has it; one before 1970 has whole seconds."""
    seconds, rest = divmod(mtime_ns, 10**9)
    return b"%d.%09d" % (seconds, rest) if seconds >= 0 else b"%d" % seconds


def _record(key: bytes, value: bytes) -> bytes:
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
        *(name[:31].ljust(32, b"\0") for name in names),
        b"0000000\0" * 2,
    )
    block = b"".join(parts).ljust(_BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK)
