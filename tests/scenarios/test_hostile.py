"""Hostile values in answer files: the format around them stays what it is."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from typing import Any

import testtools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osc_imagebuild.guests import families, filters
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.disk_layout import Volume
from osc_imagebuild.model.provision import Ansible, Guide, Hardening, TreeFile
from osc_imagebuild.model.request import File, Repository, Request, User
from osc_imagebuild.planning import request_checks
from tests.unit.wanted import CATALOG, RELEASES, AnswerTestCase, asked

HOSTILE = (
    "x; reboot",
    "$(reboot) `reboot` $HOME",
    'it\'s "quoted" \\',
    "two\nlines\n",
    "%end\n%post\nreboot",
    "END\nreboot\n",
    "</source></script> ]]> &amp; <!--",
    "\"}, 'x': [{{ 7 * 7 }}] {% raw %}",
    "#| ü☃ 🀀 \u2028\x85\x1b[31m\r\t",
)


class HostileTest(AnswerTestCase):
    """Whatever is in a value, the format around it stays what it is."""

    def wanted(self, entry: Entry, text: str) -> Request:
        windows = entry.family == "windows"
        path = "C:\\x y" if windows else '/etc/it\'s; $(reboot) "x"'
        file = File(path=path, content=text.encode())
        return asked(entry, commands=(text, "true"), files=(file,))

    def check(self, name: str, text: str) -> None:
        """The script has the lines that it has for a harmless value, no more."""
        entry = CATALOG.entry(name)
        script = self.script(entry, self.wanted(entry, text))
        harmless = self.script(entry, self.wanted(entry, "x" * len(text.encode())))
        self.assertEqual(harmless.count("\n"), script.count("\n"), text)
        if entry.family == "windows":
            self.assertIn(f"-Command {text!r}", script)
        else:
            self.assertIn(f"\nsh -e -c {filters.shell(text)} > $console", script)

    def test_commands_and_files(self) -> None:
        """In every family."""
        for name in RELEASES:
            for text in HOSTILE:
                self.check(name, text)

    def test_playbooks(self) -> None:
        """Names, words, variables and a tailoring file, where a family takes them."""
        guide = Guide(url="http://x/y", sha256="0" * 64)
        for name in RELEASES:
            entry = CATALOG.entry(name)
            if entry.family in ("windows", "freebsd"):
                continue
            for text in HOSTILE:
                word = re.sub("[\r\n]", " ", text)
                play = Ansible(
                    playbook=word,
                    tree=(TreeFile(path=word, content=text.encode()),),
                    requirements=word,
                    variables={"x": text},
                    secrets=(text,),
                    extra_args=("-e", word),
                )
                hard = Hardening(profile="x", tailoring=text, guide=guide)
                script = self.script(entry, asked(entry, ansible=play, hardening=hard))
                quoted = filters.shell(word)
                words = f" {quoted} {quoted} -e {quoted} > $console"
                self.assertIn(words, script, name)
                self.assertEqual(1, script.count(quoted + " > $console"))
                self.assertNotIn("\nreboot", script)

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
    def test_any_text(self, text: str) -> None:
        """As a command and in a file; blank commands are refused elsewhere."""
        if text.strip():
            for name in RELEASES:
                self.check(name, text)

    def test_words(self) -> None:
        """What becomes a name or a word of the format is refused, not quoted."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            for text in HOSTILE:
                for fields in (
                    {"packages": (text,)},
                    {"locale": text},
                    {"keyboard": text},
                    {"timezone": text},
                    {"ssh_public_keys": (text,)},
                    {"users": (User(name=text),)},
                    {"users": (User(name="x", groups=(text,)),)},
                    {"repositories": (Repository(name=text, url="http://x/"),)},
                    {"repositories": (Repository(name="x", url=f"http://{text}"),)},
                    {"files": (File(path="/x", content=b"", mode=text),)},
                    {"files": (File(path="/x", content=b"", owner=text),)},
                    {"files": (File(path=f"/\0{text}", content=b""),)},
                ):
                    request = asked(entry, **fields)
                    problems = families.family(entry.family).problems(entry, request)
                    self.assertNotEqual([], problems, f"{name} takes {fields}")

    def test_disks(self) -> None:
        """What is said of a disk stands in recipes, profiles and scripts as it is."""
        good = Volume(mount="/srv", size_mib=512)
        for text in HOSTILE:
            for fields in (
                {"disk_layout": text},
                {"filesystem": text},
                {"disk_volumes": (dataclasses.replace(good, mount=text),)},
                {"disk_volumes": (dataclasses.replace(good, mount=f"/srv/{text}"),)},
                {"disk_volumes": (dataclasses.replace(good, options=(text,)),)},
            ):
                wanted: dict[str, Any] = fields
                request = Request(name="x", **wanted)
                problems = request_checks.validate_request(request)
                self.assertEqual(1, len(problems), str(fields))
                self.assertNotIn("\n", problems[0])


class ShellTest(testtools.TestCase):
    """Words of sh, as sh itself understands them."""

    @settings(
        max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
    def test_any_words(self, texts: list[str]) -> None:
        """Each one argument, on one line, but for line ends at its end."""
        words = [filters.shell(text) for text in texts]
        self.assertNotIn("\n", "".join(words))
        lines = [f"printf '%s\\0' {word}\n" for word in words]
        script = "decode() { base64 -d; }\n" + "".join(lines)
        done = subprocess.run(["sh"], input=script.encode(), capture_output=True)
        expected = [t.rstrip("\n") for t in texts]
        said = "".join(f"{text}\0" for text in expected).encode()
        self.assertEqual((said, b""), (done.stdout, done.stderr))
