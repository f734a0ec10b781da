"""Each end-to-end test is run by exactly one of the workers."""

from __future__ import annotations

import re

import testtools
import yaml

from tests import paths

E2E = paths.ROOT / "tests" / "e2e"
# Has a target of its own, as it allows no builds beside it.
ALONE = "test_alone"


class WorkersTest(testtools.TestCase):
    """The file that `make builds` gives to stestr."""

    def test_each_module_has_one(self) -> None:
        """A module that none has would never be run."""
        workers = yaml.safe_load((E2E / "workers.yaml").read_text())
        for path in E2E.glob("test_*.py"):
            test = f"tests.e2e.{path.stem}.TestIt.test_it"
            takers = [
                worker
                for worker in workers
                if any(re.search(word, test) for word in worker["worker"])
            ]
            self.assertEqual(0 if path.stem == ALONE else 1, len(takers), path.stem)
