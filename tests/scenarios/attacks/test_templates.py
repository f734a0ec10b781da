"""Templates whose author means harm: what they get at, what they cost, what is told."""

from __future__ import annotations

import os
import time
from typing import Any

import fixtures

from osc_imagebuild import template
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.template import sources
from tests.unit.template.test_template import TemplateTestCase

SECRET = "hunter2:x:0:0:horse:/battery:/staple"
OUTSIDE = "is outside of the template's directory"
# Each key that takes a file of this machine, with {} for its path.
KEYS = (
    "extends: {}",
    "source: {}",
    "driver_iso: {}",
    "answers: {{file: {}}}",
    "answers: {{root_password: {{file: {}}}}}",
    "answers: {{ssh_public_keys: [{{file: {}}}]}}",
    "customise: {{files: [{{path: /x, source: {}}}]}}",
    "verify: {{files: [{{path: /x, source: {}}}]}}",
    "customise: {{users: [{{name: u, password: {{file: {}}}}}]}}",
    "customise: {{users: [{{name: u, ssh_public_keys: [{{file: {}}}]}}]}}",
    "customise: {{repositories: [{{name: r, url: http://r, key: {{file: {}}}}}]}}",
    "customise: {{repositories: [{{name: r, url: u, password: {{file: {}}}}}]}}",
    "customise: {{ca_certificates: [{{file: {}}}]}}",
    "build: {{proxy: {{url: u, username: {{file: {}}}}}}}",
    "build: {{proxy: {{url: u, password: {{file: {}}}}}}}",
)
# Keys whose file is read when the template is.
READ = tuple(key for key in KEYS if not key.startswith(("source", "driver")))
FORMS = (
    "{out}/secret",
    "../out/secret",
    "sub/../../out/secret",
    "./../out/secret",
    "link",
    "dir/secret",
    "'${{up}}/out/secret'",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/dev/zero",
    "environ",
    "~/../../../etc/passwd",
)


class HostileTestCase(TemplateTestCase):
    """A stranger's templates, beside what is not theirs."""

    def setUp(self) -> None:
        """Have a directory of the stranger's, and another one."""
        super().setUp()
        top = self.directory
        self.outside = top / "out"
        self.outside.mkdir()
        (self.outside / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
        self.directory = top / "in"
        (self.directory / "sub").mkdir(parents=True)
        for name, target in (
            ("link", "../out/secret"),
            ("dir", self.outside),
            ("environ", "/proc/self/environ"),
        ):
            (self.directory / name).symlink_to(target)
        self.useFixture(fixtures.EnvironmentVariable("SECRET", SECRET))

    def loaded(self, text: str, *allow: str, check_only: bool = False) -> Any:
        """Return a template's fields."""
        path, catalog = self.write(text), Catalog([])
        return template.load(
            path, {}, catalog=catalog, check_only=check_only, allow=allow
        ).fields

    def refused(self, text: str, *allow: str, check_only: bool = False) -> str:
        """Return what is told of a template, soon, and without the secret."""
        began = time.process_time()
        error = self.assertRaises(
            SpecError, self.loaded, text, *allow, check_only=check_only
        )
        self.assertLess(time.process_time() - began, 20)
        for word in ("hunter2", "horse", "battery", "staple"):
            self.assertNotIn(word, str(error))
        self.assertNotIn("root:x", str(error))
        return str(error)


class PlaceTest(HostileTestCase):
    """Where files may be."""

    def test_every_key_and_form(self) -> None:
        """Whatever names a file, however: only below the template's directory."""
        for key in KEYS:
            for form in FORMS:
                path = form.format(out=self.outside)
                if "extends" in key and "$" in path:
                    continue  # there are no variables in it
                text = f"version: 1\nvariables: {{up: ..}}\n{key.format(path)}\n"
                for check_only in (False, True):
                    told = self.refused(text, check_only=check_only)
                    self.assertIn(OUTSIDE, told, text)
                    self.assertIn("t.yaml:3: ", told)
                    self.assertIn("--allow-path", told)

    def test_allowed(self) -> None:
        """A directory, a file, several: what the user allows is read."""
        for allow in (
            (str(self.outside),),
            (str(self.outside / "secret"),),
            ("/usr", str(self.outside.parent)),
        ):
            for key in READ[1:]:
                self.loaded(f"version: 1\n{key.format('../out/secret')}", *allow)
        self.refused("version: 1\nanswers: {file: ../out/secret}", "/usr")

    def test_allowed_paths_that_are_none(self) -> None:
        """An empty one would be the current directory."""
        for path in ("", "/nowhere/at/all"):
            told = self.refused("version: 1", path)
            self.assertIn(f"--allow-path {path!r}: there is no such directory", told)

    def test_files_of_an_allowed_template(self) -> None:
        """They may be where it is."""
        self.outside.joinpath("base.yaml").write_text(
            "version: 1\nanswers: {file: secret}", encoding="utf-8"
        )
        found = self.loaded("version: 1\nextends: ../out/base.yaml", str(self.outside))
        self.assertEqual({"answer_file": f"{SECRET}\n"}, dict(found))

    def test_a_source_in_the_current_directory(self) -> None:
        """A bare name is a file there for planning, so it is looked at here."""
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.outside)
        for key in ("source", "driver_iso"):
            self.assertIn(OUTSIDE, self.refused(f"version: 1\n{key}: secret"))
        self.assertEqual("other", self.loaded("version: 1\nsource: other")["source"])

    def test_a_source_beside_the_template(self) -> None:
        """Is found from wherever the command is typed."""
        iso = self.directory / "x.iso"
        iso.write_bytes(b"")
        for name in ("x.iso", "./x.iso", str(iso)):
            found = self.loaded(f"version: 1\nsource: {name}")["source"]
            self.assertEqual(str(iso.resolve()), found)

    def test_what_is_no_file(self) -> None:
        """Addresses and names of images are as they were."""
        for name in ("http://m/x.iso", "debian-13.iso", "file:///etc/passwd"):
            found = self.loaded(f"version: 1\nsource: {name}")["source"]
            self.assertEqual(name, found)

    def test_a_template_in_the_root_directory(self) -> None:
        """Does not have the whole machine for its own."""
        reader = sources.Reader("/t.yaml")
        self.assertFalse(reader.is_own("/etc/passwd"))

    def test_extending_what_a_url_names(self) -> None:
        for url in ("http://x/base.yaml", "file:///etc/passwd"):
            told = self.refused(f"version: 1\nextends: {url}")
            self.assertIn("a template extends a file, not what a URL names", told)


class KindTest(HostileTestCase):
    """Of what kind and size they may be."""

    def test_what_is_no_plain_file(self) -> None:
        """Pipes, devices and directories, as the template or in it."""
        os.mkfifo(self.directory / "pipe")
        for key in READ:
            for name in ("pipe", "sub"):
                self.assertIn(
                    "not a plain file", self.refused(f"version: 1\n{key}".format(name))
                )
        for path in (self.directory / "pipe", "/dev/zero", "/proc/self/environ"):
            error = self.assertRaises(
                SpecError, template.load, str(path), {}, catalog=Catalog([])
            )
            self.assertIn("cannot read template", str(error))

    def test_too_large(self) -> None:
        """30 MB of keys, and holes of a terabyte."""
        with (self.directory / "large").open("wb") as file:
            file.write(b"ssh-ed25519 AAAA\n" * 2_000_000)
        with (self.directory / "holes").open("wb") as file:
            file.truncate(1 << 40)
        for key in READ:
            for name in ("large", "holes"):
                self.assertIn(
                    "larger than", self.refused(f"version: 1\n{key}".format(name))
                )

    def test_too_large_together(self) -> None:
        """Many files, each of which is small enough."""
        (self.directory / "part").write_bytes(b"x" * sources.SIZE_LIMIT)
        item = "{path: /x%d, source: part}"
        items = ", ".join(item % n for n in range(20))
        told = self.refused(f"version: 1\ncustomise: {{files: [{items}]}}")
        self.assertIn(f"may have {sources.TOTAL_LIMIT} bytes together", told)

    def test_longest_chain(self) -> None:
        """Ten templates; an eleventh is refused."""
        for number in range(1, 12):
            self.write(f"version: 1\nextends: t{number + 1}.yaml", f"t{number}.yaml")
        self.write("version: 1\nos: mini", "t10.yaml")
        self.assertIn("9 others at most", self.refused("version: 1\nextends: t1.yaml"))
        self.assertEqual("mini", self.loaded("version: 1\nextends: t2.yaml")["os"])

    def test_yaml_that_costs(self) -> None:
        """Deep, long, endless and huge: told at once."""
        for text in (
            "a: " + "[" * 5_000,
            "- " * 30_000,
            "? " * 30_000,
            "a: " + "{a: " * 10_000,
            "a: &a [*a]",
            "a: &a {b: [*a]}",
            "a: [" + "x," * 20_000 + "]",
            "".join(f"k{n}: 1\n" for n in range(10_000)),
            "a: " + "9" * 9_000,
            "a: 0x" + "f" * 9_000,
            "a: &a0 [x]\n"
            + "".join(
                f"k{n}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(20)
            ),
            "a: " + "x" * (2 << 20),
        ):
            self.assertRegex(self.refused(text), "too large or deep|128 digits|larger")

    def test_variables_that_cost(self) -> None:
        """Much of what is put in often, whether by name or by alias."""
        large = "y" * 400_000
        for text in (
            f"variables: {{x: {large}}}\nos: '{'${x}' * 1000}'",
            f"variables: {{x: &a {large}}}\nbuild: {{networks: [{'*a, ' * 1000}]}}",
        ):
            self.assertIn("too large or deep", self.refused(f"version: 1\n{text}"))
        text = "version: 1\nos: '" + "${" * 100_000 + "'"
        began = time.process_time()
        self.loaded(text)
        self.assertLess(time.process_time() - began, 10)

    def test_mistakes_that_cost(self) -> None:
        """A hundred are told, and the near words of few are looked for."""
        names = range(1000)
        unknown = ", ".join(f"'${{w{n}}}'" for n in names)
        for text in (
            "".join(f"versio{n}: 1\n" for n in names),
            f"variables: {{{', '.join(f'v{n}: 1' for n in names)}}}\n"
            f"build: {{networks: [{unknown}]}}",
            f"build: {{networks: [{'[], ' * 2000}]}}",
        ):
            told = self.refused(f"version: 1\n{text}")
            self.assertIn("100 things keep this build", told)
        self.assertGreater(400, len(self.refused(f"version: 1\n? {'v' * 900}\n: 1")))

    def test_layers_that_cost(self) -> None:
        """Two of many keys; and names of items that are none."""
        keys = ", ".join(f"k{n}: 1" for n in range(1500))
        text = f"output: {{properties: {{{keys}}}}}"
        self.write(f"version: 1\n{text}", "base.yaml")
        self.loaded(f"version: 1\nextends: base.yaml\n{text}")
        text = "customise: {files: [{path: [a]}, {path: {b: c}}, {}, 1]}"
        self.write(f"version: 1\n{text}", "base.yaml")
        told = self.refused(f"version: 1\nextends: base.yaml\n{text}")
        self.assertIn("customise.files[8]: takes a mapping", told)


class WordsTest(HostileTestCase):
    """What is told of files that are not the template's."""

    def test_errors_of_yaml_do_not_quote(self) -> None:
        """Line, column and kind are enough."""
        for text in (
            SECRET,
            f"{SECRET}\n{SECRET}: x: y",
            f"a: '{SECRET}",
            f"a: *{SECRET}",
            f"- {SECRET}\nb: c",
            f"a: !{SECRET}!x y",
            f"{SECRET}\n\t{SECRET}",
            f"a: &{SECRET} x\nb: &{SECRET} y",
            f"a: \x01{SECRET}",
            f"%{SECRET}\n---\na: b",
            f'a: "\\{SECRET}"',
        ):
            self.assertRegex(self.refused(text), r"t\.yaml:\d+: ")

    def test_a_link_to_another_file(self) -> None:
        """`validate *.yaml` in a stranger's directory follows it, and says nothing."""
        for text in (
            "{hunter2: x}",
            f"version: '{SECRET}'",
            f"version: 1\nos: [horse]\narch: '{SECRET}'",
            f"version: 1\nos: ${{{SECRET}}}",
            f"version: 1\nvariables: {{'{SECRET}': !!int '{SECRET}'}}",
            f"version: 1\n? '{SECRET}'\n: 1\n? '{SECRET}'\n: 2",
        ):
            (self.outside / "secret").write_text(text, encoding="utf-8")
            error = self.assertRaises(
                SpecError,
                template.load,
                str(self.directory / "link"),
                {},
                catalog=Catalog([]),
            )
            self.assertNotRegex(str(error), "hunter2|horse")
            self.assertIn("wrong here", str(error))
            text = "extends: ../out/secret"
            self.assertIn("wrong here", self.refused(text, str(self.outside)))

    def test_own_mistakes_are_quoted(self) -> None:
        """Beside the template they help."""
        self.write("version: 1\narch: vax", "base.yaml")
        [problem] = self.problems("version: 1\nextends: base.yaml")
        self.assertIn("base.yaml:2: arch: takes x86_64", problem)
        self.assertIn("not 'vax'", problem)


class EnvironmentTest(HostileTestCase):
    """Which variables are read."""

    def password(self, name: str) -> str:
        return f"version: 1\nanswers: {{root_password: {{env: {name}}}}}"

    def test_named(self) -> None:
        self.assertEqual(SECRET, self.loaded(self.password("SECRET"))["root_password"])

    def test_the_clients_own(self) -> None:
        """Credentials of the cloud are nobody's password."""
        for name in ("OS_PASSWORD", "OS_TOKEN", "os_password"):
            self.useFixture(fixtures.EnvironmentVariable(name, SECRET))
            for check_only in (False, True):
                told = self.refused(self.password(name), check_only=check_only)
                self.assertIn("is the client's own variable", told)

    def test_named_by_a_variable(self) -> None:
        """What a template asks for is what stands in it."""
        text = self.password("'${n}'") + "\nvariables: {n: SECRET}"
        self.assertIn("answers.root_password.env", self.refused(text))

    def test_of_templates_elsewhere(self) -> None:
        """One that is extended from another directory asks for nothing."""
        base = self.outside / "base.yaml"
        base.write_text(self.password("SECRET"), encoding="utf-8")
        text = "version: 1\nextends: ../out/base.yaml"
        told = self.refused(text, str(self.outside))
        self.assertIn("write {env: SECRET} in yours", told)
        own = self.password("SECRET").replace("version: 1\n", "")
        found = self.loaded(f"{text}\n{own}", str(self.outside))
        self.assertEqual(SECRET, found["root_password"])


class NumbersTest(HostileTestCase):
    """Numbers that no machine has."""

    def test_too_large(self) -> None:
        for text, most in (
            ("build: {disk_gib: 131000000}", "65536"),
            (f"build: {{disk_gib: {'9' * 100}}}", "65536"),
            ("answers: {swap_mib: 99999999999}", "1048576"),
            ("build: {timeout_min: 1441}", "1440"),
            ("build: {stall_min: 99999999}", "1440"),
            ("build: {attempts: 1000}", "5"),
        ):
            self.assertIn(f"takes {most} at most", self.refused(f"version: 1\n{text}"))
