"""Wait until the user's own tests have run in the test server. Pure.

What came of them is a mark before anything follows from it, so that whoever comes later
sees the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from osc_imagebuild.model import own_tests, own_tests_json
from osc_imagebuild.model.actions import Act, Decision, Fail, SetMark, Wait
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.family import BUILD_ID
from osc_imagebuild.model.names import Milestone, Role, in_boot
from osc_imagebuild.model.own_tests import Outcome
from osc_imagebuild.model.own_tests_json import OutcomeError, Said
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors import power
from osc_imagebuild.monitors.console import frames
from osc_imagebuild.steps import interference

# The words by which a guest's frames are known: all outcomes, and which test has begun.
OUTCOMES, BEGUN = "tests", "testing"
# Keys of the mark.
SAID, TROUBLE = "said", "trouble"
# A reason names so many tests that failed, and has so many characters.
_MOST_NAMED, _LONGEST = 3, 900


@dataclass(frozen=True)
class RunTests:
    """Wait until all tests are passed; keep what came of them, in ``room`` characters."""

    room: int = own_tests_json.PACKED_LIMIT
    name: str = "test"
    sees: frozenset[str] = frozenset({"inventory"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark, without trouble in it."""
        return are_over(spec, facts)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Read what the guest says of them, in the time that they may take."""
        if mark := facts.marks.get(Milestone.TESTED):
            return Fail(mark.data.get(TROUBLE, ""), Role.VERIFY)
        server = facts.servers.get(Role.VERIFY)
        if server is None:
            return Fail("the server that tests the result was deleted by somebody")
        text = facts.consoles.get(Role.VERIFY, "")
        data = frames.decode(text, _build_id(spec), OUTCOMES)
        if data is not None:
            return _judged(spec, data, self.room)
        elapsed = facts.now - facts.marks[Milestone.VERIFIED].at
        late = elapsed > spec.verify.tests_s
        off = server.is_off
        if not off and (other := interference.outcome(facts, Role.VERIFY, late)):
            return other
        begun = _begun(spec, text)
        if off or server.status == "ERROR":
            return _over(f"the guest went off while its tests ran{_last(begun)}")
        if late:
            minutes = spec.verify.tests_s // 60
            said = "the tests did not end" if begun else "nothing came of the tests"
            return _over(f"{said} within {minutes} minutes{_last(begun)}")
        doing = f"test {begun} runs" if begun else "the tests begin"
        return Wait(doing, power.poll_interval(elapsed))


def are_over(spec: Spec, facts: Facts) -> bool:
    """Whether all tests of a build were passed, or it has none."""
    mark = facts.marks.get(Milestone.TESTED)
    return not spec.verify.tests or (mark is not None and not mark.data.get(TROUBLE))


def outcomes(spec: Spec, marks: Mapping[str, Mark], number: int = 1) -> Said | None:
    """Return what came of a build's tests in the boot of a number, None if not over."""
    mark = marks.get(in_boot(Milestone.TESTED, number))
    if mark is None:
        return None
    said = own_tests_json.unpack(mark.data.get(SAID, ""), spec.verify.tests)
    return Said(said.outcomes, said.boots, mark.data.get(TROUBLE, ""))


def _build_id(spec: Spec) -> str:
    return spec.result.properties.get(BUILD_ID, "")


def _over(trouble: str, said: str = "") -> Act:
    data = {SAID: said, **({TROUBLE: trouble[:_LONGEST]} if trouble else {})}
    told = "a test was not passed" if trouble else "all tests were passed"
    return Act(SetMark(Milestone.TESTED, data), told)


def _judged(spec: Spec, data: bytes, room: int) -> Act:
    """Judge each test by what the guest says of it."""
    tests = spec.verify.tests
    try:
        said = own_tests_json.read(data, tests)
    except OutcomeError as error:
        return _over(f"what the guest says of its tests is garbled: {error}")
    return _over(verdict(spec, said), own_tests_json.pack(said, tests, room))


def verdict(spec: Spec, said: Said) -> str:
    """Return why not all tests were passed, '' where they were."""
    wanted = {test.name: test for test in spec.verify.tests}
    if said.trouble:
        return f"the tests could not be run: {said.trouble}"
    if failed := _failed(said.outcomes, wanted):
        return _told(failed, len(wanted))
    rounds = 2 if spec.verify.tests_reboot else 1
    run = {(outcome.number, outcome.name) for outcome in said.outcomes}
    for number in range(1, rounds + 1):
        if missing := [name for name in wanted if (number, name) not in run]:
            after = " after the reboot" if number > 1 else ""
            return f"the guest did not run {', '.join(missing)}{after}"[:_LONGEST]
    if (more := said.boots - rounds) > 0:
        often = "once" if more == 1 else f"{more} times"
        return f"the guest was rebooted {often} while its tests ran"
    return ""


def _failed(
    outcomes: Iterable[Outcome], wanted: Mapping[str, own_tests.Expected]
) -> list[str]:
    """Return a line for each test that was not passed."""
    lines = []
    for outcome in outcomes:
        if why := own_tests.failure(outcome, wanted[outcome.name]):
            line = own_tests.last_line(outcome)
            lines.append(f"{outcome.title}: {why}" + (f": {line}" if line else ""))
    return lines


def _told(failed: list[str], number: int) -> str:
    more = len(failed) - _MOST_NAMED
    text = "; ".join(failed[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
    if number == 1:
        return f"the test was not passed: {text}"
    return f"{len(failed)} of {number} tests were not passed: {text}"


def _begun(spec: Spec, text: str) -> str:
    """Return the name of the test that began last, '' where none did."""
    data = frames.decode(text, _build_id(spec), BEGUN)
    try:
        number, place = json.loads(data or b"[]")
        test = spec.verify.tests[place] if type(place) is int and place >= 0 else None
    except (ValueError, TypeError, IndexError, RecursionError):
        return ""
    if test is None or number not in (1, 2):
        return ""
    return Outcome(name=test.name, number=number, seconds=0).title


def _last(begun: str) -> str:
    return f"; the last one that began is {begun}" if begun else ""
