"""Debian behind a proxy that asks for a login, with packages of an HTTPS mirror with an own CA."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
from pathlib import Path

from devcloud import settings
from tests.e2e.base import EndToEndTest
from tests.outside import (
    PACKAGE,
    PASSWORD,
    PROXY_PASSWORD,
    PROXY_USER,
    USER,
    Outside,
)

PARENT = "base-debian"
LIMIT_S = 7200
_TEMPLATE = """\
version: 1
{begin}
build:
  proxy:
    url: {proxy}
    username: {proxy_user}
    password: {{env: PROXY_PASSWORD}}
customise:
  ca_certificates: [{{file: ca.pem}}]
  repositories:
    - name: outside
      url: {url}
      suites: [stable]
      key: {{file: key.asc}}
      username: {user}
      password: {{env: MIRROR_PASSWORD}}
  packages: [{package}]
"""


class TestProxy(EndToEndTest):
    """Guests reach nothing but this machine; the mirror's name only the proxy knows."""

    MEDIA = ("debian",)

    def setUp(self) -> None:
        """Have the mirror and the proxy where guests reach them."""
        super().setUp()
        catalog = os.environ.get("OSC_IMAGEBUILD_CATALOG", "")
        self.environment["OSC_IMAGEBUILD_CATALOG"] = catalog
        self.environment["PROXY_PASSWORD"] = PROXY_PASSWORD
        self.environment["MIRROR_PASSWORD"] = PASSWORD
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.here = Path(directory.name)
        (self.here / "outside").mkdir()
        self.outside = Outside(self.here / "outside", settings.GATEWAY)
        self.addCleanup(self.outside.close)

    def write(self, begin: str) -> str:
        """Write a template and what it names; return its path."""
        repository = self.outside.repository()
        for name, text in (
            ("ca.pem", self.outside.certificate().pem),
            ("key.asc", repository.key),
        ):
            (self.here / name).write_text(text, encoding="utf-8")
        path = self.here / "t.yaml"
        text = _TEMPLATE.format(
            begin=begin,
            proxy=self.outside.proxy().url,
            proxy_user=PROXY_USER,
            url=repository.url,
            user=USER,
            package=PACKAGE,
        )
        path.write_text(text, encoding="utf-8")
        return str(path)

    def test_installation(self) -> None:
        """The installer's components come through the proxy too."""
        image = self.built("os: debian-13")
        self.assertIn(".udeb", " ".join(self.outside.passed))
        self.check(image)

    def test_layer(self) -> None:
        """An image that exists is changed: the newest of a family of Debian's."""
        self.check(self.built(f"from: {{family: {PARENT}}}"))

    def built(self, begin: str) -> str:
        """Build; return the image's ID. Nobody is shown a password on the way."""
        words = ("image", "build", "create", "--template", self.write(begin))
        done = self.run_command(
            "--debug", *words, self.name, "-f", "json", limit_s=LIMIT_S
        )
        self.assertEqual(0, done.returncode, done.stderr[-3000:])
        for secret in (PASSWORD, PROXY_PASSWORD, self.outside.proxy().login_url):
            self.assertNotIn(secret, done.stdout + done.stderr)
        self.assertTrue(any(path.endswith(".deb") for path in self.outside.asked))
        image_id: str = json.loads(done.stdout)["image_id"]
        return image_id

    def check(self, image_id: str) -> None:
        """Search all files of the result."""
        disk, tree = self.here / "disk.qcow2", self.here / "tree"
        tree.mkdir()
        with open(disk, "wb") as file:
            data = self.cloud.image.get(f"/images/{image_id}/file", stream=True)
            for part in data.iter_content(1 << 20):
                file.write(part)
        raw = self.here / "disk.raw"
        self.local("qemu-img", "convert", "-O", "raw", str(disk), str(raw))
        begin = _largest_partition(raw)
        self.local("debugfs", "-R", f"rdump / {tree}", f"{raw}?offset={begin}")
        status = (tree / "var/lib/dpkg/status").read_text(encoding="utf-8")
        self.assertIn(f"Package: {PACKAGE}\n", status)
        source = (tree / "etc/apt/sources.list.d/outside.sources").read_text()
        self.assertIn(self.outside.repository().url, source)
        traces = self.outside.traces()
        found = [
            f"{path.relative_to(tree)}: {trace!r}"
            for path in tree.rglob("*")
            if path.is_file() and not path.is_symlink()
            for trace in traces
            if trace in path.read_bytes()
        ]
        self.assertEqual([], found)

    def local(self, *words: str) -> str:
        """Run a program of this machine."""
        done = subprocess.run(words, capture_output=True, text=True, timeout=900)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout


def _largest_partition(disk: Path) -> int:
    """Return where the largest of four primary partitions begins, in bytes."""
    with disk.open("rb") as file:
        table = file.read(512)[446:510]
    entries = [struct.unpack("<8x2I", table[n : n + 16]) for n in range(0, 64, 16)]
    begin, _ = max(entries, key=lambda entry: entry[1])
    return int(begin) * 512
