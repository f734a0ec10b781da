"""Tests of a result by options and templates, and the report for a CI."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

import fixtures
import yaml

from osc_imagebuild.guests import catalog
from tests.unit.base import CATALOG, NAME, PARENT, TESTED
from tests.unit.shell import Ran, ShellTestCase

TEMPLATE = """\
version: 1
os: mini-tests
output: {name: golden}
verify:
  commands:
    - {name: web, run: curl}
"""


class OwnTestsCase(ShellTestCase):
    """Has tests, and a system that runs them."""

    def setUp(self) -> None:
        """Have a system whose test server runs tests, and a template."""
        super().setUp()
        entries = Path(self.useFixture(fixtures.TempDir()).path)
        (entries / "mini-tests.yaml").write_text(yaml.safe_dump(TESTED))
        paths = os.pathsep.join(map(str, (CATALOG, entries)))
        self.useFixture(fixtures.EnvironmentVariable(catalog.ENVIRONMENT, paths))
        Path("web.yaml").write_text(TEMPLATE)

    def create(self, *words: str) -> Ran:
        """Build by the template."""
        report = ("--template", "web.yaml", "--test-report", "junit.xml")
        return self.build("create", *report, *words)

    def cases(self) -> dict[str, str]:
        """The tests of the report, each with how it failed, '' where it did not."""
        root = ElementTree.parse("junit.xml").getroot()
        return {
            case.get("name", ""): "".join(t.get("message", "") for t in case)
            for case in root.iter("testcase")
        }


class CreateTest(OwnTestsCase):
    """What a CI types."""

    def test_passed(self) -> None:
        """Options add to a template's; all are shown, and in the report."""
        ran = self.create("--test-command", "true")
        self.assertEqual(0, ran.code, ran.err)
        self.assertEqual({"web": "", "test-2": ""}, self.cases())
        self.assertEqual(0o600, os.stat("junit.xml").st_mode & 0o777)
        shown = self.build("show", "-c", "tests", "-f", "value", NAME).out
        self.assertEqual(
            "web passed: exit code 0 after 2.0 s\ntest-2 passed: exit code 0 after 2.0 s\n",
            shown,
        )
        # Later on, and in place of what was there.
        Path("junit.xml").write_text("old")
        self.build("show", "--test-report", "junit.xml", NAME)
        self.assertEqual(2, len(self.cases()))
        self.assertEqual(
            0, self.build("resume", "--test-report", "junit.xml", NAME).code
        )
        self.assertEqual(["junit.xml", "web.yaml"], sorted(os.listdir()))

    def test_failed(self) -> None:
        """The report is there all the same; so is that of the next try."""
        self.cloud.nova.plan.test_exits = {"curl": 7}
        ran = self.create()
        self.assertEqual(1, ran.code)
        self.assertIn(
            "failed in step test: the test was not passed: web: exit", ran.err
        )
        self.assertIn("openstack image build retry", ran.err)
        wanted = {"web": "exit code 7 instead of 0 after 2.0 s"}
        self.assertEqual(wanted, self.cases())
        self.cloud.nova.plan.test_exits = {}
        again = ("retry", "--from", "verify", "--test-report", "junit.xml", NAME)
        self.assertEqual(0, self.build(*again).code)
        self.assertEqual({"web": ""}, self.cases())

    def test_fails_before(self) -> None:
        """A build that came to no test is an error."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        self.assertEqual(1, self.create("--attempts", "1").code)
        [(name, message)] = self.cases().items()
        self.assertEqual("install", name)
        self.assertIn("no disk", message)

    def test_no_file(self) -> None:
        """Why a build failed does not go under in why no report was written."""
        self.cloud.nova.plan.test_exits = {"curl": 7}
        os.mkdir("there")
        ran = self.create("--test-report", "there")
        self.assertIn("warning: cannot write there: it is no plain file", ran.err)
        self.assertIn("web: exit code 7", ran.err)
        ran = self.build("show", "--test-report", "no/x.xml", NAME)
        self.assertIn("cannot write no/x.xml: No such file or directory", ran.err)
        os.symlink("/dev/null", "link")
        ran = self.build("show", "--test-report", "link", NAME)
        self.assertIn("cannot write link: it is no plain file", ran.err)

    def test_refused(self) -> None:
        """Before anything is made."""
        for words, wanted in (
            (("--no-wait",), "leave out --no-wait"),
            (("--no-verify",), "leave out --no-verify"),
            (("--test-command", " "), "test test-2: this is no command: ' '"),
            (("--os", "mini"), "Mini installer cannot be given tests"),
        ):
            ran = self.create(*words)
            self.assertEqual(1, ran.code)
            self.assertIn(wanted, ran.err)
        ran = self.build("resume", "--all", "--test-report", "x.xml")
        self.assertIn("--test-report is of one build", ran.err)
        self.assertEqual([], self.images())


class TestTest(OwnTestsCase):
    """image build test"""

    def tested(self, *words: str) -> Ran:
        """Test the image that is there."""
        report = ("--test-report", "junit.xml", "-f", "json")
        return self.build("test", PARENT, *words, *report)

    def test_image(self) -> None:
        """Rows of all tests; the exit code says whether they were passed."""
        self.add_parent(properties={"imagebuild_os": "mini-tests"})
        template = ("--template", "web.yaml", "--flavor", "m1.tiny")
        ran = self.tested(*template, "--test-command", "true", "--network", "private")
        self.assertEqual(0, ran.code, ran.err)
        [web, nameless] = ran.json
        self.assertEqual(
            ("web", True, 2.0), (web["Test"], web["Passed"], web["Seconds"])
        )
        self.assertEqual("said by true", nameless["Output"])
        self.assertEqual({"web": "", "test-2": ""}, self.cases())
        self.cloud.nova.plan.test_exits = {"curl": 7}
        ran = self.tested(*template)
        self.assertEqual(1, ran.code)
        self.assertEqual([False], [row["Passed"] for row in ran.json])
        self.assertIn("the test was not passed: web: exit code 7", ran.err)
        self.assertEqual({"web": "exit code 7 instead of 0 after 2.0 s"}, self.cases())
        self.assertEqual({}, self.cloud.nova.servers)

    def test_refused(self) -> None:
        """With what is wrong."""
        for words, wanted in (
            ((), "there is no image 'parent'"),
            (("--test-command", "true"), "there is no image 'parent'"),
        ):
            ran = self.tested(*words)
            self.assertEqual(1, ran.code)
            self.assertIn(wanted, ran.err)
        self.add_parent(properties={"imagebuild_os": "mini-tests"})
        self.assertIn("give --test-command, or a template", self.tested().err)
        ran = self.tested("--test-command", "true", "--flavor", "none")
        self.assertIn("none", ran.err)
        self.assertEqual({}, self.cloud.nova.servers)
