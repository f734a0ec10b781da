"""Pack many checksums into a short text, for a build's record."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable

# More than any console or screen has.
LIMIT = 50_000


def pack(numbers: Iterable[int]) -> str:
    """Return numbers of 32 bits as text."""
    raw = b"".join(struct.pack(">I", number) for number in numbers)
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def unpack(packed: str) -> tuple[int, ...]:
    """Return the numbers that `pack` was given, `LIMIT` of them at most.

    :raises: ValueError, TypeError where it is no such text
    """
    try:
        # Bounded: a hostile record must not fill the memory.
        raw = zlib.decompressobj().decompress(base64.b64decode(packed), 4 * LIMIT)
        return tuple(number for (number,) in struct.iter_unpack(">I", raw))
    except (zlib.error, struct.error) as error:
        raise ValueError(f"no packed numbers: {error}") from error
