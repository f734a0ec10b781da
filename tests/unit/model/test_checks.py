"""What was checked of a system, as its guest says it."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import checks
from osc_imagebuild.model.checks import Check

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
RECAP = "ok=12 changed=9 failed=0 unreachable=0"
SCORE = "score=81.5 passed=100 failed=2"


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
