"""A newer package of the same name comes into images of Debian by itself, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_updates
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_updates)
