"""What a result says of its install tree."""

from __future__ import annotations

import hashlib

import testtools

from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.resources import Image
from osc_imagebuild.planning import spec_builder
from tests import paths
from tests.unit.base import CloudTestCase

DIGEST = "imagebuild_source_sha256"


class SourceTest(CloudTestCase):
    """A tree is told from others by its release file."""

    def properties(self, release_file: str) -> dict[str, str]:
        """Return the result's properties where the entry has such a file."""
        builder = self.builder()
        builder.catalog = Catalog([paths.MINI_CATALOG])
        builder.catalog.add("mini", {"release_file": release_file})
        return dict(builder.plan(self.request()).spec.result.properties)

    def test_digest(self) -> None:
        """The one of the file; none where there is no such file to look at."""
        name, data = next(iter(self.cloud.mirror.files.items()))
        self.cloud.mirror.files["Release"] = data
        found = self.properties("{{ source }}/Release")
        self.assertEqual(hashlib.sha256(data).hexdigest(), found[DIGEST], name)
        self.assertNotIn(DIGEST, self.properties(""))


class AncestorsTest(testtools.TestCase):
    """What a parent says that it was made of is its owner's word."""

    def test_ancestors(self) -> None:
        """IDs and nothing else, each once, and as many as Cinder's metadata hold."""
        many = [f"{n:08}-0000-4000-8000-{n:012}" for n in range(9)]
        for said, earlier in (
            ("", []),
            ("$(id) \0 x", []),
            (f"{many[1]}, {many[1]} {many[0]}; rm", [many[1]]),
            (" ".join(many[1:]), many[1:6]),
            ("x" * 9999, []),
        ):
            properties = {"imagebuild_ancestors": said}
            image = Image(many[0], "base", "active", properties=properties)
            found = spec_builder.ancestors(image)
            self.assertEqual(" ".join([many[0], *earlier]), found)
            self.assertLessEqual(len(found), 255)

    def test_of_parent(self) -> None:
        """What it says of its installation, without secrets, and which image it is."""
        self.assertEqual({}, spec_builder._of_parent(None))
        said = {
            "imagebuild_source": "http://user:secret@mirror/debian",
            "imagebuild_built_at": "2026-11-28T10:00:00Z",
            "imagebuild_ancestors": "",
            "team": "core",
        }
        parent = Image("i-1", "ba\0se\U0001f600", "active", properties=said)
        found = spec_builder._of_parent(parent)
        self.assertEqual("i-1", found["imagebuild_parent_id"])
        self.assertEqual("i-1", found["imagebuild_ancestors"])
        self.assertEqual("base", found["imagebuild_parent_name"])
        self.assertNotIn("secret", found["imagebuild_source"])
        self.assertNotIn("imagebuild_parent_sha512", found)
        self.assertNotIn("team", found)
        self.assertEqual(
            said["imagebuild_built_at"], found["imagebuild_parent_built_at"]
        )
