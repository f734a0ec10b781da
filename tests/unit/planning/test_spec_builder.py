"""What a result says of its install tree."""

from __future__ import annotations

import hashlib

from osc_imagebuild.guests.catalog import Catalog
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
