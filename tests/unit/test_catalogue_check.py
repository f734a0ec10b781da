"""The catalogue's addresses, listed and tried on this machine's loop back."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import fixtures
import requests
import testtools

from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.guests.entry import Entry
from tools import catalogue_check
from tools.catalogue_check import Address

CATALOG = Catalog([BUILT_IN])
TODAY = datetime.date(2026, 11, 28)


class _Handler(BaseHTTPRequestHandler):
    """Has what its server's ``there`` names, and refuses HEAD for /get/."""

    def do_HEAD(self) -> None:
        self._answer(405 if "/get/" in self.path else None)

    def do_GET(self) -> None:
        self._answer(None)

    def _answer(self, status: int | None) -> None:
        there = self.path in self.server.there  # type: ignore[attr-defined]
        self.send_response(status or (200 if there else 404))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class CatalogueCheckTest(testtools.TestCase):
    """`make catalogue-check`"""

    def serve(self, *there: str) -> str:
        """Have a server with some paths; return its address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.there = there  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}"

    def run_it(self, *arguments: str) -> tuple[int, Any, str]:
        """Run the script; return its status, what it printed as JSON, and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = catalogue_check.main(arguments)
        return status, json.loads(out.getvalue()), err.getvalue()

    def entry(self, name: str, **fields: Any) -> Entry:
        """An entry with other fields."""
        return dataclasses.replace(CATALOG.entry(name), **fields)

    def test_lists_without_a_network(self) -> None:
        """Every entry with a public tree is there, on each architecture."""

        def no_network(*args: Any, **more: Any) -> None:
            raise AssertionError("somebody asks")

        self.useFixture(fixtures.MonkeyPatch("requests.head", no_network))
        status, found, _ = self.run_it()
        self.assertEqual((0, 0), (status, found["counts"]["tried"]))
        self.assertEqual(len(CATALOG.names()), found["counts"]["entries"])
        self.assertEqual(len(CATALOG.names()), len(found["ends_of_life"]))
        listed = {(row["os"], row["arch"]) for row in found["addresses"]}
        for name in CATALOG.names():
            entry = CATALOG.entry(name)
            for arch, data in entry.arches.items():
                if data.get("source", entry.source):
                    self.assertIn((name, arch), listed)
        for row in found["addresses"]:
            self.assertRegex(row["url"], r"^https?://[^/{}]+/[^{}]*$")

    def test_what_is_listed(self) -> None:
        """Tree, kernel, ramdisk, release file, what the installer fetches, checksums."""
        found = {
            (a.what, a.url.rpartition("/")[2])
            for name in ("ubuntu-24.04", "debian-13", "freebsd-14", "windows-11")
            for a in catalogue_check.addresses(CATALOG.entry(name))
            if a.arch == "x86_64"
        }
        version = CATALOG.entry("ubuntu-24.04").variables["point_release"]
        iso = f"ubuntu-{version}-live-server-amd64.iso"
        for wanted in (
            ("kernel", "linux"),
            ("ramdisk", "initrd.gz"),
            ("release file", "Release"),
            ("fetched by the installer", iso),
            ("checksum", "SHA256SUMS"),
            ("variable cloudbase_init_url", "CloudbaseInitSetup_Stable_x64.msi"),
        ):
            self.assertIn(wanted, found)

    def test_tries(self) -> None:
        """What is refused counts, but not all of what stands for each other."""
        good = ("/debian/a", "/get/b", "/iso/x.sha256", "/iso/x")
        base = self.serve(*good)

        def address(what: str, path: str, one_of: str = "") -> Address:
            return Address("os", "x86_64", what, f"{base}{path}", one_of)

        found = [
            address("source", "/debian"),
            address("kernel", "/debian/a"),
            address("ramdisk", "/debian/none"),
            address("source", "/nothing"),
            address("variable x", "/get/b"),
            address("checksum", "/iso/x.sha256", "of x"),
            address("checksum", "/iso/x.sha512", "of x"),
            address("checksum", "/iso/y.sha512", "of y"),
        ]
        answers = catalogue_check.ask(found)
        bad = [a.url for a in catalogue_check.refused(found, answers)]
        wanted = [
            f"{base}{path}" for path in ("/debian/none", "/nothing", "/iso/y.sha512")
        ]
        self.assertEqual(wanted, bad)
        self.assertEqual(200, answers[f"{base}/get/b"]["status"])

    def test_the_exit_status(self) -> None:
        """1 where a server refuses, 0 where none answers."""
        base = self.serve()
        entry = self.entry("debian-13", source=f"{base}/debian")
        self.useFixture(
            fixtures.MonkeyPatch(
                "tools.catalogue_check.Catalog.entry", lambda *_: entry
            )
        )
        status, found, _ = self.run_it("--try", "--os", "debian-13")
        self.assertEqual(1, status)
        self.assertEqual(found["counts"]["tried"], found["counts"]["addresses"])
        self.assertEqual(404, found["addresses"][0]["status"])

        def nobody(url: str, **more: Any) -> None:
            raise requests.ConnectionError(f"no route to {url}")

        self.useFixture(fixtures.MonkeyPatch("requests.head", nobody))
        status, found, _ = self.run_it("--try", "--os", "debian-13")
        self.assertEqual((0, 0), (status, found["counts"]["refused"]))
        silent = found["counts"]["without_an_answer"]
        self.assertEqual(silent, found["counts"]["addresses"])

    def test_ends_of_life(self) -> None:
        """The first date counts; a month ends with its last day."""
        for text, over, days in (
            ("2026-11-27", True, -1),
            ("2026-11-28", False, 0),
            ("2026-12-31, of 14 2028-11-30", False, 33),
            ("about 2026-10", True, -28),
            ("about 2026-11", False, 2),
            ("about 2026-12", False, 33),
            ("rolling", False, None),
            ("never", False, None),
        ):
            entry = self.entry("debian-13", end_of_life=text)
            [row] = catalogue_check.ends_of_life([entry], TODAY)
            self.assertEqual((over, days), (row["over"], row["days_left"]), text)

    def test_what_is_over_is_said(self) -> None:
        entry = self.entry("debian-13", end_of_life="2001-01-01")
        self.useFixture(
            fixtures.MonkeyPatch(
                "tools.catalogue_check.Catalog.entry", lambda *_: entry
            )
        )
        status, found, err = self.run_it("--os", "debian-13")
        self.assertEqual((0, ["debian-13"]), (status, found["over"]))
        self.assertEqual("debian-13: its end of life is in the past\n", err)
