"""Monitor screen: whether the picture of the console changes."""

from __future__ import annotations

import math
import zlib
from typing import Any

from osc_imagebuild.model.readings import Picture
from osc_imagebuild.monitors import Life, Monitor, Reader
from osc_imagebuild.monitors.packing import pack, unpack

NAME = "screen"

TILE = 16
# A cursor blinks in one or two tiles, a clock's digits change in a few.
LEAST_TILES = 4


def tiles(picture: Picture) -> tuple[int, ...]:
    """Return a checksum of each square of the picture, row by row."""
    stride = picture.width * 3
    checksums = []
    for top in range(0, picture.height, TILE):
        rows = [
            picture.rgb[y * stride : (y + 1) * stride]
            for y in range(top, min(top + TILE, picture.height))
        ]
        for column in range(0, stride, TILE * 3):
            checksums.append(
                zlib.crc32(b"".join(r[column : column + TILE * 3] for r in rows))
            )
    return tuple(checksums)


def alive(old: tuple[int, ...], new: tuple[int, ...], seconds: float) -> bool:
    """Whether more of the picture has changed than a cursor and a clock."""
    if len(old) != len(new):
        return True
    return sum(a != b for a, b in zip(old, new, strict=True)) > LEAST_TILES


class ScreenMonitor:
    """Checksums of the picture's squares."""

    name = NAME
    life = Life.GUEST
    is_cheap = False
    every_s = 110.0
    unseen_s = math.inf
    replaced_by: frozenset[str] = frozenset()

    def read(self, reader: Reader) -> tuple[int, ...]:
        """Take a picture."""
        return tiles(reader.picture())

    def alive(self, old: tuple[int, ...], new: tuple[int, ...], seconds: float) -> bool:
        """Whether the picture has changed."""
        return alive(old, new, seconds)

    def dump(self, value: tuple[int, ...]) -> str:
        """Return them packed."""
        return pack(value)

    def load(self, data: Any) -> tuple[int, ...]:
        """Unpack them."""
        return unpack(data)


MONITOR: Monitor = ScreenMonitor()
