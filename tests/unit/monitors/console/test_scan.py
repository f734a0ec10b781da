"""Expressions on lines and on texts: which is which, what is kept, what they cost."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import fields

import testtools

from osc_imagebuild.monitors.console import restarts, sign_files
from osc_imagebuild.monitors.console.scan import Scan, compiled, is_about_a_line, rules
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.text import LONG_LINE, SCREEN_LINES, read_console

# Seconds of the processor that one expression may take for a console of 100 KiB.
BOUND_S = 2.0
CONSOLE = 100 * 1024


# What is looked for in the last screenful alone; see `waiting.question`.
ON_SCREEN = ("questions", "items")


def patterns() -> Iterator[tuple[str, bool]]:
    """Yield each expression of all families once, and if a screenful is all it gets."""
    found: dict[str, bool] = {}
    for name in (*sign_files.families(), sign_files.COMMON, sign_files.BOOT):
        known = sign_files.read(name)
        for field in fields(known):
            for sign in getattr(known, field.name):
                pattern = sign if isinstance(sign, str) else sign[0]
                small = field.name in ON_SCREEN
                found[pattern] = found.get(pattern, True) and small
    yield from found.items()


def words(pattern: str) -> list[str]:
    """Return what an expression has of plain words, the first few."""
    plain = re.sub(r"\\[bBdDwWsSAZn]|\(\?[^)]*?[:=!]|\\(?=.)", " ", pattern)
    plain = re.sub(r"[\[\](){}?+^$*]", " ", plain)
    found = [part.strip() for part in re.split(r"\||\s{2,}", plain)]
    return [part for part in found if len(part) > 2][:3] or ["a"]


class ScanTest(testtools.TestCase):
    """A text and its signs."""

    def test_one_line_or_several(self) -> None:
        """What may reach over the end of a line is looked for in the whole text."""
        for pattern, wanted in (
            (r"^Error: [^\n]*", True),
            (r"a(?![^\n]*b)\S+ \d+\b.{3}$", True),
            (r"'[^'\n]*'", True),
            (r"[^\]\n]*x", True),
            (r"a\s+b", False),
            (r"a\nb", False),
            (r"x\Z", False),
            (r"[^x]y", False),
            (r"(?s:a.b)", False),
            (r"[\s\S]{0,10}", False),
        ):
            self.assertEqual(wanted, is_about_a_line(pattern), pattern)

    def test_same_as_in_the_whole_text(self) -> None:
        """Line by line the same places are found, the first in each line."""
        text = read_console("one two\n[   1.5] two two\n\nthree\ntwo")
        scan = Scan(Signs(troubles=(("two", ""),), harmless=("three",)), text)
        self.assertEqual(
            [4, 8, 22], [spot.start for spot in scan.spots("two")], text.body
        )
        self.assertEqual({2}, set(scan.harmless))
        self.assertEqual("[   1.5] two two", scan.shown(list(scan.spots("two"))[1]))
        for spot in scan.spots("two"):
            self.assertEqual("two", text.body[spot.start : spot.end])

    def test_lines_are_kept(self) -> None:
        """A second look costs what is new."""
        known = Signs(failures=(("kept by this test", ""),))
        text = "\n".join(f"line {n}" for n in range(50))
        Scan(known, read_console(text))
        before = rules(known).fits.cache_info()
        Scan(known, read_console(f"{text}\none more"))
        after = rules(known).fits.cache_info()
        self.assertEqual(1, after.misses - before.misses)
        self.assertIs(rules(known), rules(Signs(failures=known.failures)))

    def test_no_expression_takes_long(self) -> None:
        """On texts that are made of its own words."""
        for pattern, on_screen in patterns():
            for word in words(pattern):
                line = (f"{word} " * LONG_LINE)[:LONG_LINE]
                if on_screen:
                    parts, times = [f"{line}\n" * SCREEN_LINES], 1
                elif is_about_a_line(pattern):
                    parts, times = [line, f"{word} {'1' * 480}"], CONSOLE // LONG_LINE
                else:
                    short = f"{word}\n" * (CONSOLE // 4 // (len(word) + 1))
                    parts, times = [f"{line}\n" * (CONSOLE // 4 // LONG_LINE), short], 4
                for part in parts:
                    began = time.process_time()
                    for _ in compiled(pattern).finditer(part):
                        pass
                    took = (time.process_time() - began) * times
                    self.assertLess(took, BOUND_S, f"{pattern!r} on {word!r}")


class LoopTest(testtools.TestCase):
    """An installer's begin for the second time, in a decision table."""

    def found(self, text: str) -> bool:
        """Whether it is a loop."""
        known = Signs(banners=("^BEGIN",), restarts=("^RESTART",))
        return restarts.loop(Scan(known, read_console(text))) is not None

    def test_table(self) -> None:
        """The banner alone is none, and neither is what dmesg prints again."""
        kernel = "[    0.000000] Linux version 6.1\n"
        line = "Kernel command line: auto=true url=http://m/p console=ttyS0\n"
        early, late = f"[    0.041001] {line}", f"[    0.051001] {line}"
        for text, wanted in (
            ("BEGIN\nBEGIN\nBEGIN\n", False),
            (f"{kernel}BEGIN\nBEGIN\n", False),
            (f"BEGIN\nat work\n{kernel}", False),
            (f"{kernel}BEGIN\n{kernel}BEGIN\n", True),
            ("BEGIN\nRESTART\nBEGIN\n", True),
            ("RESTART\nBEGIN\nRESTART\n", False),
            (f"{kernel}{early}at work\n{kernel}{early}", False),
            (f"{kernel}{early}at work\n{kernel}{late}", True),
            (f"{kernel}{early}RESTART\n{kernel}{early}", True),
            (f"{early}{early}", False),
            (f"{kernel}{early}{kernel}{late.replace('auto', 'root=/dev/vda1')}", False),
            ("", False),
        ):
            self.assertEqual(wanted, self.found(text), text)
