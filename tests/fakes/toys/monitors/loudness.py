"""Monitor loudness: how much the console says at a time."""

from __future__ import annotations

import math
from typing import Any

from osc_imagebuild.monitors import Life, Monitor, Reader


class LoudnessMonitor:
    """The console's length, in a form that JSON does not know."""

    name = "loudness"
    life = Life.GUEST
    is_cheap = False
    every_s = 60.0
    unseen_s = math.inf
    replaced_by: frozenset[str] = frozenset()

    def read(self, reader: Reader) -> complex | None:
        """Count its characters, where there are some."""
        return complex(len(reader.console)) if reader.console else None

    def alive(self, old: complex, new: complex, seconds: float) -> bool:
        """Whether it has grown."""
        return new.real > old.real

    def dump(self, value: complex) -> float:
        """Return it as a number."""
        return value.real

    def load(self, data: Any) -> complex:
        """Return a number as it was."""
        return complex(float(data))


MONITOR: Monitor = LoudnessMonitor()
