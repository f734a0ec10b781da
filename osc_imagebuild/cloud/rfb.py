"""Speak RFB 3.8, the protocol of a server's screen, over noVNC's websocket.

As much of the protocol as one picture and a key take: security type None, encoding Raw.
Source: RFC 6143; Nova's noVNC proxy speaks it with subprotocol ``binary``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from osc_imagebuild.errors import ScreenError
from osc_imagebuild.model.readings import Picture

EXTRA = "osc-imagebuild[screenshot]"
TIMEOUT_S = 20.0
# 8K, four bytes a pixel: no console is larger, and a liar fills no memory.
MAX_PIXELS = 7680 * 4320
MAX_TEXT = 64 * 1024
MAX_EMPTY = 100
# What one picture may take in all, whatever it is made of.
MAX_BYTES = 2 * 4 * MAX_PIXELS
MAX_SIZES = 20
MAX_S = 60.0

SPACE = 0x20

_RAW, _DESKTOP_SIZE = 0, -223
# 32 bits a pixel, little endian, red in the third byte: BGRX in memory.
_FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


class Socket(Protocol):
    """The part of a websocket that is used here."""

    def recv(self) -> bytes | str: ...

    def send_binary(self, payload: bytes) -> Any: ...

    def close(self) -> None: ...


def websocket_url(url: str) -> str:
    """Return the websocket behind the URL of a noVNC page.

    The page's query has the path, the token inside it.
    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    query = parse_qs(parts.query)
    if "path" in query:
        return f"{scheme}://{parts.netloc}/{query['path'][0].lstrip('/')}"
    return f"{scheme}://{parts.netloc}/?token={query.get('token', [''])[0]}"


def is_installed() -> bool:
    """Whether the extra is here that talks to consoles."""
    return importlib.util.find_spec("websocket") is not None


def capture(
    url: str, *, verify: bool | str = True, limit_s: float | None = None
) -> Picture:
    """Return the picture of the console that ``url``, of a noVNC page, shows.

    ``verify`` is as in requests: whether certificates are, or the CAs to do it by.

    :raises: ScreenError where it cannot be had in ``limit_s``, by default `MAX_S`, or
        the extra is not installed
    """
    limit_s = MAX_S if limit_s is None else limit_s
    until = time.monotonic() + limit_s
    with _connected(url, verify, limit_s) as stream:
        return read_picture(stream, limit_s=until - time.monotonic())


def press(
    url: str, key: int, more: Callable[[], bool], *, verify: bool | str = True
) -> None:
    """Press ``key``, and again as long as ``more``, which pauses, says so.

    Source: RFC 6143, 7.5.4; keys are the X Window System's.

    :raises: as `capture`
    """
    with _connected(url, verify) as stream:
        _greet(stream, _reader(stream))
        again = True
        while again:
            for down in (1, 0):
                stream.send_binary(struct.pack(">BBxxI", 4, down, key))
            again = more()


def trust(verify: bool | str) -> dict[str, Any]:
    """Return ``verify`` in websocket-client's words: a bundle of CAs, or a directory."""
    if isinstance(verify, str):
        return {"ca_cert_path" if os.path.isdir(verify) else "ca_certs": verify}
    return {} if verify else {"cert_reqs": 0, "check_hostname": False}


@contextmanager
def _connected(
    url: str, verify: bool | str, limit_s: float | None = None
) -> Iterator[Socket]:
    """Give the websocket of a console; it gives no more than `MAX_BYTES`."""
    limit_s = MAX_S if limit_s is None else limit_s
    try:
        import websocket
    except ImportError as error:
        raise ScreenError(
            f"consoles need websocket-client: pip install '{EXTRA}'"
        ) from error
    stream = _bounded(websocket.WebSocket, trust(verify), limit_s)
    try:
        with _hanging_up(stream, limit_s):
            stream.connect(
                websocket_url(url),
                subprotocols=["binary"],
                # Nova checks an origin only where there is one.
                suppress_origin=True,
                # The token is for this host.
                redirect_limit=0,
            )
        if stream.getstatus() != 101:
            raise ScreenError(f"the console answers HTTP {stream.getstatus()}")
    except (OSError, ValueError, websocket.WebSocketException) as error:
        stream.close()
        raise ScreenError(f"the console does not answer: {error}") from error
    try:
        yield stream
    except (OSError, struct.error, websocket.WebSocketException) as error:
        raise ScreenError(f"the console broke off: {error}") from error
    finally:
        stream.close()


def _bounded(kind: Any, ssl_options: dict[str, Any], limit_s: float) -> Any:
    """A websocket of such a kind that counts: a frame may be of any length."""
    limit = _Limit(limit_s)

    class Bounded(kind):  # type: ignore[misc]
        def _recv(self, size: int) -> Any:
            data = super()._recv(size)
            limit.take(len(data))
            return data

    stream = Bounded(sslopt=ssl_options)
    stream.settimeout(min(TIMEOUT_S, limit_s))
    return stream


class _Limit:
    """Counts what a console sends, until it is too much."""

    def __init__(
        self, limit_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._now, self._until, self._taken = now, now() + limit_s, 0

    def take(self, count: int) -> None:
        """Note ``count`` bytes more.

        :raises: ScreenError where it is too much, or takes too long
        """
        self._taken += count
        if self._taken > MAX_BYTES or self._now() > self._until:
            raise ScreenError(
                f"the console sends without end: {self._taken} bytes, and no whole "
                "picture"
            )


@contextmanager
def _hanging_up(stream: Any, limit_s: float) -> Iterator[None]:
    """End what is done within after so long: a greeting may come byte by byte."""

    def hang_up() -> None:
        with contextlib.suppress(OSError, AttributeError):
            stream.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def read_picture(
    stream: Socket,
    now: Callable[[], float] = time.monotonic,
    limit_s: float | None = None,
) -> Picture:
    """Greet the server behind ``stream`` and ask it for one whole picture.

    :raises: ScreenError where it does not keep to the protocol, or does not end in
        ``limit_s``
    """
    read = _reader(stream, now, limit_s)
    width, height = _greet(stream, read)
    stream.send_binary(struct.pack(">Bxxx", 0) + _FORMAT)
    stream.send_binary(struct.pack(">BxHii", 2, 2, _RAW, _DESKTOP_SIZE))
    return _Canvas(width, height).filled(read, stream)


def _greet(stream: Socket, read: Callable[[int], bytes]) -> tuple[int, int]:
    """Agree on the protocol; return the size of the screen."""
    if read(12)[:4] != b"RFB ":
        raise ScreenError("the console does not speak RFB")
    stream.send_binary(b"RFB 003.008\n")
    kinds = read(read(1)[0])
    if 1 not in kinds:
        raise ScreenError("the console wants a password that only Nova knows")
    stream.send_binary(b"\x01")
    if read(4) != b"\x00\x00\x00\x00":
        raise ScreenError("the console refused us")
    stream.send_binary(b"\x01")  # shared: whoever looks at it already may stay
    width, height = struct.unpack(">HH", read(4))
    read(16)
    read(_length(read(4)))  # the desktop's name
    return width, height


def _reader(
    stream: Socket,
    now: Callable[[], float] = time.monotonic,
    limit_s: float | None = None,
) -> Callable[[int], bytes]:
    """Return a function that reads so many bytes, however they are framed."""
    kept, limit = bytearray(), _Limit(MAX_S if limit_s is None else limit_s, now)

    def read(count: int) -> bytes:
        limit.take(count)
        empty = 0
        while len(kept) < count:
            data = stream.recv()
            # websockify sends frames with nothing in them; a text is the end.
            empty = 0 if data else empty + 1
            if isinstance(data, str) or empty > MAX_EMPTY:
                raise ScreenError("the console broke off")
            kept.extend(data)
        chunk = bytes(kept[:count])
        del kept[:count]
        return chunk

    return read


def _length(data: bytes) -> int:
    (length,) = struct.unpack(">I", data)
    if length > MAX_TEXT:
        raise ScreenError(f"the console sends a text of {length} bytes")
    return int(length)


class _Canvas:
    """A picture that comes in rectangles."""

    def __init__(self, width: int, height: int) -> None:
        self._sizes = 0
        self._resize(width, height)

    def _resize(self, width: int, height: int) -> None:
        if not 0 < width * height <= MAX_PIXELS:
            raise ScreenError(f"the console's screen is {width} x {height}")
        self._sizes += 1
        if self._sizes > MAX_SIZES:
            raise ScreenError("the console changes its size without end")
        self.width, self.height = width, height
        self._pixels = bytearray(width * height * 4)

    def filled(self, read: Callable[[int], bytes], stream: Socket) -> Picture:
        """Ask for all of it until all of it came."""
        whole = False
        while not whole:
            stream.send_binary(
                struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height)
            )
            whole = self._update(read)
        rgb = bytearray(self.width * self.height * 3)
        for target, source in ((0, 2), (1, 1), (2, 0)):
            rgb[target::3] = self._pixels[source::4]
        return Picture(self.width, self.height, bytes(rgb))

    def _update(self, read: Callable[[int], bytes]) -> bool:
        """Take one update; False where the screen changed its size meanwhile."""
        while (kind := read(1)[0]) != 0:
            self._skip(kind, read)
        (count,) = struct.unpack(">xH", read(3))
        resized = False
        for _ in range(count):
            x, y, width, height, encoding = struct.unpack(">HHHHi", read(12))
            if encoding == _DESKTOP_SIZE:
                self._resize(width, height)
                resized = True
            elif encoding == _RAW:
                self._paint(x, y, width, height, read)
            else:
                raise ScreenError(f"the console sends an unasked encoding {encoding}")
        return not resized

    def _skip(self, kind: int, read: Callable[[int], bytes]) -> None:
        """Bells, colours and cut texts are not for us."""
        if kind == 1:
            (count,) = struct.unpack(">xHH", read(5))[1:]
            read(6 * count)
        elif kind == 3:
            read(3)
            read(_length(read(4)))
        elif kind != 2:
            raise ScreenError(f"the console sends an unknown message {kind}")

    def _paint(
        self, x: int, y: int, width: int, height: int, read: Callable[[int], bytes]
    ) -> None:
        if x + width > self.width or y + height > self.height:
            raise ScreenError("the console paints beside its screen")
        if not width:
            return
        for row in range(y, y + height):
            at = (row * self.width + x) * 4
            self._pixels[at : at + width * 4] = read(width * 4)
