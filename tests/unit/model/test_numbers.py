"""Whole numbers in texts that others wrote."""

from __future__ import annotations

import testtools

from osc_imagebuild.builds import lease
from osc_imagebuild.builds.record import _percent
from osc_imagebuild.model.numbers import whole_number
from osc_imagebuild.model.resources import Image

LONG = "9" * 5000
NO_NUMBERS = (
    "",
    " 5",
    "5 ",
    "+5",
    "-1",
    "1_0",
    "5.0",
    "1e3",
    "²",
    "٣",
    "\uff15",
    "x",
    LONG,
)


class WholeNumberTest(testtools.TestCase):
    """What is a number, and what only looks like one."""

    def test_taken(self) -> None:
        """ASCII digits within bounds, and numbers themselves."""
        for text, wanted in (("0", 0), ("007", 7), ("100", 100), (42, 42)):
            self.assertEqual(wanted, whole_number(text, 0, 100))

    def test_refused(self) -> None:
        """Digits of other scripts, thousands of them, signs, and nothing."""
        for text in (*NO_NUMBERS, "101", None, True, 5.0):
            self.assertIsNone(whole_number(text, 0, 100), repr(text)[:20])
        self.assertIsNone(whole_number("4", 5, 100))

    def test_percent(self) -> None:
        """A record's, as it may be shown; '' where it is none."""
        self.assertEqual(["0", "100"], [_percent(text) for text in ("0", "100")])
        for text in (*NO_NUMBERS, "101"):
            self.assertEqual("", _percent(text))

    def test_generation(self) -> None:
        """A lease's, 0 where its name has none."""
        for word, wanted in (("7", 7), *((text, 0) for text in NO_NUMBERS)):
            name = f"imagebuild-b-lease-{word}"
            if word != "-1":  # whose number is 1
                self.assertEqual(wanted, lease.generation(Image("i", name, "queued")))
