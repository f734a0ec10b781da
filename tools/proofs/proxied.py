"""Debian behind a proxy, with an HTTPS mirror of an own CA, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_proxy
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_proxy)
