"""Signs of a user's catalogue, which come with a record."""

from __future__ import annotations

import builtins
import time
from typing import Any

import testtools

from osc_imagebuild.monitors.console import own_signs, signs
from osc_imagebuild.monitors.console import text as texts
from osc_imagebuild.monitors.console.scan import Scan

# Expressions that take Python's re, or its likes, exponential time or any memory.
HOSTILE = (
    "(a+)+$",
    "(a|a)*b",
    "(?:.*a){20}b",
    r"(\w+\s?)*:$",
    "(?:(?:(?:a{1,999}){1,999}){1,999})",
    "(?:" * 100 + "a" + "){9}" * 50 + ")" * 50,
    r"\pL" * 160,
    "(" * 250 + ")" * 250,
)


class OwnSignsTest(testtools.TestCase):
    """They find what they found, in bounded time."""

    def setUp(self) -> None:
        """Forget what was compiled."""
        super().setUp()
        own_signs.compiled.cache_clear()

    def test_found(self) -> None:
        """As Python's re finds them, each with the place and its groups."""
        text = "é one\nFAILED: no disk\nlogin: "
        for expression, place, groups in (
            ("FAILED: (.*)", (6, 21), ("no disk",)),
            ("^login: $", (22, 29), ()),
            ("(?i)failed", (6, 12), ()),
            ("no disk", (14, 21), ()),
            (r"\d", None, ()),
        ):
            match = own_signs.compiled(expression).search(text)
            found = (match.start(), match.end()) if match else None
            self.assertEqual(place, found, expression)
            if match:
                self.assertEqual(groups, match.groups(""))
                self.assertEqual(text[match.start() : match.end()], match.group())

    def test_hostile(self) -> None:
        """Whole consoles in a moment, whatever the expression is."""
        console = "\n".join(["a" * 200 + "!"] * 500)
        own = signs.of_catalogue(
            tuple((e, "step", 50) for e in HOSTILE),
            tuple((e, "failed") for e in HOSTILE),
            HOSTILE,
        )
        began = time.process_time()
        scan = Scan(own, texts.read_console(console))
        for expression in own.own:
            scan.first(expression)
        self.assertIn(scan.step, (None, ("step", 50)))
        self.assertLess(time.process_time() - began, 5)

    def test_problems(self) -> None:
        """What RE2 does not take is told, and finds nothing."""
        for expression in ("(?=a)b", r"(a)\1", "(", "a{5000}"):
            self.assertIn("no expression that RE2 takes", own_signs.problem(expression))
            self.assertIsNone(own_signs.compiled(expression).search("a" * 5000))
            self.assertEqual([], list(own_signs.compiled(expression).finditer("aa")))
        self.assertEqual("", own_signs.problem("FAILED: .*"))
        self.assertEqual("", own_signs.problem("plain text"))

    def test_without_re2(self) -> None:
        """Plain text is still found; the rest is not searched for by other means."""
        load = builtins.__import__

        def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
            if name == "re2":
                raise ImportError(name)
            return load(name, *args, **kwargs)

        self.patch(builtins, "__import__", refuse)
        self.assertFalse(own_signs.is_installed())
        self.assertIsNone(own_signs.compiled("(a+)+$").search("aaa"))
        match = own_signs.compiled("IMAGEBUILD-BOOTED 7").search("IMAGEBUILD-BOOTED 7")
        self.assertIsNotNone(match)
        self.assertEqual("", own_signs.problem("(a+)+$"))
        self.assertIn("no expression", own_signs.problem("("))
