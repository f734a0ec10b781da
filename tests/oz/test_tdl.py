"""Oz's templates, read by the distribution's own Oz."""

from __future__ import annotations

import re
import subprocess
import warnings
from pathlib import Path
from typing import Any

import fixtures
import testtools
from pykickstart.constants import KS_REBOOT, KS_SHUTDOWN
from pykickstart.errors import KickstartError
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from osc_imagebuild import template
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import families
from osc_imagebuild.guests.answers import Answers
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.request import File, Repository, Request
from osc_imagebuild.planning import draft, offline
from osc_imagebuild.template import oz

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
NETBOOT = "dists/{}/main/installer-amd64/current/images/netboot/"
MIRROR = "http://mirror.example/debian"

TDL = """\
<template version="1.0">
  <name>{name}</name>
  <os>
    <name>{os}</name>
    <version>{version}</version>
    <arch>{arch}</arch>
    {install}
    <rootpw>tr0ub4dor</rootpw>
    {more_os}
  </os>
  {more}
</template>
"""

REST = """\
  <description>A web
     server</description>
  <packages>
    <package name='nginx'/>
    <package name='vim'/>
  </packages>
  <repositories>
    <repository name='extra'>
      <url>deb [arch=amd64] http://deb.example.com/ trixie main contrib</url>
    </repository>
    <repository name='plain'><url>http://rpm.example.com/</url></repository>
  </repositories>
  <files>
    <file name='/etc/motd'>hello</file>
    <file name='/etc/b64' type='base64'>aGk=</file>
    <file name='/etc/url' type='url'>file://{file}</file>
  </files>
  <commands>
    <command name='b' position='2'>echo two</command>
    <command name='a' position='1'>#!/usr/bin/python3
print("one")</command>
  </commands>
"""

UNKNOWN_TO_US = """\
  <precommands><command name='x'>true</command></precommands>
  <packages>
    <package name='a'><repository>r</repository></package>
    <package name='b'><file>f</file></package>
    <package name='c'><arguments>-x</arguments></package>
  </packages>
  <repositories>
    <repository name='r'>
      <url>http://x</url><signed>yes</signed><persisted>no</persisted>
    </repository>
  </repositories>
"""


def kickstart_error(text: str, version: str) -> str:
    """Return why pykickstart refuses a kickstart of this version, '' if not."""
    parser = KickstartParser(makeVersion(version))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parser.readKickstartFromString(text)
    except KickstartError as error:
        return re.sub(r"on line \d+", "", str(error))
    # Source: pykickstart.constants; the server must be off at the end.
    return "" if parser.handler.reboot.action in (KS_SHUTDOWN, KS_REBOOT) else "waits"


class TdlTestCase(testtools.TestCase):
    """Writes TDLs and loads them."""

    def setUp(self) -> None:
        """Have a directory."""
        super().setUp()
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)
        self.catalog = Catalog([BUILT_IN])

    def write(self, **parts: str) -> str:
        """Write a TDL; return its path."""
        known = {
            **{"name": "web", "os": "Debian", "version": "13", "arch": "x86_64"},
            **{
                "url": f"{MIRROR}/{NETBOOT.format('trixie')}",
                "more_os": "",
                "more": "",
            },
        }
        known |= parts
        known.setdefault(
            "install", f"<install type='url'><url>{known['url']}</url></install>"
        )
        path = self.directory / "t.tdl"
        path.write_text(TDL.format(**known), encoding="utf-8")
        return str(path)

    def load(self, *, auto: bool = False, **parts: str) -> Any:
        """Return the template."""
        path = self.write(**parts)
        return template.load(path, {}, catalog=self.catalog, auto=auto)

    def problems(self, *, auto: bool = False, **parts: str) -> list[str]:
        """Return what is wrong with a TDL, without its directory."""
        error = self.assertRaises(SpecError, self.load, auto=auto, **parts)
        return [p.replace(f"{self.directory}/", "") for p in error.problems]


class MappingTest(TdlTestCase):
    """From a TDL to the fields of a request."""

    def test_everything(self) -> None:
        """What can be mapped is."""
        (self.directory / "data").write_bytes(b"\x00\xff")
        found = dict(self.load(more=REST.format(file=self.directory / "data")).fields)
        self.assertRegex(found.pop("root_password"), r"^\$6\$")
        self.assertEqual(
            {
                "name": "web",
                "os": "debian-13",
                "arch": "x86_64",
                "source": MIRROR,
                "properties": {"description": "A web server"},
                "packages": ("nginx", "vim"),
                "repositories": (
                    Repository(
                        name="extra",
                        url="http://deb.example.com/",
                        suites=("trixie",),
                        components=("main", "contrib"),
                    ),
                    Repository(name="plain", url="http://rpm.example.com/"),
                ),
                "files": (
                    File(path="/etc/motd", content=b"hello"),
                    File(path="/etc/b64", content=b"hi"),
                    File(path="/etc/url", content=b"\x00\xff"),
                    File(
                        path="/root/imagebuild-command-1",
                        content=b'#!/usr/bin/python3\nprint("one")',
                        mode="0700",
                    ),
                ),
                "commands": (
                    "/root/imagebuild-command-1 && rm /root/imagebuild-command-1",
                    "echo two",
                ),
            },
            found,
        )

    def test_iso(self) -> None:
        """The boot method is the system's: Debian's installer wants a command line."""
        install = "<install type='iso'><iso>{}</iso></install>"
        there = self.directory / "debian.iso"
        for iso, source in (
            ("http://x/debian.iso", "http://x/debian.iso"),
            (f"file://{there}", str(there)),
        ):
            found = self.load(install=install.format(iso))
            self.assertEqual(source, found.fields["source"])
            request = Request(**found.fields)
            answers = offline.check(self.catalog, request).answers
            assert answers
            self.assertIn("url=http://169.254.169.254/", answers.kernel_args)
        [problem] = self.problems(install=install.format("http://x/download?id=1"))
        self.assertIn("the address of an ISO ends in .iso", problem)

    def test_files_elsewhere(self) -> None:
        """ISOs, lists of checksums and files stay below the TDL's directory."""
        iso = "<install type='iso'><iso>{}</iso>{}</install>"
        lists = "<sha256sum>file:///etc/passwd</sha256sum>"
        for parts in (
            {"install": iso.format("file:///etc/passwd", "")},
            {"install": iso.format("/proc/self/environ", "")},
            {"install": iso.format("http://x/d.iso", lists)},
            {"more": REST.format(file="/etc/passwd")},
            {"more": REST.format(file="../../../etc/passwd")},
            {"more": REST.format(file="/proc/self/environ")},
        ):
            problem = self.problems(auto=False, **parts)[0]
            self.assertIn("is outside of the template's directory", problem)
            self.assertNotIn("root:", problem)

    def test_entities(self) -> None:
        """Neither followed nor expanded."""
        for kind in ("SYSTEM 'file:///etc/passwd'", "'x'", "PUBLIC 'a' '/etc/passwd'"):
            path = Path(self.write(more="<description>&e;</description>"))
            text = f"<!DOCTYPE template [<!ENTITY e {kind}>]>\n{path.read_text()}"
            path.write_text(text, encoding="utf-8")
            error = self.assertRaises(
                SpecError, template.load, str(path), {}, catalog=self.catalog
            )
            self.assertIn("t.tdl:1: an entity is declared (e)", str(error))
            self.assertNotIn("root:", str(error))

    def test_sizes(self) -> None:
        """Of a disk, within what there is."""
        for size in ("0", "131000000", "9" * 5000):
            [problem] = self.problems(more=f"<disk><size>{size}</size></disk>")
            self.assertRegex(problem, r"t.tdl:\d+: ")

    def test_checksum(self) -> None:
        """Out of the list that is named, in both of its forms."""
        sums = self.directory / "SUMS"
        iso = (
            "<install type='iso'><iso>http://x/d.iso</iso>"
            f"<sha256sum>file://{sums}</sha256sum></install>"
        )
        for text in (
            f"{'b' * 64}  x.iso\n{'a' * 64} *./d.iso\n",
            f"SHA256 (d.iso) = {'a' * 64}\n",
        ):
            sums.write_text(text)
            self.assertEqual("a" * 64, self.load(install=iso).fields["checksum"])
        sums.write_text(f"{'a' * 64}  other.iso\n")
        self.assertIn("has no SHA-256 of http://x/d.iso", self.problems(install=iso)[0])

    def test_disk(self) -> None:
        """In GiB."""
        for size, wanted in (("20", 20), ("20G", 20), ("1T", 1024)):
            found = self.load(more=f"<disk><size>{size}</size></disk>").fields
            self.assertEqual(wanted, found["disk_gib"])

    def test_what_cannot_be_carried(self) -> None:
        """All of it is named at once, with its line."""
        found = self.problems(
            more=UNKNOWN_TO_US,
            more_os="<icicle><extra_command>x</extra_command></icicle>"
            "<key>AAA</key><kernelparam>x</kernelparam>",
        )
        for line, text in zip(
            found,
            (
                "t.tdl:9: /template/os/icicle",
                "t.tdl:9: /template/os/key",
                "t.tdl:9: /template/os/kernelparam",
                "t.tdl:11: /template/precommands",
                "t.tdl:13: /template/packages/package[1]/repository",
                "t.tdl:14: /template/packages/package[2]/file",
                "t.tdl:15: /template/packages/package[3]/arguments",
                "t.tdl:18: /template/repositories/repository[@name='r']",
                "t.tdl:18: /template/repositories/repository[@name='r']",
            ),
            strict=True,
        ):
            self.assertTrue(line.startswith(f"{text}: cannot be carried: "), line)

    def test_what_oz_refuses(self) -> None:
        """By its schema, by XML, and by itself."""
        self.assertIn("t.tdl:6: ", self.problems(arch="vax")[0])
        self.assertRegex(self.problems(more="<x>")[0], r"^t.tdl:\d+: .*mismatched tag")
        self.assertTrue(self.problems(more="<nonsense/>"))
        found = self.problems(
            more="<commands><command name='a' position='2'>x</command></commands>"
        )
        self.assertIn("position", found[0])

    def test_unknown_systems(self) -> None:
        """Whether Oz has an answer file is part of the advice."""
        [problem] = self.problems(os="Fedora", version="28")
        self.assertIn("Fedora 28 is not in the catalogue (as fedora-28)", problem)
        self.assertIn("use --oz-auto", problem)
        [problem] = self.problems(os="BeOS", version="5", auto=True)
        self.assertIn("nor has Oz an answer file for it", problem)
        [problem] = self.problems(os="Windows", version="2012", auto=True)
        self.assertIn("cannot be made to report success", problem)

    def test_no_variables(self) -> None:
        error = self.assertRaises(
            SpecError, template.load, self.write(), {"a": "b"}, catalog=self.catalog
        )
        self.assertIn("have no variables", str(error))


class AutoTest(TdlTestCase):
    """Oz's own answer files."""

    def answers(self, **parts: str) -> tuple[Answers, Request]:
        """Return what a guest of such a TDL is told."""
        found = self.load(auto=True, **parts)
        for name, data in found.entries.items():
            self.catalog.add(name, data)
        request = Request(**found.fields)
        made = draft.make_draft(self.catalog, request, BUILD, offline.Offline())
        self.assertEqual((), made.system.problems)
        assert made.answers.value is not None
        return made.answers.value, request

    def check_script(self, script: str) -> None:
        """It is one, it reports, and it holds no password. It is never run."""
        checked = subprocess.run(
            ["bash", "-n"], input=script, capture_output=True, text=True
        )
        # A here-document without its end is only a warning.
        self.assertEqual((0, ""), (checked.returncode, checked.stderr))
        self.assertIn(f'{{"build": "{BUILD}"', script)
        self.assertIn("install nginx vim", script)

    def test_kickstart(self) -> None:
        """For each that Oz has, with all that the TDL asks for."""
        more = REST.format(file=self.write())
        for os, version in (
            *(("Fedora", str(n)) for n in range(7, 29)),
            *((f"CentOS-{n}", "1") for n in (5, 6, 7)),
            ("RHEL-7", "9"),
        ):
            answers, request = self.answers(
                os=os, version=version, url="http://m.example/os/", more=more
            )
            text = answers.answer
            self.assertRegex(text, r"(?m)^poweroff$", f"{os} {version}")
            self.assertNotRegex(text, r"(?m)^reboot$")
            self.assertRegex(text, r"(?m)^rootpw --iscrypted \$6\$")
            self.assertRegex(text, r"(?m)^url --url http://m.example/os")
            self.assertNotIn("tr0ub4dor", text)
            self.assertNotIn("%ROOTPW%", text)
            entry = self.catalog.entry(request.os)
            self.assertIn("/os/images/pxeboot/", entry.arches["x86_64"]["kernel"])
            self.check_script(text.split("%post --interpreter /bin/bash")[1])
            # Some of Oz's own lines are refused; nothing of ours may be.
            of = f"F{version}" if os == "Fedora" else f"RHEL{os[-1]}"
            self.assertEqual(
                kickstart_error(entry.variables["auto"], of), kickstart_error(text, of)
            )
            self.assertLessEqual(len(answers.kernel_args), 255)

    def test_preseed(self) -> None:
        more = REST.format(file=self.write())
        for os, version, name in (
            *(("Debian", n, "x") for n in "56789"),
            ("Ubuntu", "16.04", "xenial"),
            ("Ubuntu", "18.04", "bionic"),
        ):
            url = f"http://m.example/x/{NETBOOT.format(name)}"
            answers, request = self.answers(os=os, version=version, url=url, more=more)
            text = answers.answer
            self.assertRegex(text, r"(?m)^d-i passwd/root-password-crypted .* \$6\$")
            self.assertNotIn("tr0ub4dor", text)
            self.assertNotIn("%ROOTPW%", text)
            self.assertRegex(
                text, r"(?m)^d-i debian-installer/exit/poweroff boolean true"
            )
            self.assertIn("d-i mirror/http/directory string /x\n", text)
            kernel = self.catalog.entry(request.os).arches["x86_64"]["kernel"]
            self.assertEqual(f"{url}debian-installer/amd64/linux", kernel)
            lines = [ln[3:] for ln in text.splitlines() if ln.startswith("#| ")]
            self.check_script("\n".join(lines))

    def test_only_from_a_url(self) -> None:
        install = "<install type='iso'><iso>http://x/f.iso</iso></install>"
        [problem] = self.problems(os="Fedora", version="28", install=install, auto=True)
        self.assertIn("from a URL only, not an ISO", problem)

    def test_what_has_no_place(self) -> None:
        """Is refused by the family."""
        found = self.load(auto=True, os="Fedora", version="28", url="http://m/os")
        for name, data in found.entries.items():
            self.catalog.add(name, data)
        request = Request(**{**found.fields, "swap_mib": 1, "firmware": "uefi"})
        entry = self.catalog.entry(request.os)
        problems = families.family("oz").problems(entry, request)
        self.assertEqual(2, len(problems), str(problems))

    def test_the_catalogue_comes_first(self) -> None:
        self.assertEqual("debian-13", self.load(auto=True).fields["os"])


class WithoutOzTest(TdlTestCase):
    """A machine that lacks it."""

    def test_one_clear_line(self) -> None:
        """Whether Python is not there, or only Oz."""
        lonely = self.directory / "python3"
        lonely.write_text('#!/bin/sh\nexec /usr/bin/python3 -S "$@"\n')
        lonely.chmod(0o755)
        for python in ("/nowhere/python3", str(lonely)):
            self.patch(oz, "PYTHON", python)
            [problem] = self.problems()
            self.assertIn("apt-get install --no-install-recommends oz", problem)
