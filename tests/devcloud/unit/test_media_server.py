"""The media server, over a real socket on a port of its own."""

from __future__ import annotations

import http.client
import socket
import tempfile
import threading
import time
from pathlib import Path

import testtools

from devcloud.media import server

DATA = bytes(range(256)) * 400  # 100 kB


class MediaServerTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name, "root")
        (self.root / "mini").mkdir(parents=True)
        (self.root / "mini" / "linux").write_bytes(DATA)
        Path(scratch.name, "secret").write_bytes(b"outside the root")
        self.server = server.MediaServer(("127.0.0.1", 0), self.root)
        self.addCleanup(self.server.server_close)
        thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)
        self.client = self.connect()

    def connect(self, timeout_s: float = 10) -> http.client.HTTPConnection:
        client = http.client.HTTPConnection(
            "127.0.0.1", self.server.server_address[1], timeout=timeout_s
        )
        self.addCleanup(client.close)
        return client

    def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        self.client.request(method, path, headers=headers)
        response = self.client.getresponse()
        return response, response.read()

    def test_get_sends_the_file(self) -> None:
        response, body = self.ask("/mini/linux")
        self.assertEqual(200, response.status)
        self.assertEqual(DATA, body)
        self.assertEqual("bytes", response.getheader("Accept-Ranges"))
        self.assertIsNotNone(response.getheader("Last-Modified"))

    def test_doubled_slashes_and_queries_do_not_matter(self) -> None:
        self.assertEqual(DATA, self.ask("//mini//linux?x=1")[1])

    def test_head_promises_what_get_sends(self) -> None:
        response, body = self.ask("/mini/linux", "HEAD")
        self.assertEqual(200, response.status)
        self.assertEqual(str(len(DATA)), response.getheader("Content-Length"))
        self.assertEqual(b"", body)

    def test_one_connection_carries_many_requests(self) -> None:
        self.ask("/mini/linux", "HEAD")
        first = self.client.sock
        self.ask("/missing")
        self.ask("/mini/linux", Range="bytes=999999-")
        self.assertEqual(DATA, self.ask("/mini/linux")[1])
        self.assertIs(first, self.client.sock)

    def test_range_sends_a_part(self) -> None:
        response, body = self.ask("/mini/linux", Range="bytes=10-19")
        self.assertEqual(206, response.status)
        self.assertEqual(DATA[10:20], body)
        self.assertEqual(
            f"bytes 10-19/{len(DATA)}", response.getheader("Content-Range")
        )

    def test_missing_files_and_directories_are_404(self) -> None:
        for path in ("/missing", "/mini", "/", "/mini/linux/x", "/%00"):
            self.assertEqual(404, self.ask(path)[0].status, path)

    def test_nothing_outside_the_root_is_served(self) -> None:
        (self.root / "link").symlink_to(self.root.parent / "secret")
        for path in ("/../secret", "/%2e%2e/secret", "/mini/../../secret", "/link"):
            self.assertEqual(404, self.ask(path)[0].status, path)

    def test_blob_is_deterministic_and_does_not_compress(self) -> None:
        body = self.ask("/blob/2M")[1]
        self.assertEqual(2 * 1024 * 1024, len(body))
        self.assertEqual(body, self.ask("/blob/2M")[1])
        self.assertGreater(len(set(body[:4096])), 200)
        part = self.ask("/blob/2M", Range="bytes=1048570-1048589")[1]
        self.assertEqual(body[1048570:1048590], part)

    def test_blob_is_bounded(self) -> None:
        self.assertEqual(200, self.ask("/blob/1024M", "HEAD")[0].status)
        for path in ("/blob/1025M", "/blob/5", "/blob/xM", "/blob/-1M"):
            self.assertEqual(404, self.ask(path, "HEAD")[0].status, path)

    def test_fault_statuses_hold_for_whole_trees(self) -> None:
        self.assertEqual(404, self.ask("/fault/404/mini/linux")[0].status)
        self.assertEqual(500, self.ask("/fault/500/mini/linux")[0].status)
        self.assertEqual(500, self.ask("/fault/500/a/b/c", "HEAD")[0].status)
        self.assertEqual(404, self.ask("/fault/unknown/mini/linux")[0].status)

    def test_fault_cut_promises_all_and_sends_half(self) -> None:
        self.client.request("GET", "/fault/cut/mini/linux")
        response = self.client.getresponse()
        self.assertEqual(str(len(DATA)), response.getheader("Content-Length"))
        error = self.assertRaises(http.client.IncompleteRead, response.read)
        self.assertEqual(DATA[: len(DATA) // 2], error.partial)

    def test_fault_slow_keeps_to_its_rate(self) -> None:
        started = time.monotonic()
        response, body = self.ask("/fault/slow/mini/linux?rate=400000")
        self.assertEqual(200, response.status)
        self.assertEqual(DATA, body)
        self.assertGreater(time.monotonic() - started, 0.2)

    def test_fault_hang_says_nothing(self) -> None:
        client = self.connect(timeout_s=0.2)
        client.request("GET", "/fault/hang/mini/linux")
        self.assertRaises(socket.timeout, client.getresponse)
        self.assertEqual(200, self.ask("/mini/linux")[0].status)


class RangeTest(testtools.TestCase):
    def test_forms(self) -> None:
        cases: dict[str | None, tuple[int, int] | None] = {
            None: (0, 100),
            "bytes=0-": (0, 100),
            "bytes=10-19": (10, 10),
            "bytes=90-200": (90, 10),
            "bytes=-10": (90, 10),
            "bytes=-500": (0, 100),
            "bytes=100-": None,
            "bytes=-0": None,
            "bytes=9-5": (0, 100),
            "bytes=-": (0, 100),
            "bytes=0-1,5-6": (0, 100),
            "lines=1-2": (0, 100),
        }
        for header, expected in cases.items():
            self.assertEqual(expected, server.wanted_range(header, 100), f"{header}")

    def test_rate(self) -> None:
        self.assertEqual(5, server.rate_of("5"))
        for text in ("", "0", "-1", "fast"):
            self.assertEqual(server.SLOW_RATE, server.rate_of(text), text)
