"""The list of sentences in the documentation is that of the data."""

from __future__ import annotations

import testtools
import yaml

from osc_imagebuild.diagnosis import diagnose
from osc_imagebuild.monitors.console import sentences, sign_files
from tests import paths
from tests.unit.monitors.console.test_family_consoles import cases

USER = paths.GUIDE


class SentencesTest(testtools.TestCase):
    """What verdicts can say, by family."""

    def test_page_is_current(self) -> None:
        """Else: make sentences."""
        written = (USER / "sentences.inc").read_text(encoding="utf-8")
        self.assertEqual(sentences.page(), written, "make sentences")
        page = (USER / "troubleshooting.rst").read_text(encoding="utf-8")
        self.assertIn(".. include:: sentences.inc", page)

    def test_every_sentence_of_the_data(self) -> None:
        """None is left out, and none has a place in it that is not filled."""
        self.assertNotIn("{", sentences.page())
        page = sentences.page().replace("``", "")
        for family in (*sign_files.families(), sign_files.COMMON, sign_files.BOOT):
            text = (sign_files.DIRECTORY / f"{family}.yaml").read_text(encoding="utf-8")
            data = yaml.safe_load(text)
            for key in ("failures", "causes", "troubles", "complaints", "stuck"):
                for _, sentence in data.get(key, ()):
                    self.assertIn(sentence.partition("{")[0].strip(), page)

    def test_what_is_said_is_listed(self) -> None:
        """The begin of each reason of the families' consoles is on the page."""
        page = sentences.page().replace("``", "")
        for family, case in cases():
            if case["state"] == "failed":
                reason = diagnose(case["text"], sign_files.of(family)).verdict.reason
                said = [line for line in page.splitlines() if line.startswith("* ")]
                begins = (line[2:].partition("...")[0].rstrip(": ") for line in said)
                self.assertTrue(any(reason.startswith(b) for b in begins if b), reason)
