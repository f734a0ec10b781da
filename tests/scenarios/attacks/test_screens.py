"""Consoles that never come to an end."""

from __future__ import annotations

import base64
import hashlib
import itertools
import struct
import threading
import time
from collections.abc import Callable, Iterator

import testtools

from osc_imagebuild.cloud import rfb
from osc_imagebuild.errors import ScreenError
from tests.fakes import web
from tests.fakes.web import Handler, Web

HELLO = (
    b"RFB 003.008\n\x01\x01\0\0\0\0" + struct.pack(">HH", 64, 48) + bytes(16) + bytes(4)
)
BELL, UPDATE = b"\x02", b"\0\0"


def head(width: int, height: int, encoding: int) -> bytes:
    """Of a rectangle."""
    return struct.pack(">HHHHi", 0, 0, width, height, encoding)


# What some servers send again and again, once they greeted.
ENDLESS = {
    "bells": BELL * 5000,
    "updates of nothing but another size": (UPDATE + b"\0\x01" + head(64, 48, -223)),
    "sizes that change": (
        UPDATE + b"\0\x02" + head(7680, 4320, -223) + head(1, 1, -223)
    ),
    "cut texts": b"\x03\0\0\0" + struct.pack(">I", rfb.MAX_TEXT) + bytes(rfb.MAX_TEXT),
    "colours": b"\x01\0\0\0\xff\xff" + bytes(6 * 65535),
    "rectangles of no width": UPDATE + b"\xff\xff" + head(0, 48, 0) * 65535 + BELL * 9,
}


class Console:
    """Says ``pieces``, however long."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def recv(self) -> bytes:
        """The next one."""
        return next(self._pieces)

    def send_binary(self, payload: bytes) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing is open."""


class EndlessTest(testtools.TestCase):
    """Bounds in bytes and in seconds."""

    def read(self, piece: bytes, now: Callable[[], float]) -> str:
        """What comes of a console that goes on for ever."""
        pieces = itertools.chain([HELLO], itertools.repeat(piece))
        error = self.assertRaises(ScreenError, rfb.read_picture, Console(pieces), now)
        return str(error)

    def test_bytes(self) -> None:
        """Attack: VNC updates without end, of every kind."""
        self.patch(rfb, "MAX_BYTES", 1 << 18)
        for kind, piece in ENDLESS.items():
            if kind != "rectangles of no width":
                self.assertIn("without end", self.read(piece, lambda: 0.0), kind)

    def test_seconds(self) -> None:
        """Attack: the same by somebody who takes his time."""
        for kind, piece in ENDLESS.items():
            ticks = itertools.count(0.0, rfb.MAX_S / 20)
            text = self.read(piece, ticks.__next__)
            self.assertIn("without end", text, kind)

    def test_no_width(self) -> None:
        """Attack: rectangles of no width and all heights, 3 million rows an update."""
        self.patch(rfb, "MAX_BYTES", 4 << 20)
        hello = HELLO.replace(struct.pack(">HH", 64, 48), struct.pack(">HH", 1, 65535))
        rows = UPDATE + b"\xff\xff" + head(0, 65535, 0) * 65535
        began = time.process_time()
        picture = rfb.read_picture(Console(iter([hello, rows])))
        self.assertEqual((1, 65535), (picture.width, picture.height))
        self.assertLess(time.process_time() - began, 20.0)


class FrameTest(testtools.TestCase):
    """By a websocket on the loop back."""

    def setUp(self) -> None:
        super().setUp()
        if not rfb.is_installed():
            self.skipTest("websocket-client is not installed")
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        self.server = Web(0, lambda at, count: b"")

    def capture(self) -> str:
        """Why there is no picture."""
        with web.running(self.server):
            error = self.assertRaises(ScreenError, rfb.capture, self.server.url)
            self.over.set()
        return str(error)

    def greet(self, handler: Handler) -> None:
        """Agree to speak websocket. Source: RFC 6455, 4.2.2."""
        key = (
            handler.headers["Sec-WebSocket-Key"]
            + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        )
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        handler.send_response(101)
        for name, value in (
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept),
            ("Sec-WebSocket-Protocol", "binary"),
        ):
            handler.send_header(name, value)
        handler.end_headers()

    def test_giant_frame(self) -> None:
        """Attack: one frame of 1 TB; no more of it is kept than a picture has."""
        self.patch(rfb, "MAX_BYTES", 1 << 18)

        def answer(handler: Handler, number: int) -> bool:
            handler.close_connection = True
            self.greet(handler)
            handler.wfile.write(b"\x82\x7f" + struct.pack(">Q", 1 << 40))
            while not self.over.is_set():
                handler.wfile.write(bytes(1 << 16))
            return True

        self.server.fault = answer
        self.assertIn("sends without end", self.capture())

    def test_drips(self) -> None:
        """Attack: a greeting, or a frame, that comes byte by byte."""
        self.patch(rfb, "MAX_S", 0.5)
        for begin in (b"HTTP/1.1 101 X\r\nX: ", b""):

            def answer(handler: Handler, number: int, begin: bytes = begin) -> bool:
                handler.close_connection = True
                if begin:
                    handler.wfile.write(begin)
                else:
                    self.greet(handler)
                    handler.wfile.write(b"\x82\x7f" + struct.pack(">Q", 1 << 40))
                while not self.over.wait(0.02):
                    handler.wfile.write(b"x")
                return True

            self.over.clear()
            self.server = Web(0, lambda at, count: b"")
            self.server.fault = answer
            began = time.monotonic()
            self.assertIn("the console", self.capture())
            self.assertLess(time.monotonic() - began, 10.0)

    def test_redirect(self) -> None:
        """Attack: a console that sends its token to another host."""
        other = Web(0, lambda at, count: b"")
        with web.running(other):
            to = other.url.replace("http", "ws")
            self.server.fault = web.answering(302, Location=to)
            self.assertIn("the console", self.capture())
        self.assertEqual([], other.asked)
