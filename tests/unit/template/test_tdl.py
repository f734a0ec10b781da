"""Oz's templates, as far as they can be tested without Oz."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import testtools
import yaml

from osc_imagebuild.guests.families import oz as family
from osc_imagebuild.model.request import Repository, Request
from osc_imagebuild.template import oz, tdl
from tests.unit.wanted import CATALOG

HASH = "$6$salt$hash"


class NamesTest(testtools.TestCase):
    """What the catalogue may call a system of Oz's."""

    def test_names(self) -> None:
        known = yaml.safe_load(Path(oz.__file__).with_name("tdl.yaml").read_text())
        for distro, version, wanted in (
            ("Debian", "13", ["debian-13"]),
            ("Fedora", "45", ["fedora-45"]),
            ("Ubuntu", "24.04", ["ubuntu-24.04", "ubuntu-24"]),
            ("RHEL-9", "4", ["rhel-9"]),
            ("RedHatEnterpriseLinux-10", "0", ["rhel-10", "redhatenterpriselinux-10"]),
            ("CentOS-9", "0", ["centos-stream-9", "centos-9"]),
            ("OL-9", "1", ["oracle-9", "ol-9"]),
            ("FreeBSD", "14.2", ["freebsd-14.2", "freebsd-14"]),
            ("Windows", "2022", ["windows-server-2022", "windows-2022"]),
            (
                "OpenSUSE",
                "Tumbleweed",
                ["opensuse-leap-tumbleweed", "opensuse-tumbleweed"],
            ),
        ):
            self.assertEqual(wanted, tdl.names(distro, version, known), distro)

    def test_trees(self) -> None:
        """Oz's Debian has the directory of the kernel, others the tree."""
        url = (
            "http://m/debian/dists/trixie/main/installer-amd64/current/images/netboot/"
        )
        self.assertEqual("http://m/debian", tdl.install_tree(url, "Debian"))
        self.assertEqual(
            "http://m/os/dists/x", tdl.install_tree("http://m/os/dists/x", "Fedora")
        )


class AnswerFileTest(testtools.TestCase):
    """What is changed in Oz's answer files."""

    def test_keys_of_repositories(self) -> None:
        """Are refused: nothing would be checked by them."""
        entry = dataclasses.replace(CATALOG.entry("rocky-9"), family="oz")
        signed = Repository(name="own", url="http://own.example", key="KEY")
        plain = dataclasses.replace(signed, key="")
        for repository, count in ((signed, 1), (plain, 0)):
            request = Request(
                name="x",
                os="rocky-9",
                update=False,
                firmware="bios",
                repositories=(repository,),
            )
            problems = family.problems(entry, request)
            told = "Oz's answer file cannot be given a key of package repositories"
            wanted = [f"{entry.title}: {told}"] * count
            self.assertEqual(wanted, problems)

    def test_kickstart(self) -> None:
        text = "text\nrootpw %ROOTPW%\nnetwork --device ens3\nreboot\n\n%packages\nx\n"
        found = family.kickstart(text, HASH)
        self.assertEqual(
            f"text\nrootpw --iscrypted {HASH}\nnetwork --device link\npoweroff\n\n"
            "%packages\nx\n",
            found,
        )
        # What is not there is added, before all sections.
        self.assertTrue(
            family.kickstart("%packages\n", "*").startswith("poweroff\nrootpw")
        )

    def test_preseed(self) -> None:
        text = (
            "d-i passwd/root-password password %ROOTPW%\n"
            "d-i passwd/root-password-again password %ROOTPW%\nd-i a b c\n"
        )
        self.assertEqual(
            f"d-i passwd/root-password-crypted password {HASH}\nd-i a b c\n",
            family.preseed(text, HASH),
        )
