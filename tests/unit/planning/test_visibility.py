"""Who may see the result."""

from __future__ import annotations

from tests.unit.planning.test_plan import PlanTestCase


class VisibilityTest(PlanTestCase):
    """Only images can be seen by other projects."""

    def test_refused(self) -> None:
        """Volumes and snapshots, whatever visibility is asked for."""
        for output in ("volume", "snapshot"):
            for visibility in ("shared", "community", "public"):
                self.assert_one(
                    f"a {output} has no visibility, only its own project sees it",
                    output=output,
                    visibility=visibility,
                )
            self.assertEqual([], self.problems(output=output))
        self.assertEqual([], self.problems(visibility="community"))
