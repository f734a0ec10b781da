"""CDs that other systems' installers want, with the mini installer in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from osc_imagebuild.tests.e2e.base import CATALOG, EndToEndTest

# The CD is all that such a server has: nothing can be fetched, and nobody be told.
ALONE = ("--network", "isolated", "--no-config-drive", "--no-verify")


class TestCds(EndToEndTest):
    """As FreeBSD's: no answer but on the installer's own CD."""

    def entry(self, name: str, **changes: Any) -> None:
        """Have an entry that is the mini installer's with changes."""
        text = (CATALOG / "mini.yaml").read_text(encoding="utf-8")
        path = Path(self.directory, f"{name}.yaml")
        path.write_text(yaml.safe_dump(yaml.safe_load(text) | changes))
        known = self.environment["OSC_IMAGEBUILD_CATALOG"]
        self.environment["OSC_IMAGEBUILD_CATALOG"] = f"{known}:{self.directory}"

    def test_answers_in_the_iso(self) -> None:
        """The ISO with answers in it boots, and its installer finds them."""
        cd = {"file": "answer.sh", "remaster": True}
        self.entry("mini-own-cd", answer_cd=cd, boot_methods=["cdrom"])
        build = self.create("--os", "mini-own-cd", *ALONE)
        self.assertEqual("complete", build["status"])
        self.delete(build["id"])
        self.assert_left()
