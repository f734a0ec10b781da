"""What consoles of real installations mean; excerpts are in ``consoles``."""

from __future__ import annotations

import testtools

from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.monitors import console_activity, power
from osc_imagebuild.monitors.console import clean, report, sign_files
from osc_imagebuild.monitors.console import text as texts
from osc_imagebuild.monitors.console.scan import Scan
from tests import paths
from tests.unit.base import CATALOG
from tests.unit.samples import BUILD_ID

CONSOLES = paths.DATA / "consoles"
ENTRIES = Catalog([BUILT_IN, CATALOG])


def read(name: str) -> str:
    """Return an excerpt as Nova gives it: without escape and return bytes."""
    text = (CONSOLES / f"{name}.txt").read_text(encoding="utf-8", errors="replace")
    return text.replace("\x1b", "").replace("\r", "")


class ConsoleTest(testtools.TestCase):
    """Progress, failures, and what is left for people."""

    def test_progress(self) -> None:
        """It goes from the first step to the last."""
        for name, system, first, last in (
            ("debian-good", "debian-13", 4, 98),
            ("mini-good", "mini", 1, 99),
        ):
            entry = ENTRIES.entry(system)
            signs = sign_files.of(entry.family, entry.signs)
            text, seen = read(name), []
            for end in (*range(0, len(text), 20), len(text)):
                step = Scan(signs, texts.read_console(text[:end])).step
                seen.append(step[1] if step else 0)
            self.assertIn(first, seen, name)
            self.assertEqual(last, seen[-1], name)

    def test_news(self) -> None:
        """The same words at another time are none."""
        old = console_activity.news("[    1.5] eth0: up\n10:01:02 waiting 5s\n")
        self.assertFalse(
            console_activity.alive(
                old,
                console_activity.news("[   99.1] eth0: up\n10:03:55 waiting 10 s"),
                1,
            )
        )
        self.assertTrue(
            console_activity.alive(old, console_activity.news("[   99.1] eth1: up"), 1)
        )
        self.assertTrue(
            console_activity.alive(old, console_activity.news("unpacking 12 of 40"), 1)
        )

    def test_clean(self) -> None:
        """No status lines, no control, and the words all there."""
        for path in CONSOLES.glob("*.txt"):
            raw = path.read_bytes().decode("utf-8", "replace")
            for text in (raw, read(path.stem)):
                cleaned = clean.clean(text)
                self.assertNotIn("\x1b", cleaned, path.name)
                self.assertNotIn("2 shell  3 shell", cleaned, path.name)
        self.assertIn("Installing the base system", clean.clean(read("debian-good")))

    def test_tail(self) -> None:
        """The last lines that say something."""
        found = clean.tail(read("debian-no-preseed"), 3)
        self.assertEqual(3, len(found.splitlines()))
        self.assertIn("[Press enter to continue]", found)
        self.assertEqual("b", clean.tail("a\n\n  \r\nb\n\n", 1))
        self.assertEqual("", clean.tail("", 5))

    def test_brackets_stay(self) -> None:
        """What only looks like terminal control is left in place."""
        for text in ("[  1.23] eth0: up", "a[0] = b", "[OK] done", "[12:30] x"):
            self.assertEqual(text, clean.clean(text))


class ReportTest(testtools.TestCase):
    """The guest's own word."""

    def test_heard(self) -> None:
        """On the console between other lines, and on the back-channel."""
        said = f'{{"build": "{BUILD_ID}", "release": "13", "packages": 320}}'
        text = f"log\n{report.SENTINEL} {said}\n[1.2] more"
        wanted = {"release": "13", "packages": "320"}
        self.assertEqual(wanted, report.on_console(text, BUILD_ID))
        self.assertEqual(wanted, report.parse(said, BUILD_ID))

    def test_not_believed(self) -> None:
        """Another build's, damaged, too long, or none."""
        other = '{"build": "other", "release": "13"}'
        long = f'{{"build": "{BUILD_ID}", "x": "{"y" * 1100}"}}'
        for text in (other, long, "", "null", "[]", "{", f'"{BUILD_ID}"'):
            self.assertIsNone(report.parse(text, BUILD_ID), text)
            self.assertIsNone(report.on_console(f"{report.SENTINEL} {text}", BUILD_ID))


class PowerTest(testtools.TestCase):
    """How often to look."""

    def test_interval(self) -> None:
        """Quick at first, rarer later, never rarer than twice a minute."""
        waits = [power.poll_interval(at) for at in range(0, 1000, 10)]
        self.assertEqual((10.0, 30.0), (waits[0], waits[-1]))
        self.assertEqual(60.0, power.poll_interval(999, silent=True))
        self.assertEqual(sorted(waits), waits)
