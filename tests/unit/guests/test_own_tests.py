"""A user's own tests: which systems run them, and what a test server is told."""

from __future__ import annotations

import base64
import json
import random
import re
import zlib
from typing import Any

import testtools

from osc_imagebuild.guests import own_tests
from osc_imagebuild.model.own_tests import OwnTest
from osc_imagebuild.model.request import File, Request
from osc_imagebuild.planning import preflight
from tests.unit.wanted import CATALOG, RELEASES, asked, rendered

HOSTILE = "'\"\\ $(reboot) `x`\nEND\n{{ x }} {% y %} </script> \u2603"
TESTS = (OwnTest(run=HOSTILE), OwnTest(name="web", run="true", expect_exit=1))


class UnableTest(testtools.TestCase):
    """Which systems can be given tests."""

    def test_families(self) -> None:
        """Those of Linux; others are refused, with a reason."""
        for name in RELEASES:
            entry = CATALOG.entry(name)
            request = asked(entry, tests=TESTS)
            found = own_tests.unable(entry, request, rendered(entry, request).verify)
            if entry.family in ("windows", "freebsd"):
                [problem] = found
                begin = f"{entry.title} cannot be given tests: "
                self.assertTrue(problem.startswith(begin), problem)
                self.assertNotIn("have no place", problem)
            else:
                self.assertEqual([], found)
            without = asked(entry)
            told = rendered(entry, without).verify
            self.assertEqual([], own_tests.unable(entry, without, told))
            self.assertNotIn("imagebuild-tests", told)


class PackedTest(testtools.TestCase):
    """What the test server gets."""

    def test_plan(self) -> None:
        """Everything of the user's is packed: no word of it is in the script."""
        entry = CATALOG.entry("rocky-9")
        file = File(path=f"/x/{HOSTILE}", content=b"\xff\0END\n", mode="0755")
        request = asked(entry, tests=TESTS, test_files=(file,), test_reboot=True)
        script = rendered(entry, request).verify
        self.assertNotIn("reboot) `x", script)
        found = re.search(r"/plan <<'END'\n([A-Za-z0-9+/=\n]+)\nEND\n", script)
        assert found, script
        plan = json.loads(zlib.decompress(base64.b64decode(found[1])))
        self.assertEqual([[HOSTILE, 300, 0], ["true", 300, 1]], plan["tests"])
        [[path, mode, owner, data]] = plan["files"]
        self.assertEqual((file.path, "0755", "root:root"), (path, mode, owner))
        self.assertEqual(file.content, base64.b64decode(data))
        self.assertTrue(plan["reboot"])

    def test_large(self) -> None:
        """User data have a limit, and what passes it is told of; the rest is packed."""
        self.assertEqual(b"", own_tests.packed(Request(name="x")))
        entry = CATALOG.entry("debian-13")
        for content, wanted in (
            (b"x" * 10**6, []),
            (random.Random(1).randbytes(50_000), ["let the tests fetch what is large"]),
        ):
            files = (File(path="/x", content=content),)
            request = asked(entry, tests=TESTS, test_files=files)
            told = rendered(entry, request)
            found = preflight.check_answers(entry, request, told)
            self.assertEqual(wanted, [problem[-33:] for problem in found])


class ProblemsTest(testtools.TestCase):
    """What is refused of a request by itself."""

    def test_problems(self) -> None:
        """Each row: what is asked for, and what is wrong with it."""
        file = File(path="/etc/x", content=b"")
        rows: tuple[tuple[dict[str, Any], str], ...] = (
            ({"tests": TESTS, "verify": False}, "leave out --no-verify"),
            ({"test_files": (file,)}, "give commands too"),
            ({"test_reboot": True}, "give commands too"),
            ({"tests": TESTS, "test_files": (file, file)}, "the path '/etc/x'"),
            (
                {"tests": TESTS, "test_files": (File(path="/a/../b", content=b""),)},
                "a file needs a whole path",
            ),
            (
                {
                    "tests": TESTS,
                    "test_files": tuple(
                        File(path=f"/etc/{n}", content=b"") for n in range(33)
                    ),
                },
                "tests can have 32 files at most",
            ),
            ({"tests": (OwnTest(run=""),)}, "this is no command"),
        )
        for fields, wanted in rows:
            [problem] = own_tests.problems(Request(name="x", **fields))
            self.assertIn(wanted, problem)
        good = Request(name="x", tests=TESTS, test_files=(file,), test_reboot=True)
        self.assertEqual([], own_tests.problems(good))
