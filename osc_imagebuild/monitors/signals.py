"""Signals: when each reading of a guest last changed. Pure.

A monitor reads a value at each look; how long all of them have been flat tells
a stall. One that cannot be read is simply not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osc_imagebuild.model.readings import Signal
from osc_imagebuild.monitors import Life, every

Alive = Callable[[Any, Any, float], bool]


def renewed(old: Signal | None, value: Any, now: float, alive: Alive) -> Signal:
    """Return the signal after a look that read ``value``.

    While it is flat the old value stays, so that what creeps counts in the end.
    ``alive`` is given both values and the seconds since it last moved.
    """
    if old is None or alive(old.value, value, now - old.since):
        return Signal(value, now, now)
    return Signal(old.value, old.since, now)


def life(name: str) -> Life:
    """Return what a change of the signal ``name`` says of the guest."""
    monitor = every().get(name)
    return monitor.life if monitor else Life.GUEST


def flat_s(signals: Mapping[str, Signal], now: float) -> float:
    """Seconds since any of ``signals`` moved, 0 where none shows the guest."""
    if not any(life(name) is Life.GUEST for name in signals):
        return 0.0
    moved = [s.since for name, s in signals.items() if life(name) is not Life.NOTHING]
    return now - max(moved)


def since_s(signals: Mapping[str, Signal], name: str, now: float) -> float:
    """Seconds since one signal moved, 0 where it cannot be read."""
    return now - signals[name].since if name in signals else 0.0


def names(signals: Mapping[str, Signal]) -> tuple[str, ...]:
    """The monitors that were read again and had not moved."""
    flat = (name for name, s in signals.items() if s.at > s.since)
    return tuple(sorted(name for name in flat if life(name) is Life.GUEST))
