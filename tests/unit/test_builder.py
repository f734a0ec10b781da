"""The library: what it says where the cloud refuses."""

from __future__ import annotations

from osc_imagebuild.cloud import images
from osc_imagebuild.errors import CloudError, TransientError
from osc_imagebuild.model.resources import Image
from tests.unit.base import CloudTestCase


class NoRecordTest(CloudTestCase):
    """A build whose record Glance refuses: there is none to resume."""

    def error(self, status: int) -> str:
        """Return what the user reads where the record is answered with ``status``."""
        builder = self.builder()
        plan = builder.plan(self.request())
        kind = TransientError if status >= 500 else CloudError

        def refuse(*args: object, **fields: object) -> Image:
            raise kind("refused", service="image", status=status)

        self.patch(images, "create", refuse)
        text = str(self.assertRaises(CloudError, builder.start, plan))
        self.assertNotIn("resume", text)
        self.assert_empty()
        return text.replace(plan.build_id, "ID")

    def test_refused(self) -> None:
        """What helps against a quota, a policy, and anything else."""
        for status, advice in (
            (413, "delete images that nobody needs, or ask for a larger quota"),
            (403, "ask the cloud's operator for the right to make such images"),
            (400, "create it again once that is mended"),
        ):
            text = self.error(status)
            self.assertIn(f"refused (image, HTTP {status})", text)
            self.assertIn("refused the record of the build, and nothing was made", text)
            self.assertIn(advice, text)

    def test_unsure(self) -> None:
        """It may have come through unheard."""
        self.assertIn("began, tells: Builder.show('ID')", self.error(503))

    def test_quota(self) -> None:
        """It is used up between planning and the record."""
        builder = self.builder()
        plan = builder.plan(self.request())
        self.cloud.glance.limits = {"image_count_total": 0}
        error = self.assertRaises(CloudError, builder.start, plan)
        self.assertEqual(413, error.status)
        self.assertIn("nothing was made", str(error))
        self.assertNotIn("resume", str(error))
