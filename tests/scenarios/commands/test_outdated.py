"""image build outdated, and create --if-changed, typed into the real shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fixtures

from tests.unit.base import NAME
from tests.unit.shell import Ran, ShellTestCase

MINI = "version: 1\nos: mini\noutput: {name: golden}\n"


class OutdatedTestCase(ShellTestCase):
    """Types commands in a directory of templates."""

    def setUp(self) -> None:
        """Have such a directory."""
        super().setUp()
        self.directory = Path(self.useFixture(fixtures.TempDir()).path)

    def write(self, name: str, text: str) -> str:
        """Write a file; return its path."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def outdated(self, *words: str) -> Ran:
        """Type the command; nothing may be written in the cloud."""
        before = len(self.cloud.mutations)
        ran = self.build("outdated", *words, "-f", "json")
        self.assertEqual(before, len(self.cloud.mutations))
        return ran


class OutdatedTest(OutdatedTestCase):
    """image build outdated"""

    def assert_states(self, ran: Ran, code: int, *states: tuple[Any, ...]) -> None:
        """The exit code, and what is said of each template."""
        self.assertEqual(code, ran.code, ran.err)
        found = [
            (Path(row["Template"]).name, row["State"], row["Reason"])
            for row in ran.json
        ]
        self.assertEqual(list(states), found)

    def test_states(self) -> None:
        """Missing, current, changed, too old."""
        path = self.write("golden.yaml", MINI)
        missing = ("golden.yaml", "missing", "no image of the family")
        self.assert_states(self.outdated(path), 3, missing)
        ran = self.build("create", "--template", path, "-f", "json")
        self.assertEqual(0, ran.code, ran.err)
        found = self.outdated(path)
        self.assert_states(found, 0, ("golden.yaml", "current", "nothing changed"))
        [row] = found.json
        self.assertEqual((NAME, ran.json["image_id"]), (row["Family"], row["Image ID"]))
        self.assertRegex(row["Built At"], r"^20\d\d-\d\d-\d\dT[0-9:]+Z$")
        self.write("golden.yaml", MINI + "# a comment changes nothing\n")
        self.assertEqual(0, self.outdated(path).code)
        self.cloud.world.sleep(2 * 86400)
        self.assertEqual(0, self.outdated(path, "--max-age", "1w").code)
        old = ("golden.yaml", "outdated", "older than 1 day")
        self.assert_states(self.outdated(path, "--max-age", "1d"), 3, old)
        self.write("golden.yaml", MINI + "customise: {}\nanswers: {firmware: uefi}\n")
        changed = ("golden.yaml", "outdated", "the template changed")
        self.assert_states(self.outdated(path), 3, changed)

    def test_layers(self) -> None:
        """Whose parent is one of the templates: as `apply` would build them."""
        self.write("base.yaml", MINI.replace("golden", "base"))
        layer = "version: 1\nfrom: {family: base}\noutput: {name: golden}\n"
        self.write("a-layer.yaml", layer)
        missing = ("missing", "no image of the family")
        directory = str(self.directory)
        self.assert_states(
            self.outdated(directory),
            3,
            ("a-layer.yaml", *missing),
            ("base.yaml", *missing),
        )
        (row,) = self.outdated(str(self.directory / "a-layer.yaml")).json
        self.assertEqual("error", row["State"])
        self.assertEqual(0, self.build("apply", directory).code)
        self.assertEqual(0, self.outdated(directory).code)
        self.write("base.yaml", MINI.replace("golden", "base, properties: {a: b}"))
        self.assert_states(
            self.outdated(directory),
            3,
            ("a-layer.yaml", "outdated", "its parent is built anew"),
            ("base.yaml", "outdated", "the template changed"),
        )

    def test_directory(self) -> None:
        """All templates in it, by name; one that is wrong keeps none from being looked at."""
        self.write("b.yaml", MINI)
        self.write("a.yml", MINI.replace("golden", "other"))
        self.write("base.yaml", "version: 1\nos: mini\n")
        self.write("compose.yaml", 'version: "3"\nservices: {}\n')
        self.write("notes.txt", "version: 1\n")
        self.write(".hidden.yaml", MINI)
        missing = "no image of the family"
        good = (("a.yml", "missing", missing), ("b.yaml", "missing", missing))
        ran = self.outdated(str(self.directory))
        self.assert_states(ran, 3, *good)
        self.assertNotIn("compose", ran.err)
        self.write("aa.yaml", MINI + "buld: {}\n")
        self.write("c.yaml", "version: [\n")
        ran = self.outdated(str(self.directory))
        self.assertEqual(1, ran.code)
        self.assertEqual(
            ["missing", "error", "missing", "error"], [row["State"] for row in ran.json]
        )
        self.assertIn("did you mean build?", ran.json[1]["Reason"])
        self.assertIn("this is not YAML", ran.json[3]["Reason"])

    def test_current_directory(self) -> None:
        """It is the default; one without templates is a mistake."""
        ran = self.outdated()
        self.assertEqual(1, ran.code)
        self.assertIn("there is no template in .", ran.err)
        Path("golden.yaml").write_text(MINI, encoding="utf-8")
        ran = self.outdated()
        self.assertEqual((3, "golden.yaml"), (ran.code, ran.json[0]["Template"]))

    def test_named(self) -> None:
        """What the user names himself must be a template with a name."""
        base = self.write("base.yaml", "version: 1\nos: mini\n")
        ran = self.outdated(base, str(self.directory / "none.yaml"))
        self.assertEqual(1, ran.code)
        reasons = [row["Reason"] for row in ran.json]
        self.assertIn("it names no image: give it output.name", reasons[0])
        self.assertIn("cannot read template", reasons[1])

    def test_variables(self) -> None:
        """As for the other commands of templates."""
        path = self.write("v.yaml", MINI + "variables: {tag: null}\n")
        self.assertIn("give --var tag=", self.outdated(path).json[0]["Reason"])
        self.assertEqual(3, self.outdated(path, "--var", "tag=x").code)

    def test_wrong_age(self) -> None:
        """The mistake is told with an example."""
        ran = self.outdated("--max-age", "soon")
        self.assertEqual(2, ran.code)
        self.assertIn("such as 30m, 12h, 90d or 2w, not 'soon'", ran.err)


class IfChangedTest(OutdatedTestCase):
    """image build create --if-changed"""

    def test_if_changed(self) -> None:
        """A build the first time only; then the image that is still good."""
        words = ("--if-changed", "-f", "json")
        first = self.create(*words)
        self.assertEqual((0, "complete"), (first.code, first.json["status"]), first.err)
        self.assertIn("to be built: no image of the family", first.err)
        before = len(self.cloud.mutations)
        ran = self.create(*words)
        self.assertEqual((0, before), (ran.code, len(self.cloud.mutations)), ran.err)
        shown, image_id = ran.json, first.json["image_id"]
        self.assertIn(f"nothing changed since {shown['built_at']}: {image_id}", ran.err)
        for key in ("id", "name", "image_id", "output"):
            self.assertEqual(first.json[key], shown[key])
        self.assertEqual("active", shown["status"])
        dry = self.create("--dry-run", *words)
        self.assertEqual((0, image_id), (dry.code, dry.json["image_id"]))
        again = self.create("--tag", "web", *words)
        self.assertEqual((0, "complete"), (again.code, again.json["status"]))
        self.assertIn("to be built: the template changed", again.err)
        self.assertNotEqual(image_id, again.json["image_id"])

    def test_copies(self) -> None:
        """What an image that is fresh lacks is made good, but by no dry run."""
        glance = self.cloud.glance
        glance.stores = ["file1", "file2"]
        glance.methods.append("copy-image")
        image_id = self.create("-f", "json").json["image_id"]
        words = ("--if-changed", "--all-stores", "-f", "json")
        before = len(self.cloud.mutations)
        self.assertEqual(0, self.create("--dry-run", *words).code)
        self.assertEqual(before, len(self.cloud.mutations))
        ran = self.create(*words)
        self.assertEqual((0, image_id), (ran.code, ran.json["image_id"]), ran.err)
        self.assertIn("copied: store file2 lacks it", ran.err)
        self.assertEqual("nothing changed", ran.json["reason"])
        self.assertEqual(2, len(glance.images[image_id].stores))
        glance.images[image_id].stores.remove("file2")
        glance.methods.remove("copy-image")
        ran = self.create(*words)
        self.assertEqual((1, image_id), (ran.code, ran.json["image_id"]), ran.err)
        self.assertIn("failed: ", ran.err)
        self.assertIn("HTTP 400", ran.json["reason"])
