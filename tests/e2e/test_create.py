"""Builds to their end: what comes out, and what is left behind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import fixtures

from osc_imagebuild.model.names import build_tag
from tests.e2e.base import COMMAND_LIMIT_S, OPENSTACK, EndToEndTest

PROVENANCE = {
    "imagebuild_answer_sha256",
    "imagebuild_build_id",
    "imagebuild_built_at",
    "imagebuild_duration_s",
    "imagebuild_family",
    "imagebuild_flavor",
    "imagebuild_inputs",
    "imagebuild_kernel",
    "imagebuild_kind",
    "imagebuild_os",
    "imagebuild_release",
    "imagebuild_result_id",
    "imagebuild_source",
    "imagebuild_tool_version",
}
DECLARED = {"architecture", "os_distro", "os_type", "os_version"}


class TestCreate(EndToEndTest):
    """The whole way for each boot method."""

    def check_result(self, build: dict[str, str], seen: str = "private") -> None:
        self.assertEqual("complete", build["status"])
        properties = self.properties(build["image_id"])
        self.assertEqual(PROVENANCE | DECLARED | {"team"}, set(properties))
        self.assertEqual(build["id"], properties["imagebuild_build_id"])
        self.assertEqual("core", properties["team"])
        image = self.cloud.image.get(f"/images/{build['image_id']}").json()
        self.assertEqual(self.name, image["name"])
        self.assertEqual(["golden"], image["tags"])
        self.assertFalse(image["os_hidden"])
        self.assertEqual(seen, image["visibility"])

    def test_ipxe_by_template(self) -> None:
        template = Path(self.useFixture(fixtures.TempDir()).path, "t.yaml")
        template.write_text(
            "version: 1\nvariables: {team: null}\nbuild: {boot_method: ipxe}\n"
            "output:\n  tags: [golden]\n  properties: {team: '${team}'}\n"
            "  visibility: shared\n"
        )
        build = self.create("--template", str(template), "--var", "team=core")
        self.assertEqual("ipxe", build["boot_method"])
        self.check_result(build, "shared")
        self.assert_left(images=1, hidden_images=1)  # the result, the record
        self.delete(build["id"])
        self.assert_left()

    def test_kernel_is_uploaded_once(self) -> None:
        words = ("--property", "team=core", "--tag", "golden")
        first = self.create("--boot-method", "kernel", *words)
        self.check_result(first)
        second = self.create("--boot-method", "kernel", *words)
        self.check_result(second)
        kernel_and_ramdisk = self.claimed(first["id"])
        self.assertEqual(2, len(kernel_and_ramdisk))
        self.assertEqual(kernel_and_ramdisk, self.claimed(second["id"]))
        self.delete(first["id"])
        self.assertEqual(set(), self.claimed(first["id"]))
        self.assertEqual(kernel_and_ramdisk, self.claimed(second["id"]))
        self.delete(second["id"])
        self.assertEqual(set(), self.claimed(second["id"]))
        self.assert_left()

    def claimed(self, build_id: str) -> set[str]:
        """IDs of the images with shared content that a build claims."""
        tag = build_tag(build_id)
        found = self.cloud.image.get(f"/images?limit=500&os_hidden=true&tag={tag}")
        return {
            image["id"]
            for image in found.json()["images"]
            if any(t.startswith("imagebuild-content-") for t in image["tags"])
        }

    def test_interactive_shell(self) -> None:
        script = (
            f"image build create --os mini --no-verify -f value -c status {self.name}\n"
            "image build list\nexit\n"
        )
        done = subprocess.run(
            [OPENSTACK],
            env=self.environment,
            input=script,
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT_S,
        )
        self.assertIn("complete", done.stdout, done.stderr)
        self.assertIn(self.name, done.stdout)

    def test_five_mistakes_at_once(self) -> None:
        done = self.run_command(
            *[
                "image",
                "build",
                "create",
                "--os",
                "minni",
                "--flavor",
                "none",
                "--network",
                "nowhere",
            ],
            *["--security-group", "none", "--timeout", "0"],
            self.name,
        )
        self.assertEqual(1, done.returncode)
        for word in ("minni", "none", "nowhere", "--security-group", "--timeout"):
            self.assertIn(word.removeprefix("--security-"), done.stderr)
        self.assertIn("5 things", done.stderr)
        self.assert_left()

    def test_dry_run_writes_nothing(self) -> None:
        plan = self.create("--dry-run")
        self.assertEqual("m1.mini", plan["hardware.flavor_name"])
        self.assertIn("report()", plan["answer_file"])
        self.assert_left()
