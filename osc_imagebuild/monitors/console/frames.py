"""Read data of any size that a guest has written on its console. Pure.

A console is the one way out that every cloud has, but lines of others may come between
and pieces may be lost. So data are packed and cut into frames, one a line, each with its
place and a checksum; a guest may write all of them several times::

    IMAGEBUILD-DATA <build> <kind> <place>/<number> <checksum> <base64>

What they say is the guest's word: whoever reads it checks it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib

SENTINEL = "IMAGEBUILD-DATA"
# Nova keeps 100 KiB of a console.
# Source: nova.conf, libvirt driver, MAX_CONSOLE_BYTES.
MOST_FRAMES = 2000
MOST_CHARACTERS = 400
# What packed data may become: the lists of the largest systems have some MiB.
MOST_BYTES = 8 << 20
CHECKSUM_DIGITS = 8

_FRAME = re.compile(
    re.escape(SENTINEL)
    + r" (?P<build>[0-9a-f-]{36}) (?P<kind>[a-z]{1,20}) (?P<place>[0-9]{1,4})/"
    rf"(?P<number>[0-9]{{1,4}}) (?P<sum>[0-9a-f]{{{CHECKSUM_DIGITS}}}) "
    rf"(?P<data>[A-Za-z0-9+/=]{{1,{MOST_CHARACTERS}}})(?![A-Za-z0-9+/=])"
)


def checksum(data: str) -> str:
    """Return the checksum of one frame's base64: the first digits of its SHA-256."""
    return hashlib.sha256(data.encode()).hexdigest()[:CHECKSUM_DIGITS]


def decode(text: str, build_id: str, kind: str) -> bytes | None:
    """Return the data of a kind that a guest of this build wrote last, unpacked.

    None where there are none, or not all of them yet.
    """
    pieces: dict[int, dict[int, str]] = {}
    for match in _FRAME.finditer(text):
        if match["build"] != build_id or match["kind"] != kind:
            continue
        place, number = int(match["place"]), int(match["number"])
        if 1 <= place <= number <= MOST_FRAMES and _is_whole(match):
            # What was written last comes last.
            of = pieces.pop(number, {})
            of[place] = match["data"]
            pieces[number] = of
    for number in reversed(pieces):
        of = pieces[number]
        if len(of) == number:
            unpacked = _unpacked("".join(of[place] for place in sorted(of)))
            if unpacked is not None:
                return unpacked
    return None


def is_begun(text: str, build_id: str, kind: str) -> bool:
    """Whether a guest of this build has begun to write data of a kind."""
    return any(
        match["build"] == build_id and match["kind"] == kind
        for match in _FRAME.finditer(text)
    )


def _is_whole(match: re.Match[str]) -> bool:
    return checksum(match["data"]) == match["sum"]


def _unpacked(packed: str) -> bytes | None:
    """Return what base64 of zlib or gzip holds, None where it is neither, or too much."""
    try:
        # Source: zlib.decompressobj, wbits: 32 + 15 takes the header of either.
        unpacker = zlib.decompressobj(47)
        data = unpacker.decompress(base64.b64decode(packed), MOST_BYTES)
    except (binascii.Error, zlib.error, ValueError):
        return None
    return data if unpacker.eof else None
