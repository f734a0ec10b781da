"""`make vendor`: what it renders, and what it says of refusals."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import fixtures
import testtools

from tests.unit.wanted import CATALOG
from tools import vendor, vendor_checks
from tools.vendor_checks import Check, checks, refusals
from tools.vendor_matrix import Case, cases, ways

FILES = (Case(CATALOG.entry("debian-13"), "x86_64", "nothing", "kernel", "d-i a\n"),)


class VendorTest(testtools.TestCase):
    """The table, and its exit status."""

    def table(self, *arguments: str) -> tuple[int, str]:
        """Run the script; return its status and what it printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = vendor.main(arguments)
        return status, out.getvalue()

    def test_without_schemas(self) -> None:
        """What is not here is named, and the rest is run."""
        status, out = self.table("--os", "debian-13")
        self.assertEqual(0, status, out)
        for words in (
            "rendering ",
            "this linter, sh -n ",
            "Agama's schema                              skipped: SCHEMAS is not given",
            "0 refused\n",
        ):
            self.assertIn(words, out)

    def test_a_directory_that_is_none(self) -> None:
        self.assertEqual(
            (2, "/no/such is no directory\n"), self.table("--schemas", "/no/such")
        )

    def test_refusals(self) -> None:
        """Each reason with the files that it is for, and status 1."""
        self.useFixture(
            fixtures.MonkeyPatch("tools.vendor.cases", lambda *a, **k: FILES)
        )
        status, out = self.table("--os", "debian-13")
        self.assertEqual(1, status, out)
        self.assertIn("line 1: not 'owner question type value': d-i a", out)
        self.assertIn("    debian-13 x86_64 nothing kernel\n", out)

    def test_warnings_of_a_launcher(self) -> None:
        """Only what is said of the file refuses it."""
        texts = ["good", "bad"]
        script = (
            'echo "[warning] /usr/bin/jing: Unable to locate xml-apis" >&2; '
            'for f; do ! grep -l bad "$f" || exit 1; done'
        )
        found = vendor_checks._in_batches(
            texts, ".xml", lambda files: ["sh", "-c", script, "sh", *files]
        )
        self.assertEqual({"bad"}, set(found))
        self.assertNotIn("launcher", found["bad"])
        self.assertIn("1.xml", found["bad"])

    def test_what_is_the_same_is_read_once(self) -> None:
        seen: list[str] = []

        def run(texts: list[str], known: object) -> dict[str, str]:
            seen.extend(texts)
            return {"d-i a\n": "bad"}

        found = refusals(Check("x", ("debian",), run), [*FILES, *FILES])
        self.assertEqual((1, {"bad": [*FILES, *FILES]}), found)
        self.assertEqual(["d-i a\n"], seen)
        self.assertEqual((0, {}), refusals(Check("x", ("suse",), run), FILES))

    def test_schemas(self) -> None:
        """A schema is used with what it refers to beside it."""
        home = Path(self.useFixture(fixtures.TempDir()).path)
        place = home / "agama" / "main"
        place.mkdir(parents=True)
        schema = {
            "$id": "https://example.org/share/profile.schema.json",
            "$schema": "https://json-schema.org/draft/2019-09/schema",
            "properties": {"product": {"$ref": "product.schema.json"}},
        }
        (place / "profile.schema.json").write_text(json.dumps(schema))
        (place / "product.schema.json").write_text('{"type": "object"}')
        [check] = [c for c in checks(home) if c.tool == "Agama's schema main"]
        good, bad = '{"product": {}}', '{"product": 1}'
        found = check.run([good, bad], {})
        self.assertEqual({bad: "product: 1 is not of type 'object'"}, found)
        missing = [c.missing for c in checks(home) if c.tool.startswith("subiquity")]
        self.assertEqual([f"no ubuntu-subiquity/*.json in {home}"], missing)

    def test_programs_are_given_files_at_once(self) -> None:
        """And one by one where they refuse."""
        calls: list[int] = []

        def command(files: list[str]) -> list[str]:
            calls.append(len(files))
            return [
                "sh",
                "-c",
                'grep -l bad "$@" /dev/null && exit 1; exit 0',
                "x",
                *files,
            ]

        texts = ["good", "bad", "good too"]
        found = vendor_checks._in_batches(texts, ".cfg", command)
        self.assertEqual(["bad"], list(found))
        self.assertEqual([3, 1, 1, 1], calls)

    def test_the_matrix(self) -> None:
        """Every entry, architecture and way is in it, and each wish."""
        found = list(cases(["rocky-9", "windows-11"], whole=False))
        self.assertEqual([], [case.failed for case in found if case.failed])
        entry = CATALOG.entry("rocky-9")
        there = {case.way for case in found if case.entry.name == "rocky-9"}
        self.assertEqual({word for word, _, _ in ways(entry, "x86_64")}, there)
        self.assertEqual(
            set(entry.arches), {c.arch for c in found if c.entry.name == "rocky-9"}
        )
        for option in ("nothing", "everything", "users", "uefi lvm swap"):
            self.assertIn(option, {case.option for case in found})
        self.assertTrue(any("linux '(http," in case.grub for case in found))
