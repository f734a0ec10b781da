"""A tree of 200 MB in an image, by a disc and by URL, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_contents
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_contents)
