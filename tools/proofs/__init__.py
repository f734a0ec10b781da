"""The longer proofs, one module for each."""

from __future__ import annotations

import unittest
from types import ModuleType


def run_tests(*modules: ModuleType) -> int:
    """Run the tests of modules; return 0 where all of them ran and passed."""
    load = unittest.defaultTestLoader.loadTestsFromModule
    suite = unittest.TestSuite(map(load, modules))
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() and not result.skipped else 1
