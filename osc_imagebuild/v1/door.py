"""Make every text harmless on its way to a terminal or a log.

What a command prints passes a `Door` in the place of each stream, what is logged the
formatter of `guard_logs`: so no text, wherever it comes from, makes a terminal do
anything, and neither an encoding that lacks characters nor a reader that went away ends
a build.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from osc_imagebuild.v1.columns import is_harmless, plain

if TYPE_CHECKING:
    from osc_lib.shell import OpenStackShell

_OURS = "\n\t"
_QUERY = re.compile(r"[?#][^\s\"')]*")
# What a pipe says whose reader went away, and a terminal that was hung up.
_AWAY = (errno.EPIPE, errno.EIO)


class Door:
    """A stream that escapes what a terminal would obey.

    ``is_closed`` is whether nobody reads it any more; what is written then is lost,
    which is no error: a build goes on without those who watched it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_closed = False

    @classmethod
    def of(cls, stream: TextIO | Door) -> Door:
        """Return the door of a stream, which may be one."""
        return stream if isinstance(stream, cls) else cls(cast(TextIO, stream))

    def write(self, text: str) -> int:
        """Write ``text``, made harmless as JSON would escape it."""
        if not (text.isascii() and text.isprintable()):
            text = "".join(
                c if c in _OURS or is_harmless(c) else _escaped(c) for c in text
            )
        return self.obeyed(text)

    def obeyed(self, text: str) -> int:
        """Write ``text`` as it is: ours, or what the user wants so."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
        with self._as_far_as_read():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Give what was written to who reads it."""
        with self._as_far_as_read():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _as_far_as_read(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _AWAY:
                raise
            self.is_closed = True
            _drain(self._stream)


def _escaped(char: str) -> str:
    """A character as it stands in JSON, which may be what it is part of."""
    units = char.encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs)


def _drain(stream: TextIO) -> None:
    """Let Python write what is left to nowhere at its end, rather than complain.

    Source: Python's library reference, signal, "Note on SIGPIPE".
    """
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


@contextmanager
def guarded(app: OpenStackShell) -> Iterator[None]:
    """Put doors in the place of the streams that a command writes to."""
    before = sys.stdout, sys.stderr, app.stdout, app.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        # Python has None for a stream that was closed when it began.
        doors = [cast(TextIO, Door.of(stream or nowhere)) for stream in before]
        sys.stdout, sys.stderr, app.stdout, app.stderr = doors
        try:
            yield
        finally:
            sys.stdout, sys.stderr, app.stdout, app.stderr = before
            for door in doors:
                door.flush()


class Formatter(logging.Formatter):
    """Formats as another one does, and makes harmless what comes of it."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        return plain(self._inner.format(record))


def guard_logs() -> None:
    """Put doors before the logs of the process.

    They stay: what a command raises is logged by the client when the command is over.
    """
    for handler in logging.getLogger().handlers:
        inner = handler.formatter or logging.Formatter()
        if not isinstance(inner, Formatter):
            handler.setFormatter(Formatter(inner))
    # They log what is asked of web servers, whose addresses may open doors.
    # Source: urllib3, connectionpool.py and util/retry.py.
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(without_queries)


def without_queries(record: logging.LogRecord) -> bool:
    """Take the queries out of the addresses that a record tells of."""
    record.msg, record.args = _QUERY.sub("", record.getMessage()), ()
    return True
