"""Consoles of each family of installers, healthy and failed ones."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import testtools
import yaml

from osc_imagebuild.diagnosis import diagnose
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.verdict import FAILED
from tests import paths

CONSOLES = paths.DATA / "consoles"
# So many of each kind a family has at least, with those in files of their own.
HEALTHY, UNHEALTHY = 6, 12


def cases(*names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each console of the files of families, with its family."""
    for path in sorted((CONSOLES / "families").glob("*.yaml")):
        if not names or path.stem in names:
            for case in read(path):
                yield case.get("os", path.stem), case


@functools.cache
def read(path: Path) -> list[dict[str, Any]]:
    """Return the consoles of a file, which nobody may change."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), loader)
    return found


def healthy() -> Iterator[tuple[str, str, str, bool]]:
    """Yield family, name, text of every healthy console, and if it has a trouble."""
    for family, case in cases():
        if case["state"] != FAILED:
            yield family, case["name"], case["text"], case.get("overcome", False)
    for state in ("running", "finished"):
        for path in sorted((CONSOLES / state).glob("*.txt")):
            text = path.read_text(encoding="utf-8")
            family = path.stem.partition("-")[0]
            # Cut, a menu that counts down is one that waits.
            passes = path.stem.endswith(("-overcome", "-countdown"))
            yield family, path.stem, text, passes
    for path in sorted((CONSOLES / "field").glob("*healthy*.txt")):
        yield "ubuntu", path.stem, path.read_text(encoding="utf-8"), False


class FamilyConsoleTest(testtools.TestCase):
    """What each console is, as its family's and as one of unknown origin."""

    def known(self, family: str, text: str) -> tuple[Signs, Signs]:
        """The signs of the family, and those that would be guessed."""
        return sign_files.of(family), sign_files.of_unknown(text)

    def test_each(self) -> None:
        """State and reason; the evidence is the guest's own line."""
        for family, case in cases():
            text = case["text"]
            for known in self.known(family, text):
                found = diagnose(text, known).verdict
                named = f"{family}: {case['name']}: {found}"
                self.assertEqual(case["state"], found.state, named)
                self.assertRegex(found.reason, case.get("says", "."), named)
                self.assertNotRegex(found.reason, r"[\x00-\x1f]|\{\w+\}", named)
                self.assertTrue(found.evidence or found.reason)

    def test_enough(self) -> None:
        """Each family has its share."""
        counted: Counter[tuple[str, bool]] = Counter()
        for family, case in cases():
            counted[family, case["state"] == FAILED] += 1
        for path in CONSOLES.glob("*/*.txt"):
            family, state = path.stem.partition("-")[0], path.parent.name
            counted[family, state == FAILED] += state in ("running", "finished", FAILED)
        for family in sign_files.families():
            self.assertGreaterEqual(counted[family, False], HEALTHY, family)
            self.assertGreaterEqual(counted[family, True], UNHEALTHY, family)

    def test_family_is_guessed(self) -> None:
        """Never as another's, where a console speaks of any family."""
        right = 0
        for family, case in cases():
            guessed = list(sign_files.guess(case["text"]))
            if guessed and family in sign_files.families():
                self.assertIn(family, guessed, case["name"])
                right += guessed[0] == family
        self.assertGreater(right, 90)
