"""image build apply, typed into the real shell."""

from __future__ import annotations

from pathlib import Path

import fixtures

from tests.fakes.faults import KILLED, Killed
from tests.unit.shell import Ran, ShellTestCase

MINI = "version: 1\nos: mini\noutput: {{name: {}}}\n"


class ApplyTest(ShellTestCase):
    """A directory of templates."""

    def setUp(self) -> None:
        """Have three, and a base."""
        super().setUp()
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)
        for name in ("a", "b", "c"):
            self.write(f"{name}.yaml", MINI.format(name))
        self.write("base.yaml", "version: 1\nos: mini\n")

    def write(self, name: str, text: str) -> None:
        """Write a template."""
        (self.directory / name).write_text(text, encoding="utf-8")

    def apply(self, *words: str) -> Ran:
        """Type the command."""
        return self.build("apply", str(self.directory), *words, "-f", "json")

    def results(self, ran: Ran, column: str = "Result") -> dict[str, str]:
        """Return what became of each template, by its file's name."""
        return {Path(row["Template"]).stem: row[column] for row in ran.json}

    def test_again_and_again(self) -> None:
        """What is missing is built; then there is nothing to do, until one changes."""
        ran = self.apply("--dry-run")
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual(dict.fromkeys("abc", "build"), self.results(ran, "Action"))
        self.assertEqual([], self.cloud.mutations)
        ran = self.apply()
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual(dict.fromkeys("abc", "complete"), self.results(ran))
        for name in "abc":
            self.assertRegex(ran.err, rf"{name}\.yaml: build [0-9a-f-]{{36}}\n")
            self.assertRegex(ran.err, rf"{name}\.yaml +\[ +\d+:\d\d\] install")
            self.assertIn(f"{name}.yaml: complete\n", ran.err)
        writes = len(self.cloud.mutations)
        ran = self.apply()
        self.assertEqual((0, writes), (ran.code, len(self.cloud.mutations)))
        self.assertEqual(dict.fromkeys("abc", "unchanged"), self.results(ran))
        self.write("b.yaml", MINI.format("b") + "answers: {firmware: uefi}\n")
        ran = self.apply("--dry-run")
        self.assertEqual("build", self.results(ran, "Action")["b"])
        self.assertEqual("the template changed", self.results(ran, "Reason")["b"])
        self.cloud.world.sleep(86400)
        ran = self.apply("--max", "1")
        self.assertEqual("complete", self.results(ran)["b"])
        named = [i for i in self.cloud.glance.images.values() if i.name == "b"]
        self.assertEqual(1, len(named))

    def test_only(self) -> None:
        """By file, name or family."""
        for word in ("a", "a.yaml"):
            ran = self.apply("--dry-run", "--only", word)
            self.assertEqual(["a"], list(self.results(ran, "Action")))
        ran = self.apply("--only", "nobody")
        self.assertEqual(1, ran.code)
        self.assertIn("--only nobody: no template has this path", ran.err)

    def test_all_mistakes(self) -> None:
        """Those of all files, at once, before anything is written."""
        self.write("a.yaml", "version: 1\nos: mini\nbuld: {}\noutput: {name: a}\n")
        self.write("b.yaml", MINI.format("b") + "build: {flavor: huge}\n")
        ran = self.apply()
        self.assertEqual(1, ran.code)
        self.assertIn("a.yaml:3: buld: no such key", ran.err)
        self.assertEqual([], self.cloud.mutations)
        self.write("a.yaml", MINI.format("c"))
        ran = self.apply()
        self.assertIn("b.yaml: no flavor 'huge'", ran.err)
        self.assertRegex(ran.err, r"c\.yaml and .*a\.yaml make images of one family, c")
        self.assertEqual([], self.cloud.mutations)

    def test_one_fails(self) -> None:
        """Exit code 1, and the others are there."""
        self.cloud.nova.plan.install_fails = "FAILED: no answer file"
        ran = self.apply("--only", "a")
        self.assertEqual(1, ran.code)
        self.assertEqual({"a": "failed"}, self.results(ran))
        self.assertIn("no answer file", self.results(ran, "Reason")["a"])

    def test_killed(self) -> None:
        """The next one goes on with what was begun."""
        self.cloud.hooks.append(
            lambda call: KILLED if call.kind == "delete server" else None
        )
        self.assertRaises(Killed, self.apply)
        self.cloud.hooks.clear()
        self.cloud.world.sleep(3600)
        ran = self.apply("--dry-run")
        actions = self.results(ran, "Action")
        self.assertEqual(dict.fromkeys("abc", "resume"), actions)
        ran = self.apply()
        self.assertEqual(dict.fromkeys("abc", "complete"), self.results(ran))

    def test_no_wait(self) -> None:
        """For cron: begun, and left."""
        ran = self.apply("--no-wait", "--max", "2")
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual(
            {"a": "waiting", "b": "waiting", "c": "postponed"}, self.results(ran)
        )
        ran = self.build("resume", "--all", "-f", "json")
        self.assertEqual(2, len(ran.json["complete"]))

    def test_numbers(self) -> None:
        """--max takes one or more."""
        for word in ("0", "-1", "x"):
            self.assertEqual(2, self.apply("--max", word).code)
