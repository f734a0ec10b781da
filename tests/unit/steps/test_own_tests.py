"""The user's own tests must be passed before the result is published."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from osc_imagebuild.model.actions import Act, Fail, SetMark
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.own_tests import Expected
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import own_tests
from osc_imagebuild.steps.own_tests import RunTests
from osc_imagebuild.steps.verify import RemoveVerify
from tests.fakes.guests import framed
from tests.unit import samples
from tests.unit.decisions import OFF, StepTestCase, expressed
from tests.unit.samples import BUILD_ID, facts, marks, server

TESTS = (Expected(name="web"), Expected(name="shop", expect_exit=3, timeout_s=60))
BOOTED = OFF | marks("harvested", image_id="i-result") | marks("verified")
PASSED = ([1, 0, 0, False, 1, ""], [1, 1, 3, False, 1, ""])
AGAIN = ([2, 0, 0, False, 1, ""], [2, 1, 3, False, 1, ""])


def spec(*, reboot: bool = False) -> Spec:
    """A build with tests."""
    asked = samples.spec()
    verify = dataclasses.replace(asked.verify, tests=TESTS, tests_reboot=reboot)
    return dataclasses.replace(asked, verify=verify)


def said(*rows: Any, kind: str = "tests", **fields: Any) -> str:
    """The console of a guest that has said what came of tests."""
    data = json.dumps({"boots": 1, "done": rows, **fields})
    return "\n".join(framed(BUILD_ID, kind, data.encode()))


def begun(number: Any, place: Any) -> str:
    """The console of a guest in which a test has begun."""
    data = json.dumps([number, place]).encode()
    return "\n".join(framed(BUILD_ID, "testing", data))


def looked(console: str = "", *, status: str = "ACTIVE", **fields: Any) -> Facts:
    """Return facts of a server that is up."""
    given = {"marks": BOOTED, "servers": (server("verify", status),), **fields}
    return facts(consoles={"verify": console}, **given)


class RunTestsTest(StepTestCase):
    """Until all are passed."""

    def trouble(self, found: Facts, *, reboot: bool = False) -> str | None:
        """What a mark says of the tests; None where there is none yet."""
        decision = RunTests().decide(spec(reboot=reboot), found)
        if not isinstance(decision, Act):
            return None
        assert isinstance(decision.action, SetMark)
        self.assertEqual("tested", decision.action.name)
        return decision.action.data.get("trouble", "")

    def test_verdicts(self) -> None:
        """By what the guest says of each, and of all."""
        for rows, reboot, fields, wanted in (
            (PASSED, False, {}, ""),
            ((*PASSED, *AGAIN), True, {"boots": 2}, ""),
            (PASSED, True, {}, "the guest did not run web, shop after the reboot"),
            (PASSED[:1], False, {}, "the guest did not run shop"),
            ((), False, {}, "the guest did not run web, shop"),
            (
                PASSED,
                False,
                {"boots": 3},
                "the guest was rebooted 2 times while its tests ran",
            ),
            (
                PASSED,
                False,
                {"boots": 2},
                "the guest was rebooted once while its tests ran",
            ),
            (PASSED, False, {"trouble": "x"}, "the tests could not be run: x"),
            (
                (PASSED[0], [1, 1, 0, False, 1, "YWJjCg=="]),
                False,
                {},
                "1 of 2 tests were not passed: shop: exit code 0 instead of 3 after "
                "1.0 s: abc",
            ),
            (
                (*PASSED, [2, 0, None, True, 300, ""], AGAIN[1]),
                True,
                {"boots": 2},
                "1 of 2 tests were not passed: web, after a reboot: it hung: it did not "
                "end within 300 s",
            ),
            (
                ([1, 0, None, False, 2, ""], PASSED[1]),
                False,
                {"boots": 2},
                "1 of 2 tests were not passed: web: the guest went down while it ran, "
                "after 2.0 s",
            ),
            (
                ([1, 7, 0, False, 1, ""],),
                False,
                {},
                "what the guest says of its tests is garbled: this is no number of 0 to "
                "1: 7",
            ),
        ):
            found = looked(said(*rows, **fields))
            self.assertEqual(wanted, self.trouble(found, reboot=reboot))

    def test_one_or_many(self) -> None:
        """A build with one test says so, and one with many names some of those that failed."""
        for number, wanted in (
            (1, "the test was not passed: t0: exit code 1 instead of 0 after 1.0 s"),
            (
                5,
                "5 of 5 tests were not passed: t0: exit code 1 instead of 0 after 1.0 s; ",
            ),
        ):
            tests = tuple(Expected(name=f"t{n}") for n in range(number))
            asked = spec()
            verify = dataclasses.replace(asked.verify, tests=tests)
            asked = dataclasses.replace(asked, verify=verify)
            rows = [[1, place, 1, False, 1, ""] for place in range(number)]
            decision = RunTests().decide(asked, looked(said(*rows)))
            assert isinstance(decision, Act)
            assert isinstance(decision.action, SetMark)
            trouble = decision.action.data["trouble"]
            self.assertTrue(trouble.startswith(wanted), trouble)
            self.assertEqual(number > 3, trouble.endswith("; and 2 more"))

    def test_last_word(self) -> None:
        """What the guest says last counts, as far as it is whole."""
        bad = said([1, 0, 1, False, 1, ""], PASSED[1])
        self.assertEqual("", self.trouble(looked(f"{bad}\n{said(*PASSED)}")))
        self.assertIn(
            "web: exit", self.trouble(looked(f"{said(*PASSED)}\n{bad}")) or ""
        )
        other = said(*PASSED).replace(BUILD_ID, BUILD_ID.replace("6f", "7f"))
        self.assertIsNone(self.trouble(looked(other)))
        self.assertIsNone(self.trouble(looked(said(*PASSED)[:-8])))

    def test_waits(self) -> None:
        """As long as they may take; what was the last test is said."""
        late: dict[str, Any] = {"marks": BOOTED | marks("verified", ago=661)}
        for found, wanted in (
            (looked(), "wait: the tests begin"),
            (looked(begun(1, 0)), "wait: test web runs"),
            (
                looked(f"{begun(1, 0)}\n{begun(2, 1)}"),
                "wait: test shop, after a reboot",
            ),
            (looked(begun(1, 9)), "wait: the tests begin"),
            (looked(begun(1, -1)), "wait: the tests begin"),
            (looked(begun(1, "0")), "wait: the tests begin"),
            (looked(begun([], True)), "wait: the tests begin"),
            (looked(said(kind="testing")), "wait: the tests begin"),
            (looked(status="PAUSED"), "wait: somebody paused the server"),
        ):
            decided = str(expressed(RunTests().decide(spec(), found)))
            self.assertTrue(decided.startswith(wanted), decided)
        for found, trouble in (
            (looked(**late), "nothing came of the tests within 11 minutes"),
            (
                looked(begun(1, 1), **late),
                "the tests did not end within 11 minutes; the last one that began is shop",
            ),
            (looked(status="SHUTOFF"), "the guest went off while its tests ran"),
            (
                looked(begun(1, 0), status="ERROR"),
                "the guest went off while its tests ran; the last one that began is web",
            ),
        ):
            self.assertEqual(trouble, self.trouble(found))
        gone = looked(servers=())
        self.assertEqual(
            Fail("the server that tests the result was deleted by somebody"),
            RunTests().decide(spec(), gone),
        )

    def test_marks(self) -> None:
        """A mark comes before what follows from it."""
        good = looked(marks=BOOTED | marks("tested", said=""))
        bad = looked(marks=BOOTED | marks("tested", said="", trouble="web failed"))
        step = RunTests()
        self.assertTrue(step.done(spec(), good))
        self.assertFalse(step.done(spec(), bad))
        self.assertFalse(step.done(spec(), looked()))
        self.assertEqual(Fail("web failed", "verify"), step.decide(spec(), bad))
        self.assertIsNone(own_tests.outcomes(spec(), {}))
        said = own_tests.outcomes(spec(), bad.marks)
        assert said is not None
        self.assertEqual((0, "web failed"), (len(said.outcomes), said.trouble))

    def test_no_way_around(self) -> None:
        """A test server that is gone does not stand for tests that were passed."""
        removed = RemoveVerify()
        self.assertFalse(removed.done(spec(), looked(servers=())))
        passed = looked(servers=(), marks=BOOTED | marks("tested"))
        self.assertTrue(removed.done(spec(), passed))
        self.assertTrue(removed.done(samples.spec(), looked(servers=())))
