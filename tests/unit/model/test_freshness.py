"""What is said of an image that is, or is not, what would be built now."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild.model.freshness import Freshness, span
from osc_imagebuild.model.resources import Image

DAY = 86400


class FreshnessTest(testtools.TestCase):
    """A table: what is known, the state, and the reason in words."""

    def test_states(self) -> None:
        """Missing, outdated for each reason, or current."""
        image = Image(id="i", name="golden", status="active")
        table: tuple[tuple[dict[str, Any], str, str], ...] = (
            ({"current": None}, "missing", "no image of the family"),
            ({"current": None, "kind": "volume"}, "missing", "no volume of the family"),
            ({}, "current", "nothing changed"),
            ({"age_s": DAY, "max_age_s": DAY}, "current", "nothing changed"),
            ({"age_s": DAY + 1, "max_age_s": DAY}, "outdated", "older than 1 day"),
            ({"changed": ("mirror",)}, "outdated", "the mirror changed"),
            (
                {"changed": ("mirror", "template")},
                "outdated",
                "the mirror and the template changed",
            ),
            (
                {"changed": ("answers", "media", "updates")},
                "outdated",
                "the answer file, the install media and the package indexes changed",
            ),
            (
                {"changed": ("catalogue",), "age_s": 7201, "max_age_s": 7200},
                "outdated",
                "the catalogue's entry changed; older than 2 hours",
            ),
            (
                {"is_told": False},
                "outdated",
                "it does not say what it was built from",
            ),
        )
        for fields, state, reason in table:
            given: dict[str, Any] = {"family": "golden", "current": image} | fields
            found = Freshness(**given)
            self.assertEqual((state, reason), (found.state, found.reason))
            self.assertEqual(state != "current", found.is_outdated)

    def test_spans(self) -> None:
        """Ages as people say them."""
        for count, words in (
            (60, "1 minute"),
            (5400, "90 minutes"),
            (DAY, "1 day"),
            (14 * DAY, "14 days"),
            (61, "61 seconds"),
        ):
            self.assertEqual(words, span(count))
