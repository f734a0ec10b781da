"""A web server of one file on this machine's loop back, honest or not.

For tests of ranges, and for measuring what passes the network.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PIECE = 1 << 18


class Web(ThreadingHTTPServer):
    """Serves ``read(at, count)`` of ``size`` bytes at each path.

    ``fault`` may change an answer: it gets the handler and the number of the
    request, counted from 1, and returns whether it answered by itself.
    ``sent`` counts the bytes of bodies, ``asked`` the paths and ranges.
    """

    daemon_threads = True

    def __init__(self, size: int, read: Callable[[int, int], bytes]) -> None:
        self.size, self.read = size, read
        self.headers = {"ETag": '"one"'}
        self.ranges = True
        self.fault: Callable[[Handler, int], bool] = lambda handler, number: False
        self.sent = 0
        self.asked: list[tuple[str, str]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Web
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer with all of it, or with the range that is asked for."""
        wanted = self.headers.get("Range", "")
        self.server.asked.append((self.path, wanted))
        if self.server.fault(self, len(self.server.asked)):
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
        pin = self.headers.get("If-Range")
        same = pin is None or pin in self.server.headers.values()
        if not found or not self.server.ranges or not same:
            self.answer(200, 0, self.server.size)
        elif int(found[1]) >= self.server.size:
            self.status(416)
        else:
            last = min(int(found[2]), self.server.size - 1)
            self.answer(206, int(found[1]), last + 1)

    def status(self, status: int, **headers: str) -> None:
        """Answer without a body."""
        self.send_response(status)
        for key, value in {"Content-Length": "0", **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def answer(
        self,
        status: int,
        start: int,
        end: int,
        *,
        told: str = "",
        cut: int = 0,
        more: bytes = b"",
        **headers: str,
    ) -> None:
        """Answer with a part; ``told`` is another Content-Range, ``cut`` what lacks."""
        self.send_response(status)
        self.send_header("Content-Length", str(end - start + len(more)))
        if status == 206:
            told = told or f"bytes {start}-{end - 1}/{self.server.size}"
            self.send_header("Content-Range", told)
        for key, value in {**self.server.headers, **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        end -= cut
        while start < end:
            data = self.server.read(start, min(_PIECE, end - start))
            self.server.sent += len(data)
            self.wfile.write(data)
            start += len(data)
        self.wfile.write(more)
        self.close_connection = self.close_connection or bool(cut)

    def handle(self) -> None:
        """A client that hangs up is everyday."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def answering(status: int, **headers: str) -> Callable[[Handler, int], bool]:
    """Return a fault that is the same answer to everything, without a body."""

    def answer(handler: Handler, number: int) -> bool:
        handler.status(status, **headers)
        return True

    return answer


@contextmanager
def serving(data: bytes) -> Iterator[Web]:
    """Serve ``data`` for a while."""
    with running(Web(len(data), lambda at, count: data[at : at + count])) as web:
        yield web


@contextmanager
def running(web: Web) -> Iterator[Web]:
    """Have a server answer for a while."""
    thread = threading.Thread(target=web.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.shutdown()
        thread.join()
        web.server_close()
