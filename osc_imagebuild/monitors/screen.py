"""Monitor screen: whether the picture of the console changes."""

from __future__ import annotations

import zlib

from osc_imagebuild.model.readings import Picture

NAME = "screen"

TILE = 16
# A cursor blinks in one or two tiles, a clock's digits change in a few.
LEAST_TILES = 4


def tiles(picture: Picture) -> tuple[int, ...]:
    """Return a checksum of each square of the picture, row by row."""
    stride = picture.width * 3
    found = []
    for top in range(0, picture.height, TILE):
        rows = [
            picture.rgb[y * stride : (y + 1) * stride]
            for y in range(top, min(top + TILE, picture.height))
        ]
        for left in range(0, stride, TILE * 3):
            found.append(zlib.crc32(b"".join(r[left : left + TILE * 3] for r in rows)))
    return tuple(found)


def alive(old: tuple[int, ...], new: tuple[int, ...], seconds: float) -> bool:
    """Whether more of the picture has changed than a cursor and a clock."""
    if len(old) != len(new):
        return True
    return sum(a != b for a, b in zip(old, new, strict=True)) > LEAST_TILES
