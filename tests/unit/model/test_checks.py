"""What was checked of a system, as its guest says it."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import checks
from osc_imagebuild.model.checks import Check

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
RECAP = "ok=12 changed=9 failed=0 unreachable=0"
SCORE = "score=81.5 passed=100 failed=2"


class CompletedTest(testtools.TestCase):
    """The console has all rules that fail."""

    def completed(self, *lines: str, **report: str) -> str:
        said = {"hardening": SCORE, "failed_rules": "a ...", **report}
        console = "".join(f"{line}\r\n" for line in lines)
        return checks.completed(said, console, BUILD)["failed_rules"]

    def test_whole(self) -> None:
        """In parts, in any order, and twice."""
        one, two = (f"IMAGEBUILD-RULES {BUILD} {n}/2 {n}a {n}b" for n in (1, 2))
        self.assertEqual("1a 1b 2a 2b", self.completed(one, two))
        self.assertEqual("1a 1b 2a 2b", self.completed(two, "x", one, two))

    def test_not_whole(self) -> None:
        """Then what the report has counts."""
        sign = "IMAGEBUILD-RULES"
        for lines in (
            (),
            (f"{sign} {BUILD} 1/2 a b",),
            (f"{sign} {BUILD} 1/1 <b> $(id)",),
            (f"{sign} other 1/1 b",),
            (f"{sign} {BUILD} 0/0 b",),
            (f"{sign} {BUILD} 1/1 {'x' * 121}",),
            (f"{sign} {BUILD} 1/100 b",),
        ):
            self.assertEqual("a ...", self.completed(*lines), str(lines))

    def test_bounds(self) -> None:
        """A record takes no more of a text."""
        lines = [
            f"IMAGEBUILD-RULES {BUILD} {n}/99 " + " ".join(["x" * 100] * 9)
            for n in range(1, 100)
        ]
        self.assertEqual(16_000, len(self.completed(*lines)))

    def test_without_hardening(self) -> None:
        """A console alone says nothing."""
        said = {"release": "x"}
        line = f"IMAGEBUILD-RULES {BUILD} 1/1 a"
        for console in (line, "", None):
            self.assertEqual(said, checks.completed(said, console, BUILD))


class ChecksTest(testtools.TestCase):
    """What a report is read as."""

    def test_good(self) -> None:
        """With and without what failed."""
        self.assertEqual((), checks.of_report({"release": "x", "failed_rules": "a"}))
        for report, wanted in (
            ({"ansible": RECAP}, Check("ansible", True, RECAP)),
            ({"ansible": "ok=1 failed=1"}, Check("ansible", False, "ok=1 failed=1")),
            ({"hardening": SCORE}, Check("hardening", False, SCORE)),
            (
                {"hardening": SCORE, "failed_rules": "a b"},
                Check("hardening", False, f"{SCORE}: a b"),
            ),
            (
                {"hardening": "score=100.0 passed=9 failed=0"},
                Check("hardening", True, "score=100.0 passed=9 failed=0"),
            ),
        ):
            self.assertEqual((wanted,), checks.of_report(report))
        self.assertEqual(f"ansible passed: {RECAP}", str(Check("ansible", True, RECAP)))
        self.assertEqual("x failed: y", str(Check("x", False, "y")))

    def test_hostile(self) -> None:
        """Nothing but numbers is passed on, and none of it is a success."""
        for text in (
            "\x1b[2J",
            "ok",
            "ok=x failed=0",
            "failed=0",
            "ok=99999999 failed=0",
        ):
            for name in ("ansible", "hardening"):
                [check] = checks.of_report({name: text})
                self.assertFalse(check.passed, text)
                self.assertNotIn("\x1b", check.detail)
