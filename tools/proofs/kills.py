"""Clients that are killed in each step of builds by iPXE, a kernel and a CD, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_kills
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_kills)
