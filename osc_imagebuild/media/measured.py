"""Compute the sha512 of content on its way through the client.

Glance takes the same of what it stores, and nobody can write it: so two sha512 that are
equal show that an image holds what this client saw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import IO

CHUNK = 1 << 20


class MeasuredReader:
    """A stream, and the sha512 of what was read of it since it was last begun."""

    def __init__(self, data: IO[bytes]) -> None:
        self._data = data
        self._sha512 = hashlib.sha512()

    def seek(self, offset: int) -> int:
        """Go to the begin; nowhere else.

        :raises: ValueError
        """
        if offset:
            raise ValueError("what is measured can only be begun anew")
        self._sha512 = hashlib.sha512()
        return self._data.seek(0)

    def read(self, size: int) -> bytes:
        """Return the next bytes, b'' at the end."""
        data = self._data.read(size)
        self._sha512.update(data)
        return data

    @property
    def sha512(self) -> str:
        """In hexadecimal digits, of what was read so far."""
        return self._sha512.hexdigest()


def measure(data: IO[bytes], heartbeat: Callable[[], None] = lambda: None) -> str:
    """Return the sha512 of a whole stream; ``heartbeat`` is called now and then."""
    reader = MeasuredReader(data)
    reader.seek(0)
    while reader.read(CHUNK):
        heartbeat()
    return reader.sha512
