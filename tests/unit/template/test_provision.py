"""Playbooks and hardening in templates."""

from __future__ import annotations

import os
from typing import Any

import fixtures

from osc_imagebuild.model.provision import HIDDEN, Ansible, Guide, Hardening, TreeFile
from osc_imagebuild.template import sources, trees
from tests.unit.template.test_template import TemplateTestCase

SHA256 = "0" * 64


class PlaybookTestCase(TemplateTestCase):
    """Has a playbook in a directory of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.put("play/site.yml", "- hosts: all\n")
        self.put("play/roles/a/tasks/main.yml", "[]\n")

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Have a file beside the template."""
        place = self.directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)

    def ansible(self, more: str = "", playbook: str = "play/site.yml") -> Ansible:
        """The playbook that a template has."""
        made = self.load(self.text(more, playbook))["ansible"]
        assert isinstance(made, Ansible)
        return made

    def text(self, more: str = "", playbook: str = "play/site.yml") -> str:
        """A template with it."""
        said = f"playbook: '{playbook}'" + (f", {more}" if more else "")
        return f"version: 1\ncustomise:\n  ansible: {{{said}}}\n"

    def refused(self, wanted: str, more: str = "", **given: str) -> None:
        """There is one problem, and it says this."""
        [problem] = self.problems(self.text(more, **given))
        self.assertIn(wanted, problem)
        self.assertRegex(problem, r"^t\.yaml:3: ")


class PlaybookTest(PlaybookTestCase):
    """From a template to what a request has."""

    def test_all(self) -> None:
        """Each key, and each file with its mode."""
        self.put("play/requirements.yml", "[]\n")
        self.put("play/files/run", "#!/bin/sh\n", 0o755)
        self.put("play/.git/config", "")
        self.put("play/x/__pycache__/y", "")
        self.useFixture(fixtures.EnvironmentVariable("DB", "tr0ub4dor"))
        made = self.ansible(
            "requirements: play/requirements.yml, version: 2.19.*, "
            "pip_index: 'https://p.example/simple', extra_args: ['-v', '--diff'], "
            "vars: {a: 1, b: [true, null, {env: DB}], c: {d: {env: DB}, e: 22.10}}"
        )
        files = {
            "files/run": b"#!/bin/sh\n",
            "requirements.yml": b"[]\n",
            "roles/a/tasks/main.yml": b"[]\n",
            "site.yml": b"- hosts: all\n",
        }
        tree = tuple(
            TreeFile(path=path, content=content, executable=path == "files/run")
            for path, content in files.items()
        )
        variables: dict[str, Any] = {"a": 1, "b": [True, None, "tr0ub4dor"]}
        variables["c"] = {"d": "tr0ub4dor", "e": "22.10"}
        wanted = Ansible(
            playbook="site.yml",
            tree=tree,
            requirements="requirements.yml",
            variables=variables,
            secrets=("tr0ub4dor",),
            extra_args=("-v", "--diff"),
            version="2.19.*",
            pip_index="https://p.example/simple",
        )
        self.assertEqual(wanted, made)
        self.assertNotIn("tr0ub4dor", repr(made))
        hidden = made.hidden().variables
        self.assertEqual({"d": HIDDEN, "e": "22.10"}, hidden["c"])
        self.assertEqual([1, [True, None, HIDDEN]], [hidden["a"], hidden["b"]])

    def test_directory(self) -> None:
        """The playbook may be deeper in it; beside the template it is to be said."""
        made = self.ansible("directory: play", "play/roles/a/tasks/main.yml")
        self.assertEqual("roles/a/tasks/main.yml", made.playbook)
        self.put("site.yml", "")
        self.refused("site.yml is beside the template", playbook="site.yml")
        paths = {f.path for f in self.ansible("directory: .", "site.yml").tree}
        self.assertLessEqual({"site.yml", "t.yaml", "play/site.yml"}, paths)

    def test_what_is_not_there(self) -> None:
        """Or is somewhere else."""
        self.refused("there is no file play/x.yml", playbook="play/x.yml")
        self.refused("there is no directory nowhere", playbook="nowhere/x.yml")
        self.refused("there is no file play/r.yml", "requirements: play/r.yml")
        self.put("r.yml", "")
        self.refused("r.yml is not in ", "requirements: r.yml")
        self.refused("play/site.yml is not in ", "directory: play/roles")
        self.refused("there is no directory play/site.yml", "directory: play/site.yml")
        self.refused("outside of the template's directory", "directory: ..")
        self.refused("outside of the template's directory", playbook="/etc/passwd")

    def test_secrets(self) -> None:
        """They are in the environment; a variable of the template names none."""
        self.refused("NOT_THERE is not set", "vars: {a: {env: NOT_THERE}}")
        self.refused("is the client's own variable", "vars: {a: [{env: OS_TOKEN}]}")
        for name in ("1", "'a b'", "''", "null", "[A]"):
            self.refused("is no name of one", f"vars: {{a: {{env: {name}}}}}")
        text = self.text("vars: {a: {env: '${n}'}}") + "variables: {n: HOME}\n"
        [problem] = self.problems(text)
        self.assertIn("'${n}' is no name of one", problem)
        made = self.load(self.text("vars: {a: {env: NOT_THERE}}"), check_only=True)
        self.assertEqual({"a": sources.PLACEHOLDER}, made["ansible"].variables)
        # With others it is a mapping as any other.
        made = self.ansible("vars: {a: {env: production, b: 1}}")
        self.assertEqual({"a": {"env": "production", "b": 1}}, made.variables)

    def test_schema(self) -> None:
        """What cannot be right is told with its place."""
        for more, wanted in (
            ("vars: {'a b': 1}", "vars"),
            ("extra_args: [1]", "takes a text"),
            ("extra_args: ['']", "takes 1 characters at least"),
            ("version: latest", "does not match"),
            ("pip_index: 'file:///x'", "does not match"),
            ("playbok: x", "no such key"),
        ):
            self.refused(wanted, more)
        [problem] = self.problems("version: 1\ncustomise:\n  ansible: {vars: {}}\n")
        self.assertIn("playbook is missing", problem)

    def test_merged(self) -> None:
        """A template on top changes single keys; each path is relative to its file."""
        self.write(self.text("vars: {a: 1, b: 2}"), "base.yaml")
        top = "version: 1\nextends: base.yaml\ncustomise:\n"
        made = self.load(f"{top}  ansible: {{vars: {{b: 3}}, extra_args: [-v]}}\n")
        self.assertEqual({"a": 1, "b": 3}, made["ansible"].variables)
        self.assertEqual("site.yml", made["ansible"].playbook)


class HostileTreeTest(PlaybookTestCase):
    """What a directory may have in it."""

    def test_links(self) -> None:
        """One to a file in it is that file; all others are refused."""
        play = self.directory / "play"
        (play / "again").symlink_to("site.yml")
        files = {file.path: file.content for file in self.ansible().tree}
        self.assertEqual(b"- hosts: all\n", files["again"])
        for target, wanted in (
            ("/etc/passwd", "outside of where files may be read"),
            ("../t.yaml", "outside of where files may be read"),
            ("nowhere", "cannot read"),
            ("/etc", "is a link to a directory"),
            ("roles", "is a link to a directory"),
            ("link", "cannot take link"),
        ):
            (play / "link").symlink_to(target)
            self.refused(wanted)
            (play / "link").unlink()

    def test_playbook_that_is_a_link(self) -> None:
        """It may not lead out either."""
        (self.directory / "play/out.yml").symlink_to("/etc/passwd")
        self.refused("outside of where files may be read", playbook="play/out.yml")

    def test_kinds(self) -> None:
        """A pipe would never end."""
        os.mkfifo(self.directory / "play/pipe")
        self.refused("cannot take pipe: it is a pipe")

    def test_bounds(self) -> None:
        """Of files, of their size, and of depth."""
        self.patch(trees, "SIZE_LIMIT", 100)
        self.put("play/zzz", "x" * 90)
        self.refused("cannot take zzz: it is larger than")
        self.put("play/zzz", "x" * 80)
        self.assertEqual(3, len(self.ansible().tree))
        self.patch(trees, "MOST_FILES", 2)
        self.refused("there are more than 2 files in")
        self.patch(trees, "MOST_DEPTH", 2)
        self.refused("it is deeper than 2 directories")

    def test_names(self) -> None:
        """One that is no text would be another one in the guest."""
        self.put("play/a\nb", "")
        self.refused("is no name of a file")
        (self.directory / "play/a\nb").unlink()
        with open(os.fsencode(self.directory / "play") + b"/caf\xe9", "wb"):
            pass
        self.refused("is no name of a file")


class HardeningTest(TemplateTestCase):
    """A profile, with a tailoring file and another guide."""

    def hardening(self, said: str) -> Any:
        return self.load(f"version: 1\ncustomise: {{hardening: {said}}}")["hardening"]

    def test_all(self) -> None:
        self.assertEqual(Hardening(profile="cis"), self.hardening("{profile: cis}"))
        self.write("<Tailoring/>\n", "t.xml")
        url = "https://g.example/x.deb"
        made = self.hardening(
            f"{{profile: x.y_z, tailoring: t.xml, min_score: 80, "
            f"guide: {{url: '{url}', sha256: '{SHA256}'}}}}"
        )
        wanted = Hardening(
            profile="x.y_z",
            tailoring="<Tailoring/>\n",
            guide=Guide(url=url, sha256=SHA256),
            min_score=80,
        )
        self.assertEqual(wanted, made)

    def test_wrong(self) -> None:
        for said, wanted in (
            ("{}", "profile is missing"),
            ("{profile: 'a b'}", "does not match"),
            ("{profile: a, tailoring: none.xml}", "cannot read none.xml"),
            ("{profile: a, tailoring: /etc/passwd}", "outside of the template's"),
            ("{profile: a, min_score: 101}", "takes 100 at most"),
            ("{profile: a, guide: {url: 'http://x'}}", "sha256 is missing"),
            (
                f"{{profile: a, guide: {{url: 'file:///', sha256: '{SHA256}'}}}}",
                "match",
            ),
        ):
            text = f"version: 1\ncustomise: {{hardening: {said}}}"
            [problem] = self.problems(text)
            self.assertIn(wanted, problem)
