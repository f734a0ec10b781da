"""CDs as FreeBSD and Windows want them, with the mini installer on them, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_cds
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_cds)
