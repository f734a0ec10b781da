"""What was checked of a system, and what came of it. Standard library only.

A guest says it, in its report and on its console: text that is bounded, and believed no
further.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osc_imagebuild.model import own_tests
from osc_imagebuild.model.own_tests import Expected, Outcome

# The name of the check that every proven result has passed.
BOOTS = "boot"
# The words of a report that tell of checks.
ANSIBLE, HARDENING, FAILED_RULES = "ansible", "hardening", "failed_rules"
_COUNTS = re.compile(r"([a-z]{1,20})=([0-9]{1,7}(?:\.[0-9])?)")


@dataclass(frozen=True)
class Check:
    """One check by its name, whether it was passed, and what it found.

    ``seconds`` are how long it ran, None where nobody measured; ``output`` its last lines.
    ``boot`` is on what the result was booted for it, '' where as ever.
    """

    name: str
    passed: bool
    detail: str
    seconds: float | None = None
    output: str = ""
    boot: str = ""

    @property
    def title(self) -> str:
        """Its name, and in which boot it was."""
        return f"{self.name} ({self.boot})" if self.boot else self.name

    def __str__(self) -> str:
        """One line for people, and below it what one that failed has said."""
        line = f"{self.title} {'passed' if self.passed else 'failed'}: {self.detail}"
        said = () if self.passed else self.output.splitlines()
        return "\n".join((line, *(f"    {text}" for text in said)))


def of_report(report: Mapping[str, str]) -> tuple[Check, ...]:
    """Return the checks that a report tells of."""
    checks = []
    if said := report.get(ANSIBLE):
        counts = _counts(said)
        passed = "ok" in counts and not counts.get("failed", 1)
        checks.append(Check(ANSIBLE, passed, _shown(counts, said)))
    if said := report.get(HARDENING):
        counts = _counts(said)
        rules = report.get(FAILED_RULES, "")
        detail = _shown(counts, said) + (f": {rules}" if rules else "")
        passed = "score" in counts and not counts.get("failed", 1)
        checks.append(Check(HARDENING, passed, detail))
    return tuple(checks)


def of_tests(
    outcomes: Sequence[Outcome],
    tests: Sequence[Expected],
    trouble: str,
    boot: str = "",
) -> tuple[Check, ...]:
    """Return the user's own tests as checks; those without an outcome were not passed.

    ``trouble`` is why they ended before their time, '' where they did not; ``boot`` is on
    what the result was booted.
    """
    wanted, checks = {test.name: test for test in tests}, []
    for outcome in outcomes:
        why = own_tests.failure(outcome, wanted[outcome.name])
        detail = why or f"exit code {outcome.exit_code} after {outcome.seconds:.1f} s"
        checks.append(
            Check(outcome.title, not why, detail, outcome.seconds, outcome.output)
        )
    run = {outcome.name for outcome in outcomes}
    lost = [test.name for test in tests if test.name not in run]
    checks += [Check(name, False, f"it has no outcome: {trouble}") for name in lost]
    if trouble and all(check.passed for check in checks):
        checks.append(Check("test server", False, trouble))
    return tuple(dataclasses.replace(check, boot=boot) for check in checks)


def _counts(said: str) -> dict[str, float]:
    """Return the numbers of a text such as 'ok=3 changed=1'; {} where it is another."""
    found = [_COUNTS.fullmatch(word) for word in said.split()]
    if not all(found):
        return {}
    return {match.group(1): float(match.group(2)) for match in found if match}


def _shown(counts: Mapping[str, float], said: str) -> str:
    """Return a guest's words where they are what they should be."""
    return said if counts else "the guest said nothing of use"
