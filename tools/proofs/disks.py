"""Debian on the logical volumes of the CIS benchmarks, and a root that grows, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_disks
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_disks)
