"""Read a remote file in parts, by HTTP range requests, as a seekable file.

Only what is read passes the network: small reads by blocks, of which the last
are kept, large ones by a request of their own.
"""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import door as doors
from osc_imagebuild.media import http
from osc_imagebuild.media.answer import Answer
from osc_imagebuild.media.backoff import Backoff
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.urls import shown_url

BLOCK = 1 << 16
_BLOCKS_KEPT = 64
# What came of a chunk is lost where it breaks off.
_CHUNK = 1 << 16
# A part is asked for `backoff.TRIES` times without getting on by so much.
_PROGRESS = 1 << 20

Ask = Callable[[Mapping[str, str]], Answer]
"""Sends a GET with these headers and returns the answer, its body not read yet."""

# By which one file is told from the next one of its name. Source: RFC 9110, 8.8.
_PINS = ("ETag", "Last-Modified")
_GONE = (401, 403, 404, 410)


class Web:
    """Asks a web server, and keeps where it was sent to: mirrors differ."""

    def __init__(self, url: str, door: Door = doors.TYPED) -> None:
        self._visit = door.visit(url)

    def __call__(self, headers: Mapping[str, str]) -> Answer:
        """Send one GET.

        :raises: SpecError where it is sent nowhere, or nothing would tell that a part
            is of another file than the last one; TransientError where nobody answers
        """
        answer = self._visit.ask_end(headers)
        if answer.status in _GONE and self._visit.is_redirected:
            # Addresses that one is sent to may hold for some minutes only.
            answer.close()
            answer = self._visit.ask(headers)
        if answer.status == 206 and not any(answer.headers.get(k) for k in _PINS):
            answer.close()
            raise SpecError(
                f"{self._visit.url}: its server sends neither ETag nor Last-Modified, so "
                "that nothing tells whether it is replaced while parts of it are read; "
                "take another mirror, or a copy on this machine"
            )
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._visit.close()


class RangeFile(io.RawIOBase):
    """A read-only file of ``size`` bytes behind ``ask``, called ``name`` in errors.

    It is pinned to what it was when it was opened: where it is replaced
    meanwhile, reading raises. ``received`` counts the bytes of all bodies.

    :raises: SpecError where the server knows no ranges, refuses, or answers
        nonsense, TransientError where it does not answer now; reading raises
        the same
    """

    def __init__(self, name: str, ask: Ask, clock: Clock | None = None) -> None:
        super().__init__()
        self._clock = clock or Clock()
        self.name = shown_url(name)
        self.size = 0
        self.received = 0
        self._ask = ask
        self._at = 0
        self._pins: dict[str, str] = {}
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._blocks[0] = self._fetch(0, BLOCK)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset and return it.

        :raises: ValueError where it is before the begin
        """
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError(f"not in a file: {base + offset}")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: object) -> int:
        """Fill ``buffer`` as far as the file goes."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        start, end = self._at, min(self._at + len(view), self.size)
        if end <= start:
            return 0
        if end - start > BLOCK:
            data = self._fetch(start, end)
        else:
            first, last = start // BLOCK, (end - 1) // BLOCK
            data = b"".join(self._block(n) for n in range(first, last + 1))
            data = data[start - first * BLOCK : end - first * BLOCK]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
        else:
            end = min((number + 1) * BLOCK, self.size)
            self._blocks[number] = self._fetch(number * BLOCK, end)
            if len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        return self._blocks[number]

    def _fetch(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` to before ``end``, in as many requests as it takes."""
        data, before = bytearray(), 0
        backoff = Backoff(self._clock)
        while True:
            try:
                for chunk in self._stream(start + len(data), end):
                    data += chunk
                return bytes(data)
            except TransientError as error:
                # Of a server that never answered nobody waits long.
                if not self.size:
                    raise
                if len(data) - before >= _PROGRESS:
                    before = len(data)
                    backoff.restart()
                backoff.wait(error)

    def _stream(self, start: int, end: int) -> Iterator[bytes]:
        """What one request brings of that part: all of it."""
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        answer = self._ask(headers | self._condition())
        with closing(answer):
            wanted = self._accepted(answer, start, end)
            for chunk in answer.chunks(_CHUNK):
                self.received += len(chunk)
                wanted -= len(chunk)
                if wanted < 0:
                    raise SpecError(
                        f"{self.name}: its server sends more than asked for"
                    )
                yield chunk
        if wanted:
            raise TransientError(f"{self.name} broke off", service="mirror")

    def _condition(self) -> dict[str, str]:
        """If-Range takes what is sure to change. Source: RFC 9110, 13.1.5."""
        tag = self._pins.get("ETag", "")
        strong = "" if tag.startswith("W/") else tag
        pin = strong or self._pins.get("Last-Modified", "")
        return {"If-Range": pin} if pin else {}

    def _accepted(self, answer: Answer, start: int, end: int) -> int:
        """How many bytes the answer brings, once it is the one that was asked for."""
        self._require_part(answer)
        match = re.fullmatch(
            r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})",
            answer.headers.get("Content-Range", ""),
        )
        encoding = answer.headers.get("Content-Encoding", "identity")
        if not match or encoding != "identity":
            raise SpecError(
                f"{self.name}: its server answers ranges in a way nobody understands "
                f"({encoding}, {answer.headers.get('Content-Range')!r:.60}); take "
                "another mirror, or a copy on this machine"
            )
        first, last, size = map(int, match.groups())
        pins = {key: answer.headers.get(key, "") for key in _PINS}
        if not self.size:
            self.size, self._pins = size, pins
        if size != self.size or not self._is_pinned(pins):
            raise SpecError(self._replaced())
        if first != start or last != min(end, size) - 1:
            raise SpecError(
                f"{self.name}: asked for the bytes {start}-{end - 1}, its server gives "
                f"{first}-{last} of {size}"
            )
        return last + 1 - first

    def _is_pinned(self, pins: Mapping[str, str]) -> bool:
        """Whether an answer's tag and time are those of the first one.

        Mirrors that share a file may differ in what they tell of it, not in all.
        """
        told = [key for key, value in self._pins.items() if value]
        shared = [key for key in told if pins[key]]
        same = all(pins[key] == self._pins[key] for key in shared)
        return same and bool(shared or not told)

    def _require_part(self, answer: Answer) -> None:
        http.require_now(self.name, answer)
        status = answer.status
        if status in (200, 416) and self.size:
            raise SpecError(self._replaced())
        if status == 416:
            raise SpecError(f"{self.name} is empty")
        if status == 200:
            # One that is smaller than a block may be given as a whole.
            if 0 < (length := http.length(answer)) <= BLOCK:
                raise SpecError(f"{self.name} is no ISO: it has {length} bytes")
            raise SpecError(
                f"the server of {self.name} knows no ranges, so that nothing can be "
                "read out of it; take another mirror or a copy on this machine, or, "
                "for kernel and ramdisk, --boot-method cdrom where the system can"
            )
        if status != 206:
            raise SpecError(f"{self.name} answers HTTP {status}")

    def _replaced(self) -> str:
        return f"{self.name} was replaced while it was read; try again"
