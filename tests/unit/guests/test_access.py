"""Proxy, CA certificates and logins in every family: told, refused, and gone."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import Any
from xml.etree import ElementTree

import yaml

from osc_imagebuild.guests import access, answers, families
from osc_imagebuild.guests.answers import AnswerDelivery, IsoRef
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.families import generic
from osc_imagebuild.model.access import CaCertificate, Proxy, trusted
from osc_imagebuild.model.request import Repository, Request
from osc_imagebuild.planning import parents
from tests.unit import answer_files
from tests.unit.wanted import (
    BUILD,
    CA,
    CATALOG,
    LOGIN,
    RELEASES,
    AnswerTestCase,
    asked,
    layered,
    rendered,
)

PROXY = Proxy(url="http://proxy.example:3128", no_proxy=("10.0.0.0/8", "in.example"))
OWN = (CaCertificate(pem=CA),)
[TRUSTED] = trusted(OWN)
YAST = "{http://www.suse.com/1.0/yast2ns}"


def repository(os: str = "debian-13", **fields: Any) -> Repository:
    """One that takes a login."""
    suites = ("s",) if CATALOG.entry(os).family in ("debian", "ubuntu") else ()
    return Repository(
        **{
            "name": "own",
            "url": "https://repo.example/x",
            "suites": suites,
            "username": "reader",
            "password": LOGIN,
            **fields,
        }
    )


class InstallerTest(AnswerTestCase):
    """What each installer is told, in its own words."""

    def told(self, name: str, **fields: Any) -> answers.Answers:
        """All that an installer is told."""
        entry = CATALOG.entry(name)
        return rendered(entry, asked(entry, **fields))

    def test_debian(self) -> None:
        """Its mirror through the proxy, or past it, and then apt through it."""
        question = "d-i mirror/http/proxy string"
        told = self.told("debian-13", proxy=PROXY).answer
        self.assertIn(f"{question} {PROXY.url}\n", told)
        self.assertNotIn("base-installer.d", told)
        direct = dataclasses.replace(PROXY, no_proxy=("debian.org",))
        told = self.told("debian-13", proxy=direct).answer
        self.assertIn(f"{question}\n", told)
        self.assertIn('#< Acquire::http::Proxy "http://proxy.example:3128";\n', told)
        self.assertIn('#< Acquire::http::Proxy::ftp.debian.org "DIRECT";\n', told)
        answer_files.debconf(told)
        secret = dataclasses.replace(PROXY, username="me", password="a'b")
        told = self.told("debian-13", proxy=secret).answer
        self.assertIn(f"{question} http://me:a%27b@proxy.example:3128\n", told)

    def test_debian_by_https(self) -> None:
        """The certificates are there before anything is fetched."""
        told = self.told(
            "debian-13", source="https://m.example/debian", ca_certificates=OWN
        ).answer
        [early] = re.findall(r"(?m)^d-i preseed/early_command string (.*)$", told)
        self.assertRegex(early, r"^wget .* > /tmp/imagebuild-early && sh /tmp/image")
        self.assertIn(f"#< cat > /etc/ssl/certs/{TRUSTED.name}.crt <<'END'\n", told)
        self.assertIn("ca_certificate = /etc/imagebuild-ca.pem", told)
        self.assertIn("d-i mirror/https/proxy string\n", told)
        answer_files.debconf(told)

    def test_redhat(self) -> None:
        """Each address has the proxy or not; the initramfs leaves the metadata alone."""
        own = repository("rocky-9", url="https://x.in.example/r")
        told = self.told("rocky-9", proxy=PROXY, repositories=(own,))
        self.assertIn(
            " inst.proxy=http://proxy.example:3128 systemd.setenv=no_proxy="
            "169.254.169.254,10.0.0.0/8,in.example ",
            told.kernel_args,
        )
        lines = told.answer.splitlines()
        [url] = [line for line in lines if line.startswith("url ")]
        self.assertTrue(url.endswith(f" --proxy={PROXY.url}"), url)
        [repo] = [line for line in lines if line.startswith("repo --name=own ")]
        self.assertEqual(
            f"repo --name=own --baseurl=https://reader:{LOGIN}@x.in.example/r", repo
        )
        direct = dataclasses.replace(PROXY, no_proxy=("rockylinux.org",))
        told = self.told("rocky-9", proxy=direct)
        self.assertNotIn("proxy", told.kernel_args)

    def test_updates_of_fedora(self) -> None:
        """They are looked for once there is trust, and by the proxy unless they need none."""
        told = self.told("fedora-44", proxy=PROXY, ca_certificates=OWN).answer
        self.assertLess(told.index("update-ca-trust"), told.index("! curl "))
        [line] = [line for line in told.splitlines() if line.startswith("! curl ")]
        self.assertIn(f"-m 60 -x {PROXY.url} -o", line)
        self.assertIn(f"/ --proxy={PROXY.url} > /tmp", line)
        direct = dataclasses.replace(PROXY, no_proxy=("kernel.org",))
        [line] = [
            line
            for line in self.told("fedora-44", proxy=direct).answer.splitlines()
            if line.startswith("! curl ")
        ]
        self.assertNotIn("proxy", line)

    def test_an_anaconda_that_gives_up(self) -> None:
        """Its log is told without logins."""
        own = (repository("rocky-9"),)
        told = self.told("rocky-9", repositories=own).answer
        self.assertIn("anaconda.log | sed 's,//[^/@ ]*@,//,g')", told)
        self.assertNotIn("anaconda.log |", self.told("rocky-9", proxy=PROXY).answer)

    def test_suse(self) -> None:
        """linuxrc, and a section of the profile."""
        secret = dataclasses.replace(PROXY, username="m<e", password="a&b")
        told = self.told("sles-15", proxy=secret, ca_certificates=OWN)
        self.assertIn(
            " proxy=http://proxy.example:3128 no_proxy=169.254.169.254,",
            told.kernel_args,
        )
        root = ElementTree.fromstring(told.answer)
        for tag, text in (
            ("enabled", "true"),
            ("http_proxy", PROXY.url),
            ("https_proxy", PROXY.url),
            ("no_proxy", ",".join(PROXY.direct)),
            ("proxy_user", "m<e"),
            ("proxy_password", "a&b"),
        ):
            self.assertEqual(text, root.findtext(f"{YAST}proxy/{YAST}{tag}"))
        script = root.findtext(f".//{YAST}pre-scripts/{YAST}script/{YAST}source")
        self.assertIn(f"{TRUSTED.name}.pem <<'END'\n{CA}END\n", script or "")

    def test_agama(self) -> None:
        """The live image by the environment, packages by a file."""
        told = self.told("sles-16", proxy=PROXY, ca_certificates=OWN)
        self.assertIn(
            " systemd.setenv=http_proxy=http://proxy.example:3128 systemd.setenv="
            "no_proxy=169.254.169.254,10.0.0.0/8,in.example",
            told.kernel_args,
        )
        [script] = json.loads(told.answer)["scripts"]["pre"]
        self.assertTrue(script["content"].startswith("#!/bin/sh\n"))
        for text in (
            "HTTP_PROXY=http://proxy.example:3128 ",
            "/etc/sysconfig/proxy",
            CA,
        ):
            self.assertIn(text, script["content"])

    def test_ubuntu(self) -> None:
        """The initramfs that fetches the ISO, and the installer."""
        told = self.told("ubuntu-24.04", proxy=PROXY)
        self.assertIn(" http_proxy=http://proxy.example:3128", told.kernel_args)
        found = yaml.safe_load(told.answer)["autoinstall"]
        self.assertEqual(PROXY.url, found["proxy"])
        direct = dataclasses.replace(PROXY, no_proxy=("ubuntu.com",))
        told = self.told("ubuntu-24.04", proxy=direct)
        self.assertNotIn("proxy", told.kernel_args)
        self.assertNotIn("proxy", yaml.safe_load(told.answer)["autoinstall"])

    def test_isos(self) -> None:
        """What is on a CD is not fetched; what the guest fetches is."""
        for name, method, disc, words in (
            ("rocky-9", "kernel", IsoRef("L"), False),
            ("sles-15", "kernel", IsoRef("L"), False),
            ("ubuntu-24.04", "kernel", IsoRef("L", "http://m.example/x.iso"), True),
            ("sles-16", "kernel", IsoRef("L", "http://m.example/x.iso"), True),
            ("sles-16", "kernel", IsoRef("L"), False),
        ):
            entry = CATALOG.entry(name)
            way = AnswerDelivery(method, None, True, disc, from_iso=True)
            request = asked(entry, proxy=PROXY)
            told = answers.render(entry, request, BUILD, "http://m.example", way)
            self.assertEqual(words, "proxy" in told.kernel_args, f"{name} {disc}")

    def test_windows(self) -> None:
        """Its own services, .NET and the environment; all of it is taken back."""
        entry = CATALOG.entry("windows-server-2025")
        script = self.script(
            entry, asked(entry, proxy=PROXY_OF_WINDOWS, ca_certificates=OWN)
        )
        for text in (
            'winhttp set proxy "proxy-server=$server"',
            "certutil.exe -f -addstore Root",
            f"certutil.exe -delstore Root {TRUSTED.sha1}",
            "netsh.exe winhttp reset proxy",
            "Remove-ItemProperty -ErrorAction SilentlyContinue $settings ProxyServer",
        ):
            self.assertIn(text, script)
        answer = rendered(entry, asked(entry, proxy=PROXY_OF_WINDOWS)).answer
        [updates] = ElementTree.fromstring(answer).iter("{urn:imagebuild}Update")
        told = str(updates.text)
        self.assertLess(told.index("winhttp set proxy"), told.index(".Search("))
        kept = dataclasses.replace(PROXY_OF_WINDOWS, keep=True)
        own = (CaCertificate(pem=CA, keep=True),)
        script = self.script(entry, asked(entry, proxy=kept, ca_certificates=own))
        self.assertNotIn("winhttp reset", script)
        self.assertNotIn("-delstore", script)


PROXY_OF_WINDOWS = dataclasses.replace(PROXY, no_proxy=("in.example",))


class RefusedTest(AnswerTestCase):
    """Whatever cannot be carried out."""

    def found(self, name: str, **fields: Any) -> str:
        entry = CATALOG.entry(name)
        request = Request(name="x", os=name, **fields)
        return " ".join(families.family(entry.family).problems(entry, request))

    def test_by_family(self) -> None:
        secret = dataclasses.replace(PROXY, username="me", password="x$y")
        for name, fields, told in (
            ("windows-11", {"proxy": secret}, "take no password for a proxy"),
            ("windows-11", {"proxy": PROXY}, "its no_proxy takes names and addr"),
            (
                "rocky-9",
                {"repositories": (repository("rocky-9", password="a$b"),)},
                "dnf takes no $",
            ),
            ("rocky-9", {"proxy": dataclasses.replace(secret, keep=True)}, "dnf takes"),
        ):
            self.assertIn(told, self.found(name, **fields))
        self.assertEqual("", self.found("rocky-9", proxy=secret))
        for name in ("debian-13", "ubuntu-24.04", "rocky-9", "sles-15", "freebsd-14"):
            for wrong, told in (
                ({"password": ""}, "username and password need each other"),
                (
                    {"username": "", "password": "", "keep": True},
                    "keep is for its user",
                ),
                ({"password": "a b"}, "the password of repository 'own' takes"),
            ):
                own = (repository(name, **wrong),)
                self.assertIn(told, self.found(name, repositories=own), name)
            self.assertEqual("", self.found(name, repositories=(repository(name),)))

    def test_systems_that_nobody_knows(self) -> None:
        """Neither a plain entry nor Oz has a place for them."""
        entry = dataclasses.replace(CATALOG.entry("debian-13"), family="generic")
        kept = dataclasses.replace(PROXY, keep=True)
        rows: tuple[tuple[dict[str, Any], bool, bool], ...] = (
            ({"proxy": PROXY}, True, False),
            ({"proxy": kept}, True, True),
            ({"ca_certificates": OWN}, True, True),
            ({"repositories": (repository(),)}, True, True),
        )
        for fields, installed, changed in rows:
            for parent, wrong in ((None, installed), ("p", changed)):
                request = Request(name="x", os="plain", from_image=parent, **fields)
                found = generic.problems(entry, request)
                self.assertEqual(wrong, "cannot be given" in str(found), str(fields))

    def test_layers_take_them(self) -> None:
        """They are among what an image can be given."""
        self.assertLessEqual({"proxy", "ca_certificates"}, set(parents.FIELDS))
        text = layered("debian-13", proxy=PROXY, ca_certificates=OWN)
        self.assertIn("export http_proxy https_proxy", text)
        self.assertIn(CA, text)


class SecretsTest(AnswerTestCase):
    """What people are shown, and what decides a result."""

    def test_shown(self) -> None:
        """An answer file for people has no password, in no form."""
        proxy = dataclasses.replace(PROXY, username="me", password="pr0xy/s")
        for name in RELEASES:
            entry = CATALOG.entry(name)
            if entry.family == "windows":
                continue
            own = repository(name)
            request = asked(entry, proxy=proxy, repositories=(own,))
            told = rendered(entry, request)
            self.assertTrue(_holds(entry, told.answer, LOGIN), name)
            self.assertFalse(_holds(entry, told.shown, LOGIN), name)
            self.assertNotIn("pr0xy", told.shown + told.kernel_args)
            self.assertEqual(told.shown, rendered(entry, access.veiled(request)).answer)
        plain = rendered(entry, asked(entry))
        self.assertEqual(plain.answer, plain.shown)

    def test_lasting(self) -> None:
        """Only what stays in the result is compared."""
        request = Request(
            name="x",
            proxy=PROXY,
            ca_certificates=(*OWN, CaCertificate(pem=CA, keep=True)),
            repositories=(repository(), repository(name="kept", keep=True)),
        )
        found = access.lasting(request)
        self.assertEqual(None, found.proxy)
        self.assertEqual(1, len(found.ca_certificates))
        self.assertEqual(["", LOGIN], [r.password for r in found.repositories])
        kept = dataclasses.replace(PROXY, keep=True)
        self.assertEqual(kept, access.lasting(Request(name="x", proxy=kept)).proxy)


def _holds(entry: Entry, text: str, secret: str) -> bool:
    """Whether an answer file has a secret as it is, or in a here-document of base64."""
    script = answer_files.script_of(entry.family, entry.name, text)
    blocks = re.findall(r"(?m)^((?:[A-Za-z0-9+/=]{4,}\n)+)END$", script)
    packed = [base64.b64decode("".join(block.split())) for block in blocks]
    return secret in text or any(secret.encode() in data for data in packed)
