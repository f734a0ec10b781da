"""The answer of a web server or of Glance; its body is read on demand, in bounded time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import requests

from osc_imagebuild.errors import TransientError
from osc_imagebuild.media.connections import Pace, Stopwatch
from osc_imagebuild.model.urls import shown_text


class Answer:
    """What a server answers; its body is read by `chunks`, and only then."""

    def __init__(
        self, name: str, response: requests.Response, watch: Stopwatch | None = None
    ) -> None:
        self._name, self._response = name, response
        self._watch = watch or Stopwatch(Pace())
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield the body, ``size`` bytes at a time.

        :raises: TransientError where it breaks off, or comes too slowly
        """
        pieces = self._response.iter_content(size)
        while True:
            try:
                with self._watch.waiting():
                    piece = next(pieces, b"")
            except requests.RequestException as error:
                require_in_time(self._name, self._watch, error)
                text = f"{self._name} broke off: {shown_text(str(error))}"
                raise TransientError(text, service="mirror") from error
            require_in_time(self._name, self._watch)
            if not piece:
                return
            self._watch.got(len(piece))
            yield piece

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


def require_in_time(
    name: str, watch: Stopwatch, error: Exception | None = None
) -> None:
    """Give up a server whose time is over.

    :raises: TransientError
    """
    watch.check()
    if watch.expired:
        raise TransientError(
            f"{name} comes too slowly: {watch.received} bytes in "
            f"{watch.seconds:.0f} s; take another mirror",
            service="mirror",
        ) from error
