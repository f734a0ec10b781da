"""Tell whether this user, on this machine, wrote a build's spec.

Every member of a project can write the record of any build. What a record names on the
client's side - a file of its machine, an address of its network - is only followed by
the one who put it there. So the spec is signed with a key that does not leave the
machine: a file of the user's, or, where none can be kept, one of this process alone.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

_BYTES = 32


def sign(build_id: str, spec: str) -> str:
    """Return the signature of a build's spec, as hexadecimal digits.

    ``spec`` is the text in the record.
    """
    message = f"{build_id}\n{spec}".encode(errors="surrogatepass")
    return hmac.new(_key(), message, hashlib.sha256).hexdigest()


def is_own(build_id: str, spec: str, signature: str) -> bool:
    """Whether ``signature`` is that of `sign` by this user on this machine."""
    expected = sign(build_id, spec).encode()
    return hmac.compare_digest(expected, signature.encode(errors="replace"))


def path() -> Path:
    """Return where the key is. Source: the XDG Base Directory Specification."""
    home = os.environ.get("XDG_STATE_HOME", "")
    # Relative paths there are to be ignored.
    base = Path(home) if os.path.isabs(home) else Path.home() / ".local" / "state"
    return base / "osc-imagebuild" / "key"


@functools.cache
def _key() -> bytes:
    """Return the key, a new one where there is none that only its owner can read."""
    try:
        return _kept(path())
    except (OSError, RuntimeError):  # no home, or it cannot be written
        return secrets.token_bytes(_BYTES)


def _kept(file: Path) -> bytes:
    """:raises: OSError where no key can be kept there"""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.path.lexists(file):
        with contextlib.suppress(FileExistsError):  # another process was faster
            _create(file)
    with open(_open(file, os.O_RDONLY), "rb") as opened:
        status = os.fstat(opened.fileno())
        others = stat.S_IMODE(status.st_mode) & 0o077
        if not stat.S_ISREG(status.st_mode) or others or status.st_uid != os.getuid():
            raise PermissionError(f"{file} is not its owner's alone")
        key = opened.read(_BYTES)
    if len(key) < _BYTES:
        raise PermissionError(f"{file} is no key")
    return key


def _create(file: Path) -> None:
    """Write a new key under another name first: nobody reads half of one."""
    draft = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    with open(_open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as opened:
        opened.write(secrets.token_bytes(_BYTES))
    try:
        os.link(draft, file)
    finally:
        draft.unlink()


def _open(file: Path, flags: int) -> int:
    return os.open(file, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
