"""Builds that do not get to their end, or not in one go."""

from __future__ import annotations

import re
import signal
import tempfile
from pathlib import Path

from tests.e2e.base import CATALOG, EndToEndTest


class TestFailures(EndToEndTest):
    """What fails says why, and leaves nothing but its record."""

    def answer(self, text: str) -> str:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = Path(directory.name, "answer.sh")
        path.write_text(text)
        return str(path)

    def test_installer_gives_up(self) -> None:
        path = self.answer(
            "rootfs=http://10.99.0.1:8099/fault/404/x\nreport() { :; }\n"
        )
        done = self.run_command(
            *["image", "build", "create", "--os", "mini", "--answer-file"],
            path,
            self.name,
        )
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("the installer gave up: FAILED: cannot fetch", done.stderr)
        self.assertIn("image build delete", done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("failed", build["status"])
        log = self.run_command("image", "build", "log", self.name)
        self.assertIn("FAILED: cannot fetch", log.stdout)
        self.assert_left(hidden_images=1)  # the record

    def test_off_without_a_report(self) -> None:
        path = self.answer(
            "rootfs=http://10.99.0.1:8099/mini/rootfs.tar.gz\nreport() {\n:\n}\n"
        )
        done = self.run_command(
            *["image", "build", "create", "--os", "mini", "--answer-file"],
            path,
            self.name,
        )
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("went off without the installer's report", done.stderr)

    def test_result_that_does_not_boot(self) -> None:
        """The image stays, hidden and tagged, for whoever wants to know why."""
        self.environment["OSC_IMAGEBUILD_CATALOG"] += f":{self.unbootable()}"
        done = self.run_command(
            *["image", "build", "create", "--os", "mini"], self.name
        )
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("the result does not boot: its boot loader", done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        self.assertIn("Loading /boot/vmlinuz failed", build["evidence"])
        self.assert_left(hidden_images=2)  # the record and the result
        self.delete(build["id"])
        self.assert_left()

    def unbootable(self) -> Path:
        """A catalogue whose mini loses its boot loader and says that all is well."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        answer = (CATALOG / "mini.sh.j2").read_text()
        spoil = "late() { : > /mnt/boot/vmlinuz; }\n"
        Path(directory.name, "spoilt.sh.j2").write_text(spoil + answer)
        Path(directory.name, "mini.yaml").write_text("answer: spoilt.sh.j2\n")
        return Path(directory.name)

    def test_cancel_in_mid_install(self) -> None:
        build = self.create("--no-wait")
        self.assertEqual("building", build["status"])
        self.assertEqual(1, self.left()["servers"])
        done = self.run_command("image", "build", "cancel", build["id"])
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_left(hidden_images=1)  # the record
        again = self.run_command("image", "build", "cancel", build["id"])
        self.assertEqual(0, again.returncode, again.stderr)
        self.delete(build["id"])
        self.assert_left()

    def test_sigterm_then_resume(self) -> None:
        words = ("image", "build", "create", "--os", "mini", "--no-verify")
        process = self.start(*words, self.name)
        self.read_until_step(process, "install")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(130, process.returncode, errors)
        line = re.search(r"openstack (image build resume \S+)", errors)
        assert line is not None, errors
        build = self.openstack(*line.group(1).split())
        self.assertEqual("complete", build["status"])
