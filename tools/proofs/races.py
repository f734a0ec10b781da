"""A hundred races of two and of five clients for one build, on the devcloud."""

from __future__ import annotations

from tests.functional import test_races
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    test_races.RACES = 100
    return run_tests(test_races)
