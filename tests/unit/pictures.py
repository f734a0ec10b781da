"""PNG files, good ones and such as mean no good."""

from __future__ import annotations

import struct
import zlib

from osc_imagebuild.model.png import SIGNATURE


def chunk(name: bytes, content: bytes) -> bytes:
    """One part of a PNG file."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def head(
    width: int, height: int, depth: int = 8, kind: int = 0, last: int = 0
) -> bytes:
    """The first part of a PNG file; ``kind`` is grey 0, RGB 2, or palette 3."""
    return chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, last)
    )


def grey(width: int = 1, height: int = 1, level: int = 0) -> bytes:
    """A PNG file of one shade of grey."""
    rows = (b"\0" + bytes([level]) * width) * height
    return b"".join(
        (
            SIGNATURE,
            head(width, height),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


def palette(
    colours: bytes, rows: bytes, width: int = 2, depth: int = 8, height: int = 1
) -> bytes:
    """A PNG file with a palette."""
    return b"".join(
        (
            SIGNATURE,
            head(width, height, depth, 3),
            chunk(b"PLTE", colours),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )
