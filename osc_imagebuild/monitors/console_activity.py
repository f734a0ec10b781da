"""Monitor console: its text made readable, and whether it says anything new."""

from __future__ import annotations

import math
import re
import zlib
from typing import Any

from osc_imagebuild.monitors import Life, Monitor, Reader
from osc_imagebuild.monitors.console.clean import lines
from osc_imagebuild.monitors.packing import pack, unpack

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
    texts = {_TIMES.sub("", line).strip() for line in lines(text)}
    return frozenset(zlib.crc32(line.encode("utf-8", "replace")) for line in texts)


def alive(old: frozenset[int], new: frozenset[int], seconds: float) -> bool:
    """Whether ``new`` has a line that ``old`` had not."""
    return bool(new - old)


class ConsoleMonitor:
    """Checksums of what the console says."""

    name = NAME
    life = Life.GUEST
    is_cheap = True
    every_s = 0.0
    unseen_s = math.inf
    replaced_by: frozenset[str] = frozenset()

    def read(self, reader: Reader) -> frozenset[int] | None:
        """Return them for the lines that were just read."""
        return news(reader.console) if reader.console else None

    def alive(self, old: frozenset[int], new: frozenset[int], seconds: float) -> bool:
        """Whether there is a new line."""
        return alive(old, new, seconds)

    def dump(self, value: frozenset[int]) -> str:
        """Return them packed."""
        return pack(sorted(value))

    def load(self, data: Any) -> frozenset[int]:
        """Unpack them."""
        return frozenset(unpack(data))


MONITOR: Monitor = ConsoleMonitor()
