"""What Glance takes, and which of it is chosen."""

from __future__ import annotations

import testtools

from osc_imagebuild.model.formats import Formats, ImageSchema, container_of


class FormatsTest(testtools.TestCase):
    """Choices by what Glance tells."""

    def test_first(self) -> None:
        """The first that is taken; each where Glance does not tell."""
        some = ImageSchema(frozenset({"raw", "aki"}))
        self.assertEqual("raw", some.first("qcow2", "raw"))
        self.assertEqual("", some.first("qcow2", "iso"))
        self.assertEqual("qcow2", ImageSchema().first("qcow2", "raw"))
        self.assertEqual((True, False), (some.takes("raw", "aki"), some.takes("ari")))

    def test_required(self) -> None:
        """An image's own attributes are no properties."""
        formats = Formats(disk="", required={"cost": "a", "disk_format": "raw"})
        self.assertEqual({"cost": "a"}, formats.required_properties)
        self.assertEqual(
            (True, False), (formats.has_blank_root, Formats().has_blank_root)
        )
        self.assertEqual(["ari", "bare"], [container_of("ari"), container_of("raw")])
