"""Templates, typed into the real shell."""

from __future__ import annotations

import json
from pathlib import Path

import fixtures

from osc_imagebuild.template import schema
from tests import paths
from tests.unit.base import NAME
from tests.unit.shell import Ran, ShellTestCase

EXAMPLES = paths.GUIDE / "examples"

SECRETS = ("ROOT_PASSWORD", "JOE_PASSWORD", "REGISTRY_TOKEN")


class TemplateCommandsTest(ShellTestCase):
    """image build template ..., without a cloud"""

    def setUp(self) -> None:
        """Have a place for templates."""
        super().setUp()
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)

    def write(self, text: str, name: str = "t.yaml") -> str:
        """Write a template; return its path."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def template(self, *words: str) -> Ran:
        """Type a command that must not need a cloud."""
        ran = self.typed("image", "build", "template", *words)
        self.assertEqual([], self.cloud.log)
        return ran

    def test_validate(self) -> None:
        """Good ones are ok, all that is wrong with the others is said."""
        good = self.write("version: 1\nos: mini\n", "good.yaml")
        bad = self.write("version: 1\nos: minni\nbuld: {}\n", "bad.yaml")
        worse = self.write("version: 1\nos: minni\noutput: {tags: [imagebuild]}\n")
        ran = self.template("validate", good, bad, worse)
        self.assertEqual((1, f"{good}: ok\n"), (ran.code, ran.out))
        for text in (
            f"{bad}:3: buld: no such key; did you mean build?",
            f"{worse}: tags that begin with imagebuild",
            f"{worse}: unknown OS 'minni'; did you mean mini?",
        ):
            self.assertIn(text, ran.err)
        self.assertEqual(0, self.template("validate", good).code)

    def test_validate_asks_the_family(self) -> None:
        """What the operating system cannot be given is found out too."""
        path = self.write("version: 1\nos: mini\ncustomise: {packages: [vim]}")
        self.assertIn(
            "mini cannot be given packages", self.template("validate", path).err
        )
        path = self.write("version: 1\nos: mini\nbuild: {boot_method: floppy}")
        self.assertIn("no boot method 'floppy'", self.template("validate", path).err)

    def test_validate_how_it_boots(self) -> None:
        """What `create` would refuse to boot is not called ok."""
        iso = "version: 1\nos: debian-13\nsource: http://mirror.fake/x.iso\n"
        ran = self.template("validate", self.write(iso))
        self.assertEqual((0, ""), (ran.code, ran.err))
        for more, text in (
            ("build: {boot_method: cdrom}", "boot method cdrom"),
            ("answers: {firmware: uefi, secure_boot: true}", "kernel starts nothing"),
            ("answers: {secure_boot: true}", "--secure-boot needs --firmware uefi"),
            ("driver_iso: x.iso", "has its drivers itself"),
        ):
            path = self.write(f"{iso}{more}")
            self.assertIn(text, self.template("validate", path).err)

    def test_validate_windows(self) -> None:
        """Its paths are not those of the others."""
        text = (
            "version: 1\nos: windows-server-2022\nsource: http://x.example/y.iso\n"
            "customise: {files: [{path: 'C:\\x\\y', content: z}]}\n"
        )
        ran = self.template("validate", self.write(text))
        self.assertEqual(0, ran.code, ran.err)
        ran = self.template("validate", self.write(text.replace("C:\\x\\y", "/x")))
        self.assertIn("a file on Windows needs a path", ran.err)

    def test_render_shows_where_the_installer_is(self) -> None:
        """As it is fetched, no template of the catalogue's."""
        ran = self.template(
            "render", self.write("version: 1\nos: rocky-9\n"), "-f", "json"
        )
        self.assertEqual(
            "http://download.rockylinux.org/pub/rocky/9/BaseOS/x86_64/os",
            ran.json["source"],
        )

    def test_render(self) -> None:
        """The answer file, with a build ID that is none."""
        path = self.write("version: 1\nvariables: {os: null}\nos: ${os}\n")
        ran = self.template("render", path, "--var", "os=mini", "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        self.assertIn('"build": "00000000-', ran.json["answer_file"])
        self.assertIn("answer=", ran.json["kernel_args"])
        ran = self.template("render", path)
        self.assertIn(f"{path}:2: variable os has no default", ran.err)
        path = self.write("version: 1\nos: rocky-9\nbuild: {config_drive: true}\n")
        shown = self.template("render", path, "-f", "json").json["kernel_args"]
        self.assertIn("inst.ks=hd:LABEL=config-2:", shown)

    def test_files_outside_of_its_directory(self) -> None:
        """Only where the user allows them, in all three commands."""
        outside = Path(self.useFixture(fixtures.TempDir()).path)
        (outside / "motd").write_text("hello", encoding="utf-8")
        source = outside / "motd"
        text = f"{{files: [{{path: /etc/motd, source: {source}}}]}}"
        path = self.write(f"version: 1\nos: debian-13\ncustomise: {text}\n")
        refusal = (
            f"{path}:3: {source} is outside of the template's directory; if you trust "
            f"who wrote it, allow that with: --allow-path {outside}"
        )
        for verb in ("validate", "render"):
            self.assertIn(refusal, self.template(verb, path).err)
            ran = self.template(verb, path, "--allow-path", str(outside))
            self.assertEqual(0, ran.code, ran.err)
        self.assertIn(refusal, self.build("create", "--template", path, NAME).err)
        allowed = ("--allow-path", "/usr", "--allow-path", str(outside))
        ran = self.build("create", "--template", path, *allowed, NAME, "--dry-run")
        self.assertNotIn("outside of the template's", ran.err)

    def test_render_iso(self) -> None:
        """The command line is that for an ISO, which may be named or be a CD."""
        url = "http://mirror.fake/x.iso"
        for os, source, words in (
            ("rocky-9", url, "inst.stage2=hd:LABEL=LABEL-OF-THE-ISO"),
            ("ubuntu-24.04", url, f"iso-url={url}"),
            ("opensuse-leap-16", "x.iso", "root=live:CDLABEL=LABEL-OF-THE-ISO"),
        ):
            text = f"version: 1\nos: {os}\nsource: {source}\n"
            path = self.write(f"{text}build: {{boot_method: kernel}}\n")
            ran = self.template("render", path, "-f", "json")
            self.assertIn(words, ran.json["kernel_args"])

    def test_schema(self) -> None:
        """Printed as it is used."""
        ran = self.template("schema")
        self.assertEqual((0, schema.schema()), (ran.code, json.loads(ran.out)))

    def test_create(self) -> None:
        """A whole build of a template, which options change."""
        path = self.write(
            f"version: 1\nos: mini\nbuild: {{flavor: m1.huge, boot_method: kernel}}\n"
            f"output: {{name: {NAME}, tags: [a], properties: {{a: 1, b: 2}}, "
            "visibility: community}\nverify: false\n"
        )
        ran = self.build(
            *("create", "--template", path, "--flavor", "m1.small"),
            *("--property", "b=3", "--tag", "b", "-f", "json"),
        )
        self.assertEqual(0, ran.code, ran.err)
        result = self.cloud.glance.images[ran.json["image_id"]]
        self.assertEqual(("1", "3"), (result.properties["a"], result.properties["b"]))
        self.assertEqual((["b"], "community"), (result.tags, result.visibility))
        self.assertEqual((NAME, "kernel"), (ran.json["name"], ran.json["boot_method"]))
        self.assertFalse(self.builder().find(ran.json["id"]).spec.verify.enabled)

    def test_create_without_enough(self) -> None:
        """A name must come from somewhere, and --var needs a template."""
        self.assertIn(
            "the image needs a name", self.build("create", "--os", "mini").err
        )
        ran = self.create("--var", "a=b")
        self.assertEqual(1, ran.code)
        self.assertIn("--var is for a template: give --template too", ran.err)
        self.assertIn("--oz-auto is for a template", self.create("--oz-auto").err)
        ran = self.create("--allow-path", "/usr")
        self.assertIn("--allow-path is for a template", ran.err)

    def test_examples_of_the_documentation(self) -> None:
        """Each is valid, and can be rendered."""
        for name in SECRETS:
            self.useFixture(fixtures.EnvironmentVariable(name, "correct horse"))
        paths = sorted(EXAMPLES.glob("*.yaml"))
        self.assertGreater(len(paths), 2)
        for path in paths:
            words = ("--var", "mirror=http://mirror.example.com/debian")
            given = words if "mirror: null" in path.read_text() else ()
            ran = self.template("validate", str(path), *given)
            self.assertEqual((0, f"{path}: ok\n"), (ran.code, ran.out), ran.err)
            ran = self.template("render", str(path), *given, "-f", "json")
            self.assertEqual(0, ran.code, ran.err)
            self.assertNotIn("correct horse", ran.out)
