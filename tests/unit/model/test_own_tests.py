"""A user's own tests, and what came of them."""

from __future__ import annotations

import base64
import contextlib
import json
import random
from typing import Any

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_imagebuild.model import own_tests, own_tests_json
from osc_imagebuild.model.own_tests import Expected, Outcome, OwnTest
from osc_imagebuild.model.own_tests_json import OutcomeError, Said

TESTS = (Expected(name="web"), Expected(name="shop", expect_exit=3, timeout_s=60))
GOOD = [1, 0, 0, False, 1.5, ""]
# What is wrong, and the beginning of what is said of it; None for nothing.
ROWS: tuple[tuple[tuple[OwnTest, ...], str | None], ...] = (
    ((), None),
    ((OwnTest(run="true"),), None),
    ((OwnTest(run="true", name="a b.c_d+e-f"),), None),
    ((OwnTest(run="true", name="x" * 60),), None),
    ((OwnTest(run="true", name="x" * 61),), "this is no name of a test: "),
    ((OwnTest(run="true", name=" x"),), "this is no name of a test: ' x'"),
    ((OwnTest(run="true", name="x\n"),), "this is no name of a test: 'x\\n'"),
    ((OwnTest(run="true", name="\x1b[2J"),), "this is no name of a test: "),
    ((OwnTest(run=""),), "test test-1: this is no command: ''"),
    ((OwnTest(run="a\0b"),), "test test-1: this is no command: 'a\\x00b'"),
    ((OwnTest(run="\udcff"),), "test test-1: this is no command: "),
    ((OwnTest(run="x" * 16_385),), "test test-1: a command has 16384 characters"),
    ((OwnTest(run="x", expect_exit=-1),), "test test-1: expect_exit is 0 to 255"),
    ((OwnTest(run="x", timeout_s=3601),), "test test-1: timeout_s is 1 to 3600"),
    ((OwnTest(run="x"), OwnTest(run="y", name="test-1")), "two tests are named"),
    (tuple(OwnTest(run="x", timeout_s=3600) for _ in range(2)), None),
    (
        tuple(OwnTest(run="x", timeout_s=3600) for _ in range(3)),
        "all tests together may take 7200 seconds, and these may 10800",
    ),
    (tuple(OwnTest(run="x") for _ in range(33)), "there can be 32 tests, not 33"),
)


def told(*rows: Any, **fields: Any) -> bytes:
    """What a guest says."""
    return json.dumps({"boots": 1, "done": rows, **fields}).encode()


class OwnTestsTest(testtools.TestCase):
    """What is asked for."""

    def test_problems(self) -> None:
        """Each row of the table."""
        for tests, wanted in ROWS:
            found = own_tests.problems(tests)
            if wanted is None:
                self.assertEqual([], found)
            else:
                self.assertEqual(1, len(found), str(found))
                self.assertTrue(found[0].startswith(wanted), found[0])

    def test_records(self) -> None:
        """What a record keeps of too many."""
        many = [Expected(name=f"t{n}", timeout_s=1) for n in range(33)]
        self.assertEqual([], own_tests.wrong(many[:32]))
        self.assertEqual(["there can be 32 tests, not 33"], own_tests.wrong(many))

    def test_time(self) -> None:
        """All of them, what is beside them, and a reboot."""
        self.assertEqual(0, own_tests.longest_s((), 2))
        self.assertEqual(660, own_tests.longest_s(TESTS, 1))
        self.assertEqual(2 * 660 + 900, own_tests.longest_s(TESTS, 2))

    def test_failure(self) -> None:
        """Only the exit code that was wanted passes."""
        rows: tuple[tuple[dict[str, Any], str], ...] = (
            ({"exit_code": 3}, ""),
            ({"exit_code": 0}, "exit code 0 instead of 3 after 1.0 s"),
            ({"hung": True}, "it hung: it did not end within 60 s"),
            ({"hung": True, "exit_code": 3}, "it hung: it did not end within 60 s"),
            ({}, "the guest went down while it ran, after 1.0 s"),
        )
        for fields, wanted in rows:
            outcome = Outcome(**{"name": "shop", "number": 1, "seconds": 1.0, **fields})
            self.assertEqual(wanted, own_tests.failure(outcome, TESTS[1]))


class OutcomesTest(testtools.TestCase):
    """What a guest says of them."""

    def test_read(self) -> None:
        """And kept, it is the same."""
        text = base64.b64encode(b"a\r\n\xff\x1b[2J\n\n").decode()
        data = told(GOOD, [2, 1, None, True, 60, text], trouble="x\0")
        said = own_tests_json.read(data, TESTS)
        web = Outcome(name="web", number=1, seconds=1.5, exit_code=0)
        shop = Outcome(
            name="shop", number=2, seconds=60.0, hung=True, output="a\n\\xff?[2J"
        )
        self.assertEqual(Said((web, shop), 1, "x?"), said)
        self.assertEqual("shop, after a reboot", shop.title)
        packed = own_tests_json.pack(said, TESTS)
        self.assertEqual(said, own_tests_json.unpack(packed, TESTS))

    def test_refused(self) -> None:
        """What a hostile guest says."""
        for data in (
            b"",
            b"\xff",
            b"[]",
            b"{}",
            b"[" * 100_000,
            json.dumps({"done": []}).encode(),
            told(boots=True),
            told(boots=10**9),
            told(trouble=1),
            told(1),
            told(GOOD[:5]),
            told(GOOD, GOOD),
            told([1, 2, 0, False, 1, ""]),
            told([1, -1, 0, False, 1, ""]),
            told([3, 0, 0, False, 1, ""]),
            told([True, 0, 0, False, 1, ""]),
            told([1, 0, 256, False, 1, ""]),
            told([1, 0, "0", False, 1, ""]),
            told([1, 0, False, False, 1, ""]),
            told([1, 0, 0, False, -1, ""]),
            told([1, 0, 0, False, float("nan"), ""]),
            told([1, 0, 0, False, float("inf"), ""]),
            told([1, 0, 0, False, 1, None]),
            told([1, 0, 0, False, 1, "%"]),
            told([1, 0, 0, False, 1, "ü"]),
            told(*[[1, n, 0, False, 1, ""] for n in range(65)]),
        ):
            self.assertRaises(OutcomeError, own_tests_json.read, data, TESTS)

    def test_bounds(self) -> None:
        """A record takes so much, whatever was said: the last of each output."""
        tests = tuple(Expected(name=f"t{n}") for n in range(32))
        noise = [
            Outcome(
                name=f"t{n}",
                number=number,
                seconds=1,
                exit_code=0,
                output=random.Random(n).randbytes(1000).hex(),
            )
            for n in range(32)
            for number in (1, 2)
        ]
        packed = own_tests_json.pack(Said(noise), tests)
        self.assertLess(len(packed), own_tests_json.PACKED_LIMIT + 1)
        kept = own_tests_json.unpack(packed, tests).outcomes
        self.assertEqual(64, len(kept))
        for before, after in zip(noise, kept, strict=True):
            self.assertTrue(before.output.endswith(after.output))

    def test_damaged_records(self) -> None:
        """A record is anybody's word."""
        for packed in ("", "x", "eNo=", base64.b64encode(b"x" * 99).decode(), "ü"):
            self.assertEqual(Said((), 0), own_tests_json.unpack(packed, TESTS))

    @settings(deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    )
    def test_anything(self, value: Any) -> None:
        """Nothing but our error comes of it."""
        for data in (value, {"boots": 1, "done": value}, {"boots": 1, "done": [value]}):
            with contextlib.suppress(OutcomeError):
                own_tests_json.read(json.dumps(data).encode(), TESTS)
