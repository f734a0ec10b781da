"""Serve the installer media to guests, with deliberate faults for the tests.

    /<path>               a file below the root
    /blob/<N>M            N MiB of deterministic bytes
    /fault/404/<path>     that status, whatever the path; 500 likewise
    /fault/hang/<path>    takes the request and never answers
    /fault/slow/<path>    the real bytes, ?rate= bytes a second (20000)
    /fault/cut/<path>     promises the whole length, closes half-way

A fault works for whole trees: a base URL of .../fault/404/debian is a mirror
that has nothing. Run as: python3 -m devcloud.media.server
"""

from __future__ import annotations

import argparse
import logging
import re
import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from devcloud import settings
from devcloud.media import bodies
from devcloud.media.bodies import Body

LOG = logging.getLogger("media")
SLOW_RATE = 20_000
TICKS_A_SECOND = 10  # how often a slow answer sends something
HANG_LIMIT_S = 3600


class MediaServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a full boot opens many connections at once

    def __init__(self, address: tuple[str, int], root: Path) -> None:
        self.root = root
        super().__init__(address, Handler)


class Handler(BaseHTTPRequestHandler):
    server: MediaServer
    protocol_version = "HTTP/1.1"
    server_version = "devcloud-media"
    timeout = 120  # of an idle connection
    disable_nagle_algorithm = True  # headers and body are separate writes

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        url = urlsplit(self.path)
        path, fault = unquote(url.path), ""
        match = re.match(r"/fault/([a-z0-9]+)(/.*)?$", path)
        if match:
            fault, path = match[1], match[2] or "/"
        if fault == "hang":
            self._hang()
        elif fault in ("404", "500"):
            self._refuse(HTTPStatus(int(fault)))
        elif fault in ("", "slow", "cut"):
            self._send(path, fault, url.query, with_body)
        else:
            self._refuse(HTTPStatus.NOT_FOUND)

    def _send(self, path: str, fault: str, query: str, with_body: bool) -> None:
        body = bodies.find(self.server.root, path)
        if body is None:
            return self._refuse(HTTPStatus.NOT_FOUND)
        span = wanted_range(self.headers.get("Range"), body.size)
        if span is None:
            return self._refuse(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                {"Content-Range": f"bytes */{body.size}"},
            )
        start, count = span
        self._send_headers(body, start, count)
        if not with_body:
            return
        if fault == "slow":
            rate = parse_qs(query).get("rate", [""])[0]
            trickle(self.connection, body, start, count, rate_of(rate))
        elif fault == "cut":
            body.send(self.connection, start, count // 2)
            self.close_connection = True
        else:
            body.send(self.connection, start, count)

    def _send_headers(self, body: Body, start: int, count: int) -> None:
        part = count != body.size
        self.send_response(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(count))
        self.send_header("Accept-Ranges", "bytes")
        if part:
            last = start + count - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{body.size}")
        if body.modified is not None:
            modified = formatdate(body.modified, usegmt=True)
            self.send_header("Last-Modified", modified)
        self.end_headers()

    def _refuse(
        self, status: HTTPStatus, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _hang(self) -> None:
        """Say nothing until the client has gone."""
        self.close_connection = True
        self.connection.settimeout(HANG_LIMIT_S)
        self.connection.recv(1)

    def handle(self) -> None:
        """A client that goes away is everyday, not worth a traceback."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError) as exc:
            LOG.info("%s gone: %s", self.client_address[0], exc)

    def log_message(self, format: str, *args: object) -> None:
        LOG.info("%s %s", self.client_address[0], format % args)


def wanted_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(start, count) for a Range header; None if it lies outside the body.

    Anything but one plain range is ignored, as RFC 9110 allows: the client
    then gets the whole body with status 200.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if not match or not (match[1] or match[2]):
        return 0, size
    if not match[1]:
        count = min(int(match[2]), size)
        return (size - count, count) if count else None
    start = int(match[1])
    last = min(int(match[2] or size), size - 1)
    if start >= size:
        return None
    return (start, last - start + 1) if start <= last else (0, size)


def rate_of(text: str) -> int:
    """Bytes a second; anything that is not a positive number is the default."""
    return int(text) if text.isascii() and text.isdigit() and int(text) else SLOW_RATE


def trickle(sock: socket.socket, body: Body, start: int, count: int, rate: int) -> None:
    """Send at a steady rate, in small pieces so that the client sees progress."""
    piece = max(1, rate // TICKS_A_SECOND)
    while count:
        size = min(piece, count)
        body.send(sock, start, size)
        start, count = start + size, count - size
        time.sleep(size / rate)


def main() -> None:
    parser = argparse.ArgumentParser(prog="devcloud.media.server")
    parser.add_argument("--bind", default=settings.GATEWAY)
    parser.add_argument("--port", type=int, default=settings.MEDIA_PORT)
    parser.add_argument("--root", type=Path, default=settings.MEDIA)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with MediaServer((args.bind, args.port), args.root) as server:
        LOG.info("serving %s on http://%s:%d", args.root, args.bind, args.port)
        server.serve_forever()


if __name__ == "__main__":
    main()
