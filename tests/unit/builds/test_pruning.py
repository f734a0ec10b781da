"""What is old enough to go, and what is asked for."""

from __future__ import annotations

import testtools

from osc_imagebuild import outputs
from osc_imagebuild.builds import families
from osc_imagebuild.builds.families import Family
from osc_imagebuild.builds.pruning import Wanted
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.family import KINDS
from osc_imagebuild.model.resources import Image


class WantedTest(testtools.TestCase):
    """Ages and kinds."""

    def test_is_old(self) -> None:
        """Without an age all is; what is of a later time is not."""
        for older_than_s, at, expected in (
            (None, 100.0, True),
            (None, 999.0, True),
            (10, 89.0, True),
            (10, 90.0, False),
            (0, 99.0, True),
            (0, 100.0, False),
            (0, 999.0, False),
        ):
            wanted = Wanted(older_than_s=older_than_s)
            self.assertIs(expected, wanted.is_old(at, 100.0), f"{older_than_s} {at}")

    def test_kinds(self) -> None:
        """There are three, and each is an output."""
        self.assertEqual(sorted(KINDS), outputs.names())
        for kind in KINDS:
            self.assertEqual(kind, families.require_kind(kind))
        for kind in ("", "server", "IMAGE", "record", "x" * 9999):
            error = self.assertRaises(SpecError, families.require_kind, kind)
            self.assertIn("there are: image, volume, snapshot", str(error))
            self.assertLess(len(str(error)), 150)

    def test_family(self) -> None:
        """The first one is current, and the others are older."""
        a, b, c = (Image(word, word, "active") for word in "abc")
        family = Family("golden", "image", (a, b, c))
        self.assertEqual((a, (b, c)), (family.current, family.older))
        self.assertEqual((), Family("golden", "image", (a,)).older)
