"""What installers are told: expected files, and the vendors' parsers."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess

from osc_imagebuild.boot import kernel
from osc_imagebuild.guests import families, install_tree
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request
from tests import paths
from tests.unit import answer_files
from tests.unit.wanted import (
    BUILD,
    CATALOG,
    RELEASES,
    SECRET,
    AnswerTestCase,
    asked,
    disks,
    entries,
    everything,
    rendered,
)

EXPECTED = paths.DATA / "expected"
# Set to anything, this writes the expected files anew: look at the difference.
REGENERATE = "IMAGEBUILD_REGENERATE"
# Installers that make an ESP by themselves where the firmware wants one.
LAYS_OUT_BY_FIRMWARE = ("ubuntu", "redhat", "agama")


class ExpectedTest(AnswerTestCase):
    """Every entry, compared with a file; see `REGENERATE`."""

    def check(self, name: str, entry: Entry, request: Request) -> None:
        """Compare all that an installer is given."""
        tree = install_tree.install_tree(entry, request)
        found = rendered(entry, request)
        text = (
            f"kernel: {tree.kernel_url}\nramdisk: {tree.ramdisk_url}\n"
            f"release file: {tree.release_url}\narguments: {found.kernel_args}\n"
            f"sign of the first boot: {found.verify_sign}\n"
            f"=== first boot\n{found.verify}=== answer file\n{found.answer}"
        )
        path = EXPECTED / f"{name}.txt"
        if REGENERATE in os.environ:
            path.write_text(text, encoding="utf-8")
        self.assertEqual(path.read_text(encoding="utf-8"), text)

    def test_plain(self) -> None:
        """Nothing asked for."""
        for entry in entries():
            self.check(entry.name, entry, asked(entry))

    def test_everything(self) -> None:
        """All at once, for one release of each family."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            request = asked(entry, **everything(entry))
            self.check(f"{name}.everything", entry, request)

    def test_disks(self) -> None:
        """Partitions, and what the CIS benchmarks want, for one release of each family."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            wanted = disks(entry)
            for word in {"volumes", "cis"} & wanted.keys():
                self.check(f"{name}.{word}", entry, asked(entry, **wanted[word]))

    def test_no_file_is_left_over(self) -> None:
        """Each belongs to an entry that there is."""
        known = {*CATALOG.names(), *(f"{name}.everything" for name in RELEASES)}
        for name in RELEASES:
            words = {"volumes", "cis"} & disks(CATALOG.entry(name)).keys()
            known |= {f"{name}.{word}" for word in words}
        self.assertEqual(known, {path.stem for path in EXPECTED.glob("*.txt")})


class ParsersTest(AnswerTestCase):
    """Every entry on every architecture, read by a strict parser."""

    def test_every_architecture(self) -> None:
        """With everything and with nothing, with and without LVM."""
        for entry in entries():
            full = everything(entry)
            for arch in entry.arches:
                script = self.script(entry, asked(entry, arch, **full))
                for word in (BUILD, "IMAGEBUILD-REPORT", "IMAGEBUILD-FAILED"):
                    self.assertIn(word, script)

    def test_layouts(self) -> None:
        """With and without LVM, for both kinds of firmware."""
        for name in (*RELEASES, "fedora-44", "rhel-10", "sles-15"):
            entry = CATALOG.entry(name)
            for lvm in {False, everything(entry).get("lvm", False)}:
                for firmware in ("bios", "uefi"):
                    self.script(entry, asked(entry, lvm=lvm, firmware=firmware))

    def test_disks(self) -> None:
        """Each that is not refused; cis never is on Linux, on no architecture."""
        for name in (*RELEASES, "fedora-44"):
            entry = CATALOG.entry(name)
            for arch in entry.arches:
                for word, wanted in disks(entry).items():
                    if arch not in ("x86_64", "s390x") and word != "cis volumes":
                        continue
                    request = asked(entry, arch, **wanted)
                    if families.family(entry.family).problems(entry, request):
                        self.assertNotIn(word, ("cis", "cis volumes", "lvm volumes"))
                    else:
                        self.script(entry, request)

    def test_debconf(self) -> None:
        """It takes every line of the preseed files."""
        for name in ("debian-12", "debian-13"):
            entry = CATALOG.entry(name)
            answer_files.debconf(
                rendered(entry, asked(entry, **everything(entry))).answer
            )

    def test_security_host(self) -> None:
        """The host of Debian's security updates is named where the catalogue has one."""
        entry = CATALOG.entry("debian-13")
        question = "apt-setup/security_host"
        self.assertNotIn(question, rendered(entry, asked(entry)).answer)
        variables = {**entry.variables, "security_host": "mirror.example:3142"}
        here = dataclasses.replace(entry, variables=variables)
        answer = rendered(here, asked(here)).answer
        self.assertIn(f"d-i {question} string mirror.example:3142\n", answer)
        answer_files.debconf(answer)

    def test_command_lines_fit_boot_method_kernel(self) -> None:
        """On every architecture, with the vendor's own source."""
        for entry in entries():
            for arch in entry.arches:
                found = rendered(entry, asked(entry, arch)).kernel_args
                self.assertLessEqual(
                    len(found.encode()),
                    kernel.COMMAND_LINE_LIMIT,
                    f"{entry.name} {arch}",
                )
                if "kernel" in entry.boot_methods:
                    self.assertIn("http://169.254.169.254/latest/user-data", found)
                    self.assertIn("console=", found)

    def test_first_boots(self) -> None:
        """The user data of the server that tests the result says the sign."""
        for entry in entries():
            found = rendered(entry, asked(entry))
            self.assertIn(found.verify_sign, found.verify)
            if entry.family != "windows":
                done = subprocess.run(["sh", "-n"], input=found.verify, text=True)
                self.assertEqual(0, done.returncode)

    def test_nothing_is_ignored(self) -> None:
        """Every wish changes the answer file, or is refused."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            plain = rendered(entry, asked(entry)).answer
            for field, value in everything(CATALOG.entry("debian-13")).items():
                if field == "firmware" and entry.family in LAYS_OUT_BY_FIRMWARE:
                    continue
                request = asked(entry, **{field: value})
                if families.family(entry.family).problems(entry, request):
                    value = everything(entry).get(field)
                    if not value:
                        continue
                    request = asked(entry, **{field: value})
                    self.assertEqual(
                        [], families.family(entry.family).problems(entry, request)
                    )
                self.assertNotEqual(
                    plain, rendered(entry, request).answer, f"{name} ignores {field}"
                )

    def test_no_password_is_in_it(self) -> None:
        """Only hashes, of root's and of users'."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            request = asked(entry, **everything(entry))
            self.assertNotIn(SECRET, rendered(entry, request).answer)

    def test_own_answers_power_off(self) -> None:
        """The generated file matches the sign that a user's own must match."""
        for entry in entries():
            answer = rendered(entry, asked(entry)).answer
            if entry.power_off_sign:
                found = re.search(entry.power_off_sign, answer, re.MULTILINE)
                self.assertIsNotNone(found, entry.name)
