"""Which rules fail, as a console has it."""

from __future__ import annotations

import json
from typing import Any

import testtools

from osc_imagebuild.monitors.console import failed_rules
from tests.fakes.guests import framed

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
SCORE = "score=81.5 passed=100 failed=2"


def said(names: Any, build_id: str = BUILD, kind: str = "rules") -> list[str]:
    """The lines of a console that has them all."""
    return framed(build_id, kind, json.dumps(names).encode())


class CompletedTest(testtools.TestCase):
    """The console has all rules that fail."""

    def completed(self, *lines: str, **report: str) -> str:
        """What a report has then."""
        told = {"hardening": SCORE, "failed_rules": "a ...", **report}
        console = "".join(f"{line}\r\n" for line in lines)
        return failed_rules.completed(told, console, BUILD)["failed_rules"]

    def test_whole(self) -> None:
        """In parts, and twice."""
        names = [f"rule_{n:03}" for n in range(60)]
        lines = said(names)
        self.assertLess(1, len(lines))
        self.assertEqual(" ".join(names), self.completed(*lines))
        self.assertEqual(" ".join(names), self.completed(lines[-1], "x", *lines))

    def test_not_whole(self) -> None:
        """Then what the report has counts."""
        for lines in (
            [],
            said([f"rule_{n:03}" for n in range(60)])[1:],
            said(["<b>", "$(id)"]),
            said(["b"], build_id=BUILD.replace("0b", "0c")),
            said(["b"], kind="inventory"),
            said([]),
            said({"b": 1}),
            said(["x" * 121]),
            said([1]),
            said(["x"] * 10_001),
        ):
            self.assertEqual("a ...", self.completed(*lines), str(lines)[:100])

    def test_bounds(self) -> None:
        """A record takes no more of a text."""
        self.assertEqual(16_000, len(self.completed(*said(["x" * 100] * 900))))

    def test_without_hardening(self) -> None:
        """A console alone says nothing."""
        report = {"release": "x"}
        for console in ("\n".join(said(["a"])), "", None):
            found = failed_rules.completed(report, console, BUILD)
            self.assertEqual(report, found)
