"""Data of an image as a stream, over a network that breaks."""

from __future__ import annotations

from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.transfers import Download
from osc_imagebuild.errors import CloudError, TransientError
from tests.fakes.faults import RESET, Fault, answered
from tests.fakes.wire import Call, Reply
from tests.unit.base import CloudTestCase

DATA = bytes(range(256)) * 20_000


class DownloadTest(CloudTestCase):
    """What comes is what the image has, or it is told."""

    def setUp(self) -> None:
        """Have an image."""
        super().setUp()
        self.image = self.cloud.glance.add("demo", status="active", data=DATA)
        self.api = Api(self.cloud.connect(), self.cloud.clock())
        self.asked: list[str] = []

    def broken(self, *lengths: int) -> None:
        """Let the first answers break off after so many bytes."""
        left = list(lengths)

        def hook(call: Call) -> Fault | None:
            if not call.path.endswith("/file"):
                return None
            self.asked.append(call.headers.get("Range", ""))
            wanted = call.headers.get("Range", "bytes=0-")[6:].partition("-")[0]
            parts = self.cloud.glance.gives_parts
            if not left or (wanted != "0" and not parts):
                return None
            begin, count = int(wanted), left.pop(0)
            told = {"Content-Range": f"bytes {begin}-{len(DATA) - 1}/{len(DATA)}"}
            status = 206 if begin else 200
            return Fault("short", Reply(status, DATA[begin : begin + count], told))

        self.cloud.hooks.append(hook)

    def read(self) -> bytes:
        """Read all of it."""
        stream = Download(self.api, self.image.id, len(DATA))
        stream.seek(0)
        return b"".join(iter(lambda: stream.read(1 << 20), b""))

    def test_taken_up(self) -> None:
        """From where it broke off."""
        self.broken(1_000_000, 2_000_000)
        self.assertEqual(DATA, self.read())
        end = len(DATA) - 1
        self.assertEqual(
            ["", f"bytes=1000000-{end}", f"bytes=3000000-{end}"], self.asked
        )

    def test_store_without_parts(self) -> None:
        """Then from the begin, and what is there is passed over."""
        self.cloud.glance.gives_parts = False
        self.broken(1_000_000)
        self.assertEqual(DATA, self.read())
        self.assertEqual(["", f"bytes=1000000-{len(DATA) - 1}", ""], self.asked)

    def test_never(self) -> None:
        """It has an end."""
        self.broken(10, *[0] * 20)
        error = self.assertRaises(TransientError, self.read)
        self.assertIn("broke off at 10 of 5120000 bytes", str(error))
        self.cloud.hooks[:] = [lambda call: Fault("reset", error=RESET)]
        self.assertRaises(TransientError, self.read)

    def test_refused(self) -> None:
        """What is refused is not asked for again."""
        self.cloud.hooks.append(
            lambda call: answered(403) if call.path.endswith("/file") else None
        )
        error = self.assertRaises(CloudError, self.read)
        self.assertEqual(403, error.status)

    def test_no_more_than_said(self) -> None:
        """Of an image that is longer than it was said to be."""
        stream = Download(self.api, self.image.id, 10)
        self.assertEqual((DATA[:10], b""), (stream.read(1 << 20), stream.read(1)))
