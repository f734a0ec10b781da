"""Bytes that are no UTF-8, in whatever others write: all commands stay harmless."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import fixtures

from osc_imagebuild.guests import catalog
from tests.fakes.faults import Fault
from tests.fakes.wire import Call, Reply
from tests.scenarios.commands.test_terminal import TerminalTestCase, wrong
from tests.unit.base import CATALOG, NAME

# No beginning, no end, too long a form, half of a pair, beyond Unicode; with a command.
PIECES = (b"\xff\xfe\xc3", b"\xc0\xaf", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80")
RAW = b"\x1b[2J".join(PIECES)


class InvalidTest(TerminalTestCase):
    """Each source of bytes in turn."""

    def test_refusals(self) -> None:
        """Of services, as HTML, as JSON, and where all should be well."""
        build = self.started()
        bodies = (
            b"<html>" + RAW + b"</html>",
            b'{"error": {"message": "' + RAW + b'"}}',
        )
        for status in (200, 400, 404, 500):
            for body in bodies:
                for service in ("image", "compute", "volume", "identity"):
                    fault = Fault("raw", Reply(status, body))
                    hook = lambda call, f=fault, s=service: (  # noqa: E731
                        f if call.service == s else None
                    )
                    where = f"{service} {status} {body[:8]!r}"
                    with self.one_of_many(where):
                        self.cloud.hooks[:] = [hook]
                        ran = self.build("show", build.id)
                        self.assert_harmless(ran, where)
                        if service in ("image", "identity"):
                            self.assertEqual(1, ran.code)

    def test_debug(self) -> None:
        """A traceback is wanted there, and harmless too."""
        logging.disable(logging.NOTSET)
        fault = Fault("raw", Reply(400, b"<html>" + RAW + b"</html>"))
        self.cloud.hooks.append(lambda call: fault if call.service == "image" else None)
        ran = self.openstack("--debug", "image", "build", "list")
        self.assertEqual(1, ran.code)
        self.assertEqual(set(), wrong(ran.err) | wrong(ran.out))

    def test_mirrors(self) -> None:
        """Directories, digests and refusals."""
        digests = b"0" * 64 + b"  " + RAW + b"\n"
        page = b'<a href="' + RAW + b'">' + RAW + b"</a>"
        for body in (RAW, digests, page):
            for status in (200, 404, 500):
                answer = Reply(status, body, {"Content-Type": "text/html"})
                self.patch(self.cloud.mirror, "serve", lambda *a, r=answer, **kw: r)
                for source in ("tree", "x.iso", "dir/"):
                    where = f"{status} {source} {body[:4]!r}"
                    with self.one_of_many(where):
                        words = (
                            "create",
                            "--os=mini",
                            f"--source=http://m.fake/{source}",
                        )
                        self.looks(where, *words, "--dry-run", NAME)

    def test_files(self) -> None:
        """Templates, answer files and consoles that were saved."""
        for raw in PIECES:
            for text in (b"version: 1\nname: " + raw + b"\n", raw, b"# " + raw):
                Path("t.yaml").write_bytes(text)
                for words in (
                    ("template", "validate", "t.yaml"),
                    ("template", "render", "t.yaml"),
                    ("create", "--template=t.yaml", "--dry-run"),
                    ("create", "--os=mini", "--answer-file=t.yaml", "--dry-run", NAME),
                ):
                    with self.one_of_many(f"{words}: {text!r}"):
                        ran = self.build(*words)
                        self.assert_harmless(ran, str(words))
                        self.assertEqual(1, ran.code, ran.err)
                self.looks(repr(text), "diagnose", "t.yaml")

    def test_catalogues(self) -> None:
        """Entries, in the middle of a text and instead of it."""
        home = Path(self.useFixture(fixtures.TempDir()).path) / "catalogue"
        shutil.copytree(CATALOG, home)
        self.useFixture(fixtures.EnvironmentVariable(catalog.ENVIRONMENT, str(home)))
        path = home / "mini.yaml"
        whole = path.read_bytes()
        for raw in PIECES:
            for text in (whole + b"# " + raw, whole.replace(b"mini", raw), raw):
                path.write_bytes(text)
                with self.one_of_many(f"{raw!r}"):
                    self.looks("list", "os", "list")
                    self.looks("show", "os", "show", "mini")
                    ran = self.create("--dry-run")
                    self.assert_harmless(ran, "create")
                    self.assertEqual(1, ran.code)

    def test_consoles(self) -> None:
        """A build goes on when Nova has passed on what is no text."""
        build = self.started()
        body = b'{"output": "INSTALLER START 0% ' + RAW + b'"}'
        calls: list[Call] = []

        def hook(call: Call) -> Fault | None:
            if b"os-getConsoleOutput" not in call.body or len(calls) == 6:
                return None
            calls.append(call)
            return Fault("raw", Reply(200, body))

        self.cloud.hooks.append(hook)
        self.assert_harmless(self.build("log", build.id), "log")
        ran = self.build("resume", build.id)
        self.assert_harmless(ran, "resume")
        self.assertEqual((0, 6), (ran.code, len(calls)), ran.err)

    def test_half_pairs(self) -> None:
        """A guest fails with what its console's bytes became; all of it is kept."""
        self.cloud.nova.plan.install_fails = "FAILED: \udcff\ud800 no disk"
        ran = self.create("--log-dir", "logs")
        self.assert_harmless(ran, "create")
        self.assertEqual(1, ran.code)
        self.assertIn("no disk", ran.err)
        build = self.builder().list().builds[0]
        self.looks("failed", "show", build.id)
        for words in (("log",), ("log", "--raw"), ("log", "--log-dir=logs")):
            ran = self.build(*words, build.id)
            self.assert_harmless(ran, str(words))
            self.assertEqual(0, ran.code, ran.err)
        for path in Path("logs").glob("*-install.log"):
            self.looks("saved", "diagnose", str(path))
