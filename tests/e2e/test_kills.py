"""Clients that are killed in each step of a build on a real cloud."""

from __future__ import annotations

from tests.e2e.base import EndToEndTest
from tests.e2e.test_volumes import check_snapshot

# The steps that no build with a disk of the flavor's has.
NEW_STEPS = "volume-root|volume-answer|free-root|clean|snapshot|volume-verify|publish"


class TestKills(EndToEndTest):
    """Whatever step a client dies in, another one ends the build, and nothing is left."""

    def test_killed_in_every_step(self) -> None:
        self.assertIn("verify", self.check_kills())

    def test_killed_in_every_step_of_kernel(self) -> None:
        """Only the steps that differ; those after the server are the same."""
        seen = self.check_kills("--boot-method", "kernel", "--no-verify", only="image-")
        self.assertEqual(["image-kernel", "image-ramdisk", "image-root"], seen)

    def check_kills(self, *options: str, only: str = "") -> list[str]:
        """Kill it in each step that begins with ``only``; return these steps."""
        seen = self.killed_in(only, *options)
        self.assert_left(images=1, hidden_images=1)
        return seen

    def test_snapshot_with_kills(self) -> None:
        """Killed in each step that volumes bring, a build still ends well."""
        seen = self.killed_in(
            f"({NEW_STEPS})$", "--boot-method", "cdrom", "--output", "snapshot"
        )
        self.assertEqual(NEW_STEPS.split("|"), seen)
        check_snapshot(self)
