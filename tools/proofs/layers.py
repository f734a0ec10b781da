"""Images made of images, and their order in a directory of templates, on the devcloud."""

from __future__ import annotations

from tests.e2e import test_layers
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_layers)
