"""Decide how long to wait before a request is sent again, and when to give up."""

from __future__ import annotations

import email.utils
import logging
import random
from collections.abc import Callable, Mapping
from typing import ParamSpec, Protocol, TypeVar

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import TransientError
from osc_imagebuild.model.numbers import whole_number

LOG = logging.getLogger(__name__)
T = TypeVar("T")
P = ParamSpec("P")

TRIES = 4
# A service that asks for more is left to who can wait: see the engine.
PATIENCE_S = 120.0
# More than a service can mean, and than a date can be away.
_LONGEST_S = 10**9
# No time of a service's is later; such can be shown as a date.
_LATEST_S = 1e11


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
        LOG.debug("try %d failed: %s", self._failed, error.brief)
        self._clock.sleep(max(pause, error.retry_after))

    def restart(self) -> None:
        """Count anew, because something was achieved."""
        self._failed = 0


def retry_answered(
    clock: Clock, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return what ``work`` returns, retried where a server answers that it is not now.

    A server that does not answer at all may be none that is reached from here.

    :raises: as `Backoff.wait`; what ``work`` raises
    """
    backoff = Backoff(clock)
    while True:
        try:
            return work(*args, **kwargs)
        except TransientError as error:
            if not error.status:
                raise
            backoff.wait(error)


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
    then, now = map(http_date, (after, response.headers.get("Date")))
    return max(0.0, then - now) if then and now else 0.0


def http_date(text: str | None) -> float | None:
    """Return the time in a header such as Date, in seconds since the epoch.

    None where it tells none: of some texts Python's own functions raise anything.
    """
    try:
        parsed = email.utils.parsedate_tz(text) if text else None
        found = None if parsed is None else float(email.utils.mktime_tz(parsed))
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
    return found if found is not None and 0 < found < _LATEST_S else None
