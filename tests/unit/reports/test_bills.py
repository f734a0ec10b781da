"""Packages as CycloneDX and SPDX, read by the formats' own validators."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from unittest import mock

import testtools
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.manifest import Manager, Manifest, Package, System
from osc_imagebuild.reports import bills
from tests.unit.samples import BUILD_ID

DEBIAN = Manifest(
    build_id=BUILD_ID,
    result_id=BUILD_ID,
    made_at=1_764_300_000.5,
    system=System(release="Debian 13.2", id="debian", version_id="13"),
    manager=Manager.DEB,
    packages=(
        Package("adduser", "3.152", "all", "GPL-2+"),
        Package("apt", "3.0.3", "amd64", "GPL-2.0-or-later AND MIT"),
        Package("odd name", "1:2~3+4", "amd64", '"><script>'),
    ),
)
FEDORA = replace(
    DEBIAN,
    system=System(id="fedora", version_id="43"),
    manager=Manager.RPM,
    packages=(Package("bash", "1:5.3-1.fc43", "x86_64", "GPL-3.0-or-later"),),
)
EMPTY = Manifest(build_id=BUILD_ID, result_id=BUILD_ID)


class BillsTest(testtools.TestCase):
    """Each format, of each kind of system."""

    def test_list(self) -> None:
        """One line for each package."""
        self.assertEqual(
            "bash\t1:5.3-1.fc43\tx86_64\tGPL-3.0-or-later\n", bills.listing(FEDORA)
        )
        self.assertEqual("", bills.listing(EMPTY))

    def test_cyclonedx(self) -> None:
        """By its own strict validator; the same each time."""
        validator = JsonStrictValidator(SchemaVersion.V1_6)
        for manifest in (DEBIAN, FEDORA, EMPTY):
            text = bills.cyclonedx(manifest)
            self.assertIsNone(validator.validate_str(text))
            self.assertEqual(text, bills.cyclonedx(manifest))
        [bash] = json.loads(bills.cyclonedx(FEDORA))["components"]
        url = "pkg:rpm/fedora/bash@5.3-1.fc43?arch=x86_64&distro=fedora-43&epoch=1"
        self.assertEqual(url, bash["purl"])
        self.assertEqual([{"license": {"id": "GPL-3.0-or-later"}}], bash["licenses"])

    def test_spdx(self) -> None:
        """By its own validator; licences that it does not know are comments."""
        for manifest in (DEBIAN, FEDORA, EMPTY):
            text = bills.spdx(manifest)
            self.assertEqual(text, bills.spdx(manifest))
            with tempfile.NamedTemporaryFile("w", suffix=".spdx.json") as file:
                file.write(text)
                file.flush()
                document = parse_file(file.name)
            self.assertEqual([], validate_full_spdx_document(document))
        said = {
            p["name"]: (p.get("licenseDeclared"), p.get("licenseComments"))
            for p in json.loads(bills.spdx(DEBIAN))["packages"]
        }
        self.assertEqual(("GPL-2.0-or-later AND MIT", None), said["apt"])
        self.assertEqual(("NOASSERTION", '"><script>'), said["odd name"])

    def test_without_the_libraries(self) -> None:
        """What is to be installed is told."""
        with mock.patch("importlib.util.find_spec", return_value=None):
            for write in (bills.cyclonedx, bills.spdx):
                error = self.assertRaises(SpecError, write, DEBIAN)
                self.assertIn("pip install 'osc-imagebuild[sbom]'", str(error))
