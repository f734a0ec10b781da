"""What runs a user's own tests in the guest, with a real shell."""

from __future__ import annotations

import grp
import os
import pwd
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fixtures
import testtools

from osc_imagebuild.model import own_tests, own_tests_json
from osc_imagebuild.model.own_tests import Outcome, OwnTest
from osc_imagebuild.model.own_tests_json import Said
from osc_imagebuild.model.request import File
from osc_imagebuild.monitors.console import frames
from osc_imagebuild.steps.own_tests import BEGUN, OUTCOMES
from tests.unit.wanted import BUILD, CATALOG, asked, rendered

HOSTILE = "ü☃ \"quoted\" '$(id)' `id` \\c\nEND\n{{ x }} {% y %}"
OWNER = f"{pwd.getpwuid(os.getuid()).pw_name}:{grp.getgrgid(os.getgid()).gr_name}"


class GuestTestCase(testtools.TestCase):
    """Has what the user data of a test server write, in a directory of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.home = Path(self.useFixture(fixtures.TempDir()).path)
        self.console = self.home / "console"
        self.console.touch()
        self.tests: tuple[own_tests.Expected, ...] = ()

    def given(self, *tests: OwnTest, **fields: Any) -> None:
        """Have these tests, as cloud-init's script unpacks them."""
        self.tests = own_tests.expected(tests)
        request = asked(CATALOG.entry("debian-13"), tests=tests, **fields)
        script = rendered(CATALOG.entry("debian-13"), request).verify
        for name in ("plan", "run.py"):
            there = rf"imagebuild-tests/{name} <<'END'\n(.*?)\nEND\n"
            found = re.search(there, script, re.DOTALL)
            assert found, script
            text = found[1].replace('open(console, "w")', 'open(console, "a")')
            text = text.replace("(0, 15, 60)", "(0, 0)")
            (self.home / name).write_text(text)

    def boots(self) -> int:
        """Let the guest boot; return how its runner ended."""
        programs = self.home / "bin"
        programs.mkdir(exist_ok=True)
        (programs / "systemctl").write_text(f"#!/bin/sh\necho $* >> {self.home}/called")
        (programs / "systemctl").chmod(0o755)
        done = subprocess.run(
            [sys.executable, self.home / "run.py", self.home, self.console],
            # As systemd gives it: without a locale.
            env={"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C"},
            stderr=subprocess.PIPE,
            timeout=60,
        )
        self.assertEqual(b"", done.stderr)
        return done.returncode

    def said(self) -> Said | None:
        """What the console has of them."""
        data = frames.decode(self.console.read_text(), BUILD, OUTCOMES)
        return None if data is None else own_tests_json.read(data, self.tests)

    def outcomes(self) -> list[Outcome]:
        """What came of all."""
        said = self.said()
        assert said is not None
        self.assertEqual("", said.trouble)
        return list(said.outcomes)


class RunnerTest(GuestTestCase):
    """Each test is run once, whatever it does."""

    def test_outcomes(self) -> None:
        """Exit codes, signals, any bytes, and the last of much."""
        self.given(
            OwnTest(run="echo good; echo bad >&2; cat; pwd"),
            OwnTest(run="exit 3"),
            OwnTest(run="kill -9 $$"),
            OwnTest(run="printf '\\377\\033[2J\\0'; echo ' IMAGEBUILD-BOOTED'"),
            OwnTest(run="seq 1 200000"),
            OwnTest(run=f"cat <<'EOF'\n{HOSTILE}\nEOF"),
            OwnTest(run="no-such-command"),
        )
        self.assertEqual(0, self.boots())
        found = self.outcomes()
        codes = [outcome.exit_code for outcome in found]
        self.assertEqual([0, 3, 137, 0, 0, 0, 127], codes)
        self.assertEqual("good\nbad\n/", found[0].output)
        self.assertEqual("\\xff?[2J? IMAGEBUILD-BOOTED", found[3].output)
        self.assertTrue(found[4].output.endswith("199999\n200000"))
        self.assertEqual(20, len(found[4].output.splitlines()))
        self.assertEqual(HOSTILE, found[5].output)
        # Nothing of it reached the console as it was.
        lines = self.console.read_text().splitlines()
        self.assertEqual([], [ln for ln in lines if not ln.startswith(frames.SENTINEL)])

    def test_hangs(self) -> None:
        """A test is ended in time, with all that it has begun; and what it leaves behind."""
        self.given(
            OwnTest(run="echo begun; sleep 600 & sleep 600", timeout_s=1),
            OwnTest(run="sleep 600 & echo left"),
            OwnTest(run="exec >&- 2>&-; sleep 600", timeout_s=1),
            OwnTest(run="yes", timeout_s=1),
        )
        begun = time.monotonic()
        self.boots()
        self.assertLess(time.monotonic() - begun, 60)
        found = self.outcomes()
        self.assertEqual([True, False, True, True], [o.hung for o in found])
        self.assertEqual([None, 0, None, None], [o.exit_code for o in found])
        self.assertEqual(["begun", "left"], [o.output for o in found[:2]])

    def test_goes_down(self) -> None:
        """A test that takes the guest down is not begun anew: the next one is."""
        self.given(
            OwnTest(run="true"), OwnTest(run="kill -9 $PPID"), OwnTest(run="exit 1")
        )
        self.assertEqual(-9, self.boots())
        self.assertIsNone(self.said())
        data = frames.decode(self.console.read_text(), BUILD, BEGUN)
        self.assertEqual(b"[1, 1]", data)
        self.assertEqual(0, self.boots())
        found = self.outcomes()
        self.assertEqual([0, None, 1], [outcome.exit_code for outcome in found])
        self.assertFalse(found[1].hung)
        said = self.said()
        assert said is not None
        self.assertEqual(2, said.boots)
        # Once more, and it says the same.
        self.boots()
        self.assertEqual(found, self.outcomes())

    def test_reboot(self) -> None:
        """Once all are passed; and not before."""
        counted = f"echo x >> {self.home}/runs; exit 4"
        self.given(OwnTest(run=counted, expect_exit=4), test_reboot=True)
        self.boots()
        self.assertEqual("reboot\n", (self.home / "called").read_text())
        self.assertIsNone(self.said())
        self.boots()
        self.assertEqual([1, 2], [outcome.number for outcome in self.outcomes()])
        self.assertEqual("reboot\n", (self.home / "called").read_text())
        self.assertEqual("x\nx\n", (self.home / "runs").read_text())

    def test_no_reboot(self) -> None:
        """What was not passed needs none."""
        self.given(OwnTest(run="false"), test_reboot=True)
        self.boots()
        self.assertEqual([1], [outcome.exit_code for outcome in self.outcomes()])
        self.assertFalse((self.home / "called").exists())

    def test_much(self) -> None:
        """As many tests as there can be, which say much: the last of it."""
        noise = "head -c 3000 /dev/urandom | base64"
        self.given(*[OwnTest(run=f"{noise}; echo {n}") for n in range(32)])
        self.boots()
        found = self.outcomes()
        self.assertEqual(32, len(found))
        self.assertTrue(all(o.output.endswith(str(n)) for n, o in enumerate(found)))
        self.assertLess(len(self.console.read_text()), 60_000)


class FilesTest(GuestTestCase):
    """Files that tests need."""

    def test_files(self) -> None:
        """Any bytes, in directories that need not be there, before the first test."""
        path = f"{self.home}/ü/check"
        content = b"#!/bin/sh\n# \xff\0\necho run $1\n"
        file = File(path=path, content=content, mode="0755", owner=OWNER)
        self.given(OwnTest(run=f"'{path}' well"), test_files=(file,))
        self.boots()
        self.assertEqual("run well", self.outcomes()[0].output)
        self.assertEqual(content, Path(path).read_bytes())

    def test_trouble(self) -> None:
        """Without them no test is run."""
        file = File(path="/dev/null/x", content=b"", owner=OWNER)
        self.given(OwnTest(run="true"), test_files=(file,), test_reboot=True)
        self.boots()
        said = self.said()
        assert said is not None
        self.assertIn("their files cannot be written: ", said.trouble)
        self.assertEqual(0, len(said.outcomes))
