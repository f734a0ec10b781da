"""Decide how long to wait before a request is sent again, and when to give up."""

from __future__ import annotations

import email.utils
import random
from collections.abc import Mapping
from typing import Protocol

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import TransientError
from osc_imagebuild.model.numbers import whole_number

TRIES = 4
# A service that asks for more is left to who can wait: see the engine.
PATIENCE_S = 120.0
# More than a service can mean, and than a date can be away.
_LONGEST_S = 10**9


class Backoff:
    """Waits 2, 4, 8... seconds between tries, or as long as the service asks for."""

    def __init__(self, clock: Clock, tries: int = TRIES) -> None:
        self._clock, self._tries = clock, tries
        self._failed = 0

    def wait(self, error: TransientError) -> None:
        """Wait after a try that met ``error``.

        :raises: ``error`` where that was the last try, or the service asks for more
            than `PATIENCE_S`
        """
        self._failed += 1
        if self._failed >= self._tries or error.retry_after > PATIENCE_S:
            raise error
        pause = 2.0**self._failed * random.uniform(0.7, 1.3)
        self._clock.sleep(max(pause, error.retry_after))

    def restart(self) -> None:
        """Count anew, because something was achieved."""
        self._failed = 0


class Told(Protocol):
    """An answer with headers."""

    @property
    def headers(self) -> Mapping[str, str]: ...


def retry_after(response: Told) -> float:
    """Return the seconds that an answer asks to wait, 0 if it does not tell.

    The header has seconds, or a time by the service's own clock.
    Source: RFC 9110, 10.2.3.
    """
    after = response.headers.get("Retry-After", "")
    seconds = whole_number(after, 0, _LONGEST_S)
    if seconds is not None:
        return float(seconds)
    times = [email.utils.parsedate_tz(t) for t in (after, response.headers.get("Date"))]
    then, now = (email.utils.mktime_tz(t) if t else 0 for t in times)
    return float(max(0, then - now)) if now else 0.0
