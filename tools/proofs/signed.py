"""Signed images on a cloud that boots no others, by Barbican, on the devcloud."""

from __future__ import annotations

import os

from devcloud import settings
from tests.e2e import test_signed
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    os.environ |= {"OS_CLIENT_CONFIG_FILE": str(settings.CLOUDS), "OS_CLOUD": "demo"}
    return run_tests(test_signed)
