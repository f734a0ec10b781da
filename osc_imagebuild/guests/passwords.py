"""Hash passwords before they leave this process."""

from __future__ import annotations

import hashlib
import re
import shlex
import stat

# A tenth of a second where nothing but Python computes it.
ROUNDS = 100_000
# Source: crypt(5): sha256, sha512, scrypt, yescrypt, gost-yescrypt, bcrypt.
_HASH = re.compile(r"\$(5|6|7|y|gy|2[aby])\$[A-Za-z0-9./$,=-]+")


def hashed(password: str) -> str:
    """Return ``password`` as crypt(5) sha512, which every installer takes.

    What is a crypt hash already is returned as it is.
    """
    from passlib.hash import sha512_crypt

    if _HASH.fullmatch(password):
        return password
    digest: str = sha512_crypt.using(rounds=ROUNDS).hash(password)
    return digest


def settled(password: str, *whose: str) -> str:
    """Return ``password`` as `hashed` does, but the same each time for the same owner.

    Only to compare with: the salt is no secret, and made of ``whose`` it is.
    """
    from passlib.hash import sha512_crypt

    if _HASH.fullmatch(password):
        return password
    owner = "\0".join(whose).encode("utf-8", "surrogatepass")
    salt = hashlib.sha256(owner).hexdigest()[:16]
    digest: str = sha512_crypt.using(rounds=ROUNDS, salt=salt).hash(password)
    return digest


def exposed(path: str, mode: int) -> str:
    """Return a warning on a file with a secret that is for everybody, else ''."""
    if not mode & stat.S_IROTH:
        return ""
    return (
        f"warning: {path} can be read by every user of this machine; "
        f"mend it with: chmod 600 {shlex.quote(path)}"
    )
