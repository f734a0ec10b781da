"""Retry a request that failed for a passing reason, with its whole body."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import TransientError

T = TypeVar("T")

TRIES = 4
# A service that asks for more is left to who can wait: see the engine.
PATIENCE_S = 120.0
_CHUNK = 1 << 20


def retry_transient(clock: Clock, work: Callable[[], T], tries: int = TRIES) -> T:
    """Return what ``work`` returns; it must be right to do it twice.

    Waits 2, 4, 8... seconds between tries, or what the service asks for.

    :raises: TransientError where the last try met one, or the service asks for
        more than `PATIENCE_S`; what ``work`` raises
    """
    for number in range(1, tries):
        try:
            return work()
        except TransientError as error:
            if error.retry_after > PATIENCE_S:
                raise
            pause = 2.0**number * random.uniform(0.7, 1.3)
            clock.sleep(max(pause, error.retry_after))
    return work()


class Body:
    """The body of a request, whole each time that it is sent.

    keystoneauth sends a request again after a 401, and a file would then be
    at its end: an empty image would become active. ``beat`` is called with
    each chunk, because a large one takes longer than a lease lasts.
    """

    def __init__(
        self, data: IO[bytes], size: int, beat: Callable[[], None] = lambda: None
    ) -> None:
        self._data = data
        self._size = size
        self._beat = beat

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        self._data.seek(0)
        while chunk := self._data.read(_CHUNK):
            self._beat()
            yield chunk
