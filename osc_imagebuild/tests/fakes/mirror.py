"""The install tree: what the client fetches from outside the cloud."""

from __future__ import annotations

import requests

from osc_imagebuild import discs
from osc_imagebuild.tests.fakes.guests import ISO
from osc_imagebuild.tests.fakes.wire import Reply

# Of a Linux kernel's first sector: boot record and header.
KERNEL = b"\0" * 510 + b"\x55\xaa" + b"\xeb\x66" + b"HdrS" + b"\0" * 64


# One that can be read, and changed.
_REAL_ISO = discs.answer_cd("MINI", {"etc/motd": ISO.decode()}).rstrip(b"\0")


class Mirror:
    """Files by the end of their path; ``down`` where it does not answer.

    ``ranges`` is whether it gives parts of files.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {
            "linux": KERNEL,
            "initrd": b"\x1f\x8b initrd",
            "initrd.gz": b"\x1f\x8b initrd",
            "mini.iso": ISO + bytes(5000),
            "remaster.iso": _REAL_ISO,
            "drivers.iso": b"drivers " * 99,
            "Release": b"Suite: stable\n",
        }
        self.down = False
        self.status = 0
        self.ranges = True
        self.fetched: list[str] = []

    def serve(self, method: str, url: str, range: str = "") -> Reply:
        """Answer one request."""
        self.fetched.append(f"{method} {url}")
        if self.down:
            raise requests.ConnectionError(f"no route to {url}")
        data = self.files.get(url.rpartition("/")[2])
        if self.status or data is None:
            return Reply(self.status or 404, b"no")
        size = {"Content-Length": str(len(data)), "Content-Type": "text/plain"}
        if range and self.ranges:
            first, last = range.removeprefix("bytes=").split("-")
            return Reply(206, data[int(first) : int(last) + 1])
        return Reply(200, b"" if method == "HEAD" else data, size)
