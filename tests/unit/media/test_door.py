"""The one door to web servers, against servers that mean no good."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fixtures
import requests
import testtools

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import (
    connections,
    content,
    http,
    http_range,
    iso_files,
    verified,
    web_policy,
)
from osc_imagebuild.media.connections import Pace
from osc_imagebuild.media.door import MOST_HOPS, STRICT, TYPED, Door
from osc_imagebuild.model.boot_sources import IsoContent, IsoFile, RemoteFile
from tests.fakes import web
from tests.fakes.web import Handler, Web
from tests.fakes.wire import Adapter, Reply

DATA = b"kernel" * 50_000
HASTY = Door(web_policy.TYPED, Pace(step_s=0.4))
# Far longer than that, on a machine that does much else; without end is longer still.
HELD_S = 20.0
LOOP_BACK = Door(web_policy.from_environment({}, ["127.0.0.1"]))


class DoorTestCase(testtools.TestCase):
    """A server of its own for each test, and no proxy."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            for written in (name, name.upper()):
                self.useFixture(fixtures.EnvironmentVariable(written))
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.web: Web = stack.enter_context(web.serving(DATA))
        self.other: Web = stack.enter_context(web.serving(b"secret"))
        self.url = f"{self.web.url}/linux"

    def sends_to(self, *targets: str) -> None:
        """Have the server redirect, once for each target."""
        ahead = iter(targets)

        def redirect(handler: Handler, number: int) -> bool:
            target = next(ahead, "")
            if target:
                handler.status(302, Location=target)
            return bool(target)

        self.web.fault = redirect

    def problem(self, door: Door, kind: type[Exception] = SpecError) -> str:
        """Why nothing can be fetched."""
        return str(self.assertRaises(kind, http.fetch, self.url, 1 << 20, door))


class AddressTest(DoorTestCase):
    """Where one is led to."""

    def test_honest(self) -> None:
        """What the user names, and what he allows."""
        for door in (TYPED, LOOP_BACK):
            self.assertEqual(DATA, http.fetch(self.url, 1 << 20, door))

    def test_record(self) -> None:
        """Attack: a record whose files are on the loop back of who resumes it."""
        for url in (self.url, self.url.replace("127.0.0.1", "localhost")):
            iso = IsoContent(url)
            for made in (
                RemoteFile(url, "0" * 64),
                iso,
                IsoFile(url, "", "v", ("a",), "a"),
            ):
                opening = content.open_content(made)
                error = self.assertRaises(SpecError, opening.__enter__)
                self.assertIn("which is the loop back", str(error))
                self.assertIn(f"export {web_policy.VARIABLE}=", str(error))
        self.assertEqual([], self.web.asked)

    def test_redirect(self) -> None:
        """Attack: a server that may be asked sends on to one that may not be."""
        for target in (
            f"{self.other.url}/x",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::ffff:127.0.0.1]/",
            "http://0x7f.1:1/",
            "//127.1:1/x",
        ):
            self.sends_to(target)
            self.assertIn("is not fetched: one is led on to", self.problem(TYPED))
        self.assertEqual([], self.other.asked)
        self.sends_to("/elsewhere")
        self.assertEqual(DATA, http.fetch(self.url, 1 << 20, TYPED))

    def test_later_redirect(self) -> None:
        """Attack: only later parts of an ISO are to be had from the loop back."""
        asks = http_range.Web(self.url, TYPED)
        self.addCleanup(asks.close)
        file = http_range.RangeFile("it", asks)
        self.sends_to(f"{self.other.url}/x")
        file.seek(http_range.BLOCK)
        self.assertIn("not fetched", str(self.assertRaises(SpecError, file.read, 9)))
        self.assertEqual([], self.other.asked)

    def test_other_schemes(self) -> None:
        """Attack: files and others behind a redirect."""
        for target in (
            *("file:///etc/passwd", "ftp://127.0.0.1/x", "http://[::1/"),
            *("http://x:99999/", "http://\xff/", "http://x:y/"),
        ):
            self.sends_to(target)
            self.assertIn("leads nowhere", self.problem(TYPED))

    def test_circle(self) -> None:
        """Attack: redirects without end."""
        self.sends_to(*["/again"] * 100)
        self.assertIn(f"more than {MOST_HOPS} redirects", self.problem(TYPED))
        self.assertEqual(MOST_HOPS + 1, len(self.web.asked))

    def test_rebinding(self) -> None:
        """Attack: a name server that tells another address at each question."""
        answers = [["93.184.216.34"], ["127.0.0.1"]]
        asked: list[str] = []

        def resolve(host: str, port: int) -> list[str]:
            asked.append(host)
            return answers[-1]

        self.patch(connections, "addresses", resolve)
        self.url = self.url.replace("127.0.0.1", "mirror.example")
        self.assertIn("leads to 127.0.0.1", self.problem(STRICT))
        self.assertEqual((["mirror.example"], []), (asked, self.web.asked))

    def test_rebinding_of_what_was_typed(self) -> None:
        """Attack: the mirror's name moves into the user's network once it was asked."""
        url = self.url.replace("127.0.0.1", "mirror.example")
        asked = web_policy.Place("mirror.example", self.web.server_address[1])
        abroad = web_policy.Place("93.184.216.34", asked.port)
        self.patch(connections, "addresses", lambda host, port: ["127.0.0.1"])
        door = Door(web_policy.TYPED, firsts={asked: abroad})
        error = self.assertRaises(SpecError, http.fetch, url, 1 << 20, door)
        self.assertIn("led on to 127.0.0.1", str(error))
        self.assertEqual([], self.web.asked)
        door = Door(web_policy.TYPED, firsts={})
        for _ in range(2):
            self.assertEqual(DATA, http.fetch(url, 1 << 20, door))
        self.assertEqual(
            {asked: web_policy.Place("127.0.0.1", asked.port)}, door.firsts
        )
        self.patch(connections, "addresses", lambda host, port: ["::1", "127.0.0.1"])
        self.assertEqual(DATA, http.fetch(url, 1 << 20, door))

    def test_connected_to_what_was_judged(self) -> None:
        """Of several addresses those that may be are tried; the name stays the host."""
        heard: list[str] = []

        def note(handler: Handler, number: int) -> bool:
            heard.append(handler.headers["Host"])
            return False

        self.web.fault = note
        answers = ["10.1.2.3", "127.0.0.1"]
        self.patch(connections, "addresses", lambda host, port: answers)
        self.url = self.url.replace("127.0.0.1", "mirror.example")
        self.assertEqual(DATA, http.fetch(self.url, 1 << 20, LOOP_BACK))
        self.assertEqual([self.url.split("/")[2]], heard)

    def test_no_such_name(self) -> None:
        """A host that has no address."""
        self.url = "http://no.such.host.invalid/x"
        self.patch(connections, "addresses", self._nothing)
        self.assertIn("no answer from", self.problem(TYPED, TransientError))

    def _nothing(self, host: str, port: int) -> list[str]:
        raise OSError("unknown")

    def test_proxy(self) -> None:
        """Attack: behind a proxy, which connects, the name alone tells."""
        proxy = self.other.url
        self.useFixture(fixtures.EnvironmentVariable("http_proxy", proxy))
        self.useFixture(fixtures.EnvironmentVariable("no_proxy"))
        for host in ("localhost", "127.1", "169.254.169.254", "[::1]"):
            self.url = f"http://{host}/x"
            self.assertIn("is not fetched", self.problem(STRICT))
        self.assertEqual([], self.other.asked)
        self.url = "http://mirror.example/x"
        self.assertEqual(b"secret", http.fetch(self.url, 99, STRICT))


class SecretsTest(DoorTestCase):
    """Names and passwords."""

    def setUp(self) -> None:
        super().setUp()
        self.heard: list[str] = []
        netrc = Path(self.useFixture(fixtures.TempDir()).path, "netrc")
        netrc.write_text("machine 127.0.0.1 login me password mine\n")
        self.useFixture(fixtures.EnvironmentVariable("NETRC", str(netrc)))

        def note(handler: Handler, number: int) -> bool:
            self.heard.append(handler.headers.get("Authorization", ""))
            if handler.path != "/first":
                return False
            handler.status(302, Location="/second")
            return True

        self.web.fault = note

    def test_netrc(self) -> None:
        """Attack: a record has what only the user may read fetched with his password."""
        http.fetch(self.url, 1 << 20, TYPED)
        http.fetch(self.url, 1 << 20, LOOP_BACK)
        self.assertTrue(self.heard[0].startswith("Basic "))
        self.assertEqual([""], self.heard[1:])

    def test_redirects(self) -> None:
        """They stay with the host that they are for."""
        own = self.web.url.replace("//", "//you:yours@")
        http.fetch(f"{own}/first", 1 << 20, LOOP_BACK)
        self.assertEqual(2, len(self.heard))
        self.assertEqual(1, len(set(self.heard)))
        self.assertTrue(self.heard[0].startswith("Basic "))


class SchemeTest(testtools.TestCase):
    """Without a network."""

    def test_no_step_down(self) -> None:
        """Attack: a redirect from https to http, where anybody may answer."""
        asked: list[str] = []

        def serve(client: str, request: requests.PreparedRequest) -> Reply:
            asked.append(str(request.url))
            target = {"https": "http://mirror.fake/x", "http": "https://mirror.fake/y"}
            if str(request.url).endswith("y"):
                target = {"https": "http://mirror.fake/x"}
            to = target[str(request.url).partition(":")[0]]
            return Reply(302, b"", {"Location": to})

        self.patch(requests.Session, "get_adapter", lambda *a, **kw: Adapter(serve))
        for ask in (http.digest, http.check, verified.describe, iso_files.require_iso):
            wanted: tuple[Any, ...] = ("https://mirror.fake/iso",)
            if ask is iso_files.require_iso:
                wanted += (1,)
            error = self.assertRaises(SpecError, ask, *wanted)
            self.assertIn("a redirect leads from https to http://mirror.f", str(error))
        self.assertEqual({"https://mirror.fake/iso"}, set(asked))
        self.assertRaises(SpecError, http.digest, "http://mirror.fake/x")
        self.assertEqual("https://mirror.fake/y", asked[-1])


class TimeTest(DoorTestCase):
    """Servers that answer, and never come to an end."""

    def setUp(self) -> None:
        super().setUp()
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def drip(self, begin: bytes, piece: bytes = b"x") -> Callable[[Handler, int], bool]:
        """Have the server send ``begin``, and then a piece now and then."""

        def answer(handler: Handler, number: int) -> bool:
            handler.close_connection = True
            handler.wfile.write(begin)
            while not self.over.wait(0.02):
                handler.wfile.write(piece)
            return True

        return answer

    def test_drips(self) -> None:
        """Attack: a byte now and then, of the status, a header, a chunk, or a body."""
        ok = b"HTTP/1.1 200 OK\r\n"
        chunked = ok + b"Transfer-Encoding: chunked\r\n\r\n"
        for begin, piece in (
            (b"HTTP/1.1 20", b"0"),
            (ok, b"X: y\r\n"),
            (ok + b"X: ", b"y"),
            (ok + b"\r\n", b"x"),
            (ok + b"Content-Length: 900000\r\n\r\n", b"x"),
            (chunked, b"1\r\nx\r\n"),
            (chunked, b"0"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ):
            self.web.fault = self.drip(begin, piece)
            began = time.monotonic()
            text = self.problem(HASTY, TransientError)
            self.assertLess(time.monotonic() - began, HELD_S, piece)
            self.assertIn("comes too slowly", text, repr(piece))

    def test_who_is_held(self) -> None:
        """Attack: planning, templates and resume, held by a byte now and then."""
        self.web.fault = self.drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")
        iso = IsoContent(self.url)
        for ask in (
            lambda: http.digest(self.url, HASTY),
            lambda: http.check(self.url, HASTY),
            lambda: http.fetch_text(self.url, door=HASTY),
            lambda: verified.describe(self.url, HASTY),
            lambda: iso_files.require_iso(self.url, 9, door=HASTY),
            lambda: http_range.Web(self.url, HASTY)({}),
            lambda: content.open_content(
                RemoteFile(self.url, ""), door=HASTY
            ).__enter__(),
            lambda: content.open_content(iso, door=HASTY).__enter__(),
        ):
            began = time.monotonic()
            self.assertRaises(TransientError, ask)
            self.assertLess(time.monotonic() - began, HELD_S)

    def test_fast_enough(self) -> None:
        """What comes at its pace may take longer than the grace."""
        now = [0.0]
        pace = Pace(step_s=10.0, step=100, total_s=75.0)
        watch = connections.Stopwatch(pace, lambda: now[0])
        self.addCleanup(watch.close)
        expired = []
        for _ in range(10):
            with watch.waiting():
                now[0] += 8.0
            watch.got(100)
            watch.check()
            expired.append(watch.expired)
        # 80 seconds are longer than all of it may take.
        self.assertEqual([False] * 9 + [True], expired)

    def test_slow_at_last(self) -> None:
        """Attack: much at once, and then a byte now and then: nobody saves up time."""
        begin = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(4 << 20)
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunked += b"400000\r\n" + bytes(4 << 20) + b"\r\n"
        for start, piece in ((begin, b"x"), (chunked, b"1\r\nx\r\n")):
            self.web.fault = self.drip(start, piece)
            began = time.monotonic()
            error = self.assertRaises(
                TransientError, http.fetch, self.url, 1 << 30, HASTY
            )
            self.assertIn("comes too slowly: 4194", str(error))
            self.assertLess(time.monotonic() - began, HELD_S)

    def test_who_reads_slowly(self) -> None:
        """What the reader takes is not the server's."""
        now = [0.0]
        watch = connections.Stopwatch(Pace(step_s=10.0), lambda: now[0])
        self.addCleanup(watch.close)
        for waited, rested, expired in ((9.0, 900.0, False), (2.0, 0.0, True)):
            with watch.waiting():
                now[0] += waited
            now[0] += rested
            watch.check()
            self.assertEqual(expired, watch.expired)

    def test_addresses_that_nobody_answers(self) -> None:
        """Attack: a name with hundreds of addresses, each of which takes its time."""
        tried: list[int] = []

        class Late:
            """A guard whose time is over at once."""

            def refuse(self, place: web_policy.Place) -> str:
                tried.append(place.port)
                return ""

            def is_late(self) -> bool:
                return True

            def connected(self, *what: Any) -> None:
                raise AssertionError("there is nobody")

        many = ["127.0.0.1"] * 500
        self.patch(connections, "addresses", lambda host, port: many)
        session = requests.Session()
        self.addCleanup(session.close)
        session.mount("http://", connections.GuardedAdapter(Late()))
        session.trust_env = False
        self.assertRaises(requests.ConnectionError, session.get, "http://127.0.0.1:9")
        self.assertEqual(500, len(tried))

    def test_descriptors(self) -> None:
        """Attack: a server that hangs up after each part uses none up."""

        def close(handler: Handler, number: int) -> bool:
            handler.close_connection = True
            return False

        self.web.fault = close
        self.web.headers["Connection"] = "close"
        asks = http_range.Web(self.url, TYPED)
        self.addCleanup(asks.close)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(40):
            with contextlib.closing(asks({"Range": "bytes=0-9"})) as answer:
                self.assertEqual(DATA[:10], b"".join(answer.chunks(99)))
        # Those of the server's threads, which see the end a moment later, count too.
        self.assertLess(len(asks._visit._watch._watched), 3)
        self.assertLess(len(os.listdir("/proc/self/fd")), before + 30)

    def test_kept_connection(self) -> None:
        """Where one was led to is known for a connection that was kept, too."""
        visit = TYPED.visit(self.url.replace("127.0.0.1", "mirror.example"))
        self.addCleanup(visit.close)
        self.patch(connections, "addresses", lambda host, port: ["127.0.0.1"])
        for _ in range(3):
            with contextlib.closing(visit.ask({"Range": "bytes=0-9"})) as answer:
                self.assertEqual(DATA[:10], b"".join(answer.chunks(99)))
            port = self.web.server_address[1]
            self.assertEqual([web_policy.Place("127.0.0.1", port)], visit._trail)

    def test_threads(self) -> None:
        """None is left behind."""
        for _ in range(3):
            http.fetch(self.url, 1 << 20, TYPED)
        watchers = [t for t in threading.enumerate() if "_run" in t.name]
        for thread in watchers:
            thread.join(5)
        self.assertEqual([], [t for t in watchers if t.is_alive()])


class SizeTest(DoorTestCase):
    """Bytes, as many as are to be had."""

    def test_packed(self) -> None:
        """Attack: 1 MB that becomes 1 GB; nothing packed is asked for, or unpacked."""
        heard: list[str] = []
        bomb = zlib.compress(bytes(1 << 24))

        def packed(handler: Handler, number: int) -> bool:
            heard.append(handler.headers.get("Accept-Encoding", ""))
            handler.send_response(200)
            handler.send_header("Content-Encoding", "deflate")
            handler.send_header("Content-Length", str(len(bomb)))
            handler.end_headers()
            handler.wfile.write(bomb)
            return True

        self.web.fault = packed
        self.assertIn("packs it (deflate)", self.problem(TYPED))
        opening = content.open_content(IsoContent(self.url), door=TYPED)
        self.assertRaises(SpecError, opening.__enter__)
        self.assertEqual({"identity"}, set(heard))

    def test_packed_refusal(self) -> None:
        """What a server says of an error may be packed: it is not read."""
        self.web.fault = web.answering(404, Content_Encoding="gzip")
        self.assertIn("HTTP 404", self.problem(TYPED))

    def test_told_too_large(self) -> None:
        """Attack: what says that it is too large is not begun with."""
        written: list[int] = []

        class Sink(http.Scratch):
            def write(self, data: bytes, /) -> None:
                written.append(len(data))

        error = self.assertRaises(
            SpecError, http.download, self.url, Sink(io.BytesIO()), 1000, TYPED
        )
        self.assertIn("is larger than 1000 bytes", str(error))
        self.assertEqual([], written)

    def test_untold_too_large(self) -> None:
        """Attack: a body without a length, and without an end; no byte too many is kept."""
        kept = io.BytesIO()

        def endless(handler: Handler, number: int) -> bool:
            handler.close_connection = True
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                handler.wfile.write(bytes(1 << 16))

        self.web.fault = endless
        error = self.assertRaises(
            SpecError, http.download, self.url, http.Scratch(kept), 1 << 20, TYPED
        )
        self.assertIn("larger than 1 MiB", str(error))
        self.assertLessEqual(len(kept.getvalue()), 1 << 20)

    def test_no_room(self) -> None:
        """Attack: TMPDIR is filled before a digest is compared."""
        kept = io.BytesIO()
        scratch = http.Scratch(kept, free=lambda file: http.RESERVE + 1000)
        error = self.assertRaises(
            SpecError, http.download, self.url, scratch, 1 << 30, TYPED
        )
        self.assertIn("do not fit; name another directory with TMPDIR", str(error))
        self.assertEqual(b"", kept.getvalue())

    def test_no_room_later(self) -> None:
        """Attack: the same by a body whose length nobody tells."""
        self.patch(http, "_LOOK_EVERY", 1 << 16)
        kept = io.BytesIO()
        room = http.RESERVE + (1 << 18)
        scratch = http.Scratch(kept, free=lambda file: room - len(kept.getvalue()))
        piece = bytes(1 << 14)
        scratch.expect(0)
        with testtools.ExpectedException(SpecError, ".*TMPDIR"):
            for _ in range(100):
                scratch.write(piece)
        self.assertLessEqual(len(kept.getvalue()), 1 << 18)
        with open("/dev/null", "wb") as file:
            http.Scratch(file).write(b"x")
