"""Write others' PNG files anew, so that nothing is in them but a picture. Standard library only.

Only what is plain is taken: grey, RGB or a palette, at most eight bits a channel, not
interlaced. Source: the W3C's PNG specification, second edition, 5, 10 and 11.2.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LONGEST_SIDE = 8192

_PALETTE = 3
# Channels of each colour type, and the bits that each channel may have.
_KINDS = {0: (1, (1, 2, 4, 8)), 2: (3, (8,)), _PALETTE: (1, (1, 2, 4, 8))}
_HEAD = struct.Struct(">IIBBBBB")
# Filters of rows are numbered from 0.
_LAST_FILTER = 4


class PngError(ValueError):
    """It is no PNG file, or not a plain one."""


def anew(data: bytes, most_bytes: int) -> bytes:
    """Return a PNG file of the same picture, without anything else that was in ``data``.

    :raises: PngError; also where the picture has more than ``most_bytes`` unpacked
    """
    head, palette, packed = _parts(data)
    width, height, depth, kind, *methods = _HEAD.unpack(head)
    channels, depths = _KINDS.get(kind, (0, ()))
    if depth not in depths or any(methods):
        raise PngError("it is not plain")
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE):
        raise PngError(f"it is {width} x {height}")
    stride = 1 + (width * channels * depth + 7) // 8
    if stride * height > most_bytes:
        raise PngError(f"it has {stride * height} bytes")
    rows = _unpacked(packed, stride * height)
    if max(rows[::stride]) > _LAST_FILTER:
        raise PngError("its rows are not what they should be")
    colours = _whole(palette, depth) if kind == _PALETTE else b""
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    if colours:
        chunks.insert(1, (b"PLTE", colours))
    return SIGNATURE + b"".join(_chunk(*chunk) for chunk in chunks)


def size(data: bytes) -> tuple[int, int]:
    """Return width and height of what `anew` returned."""
    width, height, *_ = _HEAD.unpack_from(data, len(SIGNATURE) + 8)
    return width, height


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return head, palette and packed rows."""
    head, palette, packed = b"", b"", list[bytes]()
    for name, content in _chunks(data):
        if name == b"IHDR" and not head and len(content) == _HEAD.size:
            head = content
        elif name == b"PLTE" and not palette:
            palette = content
        elif name == b"IDAT":
            packed.append(content)
        elif name == b"IEND":
            break
        elif not name[0] & 0x20:  # a capital: nobody may pass it over
            raise PngError(f"it has a part {name!r} that should not be there")
    if not head or not packed:
        raise PngError("it ends early")
    return head, palette, b"".join(packed)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(SIGNATURE):
        raise PngError("it is no PNG file")
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, end = data[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(data):
            break
        if data[end : end + 4] != struct.pack(">I", zlib.crc32(data[at + 4 : end])):
            raise PngError("it is damaged")
        yield name, data[at + 8 : end]
        at = end + 4


def _unpacked(packed: bytes, size: int) -> bytes:
    try:
        rows = zlib.decompressobj().decompress(packed, size)
    except zlib.error as error:
        raise PngError("it is damaged") from error
    if len(rows) != size:
        raise PngError("it ends early")
    return rows


def _whole(palette: bytes, depth: int) -> bytes:
    """Return a palette with a colour for each value that a dot can have."""
    size = 3 << depth
    if not palette or len(palette) % 3 or len(palette) > size:
        raise PngError("its palette is not what it should be")
    return palette.ljust(size, b"\0")


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
