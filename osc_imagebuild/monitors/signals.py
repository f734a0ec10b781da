"""Signals: when each thing that can be seen of a guest last moved. Pure.

A monitor reads a value at each look; how long all of them have been flat tells
a stall. One that cannot be read is simply not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osc_imagebuild.model.readings import Signal
from osc_imagebuild.monitors import power

TROUBLE = "trouble"
# That Nova lists a server says nothing of what its guest does.
_NO_LIFE = (TROUBLE, power.NAME)

Alive = Callable[[Any, Any, float], bool]


def renewed(old: Signal | None, value: Any, now: float, alive: Alive) -> Signal:
    """Return the signal after a look that read ``value``.

    While it is flat the old value stays, so that what creeps counts in the end.
    ``alive`` is given both values and the seconds since it last moved.
    """
    if old is None or alive(old.value, value, now - old.since):
        return Signal(value, now, now)
    return Signal(old.value, old.since, now)


def differs(old: Any, new: Any, seconds: float) -> bool:
    """The simplest sign of life."""
    return bool(old != new)


def flat_s(signals: Mapping[str, Signal], now: float) -> float:
    """Seconds since any of ``signals`` moved, 0 where none shows the guest."""
    if not any(name not in _NO_LIFE for name in signals):
        return 0.0
    moved = [s.since for name, s in signals.items() if name != TROUBLE]
    return now - max(moved)


def since_s(signals: Mapping[str, Signal], name: str, now: float) -> float:
    """Seconds since one signal moved, 0 where it cannot be read."""
    return now - signals[name].since if name in signals else 0.0


def names(signals: Mapping[str, Signal]) -> tuple[str, ...]:
    """The monitors that were read again and had not moved."""
    flat = (name for name, s in signals.items() if s.at > s.since)
    return tuple(sorted(name for name in flat if name not in _NO_LIFE))
