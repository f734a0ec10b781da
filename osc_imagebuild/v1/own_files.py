"""Write files that only the user can read, without following links.

The names of consoles and pictures can be told before, and their directory may be one
that others write to.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from osc_lib import exceptions

# Pipes must not block, links are followed nowhere.
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
_MODE = 0o600
# More than anybody has of one build.
_MOST = 100


def make_directory(path: Path) -> None:
    """Make a directory for the user alone, unless it is there.

    :raises: OSError
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _directory(path):
        pass


def create(path: Path) -> IO[bytes]:
    """Create a file.

    :raises: OSError, also where anything has its name already
    """
    return os.fdopen(os.open(path, _NEW, _MODE), "wb")


def create_beside(path: Path) -> tuple[IO[bytes], Path]:
    """Create a file, with a number behind its name where that is taken.

    :raises: OSError
    """
    for number in range(1, _MOST):
        name = path.with_stem(f"{path.stem}-{number}") if number > 1 else path
        with contextlib.suppress(FileExistsError), _directory(path.parent) as inside:
            return os.fdopen(_open_inside(name.name, _NEW, inside), "wb"), name
    raise FileExistsError(errno.EEXIST, "there are too many of that name", str(path))


def write_new(named: str | None, otherwise: str, data: bytes) -> Path:
    """Write what a command was asked for into a file that was not there; return its path.

    That is the one which the user has ``named``, or one of the name ``otherwise``, with a
    number where that is taken.

    :raises: CommandError
    """
    path = Path(named or otherwise)
    try:
        if named:
            file = create(path)
        else:
            file, path = create_beside(path)
        with file:
            file.write(data)
    except OSError as error:
        raise exceptions.CommandError(
            f"cannot write {path}: {error.strerror}"
        ) from error
    return path


def replace(path: Path, data: bytes) -> None:
    """Write a file anew, in one go; only a plain file is replaced.

    :raises: OSError
    """
    new = f".{path.name}.{secrets.token_hex(8)}"
    with _directory(path.parent) as inside:
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(path.name, dir_fd=inside, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                raise PermissionError(errno.EPERM, "it is no plain file", str(path))
        try:
            with os.fdopen(_open_inside(new, _NEW, inside), "wb") as file:
                file.write(data)
            os.replace(new, path.name, src_dir_fd=inside, dst_dir_fd=inside)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(new, dir_fd=inside)
            raise


def open_to_append(path: Path) -> IO[bytes]:
    """Open a file of the user's to write at its end, or create it.

    :raises: OSError
    """
    with _directory(path.parent) as inside:
        try:
            return os.fdopen(_open_inside(path.name, _NEW, inside), "ab")
        except FileExistsError:
            flags = os.O_WRONLY | os.O_APPEND | _SAFE
            file = os.fdopen(_open_inside(path.name, flags, inside), "ab")
    try:
        _require_own(file.fileno(), path)
        os.fchmod(file.fileno(), _MODE)
    except OSError:
        file.close()
        raise
    return file


def open_to_read(path: Path) -> IO[bytes]:
    """Open a plain file.

    :raises: OSError
    """
    with _directory(path.parent) as inside:
        file = os.fdopen(_open_inside(path.name, os.O_RDONLY | _SAFE, inside), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise PermissionError(errno.EPERM, "it is no plain file", str(path))
    return file


def _require_own(descriptor: int, path: Path) -> None:
    status = os.fstat(descriptor)
    own = status.st_uid == os.geteuid() and status.st_nlink == 1
    if not (own and stat.S_ISREG(status.st_mode)):
        text = "it is no plain file of yours alone"
        raise PermissionError(errno.EPERM, text, str(path))


@contextmanager
def _directory(path: Path) -> Iterator[int]:
    """Hold a directory that is no link."""
    descriptor = _open_inside(str(path), os.O_RDONLY | os.O_DIRECTORY | _SAFE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open_inside(name: str, flags: int, inside: int | None = None) -> int:
    try:
        return os.open(name, flags, _MODE, dir_fd=inside)
    except OSError as error:
        # Source: open(2): ELOOP, or with O_DIRECTORY ENOTDIR, is a link; ENXIO is a pipe
        # that nobody reads.
        if error.errno == errno.ENXIO:
            raise PermissionError(errno.EPERM, "it is no plain file", name) from error
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        if error.errno == errno.ENOTDIR and not os.path.islink(name):
            raise
        raise PermissionError(errno.EPERM, "it is a link", name) from error
