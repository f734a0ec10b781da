"""What is tried again, how long, and what is said of it in the end."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import testtools

from devcloud import packages, patience, process, settings
from devcloud.errors import CommandError, DevcloudError, SlowError
from devcloud.media import parts
from devcloud.media.debian import base
from devcloud.patience import Patience

REFUSED = """\
Reading package lists...
E: Failed to fetch http://m.example/dists/x/Packages.xz  File has unexpected size (2 != 1). \
Mirror sync in progress? [IP: 192.0.2.1 80]
   Hashes of expected file:
    - Filesize:1 [weak]
E: Some index files failed to download. They have been ignored, or old ones used instead.
"""


class TestPatience(testtools.TestCase):
    """Bounded in tries and in time."""

    def setUp(self) -> None:
        """Have a clock that only pauses move."""
        super().setUp()
        self.now = 0.0
        self.limits: list[float] = []
        clock = mock.patch.multiple(time, monotonic=lambda: self.now, sleep=self.wait)
        clock.start()
        self.addCleanup(clock.stop)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def work(self, failures: int, takes: float = 0) -> Callable[[float], str]:
        """Something that fails so often, after so many seconds."""

        def attempt(limit: float) -> str:
            self.limits.append(limit)
            self.wait(min(takes, limit))
            if len(self.limits) <= failures:
                raise DevcloudError(f"failure {len(self.limits)}")
            return "done"

        return attempt

    def test_tries(self) -> None:
        """As many as there are pauses, and one; the last failure counts."""
        for failures, tries in ((0, 1), (1, 2), (2, 3)):
            self.limits.clear()
            kept = Patience(pauses_s=(2, 8), began=self.now)
            self.assertEqual("done", kept.again(self.work(failures)))
            self.assertEqual(tries, len(self.limits))
        self.limits.clear()
        kept = Patience(pauses_s=(2, 8), began=self.now)
        error = self.assertRaises(DevcloudError, kept.again, self.work(9))
        self.assertEqual("failure 3", str(error))

    def test_time(self) -> None:
        """All tries end in time, however slow each is."""
        kept = Patience(try_s=50, pauses_s=(1,) * 9, total_s=100, began=0)
        error = self.assertRaises(DevcloudError, kept.again, self.work(99, takes=70))
        self.assertEqual([50, 49], self.limits)
        self.assertEqual("failure 2", str(error))
        self.assertLessEqual(self.now, 100)
        error = self.assertRaises(DevcloudError, kept.again, self.work(0))
        self.assertIn("more than 100 s; what came is kept", str(error))

    def test_within(self) -> None:
        """A part of it has a bound of its own, and ends no later than all of it."""
        self.now = 50
        whole = Patience(try_s=10, pauses_s=(1,) * 9, total_s=100, began=0)
        for total_s, limits in ((40, [30, 9]), (999, [30, 19])):
            self.now = 50
            self.limits.clear()
            part = whole.within(30, total_s)
            self.assertRaises(DevcloudError, part.again, self.work(99, takes=70))
            self.assertEqual(limits, self.limits)

    def test_base_system(self) -> None:
        """One that hangs is left and tried again; all of it ends in half an hour."""
        limits: list[float] = []

        def hang(*words: object, seconds: float, **options: object) -> str:
            limits.append(seconds)
            self.wait(seconds)
            raise SlowError("mmdebstrap did not end")

        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        here = Path(scratch.name)
        work = parts.Work(here, here, here / "log", "", print)
        signed = mock.Mock(home=here, source_line="")
        with (
            mock.patch.object(base, "Apt", return_value=signed),
            mock.patch.object(base, "proxy_option", return_value=[]),
            mock.patch.object(process, "run", hang),
        ):
            self.assertRaises(SlowError, base.make, work, here)
        self.assertGreater(len(limits), 1)
        self.assertLessEqual(self.now, base.BOOTSTRAP_LIMIT_S)


class TestWhy(testtools.TestCase):
    """One line that names the cause."""

    def test_lines(self) -> None:
        """What apt calls an error, without what it adds to each."""
        for error, text in (
            (DevcloudError("first\nsecond"), "first"),
            (DevcloudError(""), "DevcloudError"),
            (KeyError("size"), "KeyError: 'size'"),
            (CommandError("c failed:\nthe last", "no such line"), "the last"),
            (
                CommandError("c failed", REFUSED),
                "Failed to fetch http://m.example/dists/x/Packages.xz File has "
                "unexpected size (2 != 1). Mirror sync in progress?",
            ),
            (
                CommandError("c", "E: one\nE: Download Failed\nE: one\nE: two"),
                "one; two",
            ),
        ):
            self.assertEqual(text, patience.why(error))
        self.assertEqual(240, len(patience.why(DevcloudError("x" * 999))))


class TestRun(testtools.TestCase):
    """Commands that fail or do not end."""

    def test_slow(self) -> None:
        """All that it started is ended, and what it wrote is logged."""
        with tempfile.TemporaryDirectory() as name:
            log = Path(name, "log")
            script = "echo begun; sleep 77.7531 & sleep 77.7531; echo over"
            self.assertRaises(
                SlowError, process.run, "sh", "-c", script, log=log, seconds=1
            )
            self.assertIn("begun", log.read_text())
        left = [pid for pid in process.live() if _is_sleep(pid)]
        self.assertEqual([], left)

    def test_failure(self) -> None:
        """All of the output can be looked through."""
        error = self.assertRaises(
            CommandError, process.run, "sh", "-c", "seq 99; exit 3"
        )
        self.assertIn("failed with 3", str(error))
        self.assertTrue(error.output.startswith("1\n2\n"))


def _is_sleep(pid: int) -> bool:
    try:
        return b"77.7531" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class TestPackages(testtools.TestCase):
    """Debian's packages and pip's, on a machine with a bad network or old lists."""

    def setUp(self) -> None:
        """Have commands that do as they are told."""
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = Path(scratch.name)
        self.commands: list[str] = []
        self.broken: dict[str, str] = {}
        for place, name, value in (
            (settings, "LOG", self.home),
            (packages, "missing", lambda: ["haproxy"]),
            (packages, "POLICY", self.home / "policy"),
            (packages, "VENV_STAMP", self.home / "stamp"),
            (packages, "run", self.run_command),
            (process, "run", self.run_command),
            (time, "sleep", lambda seconds: None),
        ):
            patch = mock.patch.object(place, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_command(self, *words: str | Path, **options: object) -> str:
        """Note a command; fail where that is wanted."""
        command = " ".join(map(str, words))
        self.commands.append(command)
        for part, output in self.broken.items():
            if part in command:
                raise CommandError("it failed", output)
        return ""

    def test_all_is_well(self) -> None:
        """Lists, downloads, installation; bounded in what each waits for."""
        packages.install()
        update, download, install = self.commands
        self.assertIn("update", update)
        self.assertIn("Error-Mode=any", update)
        self.assertIn("--download-only haproxy", download)
        self.assertNotIn("--download-only", install)
        for command in self.commands:
            self.assertIn("Acquire::Retries=", command)
            self.assertIn("Acquire::http::Timeout=", command)
        self.assertFalse(packages.POLICY.exists())

    def test_another_source_fails(self) -> None:
        """What cannot be renewed may have nothing to do with us."""
        self.broken = {"update": REFUSED}
        packages.install()
        self.assertEqual(3, sum("update" in command for command in self.commands))
        self.assertIn("haproxy", self.commands[-1])

    def test_old_lists(self) -> None:
        """Both failures are told, and what to do."""
        self.broken = {
            "update": REFUSED,
            "install": "E: Unable to locate package haproxy\n",
        }
        text = str(self.assertRaises(DevcloudError, packages.install))
        self.assertIn("Unable to locate package haproxy", text)
        self.assertIn("apt-get update failed: Failed to fetch http://m.example", text)
        self.assertIn("run this again", text)

    def test_pip(self) -> None:
        """Tried again, and the line that says why is shown."""
        self.broken = {
            "bin/pip": "noise\nERROR: No matching distribution found for x==1\n"
        }
        text = str(self.assertRaises(DevcloudError, packages.environment))
        self.assertIn("No matching distribution found for x==1", text)
        self.assertEqual(3, sum("bin/pip" in command for command in self.commands))
        self.assertFalse((self.home / "stamp").exists())


class TestTable(testtools.TestCase):
    """The end of `make test`."""

    def place(self) -> str:
        """A directory in the place of this one, where coverage is noted right now."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        return directory.name

    def test_venv(self) -> None:
        """What make did before the first part counts too."""
        whole = importlib.import_module("tools.test")

        def part(
            name: str, broken: list[str], times: dict[str, int], log: object = None
        ) -> Counter[str]:
            times[name] = 1
            return Counter(passed=1, failed=0)

        said = io.StringIO()
        with (
            mock.patch.object(whole, "run_part", part),
            mock.patch.object(whole, "ROOT", Path(self.place())),
            mock.patch.object(whole, "cloud_is_up", return_value=True),
            mock.patch.dict(os.environ, {"VENV_S": "125", "SKIP_SLOW": ""}),
            contextlib.redirect_stdout(said),
        ):
            self.assertEqual(0, whole.main())
        lines = [line.split() for line in said.getvalue().splitlines()]
        self.assertIn(["venv", "2:05"], lines)
        self.assertIn(["in", "all", "2:05"], lines)
        # Each part once, and neither of the last two lines is one.
        parts = [words[0] for words in lines[1:-2]]
        beside = [*whole.BESIDE, *whole.EITHER]
        wanted = ["venv", *whole.HERE, *beside, "builds"]
        self.assertEqual(sorted(wanted), sorted(parts))
        self.assertEqual([str(len(wanted) - 1), "passed,", "0", "failed"], lines[-1])

    def test_no_cloud(self) -> None:
        """Nothing is tried on a cloud that did not come up, and all else is."""
        whole = importlib.import_module("tools.test")
        made: list[str] = []

        def part(
            name: str, broken: list[str], times: dict[str, int], log: object = None
        ) -> Counter[str]:
            made.append(name)
            return Counter(failed=1) if name == "devcloud" else Counter(passed=1)

        said = io.StringIO()
        with (
            mock.patch.object(whole, "run_part", part),
            mock.patch.object(whole, "ROOT", Path(self.place())),
            mock.patch.object(whole, "cloud_is_up", return_value=False),
            contextlib.redirect_stdout(said),
        ):
            self.assertEqual(1, whole.main())
        self.assertEqual("devcloud-down", made[-1])
        wanted = (*whole.HERE, "devcloud", *whole.EITHER)
        self.assertEqual(sorted(wanted), sorted(made[:-1]))
        self.assertIn(f"{len(made) - 1} passed, 1 failed", said.getvalue())

    def test_venv_is_timed(self) -> None:
        """By the Makefile, before Python of that environment can run."""
        makefile = Path(__file__).parents[3] / "Makefile"
        [rule] = re.findall(r"(?m)^test:.*\n((?:\t.*\n)+)", makefile.read_text())
        script = rule.replace("$(MAKE)", "sleep 1; :").replace("$$", "$").strip("\t@")
        script = script.replace("$(PYTHON_VENV) tools/test.py", "printenv VENV_S")
        taken = process.run("sh", "-c", script).split()[-1]
        self.assertIn(int(taken), range(1, 60))

    def test_rows(self) -> None:
        """Minutes and seconds of each part, and of all."""
        # Not by name: mypy would know the script as two modules.
        whole = importlib.import_module("tools.test")
        self.assertEqual(
            [
                "time by part:",
                "  lint               0:07",
                "  builds            61:01",
                "  in all            61:08",
            ],
            whole.table({"lint": 7, "builds": 3661}, 3668),
        )
