"""Monitor console: its text made readable, and whether it says anything new."""

from __future__ import annotations

import re
import zlib

from osc_imagebuild.monitors.console.clean import lines

NAME = "console"
# What differs each time a line is said again.
_TIMES = re.compile(
    r"\[ *\d+\.\d+\]|\b\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?\b|\b\d{4}-\d\d-\d\dT?"
    r"|\b\d+(?:\.\d+)? ?s(?:ec\w*)?\b"
)


def news(text: str) -> frozenset[int]:
    """Return checksums of what ``text`` says, without order and without times.

    What only says again what was said before is no sign of life.
    """
    said = {_TIMES.sub("", line).strip() for line in lines(text)}
    return frozenset(zlib.crc32(line.encode("utf-8", "replace")) for line in said)


def alive(old: frozenset[int], new: frozenset[int], seconds: float) -> bool:
    """Whether ``new`` has a line that ``old`` had not."""
    return bool(new - old)
