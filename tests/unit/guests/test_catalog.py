"""The catalogue: entries, their families, and a site's changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import fixtures
import testtools
import yaml
from jsonschema import Draft202012Validator

from osc_imagebuild import boot
from osc_imagebuild.builder import Builder
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import answers, catalog_schema, families, install_tree
from osc_imagebuild.guests.catalog import BUILT_IN, ENVIRONMENT, Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import offline
from tests import paths
from tests.unit.base import CloudTestCase

LONG = "a regular expression of at most 1000 characters"


class CatalogTest(testtools.TestCase):
    """Data files, merged."""

    def setUp(self) -> None:
        super().setUp()
        self.site = Path(self.useFixture(fixtures.TempDir()).path)

    def write(self, name: str, text: str) -> Catalog:
        """The catalogue with one more file of a site's."""
        path = self.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return Catalog([BUILT_IN, self.site])

    def test_every_entry_is_whole(self) -> None:
        """And says when it ends, and what its answer file is."""
        catalog = Catalog([BUILT_IN])
        self.assertGreater(len(catalog.names()), 25)
        for name in catalog.names():
            entry = catalog.entry(name)
            families.family(entry.family)
            for value in (entry.end_of_life, entry.answer_format, entry.report_hint):
                self.assertNotEqual("", value, name)
            self.assertIn("@REPORT@", entry.report_hint)
            self.assertIn("os_distro", entry.properties)
            self.assertIn("os_version", entry.properties)
            for arch in entry.arches:
                request = Request(name="x", os=name, arch=arch, source="http://x")
                tree = install_tree.install_tree(entry, request)
                kernels = {"ipxe", "kernel"} & set(entry.boot_methods)
                self.assertEqual(bool(kernels), bool(tree.kernel_url), name)
                self.assertNotIn("{", str(tree), name)
            self.assertLessEqual(
                set(entry.boot_methods), {*boot.names(), "cdrom"}, name
            )

    def test_a_mirror(self) -> None:
        """Three lines of a site's change one entry and keep the rest."""
        text = "source: http://mirror.example/debian\nvariables: {timezone: Asia/Tokyo}"
        entry = self.write("debian-13.yaml", text).entry("debian-13")
        request = Request(name="x")
        tree = install_tree.install_tree(entry, request)
        self.assertTrue(
            tree.kernel_url.startswith("http://mirror.example/debian/dists/trixie/")
        )
        answer = answers.render(entry, request, "id", tree.source).answer
        self.assertIn("time/zone string Asia/Tokyo\n", answer)
        self.assertIn("mirror/http/hostname string mirror.example\n", answer)

    def test_a_family(self) -> None:
        """A site changes all releases of a family at once."""
        catalog = self.write(
            "families/redhat.yaml", "variables: {timezone: Asia/Tokyo}"
        )
        for name in ("rocky-9", "fedora-44"):
            self.assertEqual("Asia/Tokyo", catalog.entry(name).variables["timezone"])

    def test_a_release_of_ones_own(self) -> None:
        """A few lines, and the architectures that they name."""
        catalog = self.write(
            "rocky-11.yaml",
            "family: redhat\ntitle: Rocky\nversion: 11\nsource: http://x/{{ arch }}/os\n"
            "arches: {x86_64: , aarch64: {source: http://y}}",
        )
        entry = catalog.entry("rocky-11")
        self.assertEqual(["x86_64", "aarch64"], list(entry.arches))
        for arch, url in (("x86_64", "http://x/x86_64/os"), ("aarch64", "http://y")):
            tree = install_tree.install_tree(entry, Request(name="x", arch=arch))
            self.assertEqual(f"{url}/images/pxeboot/vmlinuz", tree.kernel_url)

    def test_source_of_a_user_is_no_template(self) -> None:
        """It comes from a command line, not from the catalogue."""
        entry = Catalog([BUILT_IN]).entry("rocky-9")
        request = Request(name="x", source="http://x/{{ 7 * 7 }}/")
        tree = install_tree.install_tree(entry, request)
        self.assertEqual("http://x/{{ 7 * 7 }}", tree.source)
        answer = answers.render(entry, request, "id", tree.source).answer
        self.assertIn("url --url=http://x/{{ 7 * 7 }}\n", answer)

    def test_damaged(self) -> None:
        """The file or the entry is named."""
        for text, words in (
            ("- 1", "is not a mapping"),
            ("a: [", "cannot read catalogue file"),
            ("a: 2026-13-01", "cannot read catalogue file"),
            ("family: redhat", "entry x: title, version, source missing"),
        ):
            error = self.assertRaises(
                SpecError, lambda t=text: self.write("x.yaml", t).entry("x")
            )
            self.assertIn(words, str(error))

    def test_wrong_kinds(self) -> None:
        """A value that is not what its key takes is named, not tripped over."""
        for text, words in (
            ("properties: text", "properties takes a mapping; not 'text'"),
            ("arches: [x86_64]", "arches takes a mapping; not ['x86_64']"),
            ("arches: {x86_64: 5}", "arches.x86_64 takes a mapping; not 5"),
            ("arches: {x86_64: {kernel: 5}}", "arches.x86_64.kernel takes a text"),
            ("variables: 5", "variables takes a mapping"),
            ("timeout_min: an hour", "timeout_min takes a whole number"),
            ("boot_methods: ipxe", "boot_methods takes a list; not 'ipxe'"),
            ("kernel_args: 5", "kernel_args takes a text; not 5"),
            ("timeout: 5", "timeout: no such key; did you mean timeout_min?"),
            ("stall_min: 0", "stall_min takes a whole number from 1 to 1440; not 0"),
            ("timeout_min: true", "timeout_min takes a whole number from 1 to 1440"),
            ("boot_methods: [3]", "boot_methods[1] takes a text; not 3"),
            ("press_key: [efi]", "press_key[1] takes bios or uefi; not 'efi'"),
            ("variables: {packages: vim}", "variables.packages takes a list of texts"),
            ("variables: {1: 2}", "variables: a key must be a text, not 1"),
            ("verify: {signs: x}", "verify.signs: no such key; there are: user_data"),
            ("verify: {timeout_min: x}", "verify.timeout_min takes a whole number"),
            ("network: {dhcp: 3}", "network.dhcp takes a text; not 3"),
            ("boot_methods: []", "boot_methods needs at least one"),
            ("answer_cd: {file: ../x}", "answer_cd: not a path on a CD: '../x'"),
            ("answer_cd: {file: /x}", "answer_cd: not a path on a CD: '/x'"),
            ("answer_cd: {file: ''}", "answer_cd: not a path on a CD: ''"),
            ("answer_cd: {empty: [a//b]}", "answer_cd: not a path on a CD: 'a//b'"),
            ("answer_cd: {texts: {./a: x}}", "answer_cd: not a path on a CD: './a'"),
            ('answer_cd: {file: "a\\nb"}', "answer_cd: not a path on a CD: 'a\\nb'"),
            (f"answer_cd: {{file: {'x' * 65}}}", "answer_cd: not a path on a CD: 'xxx"),
            (
                f"answer_cd: {{label: {'X' * 17}}}",
                "answer_cd: a CD's label has 16 ASCII",
            ),
            ("answer_cd: {label: Ä}", "answer_cd: a CD's label has 16 ASCII"),
            (
                "answer_cd: {file: x, texts: {x/y: z}}",
                "answer_cd: on a CD, 'x' is a file and a directory",
            ),
            (
                "answer_cd: {file: x, empty: [x, y]}",
                "answer_cd: on a CD, a path is there once: 'x'",
            ),
            ("answer_cd: {empty: x}", "answer_cd.empty takes a list of texts; not 'x'"),
        ):
            catalog = self.write("rocky-9.yaml", text)
            error = self.assertRaises(SpecError, catalog.entry, "rocky-9")
            self.assertIn(f"catalogue entry rocky-9: {words}", str(error))

    def test_schema(self) -> None:
        """It has each key that an entry has, and fits every file of the package."""
        keys = {f.name for f in dataclasses.fields(Entry)} - {"name", "directories"}
        self.assertEqual(keys, set(catalog_schema.schema()["properties"]))
        Draft202012Validator.check_schema(catalog_schema.schema())
        files = [*BUILT_IN.glob("*.yaml"), *BUILT_IN.glob("families/*.yaml")]
        self.assertGreater(len(files), 30)
        for path in files:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
            self.assertEqual([], catalog_schema.validate_entry(data), path.name)

    def test_parts_that_are_needed(self) -> None:
        """An entry of one's own without an architecture, or a CD without its file."""
        own = "family: generic\ntitle: x\nversion: 1\nsource: http://x\nanswer: a\n"
        for text, words in (
            ("arches: {}", "arches needs at least one"),
            ("arches: {x86_64: }\nanswer_cd: {label: X}", "answer_cd.file missing"),
        ):
            catalog = self.write("own.yaml", f"{own}kernel_args: ''\n{text}")
            error = self.assertRaises(SpecError, catalog.entry, "own")
            self.assertIn(f"catalogue entry own: {words}", str(error))

    def test_wrong_signs(self) -> None:
        """They are used while a guest runs, where no error may come of them."""
        row = f"[{LONG}, a text"
        for text, words in (
            ('failures: [["ok", "x"], ["(", "x"]]', f"failures[2] takes {row}]; not"),
            ("failures: [panic]", f"failures[1] takes {row}]; not 'panic'"),
            ("progress: [[a, b]]", f"progress[1] takes {row}, per cent]"),
            ("progress: [[a, b, 101]]", f"progress[1] takes {row}, per cent]"),
            (
                'banners: ["("]',
                "banners[1] takes a regular expression of at most 1000 characters; not '('",
            ),
            ('power_off_sign: "("', "power_off_sign takes a regular expression"),
        ):
            catalog = self.write("rocky-9.yaml", text)
            error = self.assertRaises(SpecError, catalog.entry, "rocky-9")
            self.assertIn(f"catalogue entry rocky-9: {words}", str(error))
        catalog = self.write("rocky-9.yaml", 'verify: {sign: "({{ version }}"}')
        request = Request(name="x", os="rocky-9")
        error = self.assertRaises(SpecError, offline.check, catalog, request)
        self.assertIn("verify.sign is no expression that RE2 takes: '(9'", str(error))

    def test_no_tree(self) -> None:
        """What else is wrong is said beside it."""
        request = Request(name="x", os="windows-11", packages=("vim",))
        error = self.assertRaises(
            SpecError, offline.check, Catalog([BUILT_IN]), request
        )
        for words in ("give --source", "cannot be given packages", "--firmware uefi"):
            self.assertIn(words, str(error))

    def test_wrong_templates(self) -> None:
        """What cannot be rendered is an error that names the entry."""
        catalog = self.write("debian-13.yaml", "source: http://{{ nothing }}")
        entry = catalog.entry("debian-13")
        error = self.assertRaises(
            SpecError, install_tree.install_tree, entry, Request(name="x")
        )
        self.assertIn("of debian-13 cannot be rendered", str(error))
        catalog = self.write("debian-13.yaml", "source: http://x\nanswer: none.j2")
        entry = catalog.entry("debian-13")
        error = self.assertRaises(
            SpecError, answers.render, entry, Request(name="x"), "id", "http://x"
        )
        self.assertIn("template none.j2 of debian-13 fails", str(error))
        catalog = self.write("debian-13.yaml", "source: 'http://{{ 1 + version }}'")
        error = self.assertRaises(
            SpecError,
            install_tree.install_tree,
            catalog.entry("debian-13"),
            Request(name="x"),
        )
        self.assertIn("of debian-13 cannot be rendered: unsupported", str(error))


class ReadingTest(CloudTestCase):
    """When the files are read."""

    def setUp(self) -> None:
        """Have a site's directory."""
        super().setUp()
        self.site = Path(self.useFixture(fixtures.TempDir()).path)

    def title(self) -> str:
        """Return what the files say now."""
        return Catalog([self.site, paths.MINI_CATALOG]).entry("mini").title

    def test_anew(self) -> None:
        """What a file says is kept by its words, not by its name."""
        first = self.title()
        for title in ("one", "two", "one"):
            text = f"family: generic\ntitle: {title}\n"
            (self.site / "mini.yaml").write_text(text, encoding="utf-8")
            catalog = Catalog([paths.MINI_CATALOG, self.site])
            self.assertEqual(title, catalog.entry("mini").title)
        self.assertEqual(first, self.title())

    def test_apart(self) -> None:
        """What is added to one catalogue is not in the next one."""
        data = {"arches": {"x86_64": {"iso": "other.iso"}}}
        changed, other = (Catalog([paths.MINI_CATALOG]) for _ in range(2))
        changed.add("mini", data)
        self.assertEqual("other.iso", changed.entry("mini").arches["x86_64"]["iso"])
        self.assertNotEqual("other.iso", other.entry("mini").arches["x86_64"]["iso"])
        later = Catalog([paths.MINI_CATALOG]).entry("mini")
        self.assertNotEqual("other.iso", later.arches["x86_64"]["iso"])

    def test_nested_too_deeply(self) -> None:
        """Refused by either loader, with the file's name."""
        for text in (
            "a: " + "[" * 100_000,
            "\n".join(" " * n + "a:" for n in range(2000)),
        ):
            (self.site / "deep.yaml").write_text(text, encoding="utf-8")
            error = self.assertRaises(SpecError, Catalog, [self.site])
            self.assertIn(f"cannot read catalogue file {self.site}", str(error))

    def test_where_it_is_needed(self) -> None:
        """A broken file breaks nothing that asks for no entry."""
        (self.site / "broken.yaml").write_text("a: [", encoding="utf-8")
        self.useFixture(fixtures.EnvironmentVariable(ENVIRONMENT, str(self.site)))
        build = self.started()
        builder = Builder(self.cloud.connect(), clock=self.cloud.clock())
        self.assertEqual(build.id, builder.find(build.id).id)
        error = self.assertRaises(SpecError, builder.plan, self.request())
        self.assertIn("broken.yaml", str(error))
