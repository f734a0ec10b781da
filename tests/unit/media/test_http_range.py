"""A file behind a web server, read in parts."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Iterator

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import backoff, http_range, iso_files
from osc_imagebuild.model.boot_sources import IsoFile
from tests.fakes import web
from tests.fakes.clock import FakeClock, World
from tests.fakes.web import Handler, Web

DATA = random.Random(1).randbytes(3 * http_range.BLOCK + 1000)
LARGE = 2 * http_range.BLOCK + 7


class RangesTestCase(testtools.TestCase):
    """A server of its own for each test."""

    def setUp(self) -> None:
        super().setUp()
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.world = World()
        self.web: Web = stack.enter_context(web.serving(DATA))

    def open(self, path: str = "/x.iso") -> http_range.RangeFile:
        """Open what is served."""
        asks = http_range.Web(f"{self.web.url}{path}")
        self.addCleanup(asks.close)
        return http_range.RangeFile("the ISO", asks, FakeClock(self.world))

    def read(self, at: int = 0, count: int = LARGE, path: str = "/x.iso") -> bytes:
        """Open and read a part."""
        file = self.open(path)
        file.seek(at)
        return file.read(count)

    def problem(self, kind: type[Exception] = SpecError, path: str = "/x.iso") -> str:
        """What is wrong, found out sooner or later."""
        return str(self.assertRaises(kind, self.read, 0, LARGE, path))


class ReadTest(RangesTestCase):
    """An honest server."""

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, len(DATA) + 9), st.integers(0, LARGE))))
    def test_like_a_file(self, reads: list[tuple[int, int]]) -> None:
        """Whatever is read, in whatever order."""
        file, real = self.open(), io.BytesIO(DATA)
        for at, count in reads:
            self.assertEqual(real.seek(at), file.seek(at))
            self.assertEqual(real.read(count), file.read(count))
            self.assertEqual(real.tell(), file.tell())
        self.assertEqual(len(DATA), file.seek(0, io.SEEK_END))
        self.assertRaises(ValueError, file.seek, -1)
        self.assertTrue(file.readable() and file.seekable())

    def test_blocks(self) -> None:
        """What was read lately is not asked for again; large reads are one request."""
        file = self.open()
        for at in (0, 5, http_range.BLOCK - 9, http_range.BLOCK, 17):
            file.seek(at)
            self.assertEqual(DATA[at : at + 8], file.read(8))
        self.assertEqual(2, len(self.web.asked))
        file.seek(0)
        self.assertEqual(DATA, file.read(len(DATA)))
        self.assertEqual(3, len(self.web.asked))
        self.assertEqual(self.web.sent, file.received)

    def test_few_blocks_are_kept(self) -> None:
        """Memory is bounded."""
        self.patch(http_range, "_BLOCKS_KEPT", 2)
        file = self.open()
        for at in (0, http_range.BLOCK, 2 * http_range.BLOCK, 0):
            file.seek(at)
            self.assertEqual(DATA[at : at + 4], file.read(4))
        self.assertEqual(4, len(self.web.asked))

    def test_resumed(self) -> None:
        """A body that breaks off is gone on with where it did."""

        def cut(handler: Handler, number: int) -> bool:
            if number != 2:
                return False
            handler.answer(206, 0, LARGE, cut=LARGE - 99_999)
            return True

        self.web.fault = cut
        self.assertEqual(DATA[:LARGE], self.read())
        self.assertEqual(f"bytes={1 << 16}-{LARGE - 1}", self.web.asked[-1][1])


class RedirectTest(RangesTestCase):
    """Addresses that lead to others."""

    def redirect(self, handler: Handler, number: int) -> bool:
        """From /old to /new, which holds for two requests."""
        to = {"/old": f"/new{number}", "/round": "/round", "/ftp": "ftp://x/y"}
        if handler.path in to:
            handler.status(302, Location=to[handler.path])
        elif handler.path == "/new1" and number > 3:
            handler.status(403)
        else:
            return False
        return True

    def test_kept(self) -> None:
        """One is sent on once, and again where that does not hold any more."""
        self.web.fault = self.redirect
        file = self.open("/old")
        for at in (0, http_range.BLOCK, 2 * http_range.BLOCK):
            file.seek(at)
            self.assertEqual(DATA[at : at + 9], file.read(9))
        paths = [path for path, _ in self.web.asked]
        self.assertEqual(["/old", "/new1", "/new1", "/new1", "/old", "/new5"], paths)

    def test_nowhere(self) -> None:
        """In a circle, or to what is no web server."""
        self.web.fault = self.redirect
        for path in ("/round", "/ftp"):
            self.assertIn("leads nowhere", self.problem(path=path))


class RefusalTest(RangesTestCase):
    """Servers that do not, or will not, or lie."""

    def test_no_ranges(self) -> None:
        """Said what to do; the whole is not fetched."""
        self.web.ranges = False
        text = self.problem()
        self.assertIn("the server of the ISO knows no ranges", text)
        self.assertIn("--boot-method cdrom", text)

    def test_small(self) -> None:
        """What is smaller than an ISO can be."""
        self.web.size = 0
        self.assertIn("is empty", self.problem())
        self.web.ranges, self.web.size = False, 9
        self.assertIn("no ISO: it has 9 bytes", self.problem())

    def test_status(self) -> None:
        """What may pass, and what will not."""
        for status, kind in ((404, SpecError), (503, TransientError), (204, SpecError)):
            self.web.fault = lambda h, n, status=status: h.status(status) or True  # type: ignore[misc]
            self.web.asked.clear()
            self.problem(kind)
            self.assertEqual(1, len(self.web.asked))

    def test_nobody(self) -> None:
        """No server at all."""
        asks = http_range.Web("http://127.0.0.1:9/x.iso")
        self.addCleanup(asks.close)
        error = self.assertRaises(TransientError, http_range.RangeFile, "it", asks)
        self.assertIn("no answer from http://127.0.0.1:9/x.iso", str(error))

    def test_always_cut(self) -> None:
        """Not tried for ever."""

        def cut(handler: Handler, number: int) -> bool:
            start, end = (int(n) for n in handler.headers["Range"][6:].split("-"))
            handler.answer(206, start, end + 1, cut=end + 1 - start - (number < 2))
            return True

        self.web.fault = cut
        self.assertIn("broke off", self.problem(TransientError))
        self.assertEqual(backoff.TRIES, len(self.web.asked))
        # 2, 4 and 8 seconds, more or less.
        self.assertTrue(9 < self.world.now - self.world.start < 19)

    def test_a_server_that_asks_to_wait(self) -> None:
        """It is asked again once that has passed, unless it takes too long."""
        for told, waits in (("30", True), ("100000", False)):
            self.web.fault = lambda handler, number: False
            file, began = self.open(), self.world.now
            busy = iter([told])

            def fault(
                handler: Handler, number: int, busy: Iterator[str] = busy
            ) -> bool:
                wait = next(busy, "")
                if wait:
                    handler.status(503, Retry_After=wait)
                return bool(wait)

            self.web.fault = fault
            file.seek(http_range.BLOCK)
            if waits:
                self.assertEqual(DATA[http_range.BLOCK :][:8], file.read(8))
                self.assertEqual(30, self.world.now - began)
            else:
                self.assertRaises(TransientError, file.read, 8)
                self.assertEqual(0, self.world.now - began)

    def test_nonsense(self) -> None:
        """Other bytes than asked for, more of them, or packed ones."""
        for fields, text in (
            ({"told": f"bytes 5-9/{len(DATA)}"}, "its server gives 5-9"),
            ({"told": "bytes 0-65535/*"}, "a way nobody understands"),
            ({"told": "nothing"}, "a way nobody understands"),
            ({"Content_Encoding": "gzip"}, "packs it (gzip), though it was asked not"),
            ({"told": "bytes 0-65533/65534"}, "sends more than asked for"),
        ):
            self.web.fault = lambda h, n, f=fields: (  # type: ignore[misc]
                h.answer(206, 0, http_range.BLOCK, **f) or True
            )
            self.assertIn(text, self.problem())


class ReplacedTest(RangesTestCase):
    """Another file under the same name, while it is read."""

    def changed(self, **headers: str) -> str:
        """What is said where the second answer has other headers."""
        file = self.open()
        self.web.headers = headers
        file.seek(http_range.BLOCK)
        return str(self.assertRaises(SpecError, file.read, 8))

    def test_by_tag_or_time(self) -> None:
        """A server that knows If-Range gives all of the new one."""
        self.assertIn("was replaced while it was read", self.changed(ETag='"two"'))
        self.web.headers = {"ETag": 'W/"weak"', "Last-Modified": "yesterday"}
        self.assertIn("was replaced", self.changed(Last_Modified="today"))

    def test_by_a_server_that_ignores_if_range(self) -> None:
        """Then the answer tells."""

        def answer(handler: Handler, number: int) -> bool:
            start, end = (int(n) for n in handler.headers["Range"][6:].split("-"))
            handler.answer(206, start, end + 1)
            return True

        self.web.fault = answer
        self.assertIn("was replaced", self.changed(ETag='"two"'))

    def test_by_size(self) -> None:
        """Under the same tag; longer, and too short for what is read."""
        for size in (len(DATA) + 1, 10):
            self.web.size = len(DATA)
            file = self.open()
            self.web.size = size
            file.seek(http_range.BLOCK)
            error = self.assertRaises(SpecError, file.read, 8)
            self.assertIn("was replaced", str(error))

    def test_by_what_lacks(self) -> None:
        """Attack: an answer that tells nothing of its file any more is another's."""

        def answer(handler: Handler, number: int) -> bool:
            start, end = (int(n) for n in handler.headers["Range"][6:].split("-"))
            handler.answer(206, start, end + 1)
            return True

        self.web.headers = {"ETag": '"one"', "Last-Modified": "today"}
        file = self.open()
        self.web.fault = answer
        # Another mirror, whose tags are its own.
        self.web.headers = {"Last-Modified": "today"}
        file.seek(http_range.BLOCK)
        self.assertEqual(DATA[http_range.BLOCK :][:8], file.read(8))
        self.web.headers = {}
        file.seek(2 * http_range.BLOCK)
        error = self.assertRaises(SpecError, file.read, 8)
        self.assertIn("sends neither ETag nor Last-Modified", str(error))

    def test_nothing_tells(self) -> None:
        """Attack: an ISO without ETag that changes in the middle is not read in parts."""
        self.web.headers = {}
        self.assertIn("neither ETag nor Last-Modified", self.problem())
        begin = iso_files._begin("it", http_range.Web(f"{self.web.url}/x.iso"))
        self.assertEqual(DATA[: len(begin)], begin)


class RemoteIsoTest(testtools.TestCase):
    """Kernel and ramdisk of a remote ISO."""

    def test_little_more_than_what_is_wanted(self) -> None:
        """From planning to both uploads, of an ISO of some GiB."""
        from tests.fakes.isos import SparseIso

        disc = SparseIso(kernel_mib=4, ramdisk_mib=12, size_gib=4, others=2000)
        with web.running(Web(disc.size, disc.read)) as server:
            url = f"{server.url}/x.iso"
            with iso_files.open_iso(url) as opened:
                found = iso_files.contents(opened, disc.paths)
            for path, data in disc.files.items():
                target = io.BytesIO()
                wanted = IsoFile(url, "", found.version, disc.paths, path)
                iso_files.fetch(wanted, target)
                self.assertTrue(data == target.getvalue(), path)
        self.assertLess(server.sent / sum(map(len, disc.files.values())), 1.2)
