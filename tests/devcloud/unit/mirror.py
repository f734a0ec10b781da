"""A tiny Debian mirror on the loop back, whose answers can be spoilt."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import re
import subprocess
import tempfile
import threading
import time
from email.utils import formatdate
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from devcloud.media.debian import base, netboot, udebs

SUITE = base.SUITE
KERNEL = "6.12.9+deb13-amd64"
INDEX = f"dists/{SUITE}/main/binary-amd64/Packages"
COMPONENTS = f"dists/{SUITE}/main/debian-installer/binary-amd64/Packages"
STATUS = f"Package: kernel-image-{KERNEL}-di\nProvides: kernel-image\n\nPackage: anna\n"
CHUNK = 5_000


class Mirror(ThreadingHTTPServer):
    """Serves what `content` has, and as `spoil` says.

    ``asked`` has a line "path [range]" of each request so far.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content: dict[str, bytes] = {}
        self.spoilt: list[list[object]] = []
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """What a line of sources.list says."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def spoil(self, pattern: str, how: str, times: int = 1_000) -> None:
        """Answer so many requests of such paths by a status, or cut, short, wrong, slow."""
        self.spoilt.append([pattern, how, times])

    def how(self, path: str) -> str:
        """What is wrong with the next answer; empty where nothing is."""
        for rule in self.spoilt:
            pattern, how, times = rule
            assert isinstance(times, int)
            if times and re.search(str(pattern), path):
                rule[2] = times - 1
                return str(how)
        return ""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that the other side broke off."""

    def put(self, path: str, data: bytes) -> None:
        """Have a file."""
        self.content[path] = data

    def publish(self, main: str, components: str) -> None:
        """Write the indexes, and a Release that fits them."""
        self.put(INDEX, main.encode())
        self.put(COMPONENTS, components.encode())
        self.put(f"{INDEX}.xz", lzma.compress(main.encode(), preset=0))
        self.put(f"{COMPONENTS}.xz", lzma.compress(components.encode(), preset=0))
        self.put(f"{COMPONENTS}.gz", gzip.compress(components.encode(), mtime=0))
        top = f"dists/{SUITE}/"
        files = [path for path in self.content if path.startswith(top)]
        sums = "".join(
            f" {_sha256(self.content[path])} {len(self.content[path])}"
            f" {path.removeprefix(top)}\n"
            for path in files
            if not path.endswith("Release")
        )
        text = (
            f"Suite: stable\nCodename: {SUITE}\nArchitectures: amd64\n"
            f"Components: main main/debian-installer\nDate: {formatdate(usegmt=True)}\n"
            f"SHA256:\n{sums}"
        )
        self.put(f"{top}Release", text.encode())


class _Handler(BaseHTTPRequestHandler):
    server: Mirror
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, and as badly as wanted."""
        path = self.path.lstrip("/").replace("%2B", "+").replace("%2b", "+")
        wanted = self.headers.get("Range", "")
        self.server.asked.append(f"{path} {wanted}".strip())
        how = self.server.how(path)
        data = self.server.content.get(path)
        if how.isdigit() or data is None:
            self.send_response(int(how or "404"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if how == "short":
            data = data[: len(data) // 2]
        if how == "wrong":
            data = bytes(len(data))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        start = start if start < len(data) else 0
        self.send_response(206 if start else 200)
        if start:
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self.send_header("Content-Range", span)
        self.send_header("Last-Modified", formatdate(0, usegmt=True))
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self._send(data[start:], how)

    def _send(self, data: bytes, how: str) -> None:
        try:
            if how == "cut":
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
            elif how == "slow":
                for at in range(0, len(data), CHUNK):
                    self.wfile.write(data[at : at + CHUNK])
                    time.sleep(0.2)
            else:
                self.wfile.write(data)
        except OSError:  # the other side had enough
            self.close_connection = True


def fill(mirror: Mirror) -> tuple[str, str]:
    """Put all packages there that the media need; returns the two indexes."""
    listed = set(base.INCLUDE) - set(_packages())
    main = [_stanza(name, f"pool/{name}.deb", b"") for name in listed]
    for name, data in _packages().items():
        mirror.put(f"pool/{name}.deb", data)
        main.append(_stanza(name, f"pool/{name}.deb", data))
    wanted = [
        *udebs.Collector.wanted,
        *(f"{stem}-{KERNEL}-di" for stem in udebs.MODULES),
    ]
    parts = []
    for name in wanted:
        data = f"the component {name}".encode()
        mirror.put(f"pool/{name}.udeb", data)
        parts.append(_stanza(name, f"pool/{name}.udeb", data))
    return "\n".join(main), "\n".join(parts)


@cache
def _packages() -> dict[str, bytes]:
    """The ordinary packages that are unpacked."""
    modules = [f"{name}.ko.xz" for group in udebs.MODULES.values() for name in group]
    below = f"usr/lib/modules/{KERNEL}/kernel/fs"
    place = "usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64"
    initrd = gzip.compress(_cpio({"init": b"#!", netboot.STATUS: STATUS.encode()}), 1)
    # Not to be compressed away: what crawls must be long.
    noise = b"".join(hashlib.sha256(bytes([n])).digest() * 500 for n in range(40))
    tools = {f"usr/sbin/{name}": b"tool" for name in udebs.E2FSPROGS_TOOLS}
    contents = {
        f"linux-image-{KERNEL}": {f"{below}/{name}": b"module" for name in modules},
        netboot.PACKAGE: {f"{place}/linux": noise, f"{place}/initrd.gz": initrd},
        udebs.E2FSPROGS[0]: {"etc/mke2fs.conf": b"[defaults]", **tools},
        **{name: {} for name in udebs.E2FSPROGS[1:]},
    }
    with tempfile.TemporaryDirectory() as name:
        return {n: _package(Path(name), n, files) for n, files in contents.items()}


def _package(scratch: Path, name: str, files: dict[str, bytes]) -> bytes:
    tree = scratch / name
    for path, data in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(data)
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody\n"
    (tree / "DEBIAN/control").write_text(f"{control}Description: for tests\n")
    command = ["dpkg-deb", "-Znone", "-b", str(tree), str(scratch / "package")]
    subprocess.run(command, check=True, capture_output=True)
    return (scratch / "package").read_bytes()


def _stanza(name: str, path: str, data: bytes) -> str:
    return (
        f"Package: {name}\nVersion: 1:1\nArchitecture: amd64\nMaintainer: nobody\n"
        f"Filename: {path}\nSize: {len(data)}\nSHA256: {_sha256(data)}\n"
        "Description: for tests\n"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _cpio(files: dict[str, bytes]) -> bytes:
    """An archive of the new ASCII format."""
    found = b""
    for name, data in {**files, "TRAILER!!!": b""}.items():
        fields = [0, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + "".join(f"{n:08x}" for n in fields).encode()
        head += name.encode() + b"\0"
        found += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return found
