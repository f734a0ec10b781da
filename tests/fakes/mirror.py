"""The install tree: what the client fetches from outside the cloud."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Mapping
from typing import Any

import requests

from osc_imagebuild.media import answer_cd
from tests.fakes.guests import ISO, MINI_ISO
from tests.fakes.wire import Reply

# Of a Linux kernel's first sector: boot record and header.
KERNEL = b"\0" * 510 + b"\x55\xaa" + b"\xeb\x66" + b"HdrS" + b"\0" * 64
# One that can be read, and changed.
_REAL_ISO = answer_cd.answer_cd("MINI", {"etc/motd": ISO.decode()}).rstrip(b"\0")
# What the ISO of the mini installer has at these paths.
IN_ISO = {
    "isolinux/linux": KERNEL + b"of an ISO" * 10_000,
    "isolinux/initrd": b"\x1f\x8b initrd of an ISO" * 4000,
}


@functools.cache
def installer_iso(kind: str = "rock_ridge") -> bytes:
    """An ISO with `IN_ISO`, its names kept by Rock Ridge, Joliet, or not at all."""
    import pycdlib

    kinds: dict[str, dict[str, Any]] = {
        "rock_ridge": {"rock_ridge": "1.09"},
        "joliet": {"joliet": 3},
    }
    iso: Any = pycdlib.PyCdlib()
    iso.new(vol_ident="MINI 1", **kinds.get(kind, {}))

    def names(path: str) -> dict[str, str]:
        """How a path is given to the ISO beside its plain name."""
        if kind == "joliet":
            return {"joliet_path": f"/{path}"}
        return {"rr_name": path.rpartition("/")[2]} if kind == "rock_ridge" else {}

    iso.add_directory("/ISOLINUX", **names("isolinux"))
    for path, data in IN_ISO.items():
        plain = f"/{path.upper()}.;1"
        iso.add_fp(io.BytesIO(data), len(data), plain, **names(path))
    disc = io.BytesIO()
    iso.write_fp(disc)
    iso.close()
    return disc.getvalue()


def part_of(data: bytes, wanted: str, headers: Mapping[str, str]) -> Reply:
    """Answer a GET with the header Range."""
    found = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted)
    if not found:
        return Reply(200, data, {"Content-Length": str(len(data)), **headers})
    first, last = int(found[1]), min(int(found[2]), len(data) - 1)
    if first >= len(data):
        return Reply(416, b"")
    part = data[first : last + 1]
    told = {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
    return Reply(206, part, {"Content-Length": str(len(part)), **told, **headers})


class Mirror:
    """Files by the end of their path; ``down`` where it does not answer.

    ``ranges`` is whether it gives parts of files.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {
            "linux": KERNEL,
            "initrd": b"\x1f\x8b initrd",
            "initrd.gz": b"\x1f\x8b initrd",
            "mini.iso": MINI_ISO + bytes(5000),
            "remaster.iso": _REAL_ISO,
            "drivers.iso": MINI_ISO.replace(ISO, b"drivers".ljust(len(ISO))),
            "installer.iso": installer_iso(),
            "Release": b"Suite: stable\n",
        }
        self.down = False
        self.status = 0
        self.ranges = True
        self.headers = {"Last-Modified": "Sat, 01 Aug 2026 10:00:00 GMT"}
        self.fetched: list[str] = []

    def serve(self, method: str, url: str, wanted: str = "") -> Reply:
        """Answer one request; ``wanted`` is its header Range."""
        self.fetched.append(f"{method} {url}")
        if self.down:
            raise requests.ConnectionError(f"no route to {url}")
        data = self.files.get(url.rpartition("/")[2])
        if self.status or data is None:
            return Reply(self.status or 404, b"no")
        kind = {"Content-Type": "text/plain", **self.headers}
        if method == "HEAD":
            return Reply(200, b"", {"Content-Length": str(len(data)), **kind})
        return part_of(data, wanted if self.ranges else "", kind)
