"""Playbooks and hardening in layers of Debian, and at the end of an installation."""

from __future__ import annotations

from tests.e2e import test_ansible
from tools.proofs import run_tests


def main() -> int:
    """Run it; return 0 where it holds."""
    return run_tests(test_ansible)
