"""Debian's installer without its answer file, and without its mirror, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_debian_fails
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_debian_fails)
