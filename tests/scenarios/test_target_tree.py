"""What ends in the installed system: the scripts run in a made-up one."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any, ClassVar

import fixtures
import testtools
import yaml

from osc_imagebuild.model.access import CaCertificate, Proxy
from osc_imagebuild.model.disk_layout import Volume, divided
from tests.unit import answer_files
from tests.unit.guests.test_customization import COMMENTS
from tests.unit.target_tree import Target
from tests.unit.wanted import (
    CA,
    CATALOG,
    LOGIN,
    RELEASES,
    SECRET,
    VOLUMES,
    AnswerTestCase,
    asked,
    everything,
    rendered,
)

UNIT = "/etc/systemd/system/imagebuild-leftovers.service"
LINK = "/etc/systemd/system/sysinit.target.wants/imagebuild-leftovers.service"
# What the installers write once our script is done, and its Source.
LATER = {
    # subiquity/server/controllers/shutdown.py, copy_logs_to_target.
    "ubuntu-22.04": ["/var/log/installer/autoinstall-user-data"],
    "ubuntu-24.04": ["/var/log/installer/autoinstall-user-data"],
    "ubuntu-26.04": ["/var/log/installer/installer-journal.txt"],
    # pyanaconda/modules/boss/installation.py, CopyLogsTask.
    "rocky-9": ["/var/log/anaconda/anaconda.log", "/root/original-ks.cfg"],
    "fedora-44": ["/var/log/anaconda/ks-script-x.log", "/root/anaconda-ks.cfg"],
    # yast-installation's copy_logs_finish, yast-autoinstallation's AutoinstConfig.rb.
    "opensuse-leap-15.6": [
        "/var/log/YaST2/y2log",
        "/var/adm/autoinstall/cache/installedSystem.xml",
    ],
    "sles-15": ["/var/adm/autoinstall/logs/imagebuild-finish.sh.log"],
    # agama's service/lib/agama/storage/finisher.rb, CopyLogsStep.
    "opensuse-leap-16": [
        "/var/log/agama-installation/logs.tar.gz",
        "/var/lib/agama/scripts/post/imagebuild-finish.log",
    ],
    "sles-16": ["/var/lib/agama/scripts/post/imagebuild-finish"],
}


class TargetTestCase(AnswerTestCase):
    """Has a made-up system."""

    def setUp(self) -> None:
        super().setUp()
        self.target = Target(self.useFixture(fixtures.TempDir()).path)

    def mount(self, *volumes: Volume) -> None:
        """Have volumes, as an installer has made them."""
        places = [f"{self.target.root}{volume.mount}" for volume in volumes]
        for place in places:
            Path(place).mkdir(parents=True, exist_ok=True)
        lines = [f"/dev/x {place} xfs defaults 0 0\n" for place in places]
        self.target.write("/etc/fstab", "".join(lines))

    def finish(self, name: str, **fields: Any) -> None:
        """Run the script in a system's answer file to its good end."""
        entry = CATALOG.entry(name)
        script = self.script(entry, asked(entry, **fields))
        if entry.family == "debian":
            script = f"set -- inside\n{script}"
        done = self.target.run(script)
        self.assertEqual((0, ""), (done.returncode, done.stderr), name)


class KeysTest(TargetTestCase):
    """The SSH keys of the new system."""

    def test_comments(self) -> None:
        """They arrive as they are, whatever a shell would make of them."""
        keys = tuple(f"ssh-ed25519 AAAA {comment}".strip() for comment in COMMENTS)
        for name in ("debian-13", "ubuntu-24.04", "fedora-44", "opensuse-leap-16"):
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            self.finish(name, ssh_public_keys=keys)
            found = self.target.read("/root/.ssh/authorized_keys")
            self.assertEqual([*keys], found.splitlines(), name)


class UbuntuTest(TargetTestCase):
    """The installer hands these to cloud-init alone, in a file that we remove."""

    CLOUD = "/etc/cloud/cloud.cfg.d/99-installer.cfg"

    def test_locale_and_time_zone(self) -> None:
        """Are those of the new system, in every release."""
        for name in ("ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04"):
            for fields, locale, made, zone in (
                ({}, "en_US.UTF-8", True, "Etc/UTC"),
                ({"locale": "de_DE.UTF-8"}, "de_DE.UTF-8", True, "Etc/UTC"),
                ({"locale": "C.UTF-8"}, "C.UTF-8", False, "Etc/UTC"),
                ({"timezone": "Asia/Tokyo"}, "en_US.UTF-8", True, "Asia/Tokyo"),
            ):
                self.target = Target(self.useFixture(fixtures.TempDir()).path)
                self.target.write(self.CLOUD, "datasource_list: [None]\n")
                self.target.write("/etc/locale.gen", "# all are off\n")
                self.target.write("/etc/locale.conf", "LANG=C.UTF-8\n")
                self.finish(name, **fields)
                self.assertFalse(self.target.exists(self.CLOUD))
                for file in ("/etc/default/locale", "/etc/locale.conf"):
                    self.assertEqual(f"LANG={locale}\n", self.target.read(file))
                line = f"\n{locale} UTF-8\n"
                self.assertEqual(made, line in self.target.read("/etc/locale.gen"))
                self.assertEqual(made, "locale-gen " in self.target.calls())
                self.assertEqual(f"{zone}\n", self.target.read("/etc/timezone"))
                self.assertEqual(
                    f"/usr/share/zoneinfo/{zone}", self.target.link("/etc/localtime")
                )

    def test_smaller_sources_have_what_that_takes(self) -> None:
        """ubuntu-server-minimal has neither."""
        self.finish("ubuntu-24.04")
        [call] = [c for c in self.target.calls() if " install " in c]
        self.assertLessEqual({"locales", "tzdata"}, set(call.split()))

    def test_logs_are_copied_into_memory(self) -> None:
        """Under them the answer file; where that fails, the build goes on."""
        entry = CATALOG.entry("ubuntu-24.04")
        answer = yaml.safe_load(rendered(entry, asked(entry)).answer)
        command = answer["autoinstall"]["late-commands"][-1]
        self.assertEqual(["sh", "-c"], command[:2])
        for ends in ("exit 0", "exit 32"):
            self.target.program("mount", ends)
            self.assertEqual(0, self.target.run(command[2]).returncode)
        place = self.target.root / "target/var/log/installer"
        self.assertIn(f"mount -t tmpfs -o mode=0700 tmpfs {place}", self.target.calls())


class LeftoversTest(TargetTestCase):
    """What the installer writes later is gone once a copy has booted."""

    def test_each_family(self) -> None:
        """A unit removes it and itself, and nothing else."""
        for name, paths in LATER.items():
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            self.finish(name, root_password=SECRET)
            self.target.write("/var/log/kept", "kept")
            self.target.write("/root/kept", "kept")
            for path in paths:
                self.target.write(path, "a hash")
            self.assertTrue(
                self.target.link(LINK).endswith("imagebuild-leftovers.service")
            )
            self.boot()
            for path in (*paths, UNIT, LINK):
                self.assertFalse(self.target.exists(path), f"{name}: {path}")
            for path in ("/var/log/kept", "/root/kept", "/etc/os-release"):
                self.assertTrue(self.target.exists(path), f"{name}: {path}")

    def boot(self) -> None:
        """Do what systemd does with the unit."""
        text = self.target.read(UNIT)
        for line in ("Type=oneshot", "DefaultDependencies=no"):
            self.assertIn(f"\n{line}\n", text)
        self.assertRegex(text, "\nBefore=.*cloud-init-local.service")
        [command] = re.findall(r"(?m)^ExecStart=/bin/sh -c '([^']+)'$", text)
        plain = command.replace(str(self.target.root), "")
        self.assertEqual(0, self.target.run(plain).returncode)

    def test_debian_writes_nothing_later(self) -> None:
        """Its logs, with the answers, are there before our script."""
        self.target.write("/var/log/installer/cdebconf/questions.dat", "a hash")
        self.finish("debian-13", root_password=SECRET)
        self.assertFalse(self.target.exists("/var/log/installer"))
        self.assertFalse(self.target.exists(UNIT))

    def test_no_password_is_left_by_the_script_itself(self) -> None:
        """Not even its hash, but where the system keeps those."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            if entry.family in ("windows", "freebsd"):
                continue
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            self.finish(name, root_password=SECRET)
            left = [
                str(path)
                for path in self.target.root.rglob("*")
                if path.is_file() and b"$6$" in path.read_bytes()
            ]
            self.assertEqual([], left, name)


class FreeBsdTest(TargetTestCase):
    """What bsdinstall does around our script."""

    def test_no_entropy_is_shared(self) -> None:
        """It saves some after the script; all other steps are its own."""
        entry = CATALOG.entry("freebsd-14")
        answer = rendered(entry, asked(entry)).answer
        preamble, _ = re.split(r"(?m)^(?=#!)", answer)
        self.target.program(
            "bsdinstall", f'[ "$1" != entropy ] || : > {self.target.root}/entropy'
        )
        self.target.program("ifconfig", "echo vtnet0")
        steps = "bsdinstall mount\nbsdinstall entropy\nbsdinstall umount\n"
        done = self.target.run(f"set -e\n{preamble}\n{steps}")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertFalse(self.target.exists("/entropy"))
        called = [c for c in self.target.calls() if c.startswith("bsdinstall")]
        self.assertEqual(["bsdinstall mount", "bsdinstall umount"], called)

    def test_the_first_boot_grows_the_root_file_system(self) -> None:
        """growfs is for a first boot, which a file says."""
        entry = CATALOG.entry("freebsd-14")
        script = answer_files.script_of(
            "freebsd", entry.name, rendered(entry, asked(entry)).answer
        )
        self.target.run(script)
        self.assertTrue(self.target.exists("/firstboot"))
        [call] = [c for c in self.target.calls() if "growfs_enable" in c]
        self.assertIn(" growfs_enable=YES growfs_swap_size=0 ", call)


class SuseTest(TargetTestCase):
    """YaST waits at an error where it does not know a language."""

    def test_languages(self) -> None:
        """It is told one of its own; another locale is written by our script."""
        entry = CATALOG.entry("opensuse-leap-15.6")
        for locale, language, written in (
            ("", "en_US", None),
            ("de_DE.UTF-8", "de_DE", None),
            ("C.UTF-8", "en_US", "LANG=C.UTF-8\n"),
            ("de_AT.UTF-8", "en_US", "LANG=de_AT.UTF-8\n"),
        ):
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            answer = rendered(entry, asked(entry, locale=locale)).answer
            self.assertIn(f"<language>{language}</language>", answer)
            self.finish(entry.name, locale=locale)
            self.assertEqual(
                written,
                self.target.read("/etc/locale.conf")
                if self.target.exists("/etc/locale.conf")
                else None,
            )
            more = "<package>glibc-locale</package>" in answer
            self.assertEqual(locale.startswith("de"), more)


class LoaderTest(TargetTestCase):
    """Copies have no firmware variables: one place counts."""

    def test_it_is_in_the_place_for_all_machines(self) -> None:
        """SUSE's installer of the boot loader leaves that out where it can."""
        for name, arch, file in (
            ("opensuse-leap-15.6", "x86_64", "BOOTX64.EFI"),
            ("sles-15", "aarch64", "BOOTAA64.EFI"),
            ("opensuse-tumbleweed", "x86_64", "BOOTX64.EFI"),
            ("opensuse-leap-16.1", "aarch64", "BOOTAA64.EFI"),
        ):
            for loader in ("shim.efi", "grubx64.efi"):
                self.target = Target(self.useFixture(fixtures.TempDir()).path)
                self.target.write(f"/boot/efi/EFI/opensuse/{loader}", loader)
                self.target.write("/boot/efi/EFI/opensuse/grub.cfg", "grub.cfg")
                self.finish(name, arch=arch, firmware="uefi")
                for path, text in ((file, loader), ("grub.cfg", "grub.cfg")):
                    found = self.target.read(f"/boot/efi/EFI/BOOT/{path}")
                    self.assertEqual(text, found, name)

    def test_what_is_there_stays(self) -> None:
        """However its name is written: the file system does not care."""
        self.target.write("/boot/efi/EFI/opensuse/shim.efi", "new")
        self.target.write("/boot/efi/EFI/boot/bootx64.efi", "old")
        self.finish("opensuse-leap-15.6", firmware="uefi")
        self.assertEqual("old", self.target.read("/boot/efi/EFI/boot/bootx64.efi"))
        self.assertFalse(self.target.exists("/boot/efi/EFI/BOOT"))


class EverythingTest(TargetTestCase):
    """The scripts with all that can be asked for."""

    def test_they_come_to_their_end(self) -> None:
        """With users, files, commands and swap."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            if entry.family in ("windows", "freebsd"):
                continue
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            self.target.write("/swapfile", "")
            self.target.write("/etc/sudoers.d/README", "")
            self.target.write("/etc/apt/sources.list.d/x", "")
            self.target.write("/etc/yum.repos.d/x", "")
            self.target.write("/etc/zypp/repos.d/x", "")
            self.target.write("/etc/pki/rpm-gpg/x", "")
            self.mount(*divided("cis", VOLUMES))
            self.finish(name, **everything(entry))
            self.assertEqual("hello\n", self.target.read("/etc/motd"))


class AccessTest(TargetTestCase):
    """Neither proxy nor CA nor login stays, unless it is asked for."""

    PROXY = Proxy(url="http://proxy.example:3128", username="me", password=LOGIN)
    # What the installers have written by then, and its Source.
    WRITTEN: ClassVar = {
        # apt-setup, generators/50mirror.
        "debian-13": {
            "/etc/apt/apt.conf": 'Acquire::http::Proxy "http://proxy.example:3128";\n',
            "/etc/apt/apt.conf.d/00site": 'Acquire::Retries "9";\n',
        },
        # curtin/commands/apt_config.py; subiquity/models/proxy.py.
        "ubuntu-24.04": {
            "/etc/apt/apt.conf.d/90curtin-aptproxy": "Acquire::http::Proxy "
            '"http://proxy.example:3128";\nAcquire::https::Proxy "http://proxy.example";\n',
            "/etc/systemd/system/snapd.service.d/snap_proxy.conf": "proxy.example\n",
        },
        "rocky-9": {},
        # yast2's Proxy.rb, WriteSysconfig, WriteCurlrc; linuxrc's url.c, url_print2.
        "opensuse-leap-15.6": {
            "/etc/sysconfig/proxy": 'PROXY_ENABLED="yes"\nHTTP_PROXY='
            '"http://proxy.example:3128"\nHTTPS_PROXY="http://proxy.example:3128"\n'
            'FTP_PROXY=""\nNO_PROXY="localhost, 10.0.0.0/8"\n',
            "/root/.curlrc": '--proxy-user "me:op3n-sesame"\n',
            "/etc/zypp/repos.d/main.repo": "[main]\nbaseurl=http://m.example/oss"
            "?proxy=proxy.example&proxyport=3128&x=y&proxypass=op3n-sesame\n",
        },
        "opensuse-leap-16": {
            "/etc/sysconfig/proxy": 'HTTP_PROXY="http://proxy.example:3128"\n',
        },
    }

    def changed(self, name: str, *, keep: bool) -> None:
        """Run a script with all three, in a system as its installer left it."""
        self.target = Target(self.useFixture(fixtures.TempDir()).path)
        entry = CATALOG.entry(name)
        for path, text in self.WRITTEN[name].items():
            self.target.write(path, text)
        for path in ("apt/sources.list.d", "yum.repos.d", "zypp/repos.d", "dnf"):
            self.target.write(f"/etc/{path}/x", "")
        [repository] = everything(entry)["repositories"]
        self.finish(
            name,
            # Where its installer cannot be told of a login, planning says so.
            proxy=dataclasses.replace(self.PROXY, keep=keep),
            ca_certificates=(CaCertificate(pem=CA, keep=keep),),
            repositories=(dataclasses.replace(repository, key="", keep=keep),),
        )

    def holding(self, text: str) -> set[str]:
        """The files that hold a text."""
        return {
            str(path.relative_to(self.target.root))
            for path in self.target.root.rglob("*")
            if path.is_file() and text in path.read_text(encoding="utf-8")
        }

    def test_nothing_stays(self) -> None:
        """In no file of the new system."""
        for name in self.WRITTEN:
            self.changed(name, keep=False)
            for text in ("proxy.example", LOGIN, "reader", CA.splitlines()[2]):
                self.assertEqual(set(), self.holding(text), f"{name}: {text}")
            self.assertTrue(self.holding("https://packages.example/extra"), name)
            self.assertFalse(list(self.target.root.rglob("imagebuild-build-*")), name)
        for path in ("/etc/apt/apt.conf", "/etc/apt/apt.conf.d/90curtin-aptproxy"):
            self.assertFalse(self.target.exists(path))

    def test_what_is_not_ours_stays(self) -> None:
        """Settings of others, and addresses without what the installer added."""
        self.changed("debian-13", keep=False)
        self.assertTrue(self.target.exists("/etc/apt/apt.conf.d/00site"))
        self.changed("opensuse-leap-15.6", keep=False)
        self.assertEqual(
            "[main]\nbaseurl=http://m.example/oss?x=y\n",
            self.target.read("/etc/zypp/repos.d/main.repo"),
        )
        self.assertEqual(
            'PROXY_ENABLED="no"\nHTTP_PROXY=""\nHTTPS_PROXY=""\nFTP_PROXY=""\n'
            'NO_PROXY="localhost, 127.0.0.1"\n',
            self.target.read("/etc/sysconfig/proxy"),
        )

    def test_all_is_kept(self) -> None:
        """Where the package manager of each looks."""
        login = f"me:{LOGIN}@proxy.example:3128"
        for name, proxy, secret in (
            (
                "debian-13",
                "etc/apt/apt.conf.d/95imagebuild-proxy",
                "etc/apt/auth.conf.d/imagebuild-extra.conf",
            ),
            (
                "ubuntu-24.04",
                "etc/apt/apt.conf.d/95imagebuild-proxy",
                "etc/apt/auth.conf.d/imagebuild-extra.conf",
            ),
            ("rocky-9", "etc/dnf/dnf.conf", "etc/yum.repos.d/extra.repo"),
            (
                "opensuse-leap-16",
                "etc/sysconfig/proxy",
                "etc/zypp/credentials.d/imagebuild-extra",
            ),
        ):
            self.changed(name, keep=True)
            self.assertIn(proxy, self.holding("proxy.example:3128"), name)
            self.assertIn("etc/environment", self.holding(login), name)
            self.assertIn(secret, self.holding("reader"), name)
            self.assertEqual(0o600, (self.target.root / secret).stat().st_mode & 0o777)
            [certificate] = self.holding(CA.splitlines()[2])
            self.assertRegex(certificate, r"/imagebuild-[0-9a-f]{16}\.(crt|pem)$")

    def test_fetches_have_the_proxy(self) -> None:
        """What the script starts, commands of a user's too."""
        for name in self.WRITTEN:
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            command = "echo $https_proxy $NO_PROXY > /srv/seen"
            for path in ("/srv/x", "/dev/null"):
                self.target.write(path, "")
            self.finish(name, proxy=self.PROXY, commands=(command,))
            self.assertEqual(
                f"http://me:{LOGIN}@proxy.example:3128 "
                "localhost,127.0.0.1,169.254.169.254\n",
                self.target.read("/srv/seen"),
            )

    def test_trust_that_cannot_be_had(self) -> None:
        """It ends the build."""
        for name, program in (
            ("debian-13", "update-ca-certificates"),
            ("rocky-9", "update-ca-trust"),
        ):
            self.target = Target(self.useFixture(fixtures.TempDir()).path)
            self.target.program(program, "exit 1")
            entry = CATALOG.entry(name)
            own = (CaCertificate(pem=CA),)
            script = self.script(entry, asked(entry, ca_certificates=own))
            done = self.target.run(f"set -- inside\n{script}")
            self.assertEqual(1, done.returncode)
            self.assertIn(
                "IMAGEBUILD-FAILED the CA certificates",
                self.target.read("/dev/console"),
            )


class JsonTest(testtools.TestCase):
    """Agama's profile."""

    def test_utc_by_its_only_name_there(self) -> None:
        """Its default, and what all others call it."""
        for name in ("opensuse-leap-16", "sles-16"):
            entry = CATALOG.entry(name)
            for timezone in ("", "Etc/UTC", "UTC"):
                answer = rendered(entry, asked(entry, timezone=timezone)).answer
                found = json.loads(answer)["localization"]["timezone"]
                self.assertEqual("UTC", found)
