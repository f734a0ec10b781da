"""A build does not depend on who watches it, nor on what their terminal can show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import fixtures
import testtools

from tests import paths

NAME = "gölden ☃ 中"
WORDS = ("create", "--os=mini", "--property", "note=ü☃")


class StreamsTest(testtools.TestCase):
    """Clients in processes of their own, started together."""

    def setUp(self) -> None:
        """Have room for what they report."""
        super().setUp()
        self.home = Path(self.useFixture(fixtures.TempDir()).path)
        self.number = 0

    def started(
        self,
        *words: str,
        name: str = NAME,
        number: int = 0,
        out: IO[Any] | int = subprocess.PIPE,
        err: IO[Any] | int = subprocess.PIPE,
        shell: str = 'exec "$@"',
        **environment: str,
    ) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a client, with streams and an encoding of its own."""
        self.number += 1
        report = self.home / str(self.number)
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))
        }
        command = (
            sys.executable,
            "-m",
            "tests.scenarios.commands.child",
            str(report),
            str(number),
        )
        process = subprocess.Popen(
            ["sh", "-c", shell, "sh", *command, *words, name],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=paths.ROOT,
            env={**kept, "PYTHONPATH": str(paths.ROOT), **environment},
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, report

    def ended(
        self, process: subprocess.Popen[bytes], report: Path
    ) -> tuple[int, bytes, bytes, dict[str, Any]]:
        """Return code, streams and report of a client."""
        out, err = process.communicate(timeout=120)
        self.assertTrue(report.exists(), f"{process.returncode}: {err!r:.3000}")
        return (
            process.returncode,
            out or b"",
            err or b"",
            json.loads(report.read_text()),
        )

    def test_encodings(self) -> None:
        """What one has no character for is written out, and the build complete."""
        # In the locale C not even words of a command line can be more than ASCII.
        ascii_only = self.started(
            *("create", "--os=mini"),
            name="golden",
            LC_ALL="C",
            PYTHONUTF8="0",
            PYTHONCOERCECLOCALE="0",
        )
        narrow = self.started(*WORDS, LC_ALL="C.UTF-8", PYTHONIOENCODING="ascii")
        for name, client in (("C", ascii_only), ("ascii", narrow)):
            code, out, err, found = self.ended(*client)
            self.assertEqual(0, code, f"{name}: {err!r}")
            self.assertEqual(["complete"], found["statuses"], name)
            self.assertIn(b"complete", out, name)
            self.assertNotIn(b"Error", err, name)
        self.assertIn(b"\\u2603", out)

    def test_nobody_reads(self) -> None:
        """Of a pipe whose reader went away, or where there is no stream at all."""
        read, write = os.pipe()
        os.close(read)
        self.addCleanup(os.close, write)
        cases: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
            "away": ({"out": write, "err": write}, ()),
            "closed": ({"shell": 'exec "$@" >&- 2>&-'}, ()),
        }
        running = {
            name: self.started(*WORDS, *words, **streams)
            for name, (streams, words) in cases.items()
        }
        for name, client in running.items():
            code, _, err, found = self.ended(*client)
            self.assertEqual(["complete"], found["statuses"], f"{name}: {err!r}")
            self.assertEqual(0, code, f"{name}: {err!r}")
            self.assertNotIn(b"Broken", err, name)
            self.assertNotIn(b"Error", err, name)

    def test_signals(self) -> None:
        """A terminal that is hung up ends a client as Ctrl-C does."""
        read, write = os.pipe()
        os.close(read)
        self.addCleanup(os.close, write)
        running = {
            "SIGHUP": self.started(*WORDS, number=signal.SIGHUP),
            "SIGHUP, terminal gone": self.started(
                *WORDS, number=signal.SIGHUP, out=write, err=write
            ),
        }
        for name, client in running.items():
            code, _, err, found = self.ended(*client)
            self.assertEqual(130, code, f"{name}: {err!r}")
            self.assertEqual({"statuses": ["building"], "leases": 0}, found, name)
            if "gone" not in name:
                self.assertIn(b"openstack image build resume", err, name)
