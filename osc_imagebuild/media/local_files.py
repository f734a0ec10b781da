"""Read local files that an untrusted text names, such as a template or a record.

Who wrote a template or a catalogue may read less of this machine than who uses it. So
what such a text names is read below certain directories alone, only where it is a plain
file, and only up to a size. What is read is what was judged: no link is followed on the
way to it, should somebody put one there meanwhile.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

# Not every system has all of them.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_STEP = _NO_LINK | getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
# A pipe put in its place is opened at once, and no terminal becomes ours.
_FILE = os.O_RDONLY | _NO_LINK
_FILE |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
# For whoever walks a directory that `open_real` has opened.
STEADY = _FILE

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFLNK: "a link that was put there just now",
}


class UnreadableError(ValueError):
    """A file is of a kind, or of a size, that is not read."""


class OutsideError(UnreadableError):
    """A path leads out of where files may be read; ``real`` is where it leads to."""

    def __init__(self, real: Path) -> None:
        super().__init__(f"it leads to {real}, outside of where files may be read")
        self.real = real


class Found(NamedTuple):
    """What is in a file, and its mode."""

    data: bytes
    mode: int


@dataclass(frozen=True)
class Fence:
    """Directories below which files may be read, or single files; all without links."""

    roots: tuple[Path, ...]

    def real(self, path: str | Path) -> Path:
        """Return ``path`` without links; there may be no such file.

        :raises: OutsideError, ValueError where it cannot be a path
        """
        real = Path(os.path.realpath(path))
        if not any(real.is_relative_to(root) for root in self.roots):
            raise OutsideError(real)
        return real


def fence(*paths: str | Path) -> Fence:
    """Return the fence around ``paths``."""
    return Fence(tuple(Path(os.path.realpath(path)) for path in paths))


def read(path: str | Path, limit: int, inside: Fence | None = None) -> Found:
    """Return what is in a plain file of at most ``limit`` bytes.

    Without a fence it may be anywhere: the user named it.

    :raises: UnreadableError (OutsideError among them), OSError, ValueError where it
        cannot be a path
    """
    real = inside.real(path) if inside else Path(os.path.realpath(path))
    with open(_open_plain(real), "rb") as file:
        status = os.fstat(file.fileno())
        _check_kind(status.st_mode)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UnreadableError(f"it is larger than {limit} bytes")
    # Files of /proc have no size: /proc/self/environ is nothing that anybody wrote.
    if data and not status.st_size:
        raise UnreadableError(
            "the system makes it up when it is read, it is no file of a disk"
        )
    return Found(data, status.st_mode)


def open_real(path: str | Path) -> int:
    """Open a plain file, or a directory, at a path that has no links; return its number.

    :raises: UnreadableError, OSError, ValueError where it cannot be a path
    """
    return _open(Path(path), stat.S_IFREG, stat.S_IFDIR)


def opened(path: str | Path) -> IO[bytes]:
    """Open a plain file, of any size, at a path that has no links.

    :raises: as `open_real`
    """
    return open(_open_plain(Path(path)), "rb")


def _open_plain(real: Path) -> int:
    """Open a path that has no links; one that has them now is an error."""
    return _open(real, stat.S_IFREG)


def _open(real: Path, *kinds: int) -> int:
    if os.open not in os.supports_dir_fd:  # pragma: no cover - Windows
        _check_kind(os.lstat(real).st_mode, *kinds)
        return os.open(real, _FILE)
    at = os.open(real.anchor, _STEP)
    try:
        for part in real.parts[1:-1]:
            below = os.open(part, _STEP, dir_fd=at)
            os.close(at)
            at = below
        # Before it is opened too: to open some devices is to use them.
        status = os.stat(real.name or ".", dir_fd=at, follow_symlinks=False)
        _check_kind(status.st_mode, *kinds)
        return os.open(real.name or ".", _FILE, dir_fd=at)
    finally:
        os.close(at)


def _check_kind(mode: int, *kinds: int) -> None:
    if stat.S_IFMT(mode) not in (kinds or (stat.S_IFREG,)):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise UnreadableError(f"it is {kind}, not a plain file")
