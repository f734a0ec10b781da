"""The real debian-installer where something is missing."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from osc_imagebuild.guests.catalog import Catalog, default_directories
from tests import paths
from tests.e2e.base import EndToEndTest

DEVCLOUD = paths.DEVCLOUD_CATALOG
LIMIT_S = 540


class TestDebianFails(EndToEndTest):
    """Named in one sentence, with the line, the screen and a picture of it."""

    MEDIA = ("debian",)

    def entry(self) -> dict[str, Any]:
        """What the devcloud changes of Debian's entry."""
        text = (DEVCLOUD / "debian-13.yaml").read_text(encoding="utf-8")
        found: dict[str, Any] = yaml.safe_load(text)
        return found

    def check(self, entry: dict[str, Any], reason: str, evidence: str) -> None:
        """Build by ``entry``, which must fail soon, for ``reason``."""
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        Path(place.name, "debian-13.yaml").write_text(yaml.safe_dump(entry))
        self.environment["OSC_IMAGEBUILD_CATALOG"] = place.name
        began = time.monotonic()
        # How it is named is what matters here, not how often it is tried.
        words = ("image", "build", "create", "--os", "debian-13", "--attempts", "1")
        done = self.run_command(*words, self.name)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertLess(time.monotonic() - began, LIMIT_S)
        self.assertIn(reason, done.stderr)
        self.assertIn("[Press enter to continue]", done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        self.assertIn(evidence, build["evidence"])
        kept = Path(self.directory, f"imagebuild-{build['id']}-install.log")
        self.assertIn(evidence, kept.read_text(encoding="utf-8"))
        picture = kept.with_suffix(".png").read_bytes()
        self.assertTrue(picture.startswith(b"\x89PNG"))

    def test_no_answer_file(self) -> None:
        """Its address answers 404."""
        known = Catalog((*default_directories(), DEVCLOUD)).entry("debian-13")
        here = "http://10.99.0.1:8099/nowhere.cfg"
        args = known.kernel_args.replace("{{ user_data_url }}", here)
        self.check(
            {**self.entry(), "kernel_args": args},
            f"could not fetch its answer file: check that its URL is right and that "
            f"the guest can reach it: {here}",
            "Failed to retrieve the preconfiguration file",
        )

    def test_mirror_goes_down(self) -> None:
        """Once kernel and ramdisk are loaded nobody answers there any more."""
        entry = self.entry()
        gone = "d-i mirror/http/hostname string 10.99.0.1:9"
        entry["variables"]["extra_preseed"].append(gone)
        self.check(entry, "the mirror does not answer", "Bad archive mirror")
