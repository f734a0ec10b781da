"""Answer files that were written without a look at the linter, and what is said."""

from __future__ import annotations

import testtools
import yaml

from osc_imagebuild.guests import own_file
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import Request
from tests import paths

FILES = paths.DATA / "own" / "blind.yaml"


class BlindAnswersTest(testtools.TestCase):
    """Nothing of what installers take, a line of what they do not."""

    def test_each(self) -> None:
        """Problems and warnings together."""
        catalog = Catalog([BUILT_IN])
        cases = yaml.safe_load(FILES.read_text(encoding="utf-8"))
        families = {catalog.entry(case["os"]).family for case in cases}
        self.assertEqual(7, len(families))
        for case in cases:
            request = Request(name="x", os=case["os"], answer_file=case["text"])
            judged = own_file.judge(catalog.entry(case["os"]), request)
            found = " / ".join(judged.problems + judged.warnings)
            if "says" in case:
                self.assertIn(case["says"], found or "nothing", case["name"])
            else:
                self.assertEqual("", found, case["name"])
