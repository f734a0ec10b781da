"""Ages as people write them."""

from __future__ import annotations

import testtools

from osc_imagebuild.model import ages


class AgesTest(testtools.TestCase):
    """Read and shown."""

    def test_parse(self) -> None:
        """A number and a unit."""
        for text, seconds in (
            ("30m", 1800),
            ("12h", 43_200),
            ("90d", 7_776_000),
            ("2w", 1_209_600),
            ("0d", 0),
            ("36525d", 3_155_760_000),
        ):
            self.assertEqual(seconds, ages.parse(text), text)

    def test_what_is_none(self) -> None:
        """Said with what it takes; texts of others are cut."""
        for text in (
            *("", "d", "90", "-1d", "+1d", "1.5h", "1 d", "1y", "1D", "²d", "٣d"),
            *("1d\n", "d1", "1dd", "36526d", "9" * 5000 + "d", "\ud800d"),
        ):
            error = self.assertRaises(ValueError, ages.parse, text)
            self.assertIn("such as 30m, 12h, 90d or 2w", str(error))
            self.assertLess(len(str(error)), 200)

    def test_shown(self) -> None:
        """In days where it is a day, and never below nothing."""
        for seconds, text in (
            (-5, "0m"),
            (0, "0m"),
            (119.9, "1m"),
            (3599, "59m"),
            (3600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (4e7, "462d"),
        ):
            self.assertEqual(text, ages.shown(seconds))
