"""An image that exists is changed, on a real cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import paths
from tests.e2e.base import EndToEndTest
from tests.e2e.test_create import DECLARED, PROVENANCE

PARENT = {
    *(f"imagebuild_parent_{key}" for key in ("id", "sha512", "name", "built_at")),
    "imagebuild_ancestors",
}
# Without KVM, on a machine that has other things to do.
LIMIT_S = 3600


class TestLayers(EndToEndTest):
    """An image, one that is made of it, and one that is made of that."""

    def test_layers(self) -> None:
        """Each has what it was given and what its parent had, and boots."""
        Path(self.directory, "motd").write_text("hello\n")
        base = self.create("--family", self.name)
        words = ("--file", "motd:/etc/motd", "--run-command", "echo ran > /root/ran")
        first = self.layer(f"family:{self.name}", *words)
        properties = self.properties(first["image_id"])
        self.assertEqual(PROVENANCE | DECLARED | PARENT, set(properties))
        self.assertEqual(base["image_id"], properties["imagebuild_parent_id"])
        # On a volume; its commands fail unless all is there.
        proof = ("--run-command", "grep hello /etc/motd && grep ran /root/ran")
        second = self.layer(first["image_id"], "--disk", "2", *proof)
        self.assertEqual("complete", second["status"])
        self.assert_left(images=3, hidden_images=3)
        self.assert_told(second["image_id"])
        for build in (second, first, base):
            self.delete(build["id"])
        self.assert_left()

    def layer(self, parent: str, *words: str) -> Any:
        """Build an image of another one; it says itself which system it is."""
        options = ("--family", f"{self.name}-layers", "--from-image", parent, *words)
        return self.openstack("image", "build", "create", *options, self.name)

    def assert_told(self, parent: str) -> None:
        """A command that fails ends the build, with the reason."""

        options = ("--from-image", parent, "--run-command")
        command = "echo why; exit 7"
        done = self.run_command(
            "image", "build", "create", *options, command, self.name
        )
        self.assertNotEqual(0, done.returncode)
        self.assertIn("could not be changed: command 1 ended with", done.stderr)
        builds = self.openstack("image", "build", "list")
        [failed] = [
            build
            for build in builds
            if build["Name"] == self.name and build["Status"] == "failed"
        ]
        self.delete(failed["ID"])


class TestDebianLayers(EndToEndTest):
    """Layers of a Debian that has cloud-init, the newest of the family base-debian."""

    MEDIA = ("debian",)
    FAMILY = "base-debian"

    def setUp(self) -> None:
        """Use the devcloud's Debian, whose image it is."""
        super().setUp()
        self.environment["OSC_IMAGEBUILD_CATALOG"] = str(paths.DEVCLOUD_CATALOG)

    def layer(self, parent: str, *words: str) -> tuple[Any, str]:
        """Return what is shown of a build that ended, and what was said meanwhile."""
        options = ("--from-image", parent, "--no-update", *words, self.name)
        command = ("image", "build", "create", *options)
        done = self.run_command(*command, limit_s=LIMIT_S)
        builds = self.openstack("image", "build", "list")
        [newest] = [
            b for b in builds if b["Name"] == self.name and b["ID"] not in self.seen
        ]
        self.seen.add(newest["ID"])
        return self.openstack("image", "build", "show", newest["ID"]), done.stderr

    def test_layers(self) -> None:
        """One is made without any way out; one whose cloud-init is off is found out."""
        self.seen: set[str] = set()
        off = ("--run-command", "touch /etc/cloud/cloud-init.disabled")
        alone = ("--network", "isolated", "--no-verify", *off)
        build, said = self.layer(f"family:{self.FAMILY}", *alone)
        self.assertEqual("complete", build["status"], said)
        next_one, said = self.layer(build["image_id"], "--run-command", "true")
        self.assertEqual("failed", next_one["status"], said)
        self.assertIn("does not run user data (cloud-init is missing", said)
        for done in (next_one, build):
            self.delete(done["id"])
        self.assert_left()
