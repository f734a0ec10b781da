"""What the library says to do next, as commands."""

from __future__ import annotations

import tomllib

import testtools

from osc_imagebuild.errors import Message, NextStep, SpecError, Verb
from osc_imagebuild.v1.retry import RetryImageBuild
from osc_imagebuild.v1.wording import command_line, worded
from tests import paths
from tests.unit.base import NAME
from tests.unit.shell import ShellTestCase

WAYS = {
    Verb.LIST: "list",
    Verb.SHOW: "show ID",
    Verb.RESUME: "resume ID",
    Verb.RETRY: "retry ID",
    Verb.COPY: "copy ID",
    Verb.CANCEL: "cancel ID",
    Verb.DELETE: "delete ID",
    Verb.LOG: "log ID",
    Verb.SCREENSHOT: "screenshot ID",
    Verb.LIST_OS: "os list",
    Verb.LIST_FAMILIES: "family list",
    Verb.SHOW_REPORT: "os show ID -c answer_report -f value",
}
WITHOUT_TARGET = (Verb.LIST, Verb.LIST_OS, Verb.LIST_FAMILIES)


class WordingTest(testtools.TestCase):
    """Each next step is a command."""

    def test_commands(self) -> None:
        """All of them, as they are typed; each is a command that is installed."""
        self.assertEqual(set(Verb), set(WAYS))
        project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())
        installed = project["project"]["entry-points"]["openstack.image_build.v1"]
        for verb, words in WAYS.items():
            step = NextStep(verb, "" if verb in WITHOUT_TARGET else "ID")
            self.assertEqual(f"openstack image build {words}", command_line(step))
            name = "_".join(words.partition(" ID")[0].split())
            self.assertIn(f"image_build_{name}", installed)
        anew = (("start", "install"), ("availability_zone", "z2"))
        self.assertEqual(
            "openstack image build retry ID --from install --availability-zone z2",
            command_line(NextStep(Verb.RETRY, "ID", anew)),
        )
        parser = RetryImageBuild(None, None).get_parser("retry")
        given = parser.parse_args(
            command_line(NextStep(Verb.RETRY, "ID", anew)).split()[4:]
        )
        self.assertEqual(("ID", "install"), (given.build, given.start))
        self.assertEqual("z2", given.availability_zone)
        key = NextStep(Verb.RESUME, "ID", (("signing_key", "<key>"),))
        self.assertEqual(
            "openstack image build resume ID --sign-key-path <key>", command_line(key)
        )
        screenshot = NextStep(Verb.SCREENSHOT)
        self.assertEqual("openstack image build screenshot", command_line(screenshot))

    def test_words_of_others(self) -> None:
        """Each is one word for a shell, but what the user is to fill in."""
        for text, wanted in (("x; reboot", "'x; reboot'"), ("<flavor>", "<flavor>")):
            step = NextStep(Verb.RETRY, text, (("flavor", text),))
            self.assertEqual(
                f"openstack image build retry {wanted} --flavor {wanted}",
                command_line(step),
            )

    def test_texts(self) -> None:
        """Errors, messages, and texts in which there is nothing to word."""
        message = Message("see: ", NextStep(Verb.LIST), "!")
        for text in (message, SpecError(message)):
            self.assertEqual("see: openstack image build list!", worded(text))
        self.assertEqual("plain", worded("plain"))


class CommandsTest(ShellTestCase):
    """No command speaks of the library's calls."""

    def assert_worded(self, text: str, *commands: str) -> None:
        """The text names these commands, and no call."""
        for command in commands:
            self.assertIn(f"openstack image build {command}", text)
        for call in ("Builder.", "Catalog."):
            self.assertNotIn(call, text)

    def test_unknown_os(self) -> None:
        """By each command that takes one."""
        commands: tuple[tuple[str, ...], ...] = (
            ("create", "--os", "minni", NAME),
            ("os", "show", "minni"),
            ("diagnose", "--os", "minni", __file__),
            ("diagnose", "--os", "minni", __file__, __file__),
        )
        for words in commands:
            ran = self.build(*words)
            self.assertEqual(1, ran.code, str(words))
            self.assert_worded(ran.err, "os list")

    def test_template(self) -> None:
        """Problems and warnings of one."""
        with open("web.yaml", "w") as file:
            file.write("version: 1\nos: minni\n")
        self.assert_worded(
            self.build("template", "validate", "web.yaml").err, "os list"
        )
        with open("install.sh", "w") as file:
            file.write("poweroff\n")
        with open("web.yaml", "w") as file:
            file.write("version: 1\nos: debian-13\nanswers: {file: install.sh}\n")
        ran = self.build("template", "validate", "web.yaml")
        self.assert_worded(ran.err, "os show debian-13 -c answer_report -f value")

    def test_failed(self) -> None:
        """A build that fails here, in a fleet, and once it is over."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        first = self.started()
        ran = self.build("resume", "--all", "-f", "json")
        [reason] = ran.json["failed"].values()
        ways = [f"{verb} {first.id}" for verb in ("retry", "log", "delete")]
        self.assert_worded(reason, *ways)
        second = self.started()
        ran = self.build("resume", second.id)
        ways = [f"{verb} {second.id}" for verb in ("retry", "log", "delete")]
        self.assert_worded(ran.err, *ways)

    def test_no_build(self) -> None:
        """One at a time, and several of which each is named."""
        for verb in ("show", "cancel", "retry", "screenshot"):
            ran = self.build(verb, "nobody")
            self.assertEqual(1, ran.code)
            self.assert_worded(ran.err, "list")

    def test_empty_console(self) -> None:
        """One file, and as a row of several."""
        open("empty.log", "w").close()
        one = self.build("diagnose", "empty.log")
        self.assert_worded(one.err, "screenshot")
        two = self.build("diagnose", "empty.log", "empty.log", "-f", "json")
        for row in two.json:
            self.assert_worded(row["reason"], "screenshot")
