"""Requests for every system, with nothing and with everything wanted in it."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import fixtures
import testtools

from osc_imagebuild import boot
from osc_imagebuild.guests import answers, families, install_tree, passwords
from osc_imagebuild.guests.answers import AnswerDelivery
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.access import CaCertificate, Proxy
from osc_imagebuild.model.contents import Content
from osc_imagebuild.model.disk_layout import Volume
from osc_imagebuild.model.provision import Ansible, Guide, Hardening, TreeFile
from osc_imagebuild.model.request import File, Repository, Request, User
from osc_imagebuild.planning import parents
from tests.unit import answer_files

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org"
SECRET = "tr0ub4dor"
HASH = "$6$rounds=100000$salt$hash"
LOGIN = "op3n-sesame"
CA = """\
-----BEGIN CERTIFICATE-----
MIIBgDCCASegAwIBAgIUD09Hhf7keFg3VGrzizRb7f2p2ggwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKY2EuZXhhbXBsZTAgFw0yNjExMjgyMDM0NTNaGA8yMTI2MTEw
NDIwMzQ1M1owFTETMBEGA1UEAwwKY2EuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABAumigJ7aIWBbOKYkHzJX6gCk3+1YzKgT5rrk7UNTfHWcPsBBP8M
lGAsHKHMGXj9JVMS2VDQNDsCbfehwEmMBymjUzBRMB0GA1UdDgQWBBRWamOhxJr4
9ugSwoINfqpftHIWrTAfBgNVHSMEGDAWgBRWamOhxJr49ugSwoINfqpftHIWrTAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCICtbJvEm89IqQfoF/NMo
HnuYpMfeMW6VD5TKrP4RxWVAAiAOshSI/Q4SG4t3b9NirHysgzmNtuk+BChE40cv
QQ2ZyQ==
-----END CERTIFICATE-----
"""
PLAYBOOK = Ansible(
    playbook="site.yml",
    tree=(TreeFile(path="site.yml", content=b"- hosts: all\n"),),
    variables={"greeting": "it's", "numbers": [1, True, None]},
    extra_args=("--tags", "it's"),
)
WEB = "https://web.example"
EMPTY = hashlib.sha256(b"").hexdigest()
MEDIA = "http://mirror.example/copy-of-the-medium"

CATALOG = Catalog([BUILT_IN])
# One that is not of the CIS benchmarks, and one that is, not a whole number of extents.
VOLUMES = (
    Volume(mount="/srv/data", size_mib=2048, options=("noatime", "nodev")),
    Volume(mount="/var/log", size_mib=501, options=("nodiratime",)),
)
PARTITIONS = (
    Volume(mount="/srv", size_mib=2048, options=("nosuid",)),
    Volume(mount="/var/log", size_mib=512),
)
# One release of each family.
RELEASES = (
    *("debian-13", "ubuntu-24.04", "rocky-9", "opensuse-leap-15.6"),
    *("opensuse-leap-16", "freebsd-14", "windows-server-2025"),
)


def entries() -> list[Entry]:
    """All of the package's own."""
    return [CATALOG.entry(name) for name in CATALOG.names()]


def asked(entry: Entry, arch: str = "x86_64", **fields: Any) -> Request:
    """A request for a system; those without a public tree need a source."""
    request = Request(name="golden", os=entry.name, arch=arch, **fields)
    if install_tree.install_tree(entry, request).source:
        return request
    return dataclasses.replace(request, source=MEDIA)


def rendered(entry: Entry, request: Request) -> answers.Answers:
    """What its installer is told."""
    source = install_tree.install_tree(entry, request).source
    return answers.render(entry, request, BUILD, source)


def layered(name: str, **fields: Any) -> str:
    """The user data that change an image of a system; the request is a good one."""
    request = Request(
        **{"name": "golden", "os": name, "from_image": "parent", **fields}
    )
    system = parents.find_system(CATALOG, request, None)
    if system.problems or not system.value:
        raise AssertionError(f"{name}: {system.problems}")
    entry, packages = system.value.entry, system.value.packages
    delivery = AnswerDelivery(boot.of_parents()[0])
    return answers.render(entry, request, BUILD, packages, delivery).answer


def everything(entry: Entry) -> dict[str, Any]:
    """All that a family can be asked for."""
    if entry.family == "windows":
        return {
            "ssh_public_keys": (KEY,),
            "files": (File(path="C:\\etc\\motd", content=b"hello\n"),),
            "commands": ("echo 'hello'", "if (1) {\n  'two lines'\n}"),
            "proxy": Proxy(url="http://proxy.example:3128", no_proxy=("in.example",)),
            "ca_certificates": (CaCertificate(pem=CA),),
            "locale": "de_DE.UTF-8",
            "keyboard": "0407:00000407",
            "timezone": "W. Europe Standard Time",
            "firmware": "uefi",
            "update": True,
            **dict.fromkeys(
                ("tpm", "secure_boot") if entry.variables["needs_tpm"] else (), True
            ),
        }
    apt = entry.family in ("debian", "ubuntu")
    return {
        "root_password": SECRET,
        "ssh_public_keys": (KEY,),
        "users": (
            User(name="ada", password=SECRET, groups=("adm", "ops"), sudo=True),
            User(name="bob", ssh_public_keys=(KEY,), sudo=True),
        ),
        "packages": ("tree", "vim"),
        "repositories": (
            Repository(
                name="extra",
                url="https://packages.example/extra",
                suites=("stable",) if apt else (),
                components=("main", "contrib") if apt else (),
                key="-----BEGIN PGP PUBLIC KEY BLOCK-----\n...\n",
                username="reader",
                password=LOGIN,
            ),
        ),
        "files": (
            File(path="/etc/motd", content=b"hello\n"),
            File(path="/srv/a b", content=bytes(range(99)), mode="0750", owner="bob"),
        ),
        # Nothing is what the made-up systems of tests fetch.
        "contents": (
            Content(path="/srv/big", url=f"{WEB}/big?a=b", sha256=EMPTY, owner="ada"),
        ),
        "commands": ("echo 'hello'", "if true; then\n  echo two lines\nfi"),
        "proxy": Proxy(url="http://proxy.example:3128", no_proxy=("10.0.0.0/8",)),
        "ca_certificates": (CaCertificate(pem=CA),),
        **_configured(entry),
        "locale": "de_DE.UTF-8",
        "keyboard": "de",
        "timezone": "Europe/Berlin",
        "swap_mib": 512,
        **_disk(entry),
        "update": True,
        "firmware": "uefi",
    }


def _disk(entry: Entry) -> dict[str, Any]:
    """All that a disk can be asked for."""
    if entry.family == "freebsd":
        return {"disk_volumes": PARTITIONS}
    # Nothing that is usual for a system: it shall be seen in its answer file.
    filesystem = "ext4" if entry.family == "redhat" else "btrfs"
    return {
        "lvm": True,
        "disk_layout": "cis",
        "filesystem": filesystem,
        "disk_volumes": VOLUMES,
    }


def disks(entry: Entry) -> dict[str, dict[str, Any]]:
    """Wishes for a disk by a word for them; some are refused on some architectures."""
    if entry.family == "windows":
        return {}
    if entry.family == "freebsd":
        return {"volumes": {"disk_volumes": PARTITIONS}}
    found: dict[str, dict[str, Any]] = {
        "volumes": {"disk_volumes": VOLUMES},
        "lvm volumes": {"disk_layout": "lvm", "disk_volumes": VOLUMES},
        "cis": {"disk_layout": "cis"},
        "cis volumes": {"disk_layout": "cis", "disk_volumes": VOLUMES},
    }
    for filesystem in ("ext4", "xfs", "btrfs"):
        for layout in ("plain", "cis"):
            wanted = {"disk_layout": layout, "filesystem": filesystem}
            found[f"{layout} {filesystem}"] = wanted
    return found


def _configured(entry: Entry) -> dict[str, Any]:
    """A playbook and a profile, where a family takes them."""
    if entry.family == "freebsd":
        return {}
    guide = Guide(url="https://guides.example/ssg.zip", sha256="0" * 64)
    return {"ansible": PLAYBOOK, "hardening": Hardening(profile="cis", guide=guide)}


class AnswerTestCase(testtools.TestCase):
    """Hashes are the same each time."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch(f"{passwords.__name__}.hashed", _hashed))

    def script(self, entry: Entry, request: Request) -> str:
        """The script in an answer file, both parsed; the request is a good one."""
        problems = families.family(entry.family).problems(entry, request)
        self.assertEqual([], problems, entry.name)
        answer = rendered(entry, request).answer
        return answer_files.script_of(entry.family, entry.name, answer)


def _hashed(password: str) -> str:
    return HASH
