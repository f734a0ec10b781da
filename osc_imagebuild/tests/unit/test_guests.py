"""What installers are told."""

from __future__ import annotations

import re
import subprocess

import testtools

from osc_imagebuild import guests, preflight
from osc_imagebuild.catalog import BUILT_IN, Catalog
from osc_imagebuild.model import Request

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
MIRROR = "http://mirror.example/debian"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org"


class DebianTest(testtools.TestCase):
    """The preseed file, and the script in it."""

    def render(self, **fields: object) -> guests.Answers:
        entry = Catalog([BUILT_IN]).entry("debian-13")
        request = Request(**({"name": "golden", "source": MIRROR} | fields))  # type: ignore[arg-type]
        return guests.render(entry, request, BUILD, MIRROR)

    def settings(self, answer: str) -> dict[str, str]:
        """The preseed's values by question, as debconf-set-selections reads them."""
        lines = [ln for ln in answer.splitlines() if ln and not ln.startswith("#")]
        words = [line.split(None, 3) for line in lines]
        return {w[1]: w[3] if len(w) > 3 else "" for w in words}

    def test_every_line_is_a_setting(self) -> None:
        answer = self.render(root_password="secret").answer
        for line in answer.splitlines():
            self.assertRegex(
                line, r"^(#.*|(d-i|tasksel|popularity-contest) \S+ \S+.*|)$"
            )
            if not line.startswith("#"):
                # debconf's protocol takes backslashes away.
                self.assertNotIn("\\", line)

    def test_mirror(self) -> None:
        found = self.settings(self.render().answer)
        self.assertEqual("mirror.example", found["mirror/http/hostname"])
        self.assertEqual("/debian", found["mirror/http/directory"])

    def test_no_password_is_one_that_nothing_matches(self) -> None:
        # user-setup takes '!' for a password that is still to be asked for.
        found = self.settings(self.render().answer)
        self.assertEqual("*", found["passwd/root-password-crypted"])

    def test_password_is_hashed(self) -> None:
        answer = self.render(root_password="tr0ub4dor").answer
        self.assertNotIn("tr0ub4dor", answer)
        found = self.settings(answer)["passwd/root-password-crypted"]
        self.assertTrue(found.startswith("$6$"), found)

    def test_script_is_taken_out_whole(self) -> None:
        """As the installer does it, by the command of preseed/early_command."""
        answer = self.render(ssh_public_keys=(KEY,)).answer
        command = self.settings(answer)["preseed/early_command"]
        found = re.search(r"sed -n '([^']+)'", command)
        assert found is not None, command
        script = subprocess.run(
            ["sed", "-n", found.group(1)], input=answer, capture_output=True, text=True
        ).stdout
        self.assertTrue(script.startswith("#!/bin/sh\n"), script[:40])
        self.assertIn(KEY, script)
        self.assertIn(f'{{"build": "{BUILD}"', script)
        checked = subprocess.run(["sh", "-n"], input=script, text=True)
        self.assertEqual(0, checked.returncode)

    def test_command_line_fits_boot_method_kernel(self) -> None:
        self.assertLessEqual(len(self.render().kernel_args), 255)

    def test_hostile_packages_and_keys_are_refused(self) -> None:
        entry = Catalog([BUILT_IN]).entry("debian-13")
        request = Request(
            name="x",
            packages=("vim; reboot",),
            ssh_public_keys=('ssh-rsa A" ; reboot',),
        )
        found = guests.family("debian").problems(entry, request)
        self.assertEqual(2, len(found), str(found))


class OwnAnswerTest(testtools.TestCase):
    """A file of the user's."""

    def setUp(self) -> None:
        super().setUp()
        self.entry = Catalog([BUILT_IN]).entry("debian-13")
        self.text = "d-i debian-installer/exit/poweroff boolean true\n# {{ @BUILD_ID@"

    def test_it_is_no_template_but_learns_the_id(self) -> None:
        request = Request(name="x", answer_file=self.text)
        answers = guests.render(self.entry, request, BUILD, "http://m/debian")
        self.assertEqual(self.text.replace("@BUILD_ID@", BUILD), answers.answer)
        self.assertFalse(preflight.answer(self.entry, request, answers))

    def test_options_that_it_would_ignore_are_refused(self) -> None:
        request = Request(name="x", answer_file=self.text, packages=("vim",))
        answers = guests.render(self.entry, request, BUILD, "http://m/debian")
        [problem] = preflight.answer(self.entry, request, answers)
        self.assertIn("--package", problem)

    def test_it_must_power_off_and_fit(self) -> None:
        request = Request(name="x", answer_file="#" * 50_000)
        answers = guests.render(self.entry, request, BUILD, "http://m/debian")
        found = "\n".join(preflight.answer(self.entry, request, answers))
        self.assertIn("does not power the server off", found)
        self.assertIn("65535", found)
