"""Hash passwords before they leave this process."""

from __future__ import annotations


def hashed(password: str) -> str:
    """Return ``password`` as crypt(5) sha512, which every installer takes."""
    from passlib.hash import sha512_crypt

    found: str = sha512_crypt.using(rounds=100_000).hash(password)
    return found
