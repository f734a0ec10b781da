"""Read the files that options name, with errors that a user understands."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from osc_lib import exceptions


def read_text(path: str, *, secret: bool = False) -> str:
    """Return a file's text; warn where everybody can read a secret.

    :raises: CommandError where it cannot be read
    """
    with _opened(path, secret=secret) as file:
        return io.TextIOWrapper(file, encoding="utf-8").read()


def read_bytes(path: str) -> tuple[bytes, bool]:
    """Return what is in a file, and whether it may be executed.

    :raises: CommandError where it cannot be read
    """
    with _opened(path) as file:
        mode = os.fstat(file.fileno()).st_mode
        return file.read(), bool(mode & stat.S_IXUSR)


def read_bounded(path: str, limit: int, *, secret: bool = False) -> bytes:
    """Return what is in a file, or one byte more than ``limit`` of a larger one.

    Warn where everybody can read a secret.

    :raises: CommandError where it cannot be read
    """
    with _opened(path, secret=secret) as file:
        return file.read(limit + 1)


@contextmanager
def _opened(path: str, *, secret: bool = False) -> Iterator[BinaryIO]:
    """Open a file; what goes wrong with it is told as a user understands it."""
    try:
        with open(os.path.expanduser(path), "rb") as file:
            if secret:
                _warn_if_exposed(path, os.fstat(file.fileno()).st_mode)
            yield file
    except (OSError, UnicodeDecodeError) as error:
        raise _unread(path, error) from error


def _warn_if_exposed(path: str, mode: int) -> None:
    from osc_imagebuild.guests import passwords

    if warning := passwords.exposed(path, mode):
        print(warning, file=sys.stderr)


def _unread(path: str, error: OSError | ValueError) -> exceptions.CommandError:
    from osc_imagebuild.errors import unread

    return exceptions.CommandError(f"cannot read {path}: {unread(error)}")
