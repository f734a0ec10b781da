"""What was checked of a system, as its guest says it."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import checks
from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.own_tests import Expected, Outcome

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

    def test_own(self) -> None:
        """The user's own tests: those that were run, those that were not, and the guest."""
        web, shop = Expected(name="web"), Expected(name="shop", expect_exit=3)
        good = Outcome(name="web", number=1, seconds=1.5, exit_code=0, output="a\nb")
        bad = Outcome(name="shop", number=2, seconds=2.0, exit_code=0, output="a\nb")
        tests = (web, shop)
        found = checks.of_tests((good, bad), tests, "1 of 2 tests was not passed")
        self.assertEqual(
            [
                "web passed: exit code 0 after 1.5 s",
                "shop, after a reboot failed: exit code 0 instead of 3 after 2.0 s\n"
                "    a\n    b",
            ],
            [str(check) for check in found],
        )
        self.assertEqual([1.5, 2.0], [check.seconds for check in found])
        found = checks.of_tests((good,), tests, "the guest went off")
        self.assertEqual(
            "shop failed: it has no outcome: the guest went off", str(found[1])
        )
        [_, guest] = checks.of_tests((good,), (web,), "it was rebooted")
        self.assertEqual("test server failed: it was rebooted", str(guest))
        self.assertEqual(1, len(checks.of_tests((good,), (web,), "")))

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
