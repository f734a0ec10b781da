"""The longer proofs, one module for each."""

from __future__ import annotations

import unittest
from types import ModuleType
from typing import Any, cast


class _Result(unittest.TextTestResult):
    """Says why a test did not pass as soon as that is known: the next one may take an hour."""

    def printErrors(self) -> None:
        """Say nothing at the end, when all was said."""

    def stopTest(self, test: unittest.TestCase) -> None:
        """Say what came of one test."""
        super().stopTest(test)
        for kind, found in (("ERROR", self.errors), ("FAIL", self.failures)):
            self.printErrorList(kind, [item for item in found if item[0] is test])
        self.stream.flush()


def run_tests(*modules: ModuleType) -> int:
    """Run the tests of modules; return 0 where all of them ran and passed."""
    load = unittest.defaultTestLoader.loadTestsFromModule
    suite = unittest.TestSuite(map(load, modules))
    result = unittest.TextTestRunner(verbosity=2, resultclass=cast(Any, _Result)).run(
        suite
    )
    return 0 if result.wasSuccessful() and not result.skipped else 1
