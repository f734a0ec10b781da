"""A clock that callers pass in, so that tests need not wait."""

from __future__ import annotations

import time


class Clock:
    """This machine's clock."""

    def time(self) -> float:
        """Seconds since the epoch, as this machine believes.

        For nothing but a cloud that tells no time: somebody may set this clock.
        """
        return time.time()

    def steady(self) -> float:
        """Seconds that never jump.

        They count a suspended laptop's sleep where the system has such a clock, as Linux
        has; nothing may depend on it.
        """
        kind = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if kind is None else time.clock_gettime(kind)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Patience:
    """Adds up the seconds that somebody has watched something in vain.

    What passes between two looks counts for ``most_s`` at the most: a machine that was
    suspended looks again before it gives up.
    """

    def __init__(self, clock: Clock, most_s: float = 60.0) -> None:
        self._clock, self._most_s = clock, most_s
        self._last = clock.steady()
        self.spent_s = 0.0

    def look(self) -> float:
        """Note a look, and return the seconds spent so far."""
        now = self._clock.steady()
        self.spent_s += min(now - self._last, self._most_s)
        self._last = now
        return self.spent_s
