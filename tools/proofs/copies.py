"""An image copied to a second region and project, by clients that are killed, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_copies, test_copies_boot
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_copies, test_copies_boot)
