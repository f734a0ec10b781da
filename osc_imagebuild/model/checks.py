"""What was checked of a system while it was built, and what came of it. Standard library only.

A guest says it, in its report and on its console: text that is bounded, and believed no
further.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The words of a report that tell of checks.
ANSIBLE, HARDENING, FAILED_RULES = "ansible", "hardening", "failed_rules"
_COUNTS = re.compile(r"([a-z]{1,20})=([0-9]{1,7}(?:\.[0-9])?)")


@dataclass(frozen=True)
class Check:
    """One check by its name, whether it was passed, and what it found."""

    name: str
    passed: bool
    detail: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.name} {'passed' if self.passed else 'failed'}: {self.detail}"


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


def _counts(said: str) -> dict[str, float]:
    """Return the numbers of a text such as 'ok=3 changed=1'; {} where it is another."""
    found = [_COUNTS.fullmatch(word) for word in said.split()]
    if not all(found):
        return {}
    return {match.group(1): float(match.group(2)) for match in found if match}


def _shown(counts: Mapping[str, float], said: str) -> str:
    """Return a guest's words where they are what they should be."""
    return said if counts else "the guest said nothing of use"
