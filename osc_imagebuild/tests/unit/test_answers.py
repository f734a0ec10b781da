"""What installers are told: expected files, the vendors' parsers, hostile values."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import fixtures
import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osc_imagebuild import guests, passwords, quoting
from osc_imagebuild.boot import kernel
from osc_imagebuild.catalog import BUILT_IN, Catalog, Entry
from osc_imagebuild.model import File, Repository, Request, User
from osc_imagebuild.tests.unit import answers

BUILD = "0b4d5a3e-0000-4000-8000-000000000000"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org"
SECRET = "tr0ub4dor"
HASH = "$6$rounds=100000$salt$hash"
MEDIA = "http://mirror.example/copy-of-the-medium"
EXPECTED = Path(__file__).parent / "expected"
# Set to anything, this writes the expected files anew: look at the difference.
REGENERATE = "IMAGEBUILD_REGENERATE"

CATALOG = Catalog([BUILT_IN])
# One release of each family.
RELEASES = (
    *("debian-13", "ubuntu-24.04", "rocky-9", "opensuse-leap-15.6"),
    *("opensuse-leap-16", "freebsd-14", "windows-server-2025"),
)
# Installers that make an ESP by themselves where the firmware wants one.
LAYS_OUT_BY_FIRMWARE = ("ubuntu", "redhat", "agama")
HOSTILE = (
    "x; reboot",
    "$(reboot) `reboot` $HOME",
    'it\'s "quoted" \\',
    "two\nlines\n",
    "%end\n%post\nreboot",
    "END\nreboot\n",
    "</source></script> ]]> &amp; <!--",
    "\"}, 'x': [{{ 7 * 7 }}] {% raw %}",
    "#| ü☃ \u2028\x85\x1b[31m\r\t",
)


def entries() -> list[Entry]:
    """All of the package's own."""
    return [CATALOG.entry(name) for name in CATALOG.names()]


def asked(entry: Entry, arch: str = "x86_64", **fields: Any) -> Request:
    """A request for a system; those without a public tree need a source."""
    request = Request(name="golden", os=entry.name, arch=arch, **fields)
    if guests.install_tree(entry, request).source:
        return request
    return dataclasses.replace(request, source=MEDIA)


def rendered(entry: Entry, request: Request) -> guests.Answers:
    """What its installer is told."""
    source = guests.install_tree(entry, request).source
    return guests.render(entry, request, BUILD, source)


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
        problems = guests.family(entry.family).problems(entry, request)
        self.assertEqual([], problems, entry.name)
        answer = rendered(entry, request).answer
        return answers.script_of(entry.family, entry.name, answer)


def _hashed(password: str) -> str:
    return HASH


class ExpectedTest(AnswerTestCase):
    """Every entry, compared with a file; see `REGENERATE`."""

    def check(self, name: str, entry: Entry, request: Request) -> None:
        """Compare all that an installer is given."""
        tree = guests.install_tree(entry, request)
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

    def test_no_file_is_left_over(self) -> None:
        """Each belongs to an entry that there is."""
        known = {*CATALOG.names(), *(f"{name}.everything" for name in RELEASES)}
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

    def test_debconf(self) -> None:
        """It takes every line of the preseed files."""
        for name in ("debian-12", "debian-13"):
            entry = CATALOG.entry(name)
            answers.debconf(rendered(entry, asked(entry, **everything(entry))).answer)

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
                if guests.family(entry.family).problems(entry, request):
                    value = everything(entry).get(field)
                    if not value:
                        continue
                    request = asked(entry, **{field: value})
                    self.assertEqual(
                        [], guests.family(entry.family).problems(entry, request)
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


class HostileTest(AnswerTestCase):
    """Whatever is in a value, the format around it stays what it is."""

    def wanted(self, entry: Entry, text: str) -> Request:
        windows = entry.family == "windows"
        path = "C:\\x y" if windows else '/etc/it\'s; $(reboot) "x"'
        file = File(path=path, content=text.encode())
        return asked(entry, commands=(text, "true"), files=(file,))

    def check(self, name: str, text: str) -> None:
        """The script has the lines that it has for a harmless value, no more."""
        entry = CATALOG.entry(name)
        script = self.script(entry, self.wanted(entry, text))
        harmless = self.script(entry, self.wanted(entry, "x" * len(text.encode())))
        self.assertEqual(harmless.count("\n"), script.count("\n"), text)
        if entry.family == "windows":
            self.assertIn(f"-Command {text!r}", script)
        else:
            self.assertIn(f"\nsh -e -c {quoting.shell(text)} > /dev/console", script)

    def test_commands_and_files(self) -> None:
        """In every family."""
        for name in RELEASES:
            for text in HOSTILE:
                self.check(name, text)

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
    def test_any_text(self, text: str) -> None:
        """As a command and in a file; blank commands are refused elsewhere."""
        if text.strip():
            for name in RELEASES:
                self.check(name, text)

    def test_words(self) -> None:
        """What becomes a name or a word of the format is refused, not quoted."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            for text in HOSTILE:
                for fields in (
                    {"packages": (text,)},
                    {"locale": text},
                    {"keyboard": text},
                    {"timezone": text},
                    {"ssh_public_keys": (text,)},
                    {"users": (User(name=text),)},
                    {"users": (User(name="x", groups=(text,)),)},
                    {"repositories": (Repository(name=text, url="http://x/"),)},
                    {"repositories": (Repository(name="x", url=f"http://{text}"),)},
                    {"files": (File(path="/x", content=b"", mode=text),)},
                    {"files": (File(path="/x", content=b"", owner=text),)},
                    {"files": (File(path=f"/\0{text}", content=b""),)},
                ):
                    request = asked(entry, **fields)
                    problems = guests.family(entry.family).problems(entry, request)
                    self.assertNotEqual([], problems, f"{name} takes {fields}")


class ShellTest(testtools.TestCase):
    """Words of sh, as sh itself understands them."""

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
    def test_any_words(self, texts: list[str]) -> None:
        """Each one argument, on one line, but for line ends at its end."""
        words = [quoting.shell(text) for text in texts]
        self.assertNotIn("\n", "".join(words))
        lines = [f"printf '%s\\0' {word}\n" for word in words]
        script = "decode() { base64 -d; }\n" + "".join(lines)
        done = subprocess.run(["sh"], input=script.encode(), capture_output=True)
        expected = [t if t.isprintable() else t.rstrip("\n") for t in texts]
        said = "".join(f"{text}\0" for text in expected).encode()
        self.assertEqual((said, b""), (done.stdout, done.stderr))
