"""What is newer comes into an image by itself, on a real cloud."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import fixtures
import yaml

from osc_imagebuild.model import family
from tests.e2e.apt_repository import PACKAGE, VERSION, AptRepository
from tests.e2e.base import EndToEndTest
from tests.paths import ROOT

# An image of Debian with cloud-init, by name, ID or family:NAME; without it one is built.
BASE = os.environ.get("E2E_DEBIAN", "")
# Without KVM, on a machine that has other things to do.
LIMIT_S = 3 * 3600
ASKED = f"dpkg-query -W -f '${{Version}}' {PACKAGE}"


class TestUpdates(EndToEndTest):
    """Layers on Debian, with a repository that has a newer package of the same name."""

    MEDIA = ("debian",)

    def setUp(self) -> None:
        super().setUp()
        # The devcloud's Debian, not the installer of a minute.
        self.environment["OSC_IMAGEBUILD_CATALOG"] = str(ROOT / "devcloud" / "catalog")
        scratch = Path(self.useFixture(fixtures.TempDir()).path)
        made_at = int(time.time()) - 600
        self.repository = AptRepository(self.name, scratch, made_at)
        self.addCleanup(self.repository.remove)
        self.extra = self.repository.make()

    def test_newer_package(self) -> None:
        """It is taken by default, and left where updates are not wanted."""
        began = time.time()
        base = BASE or self.built_base()
        taken = self.layer(base, None, f'test "$({ASKED})" = {VERSION}')
        properties = self.properties(taken["image_id"])
        patched = properties["imagebuild_patched_at"]
        self.assertLess(family.iso(began), patched)
        self.assertLessEqual(patched, properties["imagebuild_built_at"])
        newest = properties["imagebuild_newest_package_at"]
        self.assertEqual(family.iso(self.repository.made_at), newest)
        left = self.layer(base, False, f'test "$({ASKED})" != {VERSION}')
        properties = self.properties(left["image_id"])
        self.assertNotIn("imagebuild_patched_at", properties)
        older = properties["imagebuild_newest_package_at"]
        self.assertLess(older, newest)

    def test_out_of_reach(self) -> None:
        """A repository that is not there: said by default, and a failure where asked for."""
        base = BASE or self.built_base()
        self.repository.remove()
        told = self.layer(base, None, "true", succeeds=True)
        self.assertNotIn("imagebuild_patched_at", self.properties(told["image_id"]))
        self.assertIn("the system was not updated: apt-get update", self.said)
        self.layer(base, True, "true", succeeds=False)
        self.assertIn("the system could not be brought up to date", self.said)

    def built_base(self) -> str:
        """An image of Debian, as small as can be."""
        words = ("--os", "debian-13", "--family", f"{self.name}-base", self.name)
        return str(self.build(*words)["image_id"])

    def layer(
        self, parent: str, update: bool | None, proof: str, *, succeeds: bool = True
    ) -> Any:
        """Build an image with the repository; its command is the proof."""
        extra = self.extra
        customise = {
            "repositories": [
                {
                    "name": extra.name,
                    "url": extra.url,
                    "suites": [*extra.suites],
                    "components": [*extra.components],
                    "key": extra.key,
                }
            ],
            # In a template ${...} is a variable.
            "commands": [proof.replace("${", "$${")],
        }
        if update is not None:
            customise["update"] = update
        text = yaml.safe_dump({"version": 1, "os": "debian-13", "customise": customise})
        Path(self.directory, "layer.yaml").write_text(text, encoding="utf-8")
        words = ("--template", "layer.yaml", "--from-image", parent)
        named = ("--family", f"{self.name}-layers", self.name)
        return self.build(*words, *named, succeeds=succeeds)

    def build(self, *words: str, succeeds: bool = True) -> Any:
        """Build; keep what was said meanwhile, and remove the build at the end."""
        done = self.run_command("image", "build", "create", *words, limit_s=LIMIT_S)
        self.said = done.stderr
        self.assertEqual(succeeds, done.returncode == 0, done.stderr)
        builds = self.openstack("image", "build", "list")
        [newest, *_] = sorted(
            (b for b in builds if b["Name"] == self.name),
            key=lambda b: str(b.get("Created At", "")),
            reverse=True,
        )
        self.addCleanup(self.delete, newest["ID"])
        return self.openstack("image", "build", "show", newest["ID"])
