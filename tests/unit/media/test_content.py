"""What a build uploads or fetches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fixtures
import requests
import testtools

from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.media import content, http, http_range, ipxe_stub, verified
from osc_imagebuild.model.boot_sources import BlankDisk, RemoteFile, StubDisk
from tests.fakes.clock import FakeClock, World
from tests.fakes.mirror import KERNEL, Mirror
from tests.fakes.wire import Adapter, Reply

# pycdlib looks for this before it makes a boot record of isolinux.
_ISOLINUX = bytes(64) + b"\xfb\xc0\x78\x70"
URL = "http://mirror.fake/linux"


class FetchTest(testtools.TestCase):
    """Files of an install tree."""

    def setUp(self) -> None:
        """Have a mirror instead of the network."""
        super().setUp()
        self.mirror = Mirror()
        self.serve: Callable[[str, requests.PreparedRequest], Reply] = (
            lambda client, request: self.mirror.serve(
                str(request.method), str(request.url)
            )
        )
        self.patch(requests.Session, "get_adapter", self._adapter)

    def _adapter(self, url: str, **kwargs: Any) -> Adapter:
        return Adapter(lambda client, request: self.serve(client, request))

    def test_digest(self) -> None:
        """sha256 and size."""
        digest, size = http.digest(URL)
        self.assertEqual((64, len(KERNEL)), (len(digest), size))

    def test_opened(self) -> None:
        """A file is checked against what it was when it was planned."""
        digest, size = http.digest(URL)
        with content.open_content(RemoteFile(URL, digest)) as (file, length):
            self.assertEqual((KERNEL, size), (file.read(), length))
        self.mirror.files["linux"] = b"another one"
        error = self.assertRaises(
            SpecError, content.open_content(RemoteFile(URL, digest)).__enter__
        )
        self.assertIn("has changed since the build was planned", str(error))

    def test_errors(self) -> None:
        """What may pass, and what will not."""
        for status, kind in ((404, SpecError), (403, SpecError), (503, TransientError)):
            self.mirror.status = status
            for ask in (http.digest, http.check, http.fetch_text):
                self.assertIn(URL, str(self.assertRaises(kind, ask, URL)))
        self.mirror.down = True
        for ask in (http.digest, http.check):
            self.assertRaises(TransientError, ask, URL)

    def test_no_head(self) -> None:
        """Servers that answer to GET alone are asked so, and nothing is read."""
        asked: list[str] = []
        for refusal in (403, 405, 501):

            def serve(
                client: object, request: requests.PreparedRequest, status: int = refusal
            ) -> Reply:
                asked.append(str(request.method))
                length = {"Content-Length": "7", "ETag": "v1"}
                return Reply(status if request.method == "HEAD" else 200, b"", length)

            self.serve = serve
            http.check(URL)
            self.assertEqual((7, "v1"), verified.describe(URL))
        self.assertEqual(["HEAD", "GET"] * 6, asked)

    def test_cut_off(self) -> None:
        """A body that is shorter than it was said to be."""
        reply = Reply(200, b"half", {"Content-Length": "8"})
        self.serve = lambda client, request: reply
        self.assertIn(
            "broke off", str(self.assertRaises(TransientError, http.digest, URL))
        )

    def test_nowhere(self) -> None:
        """A redirect to what is no address, which requests does not see by itself."""
        asks = (http.digest, http.check, verified.describe, http_range.Web(URL))
        for address in ("http://[::1/x", "http://\xff/x", "file:///etc/passwd"):
            reply = Reply(302, b"", {"Location": address})
            self.serve = lambda client, request, reply=reply: reply  # type: ignore[misc]
            for ask in asks[:3]:
                error = self.assertRaises(SpecError, ask, URL)
                self.assertIn("leads nowhere", str(error))
            self.assertRaises(SpecError, asks[3], {})

    def test_sizes_that_are_none(self) -> None:
        """What a server says of the length of a body may be anything."""
        for told in ("many", "-5", "9" * 5000, "\xb2"):
            reply = Reply(200, b"x", {"Content-Length": told})
            self.serve = lambda client, request, reply=reply: reply  # type: ignore[misc]
            self.assertEqual(1, http.digest(URL)[1])
            error = self.assertRaises(SpecError, verified.describe, URL)
            self.assertIn("does not tell how large", str(error))

    def test_endless(self) -> None:
        """No disk is filled by a kernel that never ends, and no lease runs out."""
        digest, beats = http.digest(URL)[0], []
        with content.open_content(
            RemoteFile(URL, digest), heartbeat=lambda: beats.append(1)
        ):
            self.assertEqual([1], beats)
        error = self.assertRaises(SpecError, http.fetch, URL, 9)
        self.assertIn("is larger than", str(error))

    def test_beats(self) -> None:
        """Attack: a server that asks to wait until the lease is another's."""
        world, beats = World(), list[float]()
        clock = content._HeartbeatClock(
            FakeClock(world), lambda: beats.append(world.now)
        )
        clock.sleep(100)
        self.assertEqual([30, 60, 90, 100], [at - world.start for at in beats])

    def test_full(self) -> None:
        """Where there is no room for a file, it is said what to do."""
        with open("/dev/full", "wb", buffering=0) as file:
            error = self.assertRaises(SpecError, http.Scratch(file).write, b"x")
        self.assertIn("No space left on device; name another", str(error))

    def test_text(self) -> None:
        """Small files, and none that never end."""
        self.assertEqual("Suite: stable\n", http.fetch_text("http://m.fake/Release"))
        self.assertRaises(SpecError, http.fetch_text, URL, 100)


class DiskTest(testtools.TestCase):
    """Disks made on the client."""

    def test_blank(self) -> None:
        """As large as the flavor's, and nearly nothing to upload."""
        with content.open_content(BlankDisk(20)) as (file, size):
            self.assertEqual(size, len(file.read()))
            self.assertLess(size, 1 << 20)

    def test_blank_of_an_absurd_size(self) -> None:
        """Whoever wrote it into a record."""
        for gib in (131_000_000, -1):
            opened = content.open_content(BlankDisk(gib))
            error = self.assertRaises(SpecError, opened.__enter__)
            self.assertIn("no empty disk can be made", str(error))

    def parts(self, *missing: str) -> None:
        """Pretend that this machine has all parts but ``missing``."""
        where = self.useFixture(fixtures.TempDir()).path
        for name in ipxe_stub._PARTS:
            if name not in missing:
                Path(where, name).write_bytes(_ISOLINUX + name.encode() * 2000)
        known = {name: ((where,), tip) for name, (_, tip) in ipxe_stub._PARTS.items()}
        self.patch(ipxe_stub, "_PARTS", known)

    def test_stub(self) -> None:
        """A bootable disk that carries the script and the parts."""
        self.parts()
        self.assertEqual([], ipxe_stub.missing_parts())
        with content.open_content(StubDisk("#!ipxe\necho here\n")) as (file, size):
            disk = file.read()
        self.assertEqual((b"QFI\xfb", size), (disk[:4], len(disk)))
        self.assertLess(size, 4 << 20)
        for part in (b"#!ipxe\necho here\n", b"ipxe.lkrn" * 99, b"\x55\xaa"):
            self.assertIn(part, disk)

    def test_missing_parts(self) -> None:
        """Which package brings them, and another way."""
        self.parts("ipxe.lkrn")
        self.assertEqual(1, len(ipxe_stub.missing_parts()))
        error = self.assertRaises(SpecError, ipxe_stub.stub_disk, "#!ipxe")
        self.assertIn("ipxe (Debian, Ubuntu)", str(error))
        self.assertIn("--boot-method kernel", str(error))
