"""Templates whose images have copies in another cloud."""

from __future__ import annotations

from osc_imagebuild.model.request import Request
from osc_imagebuild.upkeep.apply import Applied, ToDo, Wish
from tests.scenarios.elsewhere import TWO, ElsewhereTestCase


class ApplyCopiesTest(ElsewhereTestCase):
    """What a run could not copy is made good by the next one."""

    def apply(self) -> Applied:
        """Apply a template with copies."""
        request = Request(name="golden", os="mini", replace=True, copies=(TWO,))
        builder = self.builder()
        (applied,) = builder.apply(builder.survey([Wish("a.yaml", request)]))
        return applied

    def test_made_good(self) -> None:
        """The other cloud was away; then it gets its copy; then there is nothing to do."""
        request = Request(name="golden", os="mini", replace=True)
        self.assertEqual("complete", self.builder().create(request).status)
        applied = self.apply()
        self.assertEqual((ToDo.COPY, "copied"), (applied.task.to_do, applied.end))
        self.assertIn("no copy in two/RegionTwo: it is not", applied.task.reason)
        (copy,) = self.two.glance.images.values()
        self.assertEqual(("golden", "active"), (copy.name, copy.status))
        self.assertEqual("unchanged", self.apply().end)
        self.two.glance.images.clear()
        self.assertEqual("copied", self.apply().end)

    def test_refused(self) -> None:
        """It is told, and the image stays what it is."""
        request = Request(name="golden", os="mini", replace=True)
        build = self.builder().create(request)
        self.two.glance.limits = {"image_count_total": 0}
        applied = self.apply()
        self.assertTrue(applied.is_failed)
        self.assertIn("no copy in two/RegionTwo: ", applied.reason)
        image = self.cloud.glance.images[build.result_id]
        self.assertEqual("golden", image.name)
