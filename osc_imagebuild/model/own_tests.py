"""A user's own tests of a result, and what came of them. Standard library only.

They run in the test server. What came of each is the guest's word: it counts for the test
that the guest names, and for no other. Whether a test was passed is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST, MOST_FILES = 32, 32
LONGEST_COMMAND = 16_384
DEFAULT_S, LONGEST_S = 300, 3600
# Of all of them, in one round.
LONGEST_TOGETHER_S = 7200
# What a guest needs beside the tests: cloud-init's end, its words; a reboot.
BESIDE_S, REBOOT_S = 300, 900
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._+-]{0,58}[A-Za-z0-9._+-])?")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class OwnTest:
    """A command of sh, run as root; '' for a name means that it has none of its own."""

    run: str
    name: str = ""
    expect_exit: int = 0
    timeout_s: int = DEFAULT_S


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a test must end with, and in what time."""

    name: str
    expect_exit: int = 0
    timeout_s: int = DEFAULT_S


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one test in one round, 1 or, after a reboot, 2.

    ``exit_code`` is None where it had none: it was ``hung``, or the guest went down
    meanwhile. ``output`` are its last lines.
    """

    name: str
    number: int
    seconds: float
    exit_code: int | None = None
    hung: bool = False
    output: str = ""

    @property
    def title(self) -> str:
        """Its name, and in which round it ran."""
        return self.name if self.number == 1 else f"{self.name}, after a reboot"


def named(tests: Sequence[OwnTest]) -> tuple[OwnTest, ...]:
    """Return tests that all have names: that of one without is its number."""
    return tuple(
        test if test.name else replace(test, name=f"test-{number}")
        for number, test in enumerate(tests, 1)
    )


def expected(tests: Sequence[OwnTest]) -> tuple[Expected, ...]:
    """Return what the record keeps of tests; their commands are in the user data."""
    return tuple(
        Expected(name=t.name, expect_exit=t.expect_exit, timeout_s=t.timeout_s)
        for t in named(tests)
    )


def longest_s(tests: Sequence[Expected], rounds: int) -> int:
    """Return how long a guest may take for all of them; 0 where there are none."""
    if not tests:
        return 0
    together = sum(test.timeout_s for test in tests)
    return rounds * (together + BESIDE_S) + (rounds - 1) * REBOOT_S


def problems(tests: Sequence[OwnTest]) -> list[str]:
    """Return what is wrong with tests as the user gives them."""
    if len(tests) > MOST:
        return [f"there can be {MOST} tests, not {len(tests)}"]
    found = []
    for test in named(tests):
        if not test.run.strip() or _NO_TEXT.search(test.run):
            found.append(f"test {test.name:.60}: this is no command: {test.run!r:.60}")
        elif len(test.run) > LONGEST_COMMAND:
            found.append(
                f"test {test.name:.60}: a command has {LONGEST_COMMAND} characters at most"
            )
    return found + wrong(expected(tests))


def wrong(tests: Sequence[Expected]) -> list[str]:
    """Return what is wrong with tests as a record keeps them."""
    found = []
    if len(tests) > MOST:
        return [f"there can be {MOST} tests, not {len(tests)}"]
    names = [test.name for test in tests]
    for test in tests:
        if not NAME.fullmatch(test.name):
            found.append(
                f"this is no name of a test: {test.name!r:.70}; it has 1 to 60 letters, "
                "digits, blanks and ._+-"
            )
        if not 0 <= test.expect_exit <= 255:
            found.append(f"test {test.name:.60}: expect_exit is 0 to 255")
        if not 1 <= test.timeout_s <= LONGEST_S:
            found.append(f"test {test.name:.60}: timeout_s is 1 to {LONGEST_S}")
    found += [
        f"two tests are named {name!r:.70}"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    together = sum(test.timeout_s for test in tests)
    if together > LONGEST_TOGETHER_S:
        found.append(
            f"all tests together may take {LONGEST_TOGETHER_S} seconds, and these may "
            f"{together}: give some a smaller timeout_s"
        )
    return found


def failure(outcome: Outcome, wanted: Expected) -> str:
    """Return why a test was not passed, '' where it was."""
    if outcome.hung:
        return f"it hung: it did not end within {wanted.timeout_s} s"
    if outcome.exit_code is None:
        return f"the guest went down while it ran, after {outcome.seconds:.1f} s"
    if outcome.exit_code == wanted.expect_exit:
        return ""
    return (
        f"exit code {outcome.exit_code} instead of {wanted.expect_exit} after "
        f"{outcome.seconds:.1f} s"
    )


def last_line(outcome: Outcome) -> str:
    """Return the last line of use that a test said, '' where it was silent."""
    lines = [line.strip() for line in outcome.output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
