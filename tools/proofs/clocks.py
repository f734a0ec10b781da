"""Every trouble of a clock in every sleep, for every output, on the fake cloud."""

from __future__ import annotations

from tests.scenarios import test_sweep_clocks
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    test_sweep_clocks.EverySleepTest.whole = True
    return run_tests(test_sweep_clocks)
