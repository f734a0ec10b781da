"""Readings of monitors. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Signal:
    """One thing that is watched: what it was when it last moved, and when.

    ``since`` is when it last moved, ``at`` when it was last read.
    """

    value: Any
    since: float
    at: float


@dataclass(frozen=True)
class Counters:
    """What a guest has done since it was started.

    ``cut_off`` is whether nothing at all has come to it, or gone from it, by any of its
    interfaces: True only where that is counted.
    """

    disk_bytes: float = 0.0
    network_bytes: float = 0.0
    cpu_s: float = 0.0
    cut_off: bool = False


@dataclass(frozen=True)
class Picture:
    """A server's screen: three bytes a pixel, row by row."""

    width: int
    height: int
    rgb: bytes = field(repr=False)
