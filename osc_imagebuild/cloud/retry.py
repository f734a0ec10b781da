"""Retry a request that failed for a passing reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, TypeVar

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import TransientError
from osc_imagebuild.media.backoff import TRIES, Backoff

T = TypeVar("T")

_CHUNK = 1 << 20
# Between two looks for what is not there.
SECOND_LOOK_S = 3.0


def retry_transient(clock: Clock, work: Callable[[], T], tries: int = TRIES) -> T:
    """Return what ``work`` returns; it must be right to do it twice.

    :raises: TransientError as `Backoff.wait`; what ``work`` raises
    """
    backoff = Backoff(clock, tries)
    while True:
        try:
            return work()
        except TransientError as error:
            backoff.wait(error)


def find_twice(clock: Clock, find: Callable[[], T | None]) -> T | None:
    """Return what ``find`` finds; ask twice before something is believed to be gone.

    A replica of a service's database may lag behind.
    """
    found = find()
    if found is None:
        clock.sleep(SECOND_LOOK_S)
        found = find()
    return found


class Body:
    """The body of a request, whole each time that it is sent.

    keystoneauth sends a request again after a 401, and a file would then be
    at its end: an empty image would become active. ``heartbeat`` is called with
    each chunk, because a large one takes longer than a lease lasts.
    """

    def __init__(
        self, data: IO[bytes], size: int, heartbeat: Callable[[], None] = lambda: None
    ) -> None:
        self._data = data
        self._size = size
        self._heartbeat = heartbeat

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        self._data.seek(0)
        while chunk := self._data.read(_CHUNK):
            self._heartbeat()
            yield chunk
