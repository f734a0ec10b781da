"""A clock that is passed in, so that tests need not wait."""

from __future__ import annotations

import time


class Clock:
    """This machine's clock."""

    def time(self) -> float:
        """Seconds since the epoch, as this machine believes."""
        return time.time()

    def steady(self) -> float:
        """Seconds that never jump and that count a suspended laptop's sleep."""
        boottime = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boottime is None else time.clock_gettime(boottime)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
