"""Images whose properties follow SCS-0102: whole builds, judged by its rules."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.errors import SpecError
from tests import scs_rules
from tests.fakes.image import FakeImage
from tests.unit.base import PARENT, CloudTestCase

USER = {"image_original_user": "root"}


class MetadataTest(CloudTestCase):
    """What is in the cloud in the end."""

    def image(self, **fields: Any) -> FakeImage:
        """Build, and return the image; its rules hold."""
        own = {**USER, **fields.pop("properties", {})}
        request = self.request(metadata="scs", properties=own, **fields)
        build = self.builder().create(request)
        self.assertEqual("complete", build.status)
        image = self.cloud.glance.images[build.result_id]
        said, size = {**image.properties}, len(image.data)
        broken = scs_rules.broken(
            said, image.min_disk, image.min_ram, size, image.created
        )
        self.assertEqual([], broken)
        return image

    def test_rotation(self) -> None:
        """The first one, and the one that takes its place."""
        first = self.image(replace=True, keep=2)
        self.cloud.world.sleep(3600)
        second = self.image(replace=True, keep=2)
        self.assertEqual("last-2", second.properties["uuid_validity"])
        self.assertEqual("critical_bug", second.properties["replace_frequency"])
        self.assertTrue(first.hidden)
        dates = [i.properties["image_build_date"] for i in (first, second)]
        self.assertEqual(sorted(dates), dates)

    def test_own_words(self) -> None:
        """They are kept to the letter, beside what the build tells."""
        own = {"hotfix_hours": "0", "image_build_date": "2001-02-03"}
        said = self.image(properties=own).properties
        self.assertEqual(own, {key: said[key] for key in own})
        self.assertIn("not updated by the build", said["patchlevel"])

    def test_layer(self) -> None:
        """What the parent was for is not what the result is for."""
        self.add_parent(
            properties={
                "imagebuild_os": "mini",
                "hw_disk_bus": "scsi",
                "os_purpose": "generic",
                "image_build_date": "1999-01-01",
            }
        )
        said = self.image(from_image=PARENT, os="").properties
        self.assertEqual("custom", said["os_purpose"])
        self.assertEqual("scsi", said["hw_disk_bus"])
        self.assertNotEqual("1999-01-01", said["image_build_date"])

    def test_refused(self) -> None:
        """All that is wrong is told at once, and nothing is written."""
        properties = {"os_purpose": "x", "uuid_validity": "y", "hotfix_hours": "z"}
        request = self.request(metadata="scs", properties=properties)
        error = self.assertRaises(SpecError, self.builder().create, request)
        self.assertEqual(4, len(error.problems), str(error))
        for name in (*properties, "image_original_user"):
            self.assertIn(name, str(error))
        self.assert_empty()
        tomorrow = {**USER, "image_build_date": "2999-01-01"}
        request = self.request(metadata="scs", properties=tomorrow)
        error = self.assertRaises(SpecError, self.builder().create, request)
        self.assertIn("later than today", str(error))
