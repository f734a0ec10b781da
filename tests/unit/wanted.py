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
from osc_imagebuild.model.contents import Content
from osc_imagebuild.model.request import File, Repository, Request, User
from osc_imagebuild.planning import parents
from tests.unit import answer_files

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org"
SECRET = "tr0ub4dor"
HASH = "$6$rounds=100000$salt$hash"
WEB = "https://web.example"
EMPTY = hashlib.sha256(b"").hexdigest()
MEDIA = "http://mirror.example/copy-of-the-medium"

CATALOG = Catalog([BUILT_IN])
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
            "locale": "de_DE.UTF-8",
            "keyboard": "0407:00000407",
            "timezone": "W. Europe Standard Time",
            "firmware": "uefi",
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
        "locale": "de_DE.UTF-8",
        "keyboard": "de",
        "timezone": "Europe/Berlin",
        "swap_mib": 512,
        "lvm": entry.family != "freebsd",
        "firmware": "uefi",
    }


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
