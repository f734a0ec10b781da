"""The longer proofs, one module for each."""

from __future__ import annotations

import unittest
from types import ModuleType


def run_tests(module: ModuleType) -> int:
    """Run the tests of a module; return 0 where all of them ran and passed."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() and not result.skipped else 1
