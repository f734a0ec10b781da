"""How new a system is, by a guest's report that may say anything."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import family
from osc_imagebuild.monitors.console import report
from osc_imagebuild.steps import patched
from tests.unit.samples import BUILD_ID

BEGUN, INSTALLED = 1_790_000_000.0, 1_790_003_600.0
AT, NEWEST_AT = patched.PATCHED_AT, patched.NEWEST_PACKAGE_AT
NO_TIMES = (
    "",
    "yes",
    "-1",
    "+5",
    "1e9",
    " 1790000100",
    "0x10",
    "1.5",
    "\u0661",
    "9" * 11,
)


class PropertiesTest(testtools.TestCase):
    """Tables: what is reported, and what is kept of it."""

    def found(self, begun: float | None = BEGUN, **said: str) -> dict[str, str]:
        """The properties of a result, by their values' seconds."""
        return patched.properties(said, begun, INSTALLED)

    def test_patched(self) -> None:
        """It was so within the installation, whatever the guest's clock says."""
        for said, at in (
            ("1790001000", 1_790_001_000),
            ("0", BEGUN),
            ("1700000000", BEGUN),
            ("1790003600", INSTALLED),
            ("9999999999", INSTALLED),
        ):
            self.assertEqual({AT: family.iso(at)}, self.found(patched=said), said)

    def test_begin_is_not_known(self) -> None:
        """Then the report's own time is the only one."""
        for begun in (None, INSTALLED, INSTALLED + 99):
            found = self.found(begun, patched="1700000000")
            self.assertEqual({AT: family.iso(INSTALLED)}, found)

    def test_newest_package(self) -> None:
        """One that is older than any package, or of tomorrow, is none."""
        for said, kept in (
            ("1789000000", True),
            ("946684800", True),
            ("946684799", False),
            ("0", False),
            (str(int(INSTALLED) + 86400), True),
            (str(int(INSTALLED) + 86401), False),
        ):
            wanted = {NEWEST_AT: family.iso(int(said))} if kept else {}
            self.assertEqual(wanted, self.found(newest_package=said), said)

    def test_no_times(self) -> None:
        """What is no number of seconds is left out."""
        for said in NO_TIMES:
            self.assertEqual({}, self.found(patched=said, newest_package=said), said)

    def test_nothing_reported(self) -> None:
        """As by the reports of other systems, and of earlier versions."""
        self.assertEqual({}, self.found(release="x", kernel="1790000100"))


class WhyNotTest(testtools.TestCase):
    """The reason that a guest gives for no update."""

    def test_hostile(self) -> None:
        """It is shown: one line, and not for ever."""
        for said, shown in (
            ({}, ""),
            ({"unpatched": "no repository"}, "no repository"),
            ({"unpatched": " a\x1b[2J\nb\0 "}, "a[2Jb"),
            ({"unpatched": "x" * 999}, "x" * 200),
        ):
            self.assertEqual(shown, patched.why_not(said))

    def test_parsed(self) -> None:
        """A guest's numbers and texts come through the parser of reports."""
        text = f'{{"build": "{BUILD_ID}", "patched": 1790001000, "unpatched": "x"}}'
        said = report.parse(text, BUILD_ID)
        assert said is not None
        found = patched.properties(said, BEGUN, INSTALLED)
        self.assertEqual({AT: "2026-09-21T14:30:00Z"}, found)
        self.assertEqual("x", patched.why_not(said))
