"""Reports in headless Chromium: their layout, their console, and hostile words in them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import fixtures
import testtools

from osc_imagebuild.model.manifest import PhaseScreen
from osc_imagebuild.reports import page
from osc_imagebuild.reports.page import Entry
from osc_imagebuild.reports.report import Picture
from osc_imagebuild.v1.wording import command_line, create_command
from tests.unit import pictures
from tests.unit.reports import sample

DRIVER = shutil.which("chromedriver") or ""
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
# Of one answer of the driver's; a page takes a second.
LIMIT_S = 60
WIDTHS = (1280, 390)
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # It asks nobody for anything, or a machine without internet makes it wait.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
# One a phase; the names of some are long.
SCREENS = tuple(
    PhaseScreen(
        "install",
        "unpacking " * number,
        sample.BEGUN + 60 * number,
        pictures.grey(800, 600, 12 * number),
    )
    for number in range(16)
)
# What a page is asked: how far it reaches, its text, and whether anything of it ran.
ASK = """
return {
  "reaches": Math.max(...[...document.querySelectorAll("body *")].map(
    e => Math.round(e.getBoundingClientRect().right))),
  "text": document.body.innerText,
  "scripts": document.querySelectorAll("script").length,
  "handlers": [...document.querySelectorAll("*")].filter(
    e => [...e.attributes].some(a => a.name.startsWith("on"))).length,
  "loaded": performance.getEntriesByType("resource").map(e => e.name).filter(
    name => !name.startsWith("data:")),
  "broken": [...document.images].filter(i => !i.complete || !i.naturalWidth).length,
  "widest": Math.max(0, ...[...document.images].map(i => i.width)),
  "pictures": document.images.length,
  "background": getComputedStyle(document.body).backgroundColor,
}
"""


class Browser(fixtures.Fixture):
    """A headless browser, by the W3C's WebDriver.

    Source: the W3C's WebDriver recommendation; ChromeDriver's own goog/cdp/execute.
    """

    def _setUp(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        driver = subprocess.Popen(
            [DRIVER, f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(_end, driver)
        self._wait()
        options = {"binary": BROWSER, "args": ARGUMENTS}
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.url += f"/session/{made['sessionId']}"
        self.addCleanup(self._leave)

    def _leave(self) -> None:
        """Let the browser go by itself, where it still can."""
        with contextlib.suppress(OSError):
            self.call("DELETE", "")

    def _wait(self) -> None:
        for _ in range(150):
            try:
                self.call("GET", "/status")
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        raise AssertionError("chromedriver does not come up")

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """Ask the driver for something; return what it says."""
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:
            return json.load(answer)["value"]

    def set(self, command: str, **parameters: Any) -> None:
        """Have the browser be otherwise."""
        self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def show(
        self, path: Path, width: int, scheme: str = "light", place: str = ""
    ) -> dict[str, Any]:
        """Show a page; return what it is then."""
        self.set(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.set("Emulation.setEmulatedMedia", features=[feature])
        self.call("POST", "/url", {"url": f"{path.as_uri()}{place}"})
        found = self.call("POST", "/execute/sync", {"script": ASK, "args": []})
        assert isinstance(found, dict)
        return found

    def log(self) -> list[Any]:
        """Return what the page has written on the browser's console."""
        found = self.call("POST", "/se/log", {"type": "browser"})
        assert isinstance(found, list)
        return found


def _end(driver: subprocess.Popen[bytes]) -> None:
    """End the driver with all that it has started, whatever state these are in."""
    driver.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        driver.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(driver.pid, signal.SIGKILL)
    driver.wait(10)


class BrowserTest(testtools.TestCase):
    """Pages as people see them."""

    def setUp(self) -> None:
        """Have a browser, and pages of all kinds."""
        super().setUp()
        self.home = Path(self.useFixture(fixtures.TempDir()).path)
        self.browser = self.useFixture(Browser())
        picture = Picture("install", pictures.grey(720, 400))
        words = sample.HOSTILE
        entries = [
            Entry(words, words, "failed", True, words),
            Entry("a", "a", "x", False),
        ]
        failed = dataclasses.replace(sample.failed(), pictures=(picture,))
        good = dataclasses.replace(sample.good(), screenshots=SCREENS)
        for name, text in (
            ("good", good.html(command_line, create_command)),
            ("failed", failed.html(command_line, create_command)),
            ("hostile", sample.hostile().html(command_line, create_command)),
            ("index", page.index(entries, sample.BEGUN)),
        ):
            (self.home / f"{name}.html").write_text(text, encoding="utf-8")

    def test_all(self) -> None:
        """No page is wider than its window, runs, loads or complains of anything."""
        colours = set()
        for name in ("good", "failed", "hostile", "index"):
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    path = self.home / f"{name}.html"
                    found = self.browser.show(path, width, scheme)
                    where = f"{name}, {width}, {scheme}"
                    self.assertLessEqual(found["reaches"], width, where)
                    self.assertEqual(0, found["scripts"] + found["handlers"], where)
                    self.assertEqual([], found["loaded"], where)
                    self.assertEqual(0, found["broken"], where)
                    self.assertEqual([], self.browser.log(), where)
                    colours.add((scheme, found["background"]))
                    wanted = {"good": len(SCREENS), "failed": 1}.get(name, 0)
                    self.assertEqual(wanted, found["pictures"], where)
                    if name in ("hostile", "index"):
                        self.assertIn("<script>alert(1)</script>", found["text"])
                        self.assertIn(r"\u202egnp.exe\u200b", found["text"])
        self.assertEqual(2, len({colour for _, colour in colours}))
        self.assertEqual(2, len(colours))

    def test_larger(self) -> None:
        """A picture that was chosen is as large as it is, or as the page allows."""
        path = self.home / "good.html"
        for width, wanted in ((1280, 800), (390, 330)):
            found = self.browser.show(path, width, place="#screen-2-3")
            self.assertLessEqual(found["reaches"], width)
            self.assertLessEqual(
                abs(found["widest"] - wanted), 30, str(found["widest"])
            )
            self.assertEqual([], self.browser.log())
