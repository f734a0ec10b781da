"""Templates in YAML: what they mean, and what is said of wrong ones."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

import fixtures
import testtools

from osc_imagebuild import template
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import passwords
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.access import CaCertificate, Proxy
from osc_imagebuild.model.contents import Content
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.disk_layout import Volume
from osc_imagebuild.model.own_tests import OwnTest
from osc_imagebuild.model.provision import Ansible, Hardening, TreeFile
from osc_imagebuild.model.request import File, Repository, Request, User
from osc_imagebuild.template import fields, schema

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@example.org"
FILES = (("/a", b"old"), ("/a", b"new"), ("/b", b"other"))
HASH = "$6$salt$" + "a" * 86


class TemplateTestCase(testtools.TestCase):
    """Writes templates and loads them."""

    def setUp(self) -> None:
        """Have a directory for them."""
        super().setUp()
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)

    def write(self, text: str, name: str = "t.yaml") -> str:
        """Write a file; return its path."""
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def load(self, text: str, *, check_only: bool = False, **given: str) -> Any:
        """Return the fields of a template."""
        path = self.write(text)
        catalog = Catalog([BUILT_IN])
        return template.load(path, given, catalog=catalog, check_only=check_only).fields

    def problems(self, text: str, **given: str) -> list[str]:
        """Return what is wrong with a template, without its directory."""
        error = self.assertRaises(SpecError, self.load, text, **given)
        return [p.replace(f"{self.directory}/", "") for p in error.problems]


class MeaningTest(TemplateTestCase):
    """From YAML to the fields of a request."""

    def test_every_key(self) -> None:
        """Each arrives, and makes a request."""
        self.write("from a file\n", "motd")
        self.write("[]", "play/site.yml")
        self.write(f"{KEY}\n", "key.pub")
        self.write("pass word\n", "secret")
        self.useFixture(fixtures.EnvironmentVariable("ROOT_PASSWORD", "tr0ub4dor"))
        found = self.load(EVERYTHING)
        self.assertEqual(
            {
                "os": "debian-13",
                "arch": "aarch64",
                "source": "http://mirror.example/debian",
                "checksum": "abc",
                "from_image": "base",
                "from_properties": {"os_distro": "debian", "n": "1"},
                "driver_iso": "virtio-win.iso",
                "disk_gib": 8,
                "config_drive": True,
                "root_password": "tr0ub4dor",
                "ssh_public_keys": (KEY, f"{KEY}\n"),
                "locale": "de_DE.UTF-8",
                "keyboard": "de",
                "timezone": "Europe/Berlin",
                "swap_mib": 512,
                "lvm": True,
                "disk_layout": "cis",
                "filesystem": "xfs",
                "disk_volumes": (
                    Volume(mount="/srv", size_mib=2048, options=("nodev", "noatime")),
                    Volume(mount="/var", size_mib=500),
                ),
                "firmware": "uefi",
                "secure_boot": True,
                "tpm": True,
                "update": False,
                "packages": ("vim", "nginx"),
                "repositories": (
                    Repository(
                        name="extra",
                        url="http://r.example",
                        suites=("trixie",),
                        components=("main",),
                        key="KEY",
                        username="reader",
                        password="pass word",
                        keep=True,
                    ),
                ),
                "ca_certificates": (
                    CaCertificate(pem="PEM"),
                    CaCertificate(pem="from a file\n", keep=True),
                ),
                "proxy": Proxy(
                    url="http://p:1",
                    no_proxy=("a.example", "10.0.0.0/8"),
                    username="tr0ub4dor",
                    password="pass word",
                    keep=True,
                ),
                "files": (
                    File(path="/a", content=b"text\n", mode="0600", owner="www:www"),
                    File(path="/b", content=b"hi"),
                    File(path="/c", content=b"from a file\n"),
                ),
                "contents": (
                    Content(
                        path="/d",
                        source=os.path.realpath(f"{self.directory}/motd"),
                        mode="0600",
                        owner="www:www",
                    ),
                    Content(
                        path="/e/", url="http://h/x.tgz", sha256="ab" * 32, unpack=True
                    ),
                ),
                "users": (
                    User(
                        name="joe",
                        password="pass word",
                        ssh_public_keys=(KEY,),
                        groups=("adm",),
                        sudo=True,
                    ),
                    User(name="ann", password=HASH),
                ),
                "commands": ("echo ${HOME}", "systemctl enable nginx"),
                "ansible": Ansible(
                    playbook="site.yml",
                    tree=(TreeFile(path="site.yml", content=b"[]"),),
                    variables={"a": [1, "tr0ub4dor"]},
                    secrets=("tr0ub4dor",),
                ),
                "hardening": Hardening(profile="cis", min_score=80),
                "flavor": "m1.small",
                "networks": ("a", "b"),
                "security_groups": ("c",),
                "ports": ("p-one",),
                "server_properties": {"owner": "me", "n": "1"},
                "volume_type": "fast",
                "availability_zone": "nova",
                "hints": {"group": "g", "different_host": ("a", "1")},
                "boot_method": "kernel",
                "timeout_min": 60,
                "stall_min": 15,
                "keep_on_failure": True,
                "attempts": 3,
                "name": "golden",
                "output": "image",
                "properties": {"version": "22.10", "n": "1", "yes": "true"},
                "tags": ("one",),
                "visibility": "shared",
                "min_disk_gib": 10,
                "min_ram_mib": 1024,
                "protected": True,
                "metadata": "scs",
                "family": "golden-base",
                "replace": True,
                "old": "keep",
                "keep": 2,
                "members": ("p-1",),
                "member_clouds": ("other",),
                "copies": (Copy("two", "R", verify=True), Copy("three")),
                "stores": ("ssd",),
                "all_stores": False,
                "tests": (
                    OwnTest(name="web", run="exit 3", expect_exit=3, timeout_s=60),
                    OwnTest(run="true"),
                ),
                "test_files": (File(path="/t", content=b"from a file\n", mode="0700"),),
                "test_reboot": True,
                "test_flavors": ("m1.large",),
                "test_networks": ("lab",),
                "test_firmware": ("uefi",),
            },
            found,
        )
        self.assertEqual("golden", Request(**found).name)

    def test_nothing_is_left_out(self) -> None:
        """Every field of a request can be given, and every key is a field."""
        self.write("", "motd")
        self.write("[]", "play/site.yml")
        self.write("", "key.pub")
        self.write("x", "secret")
        found = self.load(EVERYTHING, check_only=True)
        names = {field.name for field in dataclasses.fields(Request)}
        # Where there are tests, the result is booted.
        self.assertEqual(names, {*found, "answer_file", "verify"})
        self.assertEqual({"verify": False}, self.load("version: 1\nverify: false"))
        known = schema.schema()["properties"]
        for path in (*fields.SIMPLE, *fields.TEXTS):
            part: Any = {"properties": known}
            for key in path:
                self.assertIn(key, part["properties"], str(path))
                part = part["properties"][key]

    def test_answer_file(self) -> None:
        self.write("d-i something", "my.preseed")
        text = "version: 1\nanswers: {file: my.preseed}"
        self.assertEqual({"answer_file": "d-i something"}, self.load(text))

    def test_yaml_means_what_it_looks_like(self) -> None:
        """No octal numbers, no floats, no Norway that is false."""
        text = (
            "version: 1\noutput: {properties: {a: 010, b: 22.10, c: no, d: 2026-01-01}}"
        )
        found = self.load(text)["properties"]
        self.assertEqual(
            {"a": "010", "b": "22.10", "c": "no", "d": "2026-01-01"}, found
        )

    def test_sizes(self) -> None:
        """Each is a size, or the problem says where it is not."""
        text = "version: 1\ndisk:\n  volumes:\n    - {mount: /a, size: %s}"
        [found] = self.load(text % "3 GiB")["disk_volumes"]
        self.assertEqual(3072, found.size_mib)
        for size, told in (
            ("0GiB", "t.yaml:4: this is no size: '0GiB'; write it as 512MiB or 10GiB"),
            ("3GB", "t.yaml:4: disk.volumes[1].size"),
            ("512", "t.yaml:4: disk.volumes[1].size"),
        ):
            [problem] = self.problems(text % size)
            self.assertIn(told, problem)

    def test_aliases(self) -> None:
        text = "version: 1\ncustomise: {packages: &p [a]}\nbuild: {networks: *p}"
        self.assertEqual({"packages": ("a",), "networks": ("a",)}, self.load(text))

    def test_check_only_needs_no_secrets(self) -> None:
        text = "version: 1\nanswers: {root_password: {env: NOT_THERE}}"
        self.assertIn("root_password", self.load(text, check_only=True))
        [problem] = self.problems(text)
        self.assertIn(
            "t.yaml:2: the environment variable NOT_THERE is not set", problem
        )

    def test_hashes_are_not_hashed_again(self) -> None:
        found = self.load(f"version: 1\nanswers: {{root_password_hash: {HASH}}}")
        self.assertEqual(HASH, found["root_password"])
        self.assertEqual(HASH, passwords.hashed(HASH))
        self.assertNotEqual("$6$", passwords.hashed("$6$"))


class AccessTest(TemplateTestCase):
    """A proxy, CA certificates and logins."""

    def test_short_forms(self) -> None:
        """A URL, and a text."""
        text = (
            "version: 1\nbuild: {proxy: 'http://p:1'}\n"
            "customise: {ca_certificates: [{text: PEM, keep: true}]}"
        )
        found = self.load(text)
        self.assertEqual(Proxy(url="http://p:1"), found["proxy"])
        self.assertEqual(
            (CaCertificate(pem="PEM", keep=True),), found["ca_certificates"]
        )

    def test_mistakes(self) -> None:
        """Each with its place; what may be a secret is not repeated."""
        for text, told in (
            ("build: {proxy: 3}", "build.proxy: takes a text or a mapping; a proxy is"),
            ("build: {proxy: {keep: true}}", "build.proxy: url is missing"),
            ("build: {proxy: {url: x, password: hunter2}}", "{env: NAME} or {file"),
            ("build: {proxy: {url: x, username: {envy: A}}}", "no such key"),
            ("build: {proxy: {url: x, password: {env: OS_PASSWORD}}}", "client's own"),
            ("build: {proxy: {url: x, username: {env: NOT_SET}}}", "is not set"),
            ("customise: {ca_certificates: [{keep: true}]}", "one of file, text"),
            (
                "customise: {ca_certificates: [{file: a, text: b}]}",
                "one of file, text",
            ),
            ("customise: {ca_certificates: [{file: no}]}", "cannot read no"),
            (
                "customise: {repositories: [{name: r, url: u, password: hunter2}]}",
                "{env: NAME} or {file",
            ),
        ):
            found = " ".join(self.problems(f"version: 1\n{text}"))
            self.assertIn("t.yaml:2: ", found)
            self.assertIn(told, found)
            self.assertNotIn("hunter2", found)

    def test_layers_of_templates(self) -> None:
        """Certificates are added; no_proxy takes the place of another one."""
        self.write(
            "version: 1\nbuild: {proxy: {url: 'http://p:1', no_proxy: [a]}}\n"
            "customise: {ca_certificates: [A]}",
            "base.yaml",
        )
        found = self.load(
            "version: 1\nextends: base.yaml\nbuild: {proxy: {no_proxy: [b]}}\n"
            "customise: {ca_certificates: [B]}"
        )
        self.assertEqual(Proxy(url="http://p:1", no_proxy=("b",)), found["proxy"])
        self.assertEqual(["A", "B"], [c.pem for c in found["ca_certificates"]])


class ParentTest(TemplateTestCase):
    """The image that is changed."""

    def test_named(self) -> None:
        """As the command line would name it."""
        for said, wanted in (
            ("{family: base}", {"from_image": "family:base"}),
            ("{image: base}", {"from_image": "base"}),
            ("{properties: {a: true}}", {"from_properties": {"a": "true"}}),
        ):
            self.assertEqual(wanted, self.load(f"version: 1\nfrom: {said}\n"))

    def test_mistakes(self) -> None:
        """Each with its place."""
        for said, told in (
            ("{family: a, image: b}", "t.yaml:2: image and family exclude each other"),
            ("base", "t.yaml:2: from: takes a mapping"),
            ("{name: base}", "t.yaml:2: from.name: no such key"),
        ):
            self.assertIn(told, self.problems(f"version: 1\nfrom: {said}\n")[0])


class VariablesTest(TemplateTestCase):
    """${name}"""

    def test_values(self) -> None:
        """Defaults, --var, and types as if written there."""
        text = (
            "version: 1\nvariables: {swap: 0, os: debian-13, who}\n"
            "os: ${os}\nanswers: {swap_mib: 0}\n"
            "customise:\n  commands:\n    - echo '${who} $${HOME} $HOME'\n"
        )
        found = self.load(text, who="me: [x]")
        self.assertEqual("debian-13", found["os"])
        self.assertEqual(("echo 'me: [x] ${HOME} $HOME'",), found["commands"])
        text = "version: 1\nvariables: {swap: 0}\nanswers:\n  swap_mib: ${swap}\n"
        self.assertEqual(512, self.load(text, swap="512")["swap_mib"])
        self.assertEqual(0, self.load(text)["swap_mib"])
        text = text.replace("${swap}", '"${swap}"')
        self.assertIn("takes a whole number", self.problems(text)[0])

    def test_mistakes(self) -> None:
        """Unknown ones, missing ones, misspelled ones: all at once."""
        text = "version: 1\nvariables: {mirror: null}\nsource: ${miror}/x"
        self.assertEqual(
            [
                "t.yaml: --var mirrors: no such variable; did you mean mirror?",
                "t.yaml:2: variable mirror has no default: give --var mirror=...",
                "t.yaml:3: no variable 'miror'; did you mean mirror?; "
                "for a literal ${ write $${",
            ],
            self.problems(text, mirrors="x"),
        )


class ExtendsTest(TemplateTestCase):
    """One template on top of another."""

    def test_layers(self) -> None:
        """Mappings merge, lists of customise grow, other lists are replaced."""
        self.write("x", "deep/motd")
        self.write(BASE, "deep/base.yaml")
        self.write("version: 1\nextends: deep/base.yaml\nverify: true", "middle.yaml")
        found = self.load(TOP, mirror="http://m")
        self.assertEqual("http://m/debian", found["source"])
        self.assertEqual(("vim", "curl", "nginx"), found["packages"])
        self.assertEqual(("true", "true"), found["commands"])
        self.assertEqual(("two",), found["tags"])
        self.assertEqual({"a": "1", "b": "3"}, found["properties"])
        self.assertEqual(True, found["verify"])
        # What is relative in a template begins where that template is.
        self.assertEqual(
            [("/etc/motd", b"x"), ("/etc/issue", b"new"), ("/etc/more", b"more")],
            [(file.path, file.content) for file in found["files"]],
        )

    def test_tests(self) -> None:
        """Those of the template below come first; one of the same name takes the place."""
        self.write(
            "version: 1\nverify:\n  commands: [{name: a, run: x}, {run: y}]\n"
            "  files: [{path: /a, content: x}]\n  reboot: true\n",
            "base.yaml",
        )
        found = self.load(
            "version: 1\nextends: base.yaml\nverify:\n"
            "  commands: [{run: y}, {name: a, run: z}]\n"
            "  files: [{path: /a, content: y}]\n"
        )
        self.assertEqual(["z", "y", "y"], [test.run for test in found["tests"]])
        self.assertEqual([b"y"], [file.content for file in found["test_files"]])
        self.assertTrue(found["test_reboot"])
        none = self.load("version: 1\nextends: base.yaml\nverify: false")
        self.assertEqual({"verify": False}, none)
        below = {"tests": (OwnTest(name="a", run="x"), OwnTest(run="y"))}
        top = {"tests": (OwnTest(run="y"), OwnTest(run="z"))}
        combined = template.combine(below, top)["tests"]
        self.assertEqual(["x", "y", "y", "z"], [test.run for test in combined])

    def test_boots(self) -> None:
        """Lists of flavors, networks and firmwares are added to, each name once."""
        self.write(
            "version: 1\nverify: {flavors: [a, b], firmware: [bios]}", "base.yaml"
        )
        found = self.load(
            "version: 1\nextends: base.yaml\n"
            "verify: {flavors: [b, c], networks: [n], firmware: [uefi]}"
        )
        wanted = {
            "test_flavors": ("a", "b", "c"),
            "test_networks": ("n",),
            "test_firmware": ("bios", "uefi"),
        }
        self.assertEqual(wanted, {k: found[k] for k in wanted})

    def test_mistakes_in_tests(self) -> None:
        """Each with its place."""
        for said, wanted in (
            ("yes", "verify: takes true or false or a mapping; not 'yes'"),
            ("{command: []}", "verify.command: no such key; did you mean commands?"),
            ("{commands: [x]}", "verify.commands[1]: takes a mapping; not 'x'"),
            ("{commands: [{}]}", "verify.commands[1]: run is missing"),
            ("{commands: [{run: x, name: ' '}]}", "verify.commands[1].name: ' ' does "),
            ("{commands: [{run: x, timeout_s: 0}]}", "timeout_s: takes 1 at least"),
            (
                "{commands: [{run: x, expect_exit: 256}]}",
                "expect_exit: takes 255 at mo",
            ),
            ("{commands: [{run: x, env: {}}]}", "verify.commands[1].env: no such key"),
            (
                "{files: [{path: /x}]}",
                "verify.files[1]: needs exactly one of content, ",
            ),
            ("{reboot: 1}", "verify.reboot: takes true or false; not 1"),
            ("{flavors: a}", "verify.flavors: takes a list; not 'a'"),
            ("{networks: ['']}", "verify.networks[1]: takes 1 characters at least"),
            ("{firmware: [efi]}", "verify.firmware[1]: takes bios, uefi; not 'efi'"),
        ):
            [problem] = self.problems(f"version: 1\nverify: {said}")
            self.assertIn(wanted, problem)

    def test_where_a_mistake_is(self) -> None:
        """The file in which it was written, not the one that was asked for."""
        self.write("version: 1\ncustomise:\n  packages: [a, [b]]\n", "base.yaml")
        text = "version: 1\nextends: base.yaml\ncustomise:\n  packages:\n    - {c: d}\n"
        self.assertEqual(
            [
                "base.yaml:3: customise.packages[2]: takes a text; not a list",
                "t.yaml:5: customise.packages[3]: takes a text; not a mapping",
            ],
            self.problems(text),
        )

    def test_rings(self) -> None:
        """Shown as a chain."""
        self.write("version: 1\nextends: t.yaml", "b.yaml")
        [problem] = self.problems("version: 1\nextends: b.yaml")
        self.assertEqual(
            "b.yaml:2: templates extend each other: "
            "t.yaml extends b.yaml extends t.yaml",
            problem,
        )

    def test_not_there(self) -> None:
        [problem] = self.problems("version: 1\nextends: gone.yaml")
        self.assertIn("cannot read template gone.yaml, which t.yaml extends", problem)

    def test_options_are_one_more_layer(self) -> None:
        below: dict[str, Any] = {
            "packages": ("a", "b"),
            "hints": {"a": "1"},
            "tags": ("x",),
            "os": "o",
        }
        top: dict[str, Any] = {
            "packages": ("b", "c"),
            "hints": {"b": ("2", "3")},
            "tags": ("y",),
        }
        old, new, other = (File(path=p, content=c) for p, c in FILES)
        below |= {"commands": ("apt update", "x", "apt update"), "files": (old, other)}
        top |= {"commands": ("x",), "files": (new,)}
        self.assertEqual(
            {
                "packages": ("a", "b", "c"),
                "hints": {"a": "1", "b": ("2", "3")},
                "tags": ("y",),
                "os": "o",
                "commands": ("apt update", "x", "apt update", "x"),
                "files": (new, other),
            },
            template.combine(below, top),
        )


class MistakesTest(TemplateTestCase):
    """File, line, key and the nearest word, all at once."""

    def test_all_at_once(self) -> None:
        """One run names all of them, in their order."""
        self.assertEqual(
            [
                "t.yaml:1: version: takes 1; not 2",
                "t.yaml:2: custommise: no such key; did you mean customise?",
                "t.yaml:3: arch: takes x86_64, aarch64, ppc64le, s390x; "
                "not 'x86-64'; did you mean x86_64?",
                "t.yaml:5: answers.swap_mib: takes 0 at least",
                "t.yaml:6: answers.lvm: takes true or false; not 'yes'",
                "t.yaml:9: customise.files[1]: "
                "needs exactly one of content, base64, source, url",
                "t.yaml:11: customise.files[2]: path is missing",
                "t.yaml:14: build.timeout_min: takes a whole number; not '1h'",
                "t.yaml:15: build.netwrks: no such key; did you mean networks?",
                "t.yaml:16: output: takes a mapping; not a list",
            ],
            self.problems(MISTAKES),
        )

    def test_secrets_are_refused_and_not_repeated(self) -> None:
        text = (
            "version: 1\nanswers:\n  root_password: hunter2\n"
            "  root_password_hash: hunter3\ncustomise:\n  users:\n"
            "    - name: joe\n      password: {text: hunter4}\n"
        )
        found = self.problems(text)
        self.assertEqual(3, len(found), str(found))
        self.assertNotIn("hunter", " ".join(found))
        self.assertIn("{env: NAME} or {file: path}", found[0])
        self.assertIn("openssl passwd -6", found[1])

    def test_a_secret_and_its_hash(self) -> None:
        text = f"version: 1\nanswers: {{root_password: {{env: E}}, root_password_hash: {HASH}}}"
        self.useFixture(fixtures.EnvironmentVariable("E", "x"))
        self.assertIn("exclude each other", self.problems(text)[0])

    def test_files_that_are_not_there(self) -> None:
        text = (
            "version: 1\ncustomise:\n  files:\n    - {path: /a, source: gone}\n"
            "    - {path: /b, base64: a}\nanswers: {ssh_public_keys: [{file: gone}]}\n"
        )
        found = self.problems(text)
        self.assertRegex(found[0], "^t.yaml:6: cannot read gone")
        self.assertRegex(found[1], "^t.yaml:4: cannot read gone")
        self.assertRegex(found[2], "^t.yaml:5: this is not base64")

    def test_yaml(self) -> None:
        """What is no YAML, or more than we take."""
        for text, wanted in (
            ("version: 1\n\tos: x", "t.yaml:2: this is not YAML: .*tab|cannot start"),
            ("version: 1\nos: [a", "t.yaml:2: this is not YAML"),
            ("- a", "t.yaml:1: a template is a mapping"),
            ("", "t.yaml:1: a template is a mapping"),
            ("version: 1\nos: a\nos: b", "t.yaml:3: os is here twice, first in line 2"),
            ("version: 1\n? [a]\n: b", "t.yaml:2: a key must be a word"),
            ("version: 1\n<<: {os: b}", "t.yaml:2: merge keys .* use extends"),
            ("version: 1\nos: !!python/name:os.system", "t.yaml:2: tags such as"),
            ("version: 1\nos: !x y", "t.yaml:2: tags such as '!x'"),
            ("version: 1\nos: \x00", "t.yaml:1: this is not YAML"),
            ('version: 1\nos: "\\ud800"', "t.yaml:2: half a character"),
            ("version: 1\nos: !!int x", "t.yaml:2: this is no number: 'x'"),
            (
                f"version: 1\nos: {'9' * 5000}",
                "t.yaml:2: a number of more than 128 digits",
            ),
            (
                'version: 1\nextends: "a\\0"',
                "cannot read template .*null (byte|character)",
            ),
            ("version: 1\nextends: ~nobody-knows/x", "cannot read template .*~nobody"),
            (
                "version: 1\nanswers: {file: ~nobody-knows/x}",
                "t.yaml:2: cannot read ~nobody",
            ),
            ("version: 1\nbuild: &a {x: *a}", "too large or deep"),
            (f"version: 1\nbuild: {'[' * 50}{']' * 50}", "too large or deep"),
            (f"version: 1\nbuild: {'[' * 5000}", "too large or deep"),
            (BOMB, "too large or deep"),
        ):
            self.assertRegex(self.problems(text)[0], wanted)

    def test_only_oz_has_oz_auto(self) -> None:
        path = self.write("version: 1")
        error = self.assertRaises(
            SpecError, template.load, path, {}, catalog=Catalog([]), auto=True
        )
        self.assertIn("--oz-auto is for Oz's templates", str(error))


class SchemaTest(testtools.TestCase):
    """The schema itself."""

    def test_it_is_one(self) -> None:
        from jsonschema import Draft202012Validator

        Draft202012Validator.check_schema(schema.schema())

    def test_everything_is_described(self) -> None:
        """The reference is made from it."""

        def look(part: dict[str, Any], where: str) -> None:
            for key, value in part.get("properties", {}).items():
                self.assertTrue(value.get("description"), f"{where}.{key}")
                look(value, f"{where}.{key}")
                look(value.get("items", {}), f"{where}.{key}[]")

        look(schema.schema(), "")

    def test_hashes_are_known_by_both(self) -> None:
        pattern = schema.schema()["$defs"]["hash"]["pattern"]
        for text in (HASH, "$y$j9T$abc$def", "$2b$12$abc"):
            self.assertRegex(text, pattern)
            self.assertEqual(text, passwords.hashed(text))
        self.assertIsNone(re.search(pattern, "$1$md5$x"))


EVERYTHING = f"""\
version: 1
os: debian-13
arch: aarch64
source: http://mirror.example/debian
checksum: abc
from:
  image: base
  properties: {{os_distro: debian, n: 1}}
driver_iso: virtio-win.iso
answers:
  root_password: {{env: ROOT_PASSWORD}}
  ssh_public_keys: ["{KEY}", {{file: key.pub}}]
  locale: de_DE.UTF-8
  keyboard: de
  timezone: Europe/Berlin
  swap_mib: 512
  lvm: true
  firmware: uefi
  secure_boot: true
  tpm: true
disk:
  layout: cis
  filesystem: xfs
  volumes:
    - {{mount: /srv, size: 2GiB, options: [nodev, noatime]}}
    - {{mount: /var, size: 500 MiB}}
customise:
  update: false
  packages: [vim, nginx]
  repositories:
    - name: extra
      url: http://r.example
      suites: [trixie]
      components: [main]
      key: KEY
      username: reader
      password: {{file: secret}}
      keep: true
  ca_certificates:
    - PEM
    - {{file: motd, keep: true}}
  files:
    - {{path: /a, content: "text\\n", mode: 0600, owner: "www:www"}}
    - {{path: /b, base64: aGk=}}
    - {{path: /c, source: motd}}
  contents:
    - {{path: /d, source: motd, mode: 0600, owner: "www:www"}}
    - {{path: /e/, url: "http://h/x.tgz", sha256: "{"AB" * 32}", unpack: true}}
  users:
    - name: joe
      password: {{file: secret}}
      ssh_public_keys: ["{KEY}"]
      groups: [adm]
      sudo: true
    - {{name: ann, password_hash: "{HASH}"}}
  commands:
    - echo $${{HOME}}
    - systemctl enable nginx
  ansible:
    playbook: play/site.yml
    vars: {{a: [1, {{env: ROOT_PASSWORD}}]}}
  hardening: {{profile: cis, min_score: 80}}
build:
  proxy:
    url: http://p:1
    no_proxy: [a.example, 10.0.0.0/8]
    username: {{env: ROOT_PASSWORD}}
    password: {{file: secret}}
    keep: true
  flavor: m1.small
  networks: [a, b]
  security_groups: [c]
  ports: [p-one]
  server_properties: {{owner: me, n: 1}}
  volume_type: fast
  availability_zone: nova
  hints: {{group: g, different_host: [a, 1]}}
  boot_method: kernel
  disk_gib: 8
  config_drive: true
  timeout_min: 60
  stall_min: 15
  keep_on_failure: true
  attempts: 3
output:
  name: golden
  kind: image
  properties: {{version: 22.10, n: 1, yes: true}}
  tags: [one]
  visibility: shared
  min_disk_gib: 10
  min_ram_mib: 1024
  protected: true
  metadata: scs
  family: golden-base
  replace: true
  old: keep
  keep: 2
  members: [p-1]
  member_clouds: [other]
  copies:
    - cloud: two
      region: R
      verify: true
    - cloud: three
  stores: [ssd]
  all_stores: false
verify:
  commands:
    - {{name: web, run: exit 3, expect_exit: 3, timeout_s: 60}}
    - run: "true"
  files: [{{path: /t, source: motd, mode: "0700"}}]
  reboot: true
  flavors: [m1.large]
  networks: [lab]
  firmware: [uefi]
"""

BASE = """\
version: 1
variables: {mirror: http://none}
source: ${mirror}/debian
customise:
  packages: [vim, curl]
  commands: ["true"]
  files:
    - {path: /etc/motd, source: motd}
    - {path: /etc/issue, content: old}
output: {tags: [one], properties: {a: 1, b: 2}}
verify: false
"""

TOP = """\
version: 1
extends: middle.yaml
customise:
  packages: [nginx, vim]
  commands: ["true"]
  files:
    - {path: /etc/issue, content: new}
    - {path: /etc/more, content: more}
output: {tags: [two], properties: {b: 3}}
"""

MISTAKES = """\
version: 2
custommise: {}
arch: x86-64
answers:
  swap_mib: -1
  lvm: yes
customise:
  files:
    - path: /a
    # a comment
    - content: x
build:
  flavor: m1.small
  timeout_min: 1h
  netwrks: [a]
output: [x]
"""

BOMB = "version: 1\nvariables:\n  a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"  {b}: &{b} [{','.join([f'*{a}'] * 10)}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
