"""A build by an application credential with the rules of access-rules, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_access_rules
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_access_rules)
