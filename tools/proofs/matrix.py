"""A result boots on two flavors, two networks and with both firmwares, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_matrix
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_matrix)
