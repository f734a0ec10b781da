"""User data that change an existing image: expected files, and in a made-up system."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from typing import Any

import fixtures
import yaml

from osc_imagebuild.guests import answers
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import File, Request, User
from osc_imagebuild.planning import parents
from tests import paths
from tests.unit.guests.test_answers import REGENERATE
from tests.unit.guests.test_customization import COMMENTS
from tests.unit.target_tree import Target
from tests.unit.wanted import (
    BUILD,
    CATALOG,
    HASH,
    KEY,
    PLAYBOOK,
    AnswerTestCase,
    everything,
    layered,
)

EXPECTED = paths.DATA / "expected" / "layers"
# One release of each family whose images can be changed.
SYSTEMS = (
    *("debian-13", "ubuntu-24.04", "rocky-9", "opensuse-leap-15.6"),
    "opensuse-leap-16",
)
# Those whose scripts are run in a system that is made up are Linux.
OTHERS = ("freebsd-14", "windows-server-2025")
HOSTILE = "$(touch /tmp/x) `y` \"'\\ \N{SNOWMAN}\n'; exit 3 #"


def wanted(name: str) -> dict[str, Any]:
    """All that an image of a system can be given."""
    entry = CATALOG.entry(name)
    fields = everything(entry)
    return {key: fields[key] for key in entry.layer.get("takes", parents.FIELDS)}


def unwrapped(script: str) -> str:
    """The script that FreeBSD's user data bring in one word."""
    words = script.split()
    is_packed = words[3:5] == ["|", "b64decode"]
    return base64.b64decode(words[2]).decode() if is_packed else script


class ExpectedTest(AnswerTestCase):
    """Each family, compared with a file."""

    def check(self, name: str, script: str) -> None:
        """Compare, and have a shell read it."""
        windows = name.startswith("windows")
        if not windows:
            done = subprocess.run(["sh", "-n"], input=script, text=True)
            self.assertEqual(0, done.returncode, name)
        path = EXPECTED / f"{name}.{'ps1' if windows else 'sh'}"
        if REGENERATE in os.environ:
            EXPECTED.mkdir(exist_ok=True)
            path.write_text(script, encoding="utf-8")
        self.assertEqual(path.read_text(encoding="utf-8"), script)

    def test_plain_and_everything(self) -> None:
        """With nothing asked for, and with all at once."""
        for name in (*SYSTEMS, *OTHERS):
            self.check(name, unwrapped(layered(name)))
            everything = unwrapped(layered(name, **wanted(name)))
            self.check(f"{name}.everything", everything)

    def test_as_nuageinit_reads_them(self) -> None:
        """It takes no user data that are not YAML, whatever they begin with."""
        verify, _ = answers.verification(CATALOG.entry("freebsd-15"), "x86_64", BUILD)
        for script in (layered("freebsd-15", **wanted("freebsd-15")), verify):
            self.assertTrue(script.startswith("#!/bin/sh\n"))
            self.assertIsInstance(yaml.safe_load(script), str)
            done = subprocess.run(["sh", "-n"], input=unwrapped(script), text=True)
            self.assertEqual(0, done.returncode)

    def test_cloudbase_init(self) -> None:
        """Its first line says what runs it, and what is sysprepped is what was there."""
        script = layered("windows-11", **wanted("windows-11"))
        # Source: cloudbase-init, plugins/common/userdatautils.py, _SCRIPTS.
        self.assertTrue(re.match(r"#ps1_sysnative\s", script))
        first = next(line for line in script.splitlines() if line[0] != "#")
        self.assertEqual("param([switch] $Work)", first)
        for word in ("@TIMEZONE@", "@KEYBOARD@", "@LOCALE@", "@LANGUAGE@"):
            self.assertIn(f">{word}<", script)
            self.assertIn(f"'{word}' =", script)
        for line in ("msiexec", "Set-Content -Encoding utf8 $unattend $text"):
            self.assertEqual("Set-" in line, line in script)

    def test_updates_of_windows(self) -> None:
        """Its rounds are those of an installation: none is waited for, and that is told."""
        script = layered("windows-server-2025")
        self.assertNotIn("imagebuild-update.json", script)
        self.assertIn("$updated = @{ unpatched = ", script)
        self.assertNotIn("$updated =", layered("windows-server-2025", update=False))

    def test_why_not(self) -> None:
        """What an image has is another reason than what nobody can do in it."""
        request = Request(
            name="x", os="freebsd-14", from_image="p", ansible=PLAYBOOK, lvm=True
        )
        found = parents.find_system(CATALOG, request, None).problems
        words = {"a playbook: the script that": 1, "LVM: an image that exists": 1}
        for word, count in words.items():
            self.assertEqual(count, "".join(found).count(word), str(found))

    def test_every_entry(self) -> None:
        """Its images can be changed, or it says that they cannot."""
        for name in CATALOG.names():
            sign = f"IMAGEBUILD-LAYER {BUILD}"
            self.assertIn(sign, unwrapped(layered(name)), name)

    def test_nothing_is_ignored(self) -> None:
        """Every wish changes the script, or is refused."""
        for name in (*SYSTEMS, *OTHERS):
            plain = layered(name)
            entry = CATALOG.entry(name)
            takes = entry.layer.get("takes", parents.FIELDS)
            for field, value in everything(CATALOG.entry(name)).items():
                request = Request(
                    **{"name": "x", "os": name, "from_image": "p", field: value}
                )
                found = parents.find_system(CATALOG, request, None)
                if field in takes:
                    self.assertNotEqual(plain, layered(name, **{field: value}), field)
                elif value and field != "firmware":
                    self.assertIn("cannot be given", "".join(found.problems), field)

    def test_a_site_says_more(self) -> None:
        """What its own template takes."""
        catalog = Catalog([BUILT_IN])
        catalog.add("debian-13", {"layer": {"takes": ["files"]}})
        request = Request(
            name="x", os="debian-13", from_image="p", packages=("vim",), files=()
        )
        found = parents.find_system(catalog, request, None)
        self.assertIn("cannot be given packages", found.problems[0])


class TargetTest(AnswerTestCase):
    """The scripts run in a made-up system, which is up."""

    def setUp(self) -> None:
        super().setUp()
        self.renew()

    def renew(self) -> None:
        """Have another system."""
        self.target = Target(self.useFixture(fixtures.TempDir()).path)
        self.target.program("sleep", "/bin/sleep 0.2")
        for path in ("run/x", "etc/sudoers.d/x", "etc/pki/rpm-gpg/x", "swapfile"):
            self.target.write(path, "")
        for path in ("apt/sources.list.d/x", "yum.repos.d/x", "zypp/repos.d/x"):
            self.target.write(f"etc/{path}", "")

    def run_in(self, name: str, **fields: Any) -> str:
        """Run it; return what its console shows."""
        done = self.target.run(layered(name, **fields))
        self.assertEqual(("", ""), (done.stdout, done.stderr), name)
        console = self.target.read("/dev/console")
        self.assertEqual("IMAGEBUILD-FAILED" in console, done.returncode != 0, console)
        return console

    def test_everything(self) -> None:
        """It is done, told, and the server goes off as the very last thing."""
        for name in SYSTEMS:
            self.renew()
            console = self.run_in(name, **wanted(name))
            self.assertTrue(console.startswith(f"IMAGEBUILD-LAYER {BUILD}\n"), console)
            self.assertIn("hello\ntwo lines\n", console)
            self.assertEqual("hello\n", self.target.read("/etc/motd"))
            calls = [c for c in self.target.calls() if not c.startswith("sleep")]
            self.assertEqual("poweroff ", calls[-1])
            self.assertTrue(calls[-2].startswith("python3"), calls)
            [call] = [c for c in calls if c.endswith(" install tree vim")]
            self.assertRegex(call, r"^(apt-get|dnf|zypper) ")
            self.assertIn(f"usermod -p {HASH} root", calls)

    def test_users(self) -> None:
        """New ones are made; what one that is there has stays, but for what is given."""
        user = User(name="ada", ssh_public_keys=(KEY,), groups=("adm",))
        rich = User(name="ada", password="secret of ada")
        made, groups = "useradd -m -s /bin/bash -p * ada", "usermod -a -G adm ada"
        for known, given, wanted in (
            (False, user, [made, groups]),
            (True, user, [groups]),
            (False, rich, [made, f"usermod -p {HASH} ada"]),
            (True, rich, [f"usermod -p {HASH} ada"]),
        ):
            self.renew()
            self.target.program("id", f"exit {int(not known)}")
            self.run_in("debian-13", users=(given,))
            calls = [c for c in self.target.calls() if c.startswith("user")]
            self.assertEqual(wanted, calls)

    def test_clean(self) -> None:
        """Nothing of the server that it was changed in is left, and all else is."""
        gone = (
            "/var/lib/cloud/instances/i-1/user-data.txt",
            "/etc/ssh/ssh_host_rsa_key",
            "/etc/netplan/50-cloud-init.yaml",
            "/etc/NetworkManager/system-connections/cloud-init-eth0.nmconnection",
            "/var/log/journal/abc/system.journal",
            "/tmp/left",
        )
        stay = (
            "/etc/cloud/cloud.cfg.d/99-site.cfg",
            "/etc/cloud/ds-identify.cfg",
            "/etc/NetworkManager/system-connections/site.nmconnection",
            "/etc/sysconfig/network-scripts/ifcfg-site",
            "/etc/ssh/sshd_config",
        )
        made = "/etc/sysconfig/network-scripts/ifcfg-eth0"
        for name in SYSTEMS:
            self.renew()
            for path in (*gone, *stay):
                self.target.write(path, "x")
            self.target.write(made, "# Created by cloud-init\n")
            self.target.write("/etc/machine-id", "abc")
            self.target.write("/etc/hostname", f"imagebuild-{BUILD}-install\n")
            self.target.write("/var/log/syslog", "secrets")
            self.run_in(name)
            left = [path for path in (*gone, made) if self.target.exists(path)]
            self.assertEqual([], left, name)
            lost = [path for path in stay if not self.target.exists(path)]
            self.assertEqual([], lost, name)
            for path in ("/etc/machine-id", "/var/log/syslog"):
                self.assertEqual("", self.target.read(path))
            self.assertEqual("localhost\n", self.target.read("/etc/hostname"))

    def test_serial_console(self) -> None:
        """It is told there, whatever the main console is."""
        self.target.write("/sys/class/tty/console/active", "ttyS0 tty0\n")
        self.target.run(layered("debian-13"))
        self.assertIn(BUILD, self.target.read("/dev/ttyS0"))
        self.assertFalse(self.target.exists("/dev/console"))

    def test_failures(self) -> None:
        """They are told, and nothing comes after them."""
        for name, program in (
            ("debian-13", "apt-get"),
            ("rocky-9", "dnf"),
            ("opensuse-leap-16", "zypper"),
        ):
            self.renew()
            self.target.program(program, '[ "$*" = "-q update" ] || exit 9')
            console = self.run_in(name, packages=("vim",))
            self.assertIn(f"IMAGEBUILD-FAILED {program} install vim\n", console)
            self.assertNotIn("poweroff ", self.target.calls())
        self.renew()
        console = self.run_in("debian-13", commands=("echo why; exit 7",))
        self.assertIn(
            "why\nIMAGEBUILD-FAILED command 1 ended with exit code 7\n", console
        )

    def test_hostile_values(self) -> None:
        """They stay values."""
        keys = tuple(f"ssh-ed25519 AAAA {comment}".strip() for comment in COMMENTS)
        for name in SYSTEMS:
            self.renew()
            console = self.run_in(
                name,
                ssh_public_keys=keys,
                files=(File(path="/srv/a $(b) 'c'", content=HOSTILE.encode()),),
                commands=("printf %s " + repr("fine")[1:-1] + " # '\" $x `y`",),
                users=(User(name="ada", ssh_public_keys=(KEY,)),),
            )
            self.assertNotIn("FAILED", console)
            self.assertEqual(HOSTILE, self.target.read("/srv/a $(b) 'c'"))
            found = self.target.read("/root/.ssh/authorized_keys")
            self.assertEqual([*keys], found.splitlines(), name)
