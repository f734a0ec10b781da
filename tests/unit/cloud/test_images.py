"""Images by ID and by name."""

from __future__ import annotations

from osc_imagebuild.builds import record_store
from osc_imagebuild.cloud import images
from osc_imagebuild.errors import RecordError
from tests.unit.base import CloudTestCase

LIKE_AN_ID = "6f1ed002-ab59-4c42-8ea0-00000000000a"


class NameTest(CloudTestCase):
    """Names that look like IDs."""

    def test_image(self) -> None:
        """It is found by that name, where no image has the ID."""
        api = self.builder().api
        self.assertEqual([], images.visible(api, LIKE_AN_ID))
        named = self.cloud.glance.add("demo", name=LIKE_AN_ID, status="active")
        also = self.cloud.glance.add("demo", name=named.id, status="active")
        for word, wanted in (
            (LIKE_AN_ID, named.id),
            (named.id, named.id),  # and not the one of that name
            (also.id, also.id),
        ):
            self.assertEqual([wanted], [i.id for i in images.visible(api, word)])

    def test_build(self) -> None:
        """As is a build, but not where another build has the ID, readable or not."""
        builder = self.builder()
        error = self.assertRaises(RecordError, builder.find, LIKE_AN_ID)
        self.assertIn(f"there is no build {LIKE_AN_ID}", str(error))
        build = self.started(name=LIKE_AN_ID)
        self.assertEqual(build.id, builder.find(LIKE_AN_ID).id)
        self.started(name=build.id)
        self.assertEqual(build.id, builder.find(build.id).id)
        self.cloud.glance.images[build.id].properties["imagebuild_spec"] = "{"
        error = self.assertRaises(RecordError, builder.find, build.id)
        self.assertNotIsInstance(error, record_store.NoRecordError)
        self.assertIn("is damaged", str(error))
