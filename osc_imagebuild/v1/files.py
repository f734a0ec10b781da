"""Read the files that options name, with errors that a user understands."""

from __future__ import annotations

import os
import stat
import sys

from osc_lib import exceptions


def read_text(path: str, *, secret: bool = False) -> str:
    """Return a file's text; warn where everybody can read a secret.

    :raises: CommandError where it cannot be read
    """
    from osc_imagebuild.guests import passwords

    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if secret and (warning := passwords.exposed(path, mode)):
                print(warning, file=sys.stderr)
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise _unread(path, error) from error


def read_bytes(path: str) -> tuple[bytes, bool]:
    """Return what is in a file, and whether it may be executed.

    :raises: CommandError where it cannot be read
    """
    try:
        with open(os.path.expanduser(path), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            return file.read(), bool(mode & stat.S_IXUSR)
    except OSError as error:
        raise _unread(path, error) from error


def read_bounded(path: str, limit: int, *, secret: bool = False) -> bytes:
    """Return what is in a file, or one byte more than ``limit`` of a larger one.

    Warn where everybody can read a secret.

    :raises: CommandError where it cannot be read
    """
    from osc_imagebuild.guests import passwords

    try:
        with open(os.path.expanduser(path), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if secret and (warning := passwords.exposed(path, mode)):
                print(warning, file=sys.stderr)
            return file.read(limit + 1)
    except OSError as error:
        raise _unread(path, error) from error


def _unread(path: str, error: OSError | ValueError) -> exceptions.CommandError:
    from osc_imagebuild.errors import unread

    return exceptions.CommandError(f"cannot read {path}: {unread(error)}")
