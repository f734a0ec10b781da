"""Examples in the user guide, run as they stand there."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import fixtures
import openstack
import testtools
import yaml

from osc_imagebuild import template
from osc_imagebuild.cloud import api
from osc_imagebuild.errors import InstallError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import offline
from tests import paths
from tests.fakes.faults import outage
from tests.unit.base import CloudTestCase

GUIDE = paths.GUIDE
_PYTHON = re.compile(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)")


class MatrixTest(testtools.TestCase):
    """doc/source/user/examples/matrix.yaml."""

    def test_boots(self) -> None:
        """As many as its text says."""
        path = str(GUIDE / "examples/matrix.yaml")
        fields = template.load(path, {}, catalog=Catalog()).fields
        self.assertEqual(("m1.small", "m1.large"), fields["test_flavors"])
        self.assertEqual(("private", "lab"), fields["test_networks"])
        self.assertEqual(1, len(fields["tests"]))


class TestedTest(testtools.TestCase):
    """doc/source/user/examples/tested.yaml, with what it runs goss by."""

    def setUp(self) -> None:
        """Have programs that look like curl, sha256sum and goss."""
        super().setUp()
        self.home = Path(self.useFixture(fixtures.TempDir()).path)
        path = str(GUIDE / "examples/tested.yaml")
        self.fields = template.load(path, {}, catalog=Catalog()).fields
        self.goss, self.answers, self.telnet = self.fields["tests"]

    def program(self, name: str, text: str) -> None:
        """Have a program that notes its call."""
        path = self.home / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.home}/calls\n{text}\n')
        path.chmod(0o755)

    def run_goss(self) -> tuple[int, list[str]]:
        """Run the command as the test server does; return exit code and calls."""
        (self.home / "calls").write_text("")
        command = self.goss.run.replace("/var/tmp", str(self.home))
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env={**os.environ, "PATH": f"{self.home}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return done.returncode, (self.home / "calls").read_text().splitlines()

    def test_command(self) -> None:
        """What is fetched is checked, and only then run; goss has the last word."""
        fetched = "#!/bin/sh\\necho goss $* >> calls\\nexit 3\\n"
        self.program("curl", f"[ \"$2\" = -o ] && printf '{fetched}' > goss")
        self.program(
            "sha256sum", "read sum name && [ ${#sum} = 64 ] && [ $name = goss ]"
        )
        code, calls = self.run_goss()
        self.assertEqual(3, code)
        url = (
            "https://github.com/goss-org/goss/releases/download/v0.4.9/goss-linux-amd64"
        )
        self.assertEqual(
            [
                f"curl -sSfL -o goss {url}",
                "sha256sum -c --quiet",
                "goss --gossfile goss.yaml validate --format documentation --no-color",
            ],
            calls,
        )
        self.program("sha256sum", "exit 1")
        code, calls = self.run_goss()
        self.assertEqual((1, 2), (code, len(calls)))
        self.program("curl", "exit 22")
        code, calls = self.run_goss()
        self.assertEqual((22, 1), (code, len(calls)))

    def test_file(self) -> None:
        """It goes to where the command looks, and is what goss reads: resources by names.

        Source: goss 0.4.9, docs/gossfile.md: package, service, port, file, http.
        """
        [file] = self.fields["test_files"]
        self.assertEqual("/var/tmp/goss.yaml", file.path)
        self.assertIn("cd /var/tmp\n", self.goss.run)
        known = {
            "package": {"installed"},
            "service": {"enabled", "running"},
            "port": {"listening"},
            "file": {"exists", "owner", "mode"},
            "http": {"status", "timeout"},
        }
        said = yaml.safe_load(file.content)
        self.assertEqual(set(known), set(said))
        for kind, resources in said.items():
            for resource, wanted in resources.items():
                self.assertEqual(known[kind], set(wanted), f"{kind} {resource}")
        self.assertEqual("0644", said["file"]["/etc/nginx/nginx.conf"]["mode"])

    def test_plan(self) -> None:
        """It is a good template, whose user data Nova takes."""
        outline = offline.check(Catalog(), Request(name="web", **self.fields))
        assert outline.answers is not None
        self.assertIn("imagebuild-tests.service", outline.answers.verify)
        self.assertTrue(self.fields["test_reboot"])
        self.assertEqual(("answers", 0), (self.answers.name, self.answers.expect_exit))
        self.assertEqual(("no telnet", 1), (self.telnet.name, self.telnet.expect_exit))


class LibraryTest(CloudTestCase):
    """doc/source/user/library.rst"""

    def setUp(self) -> None:
        """Have a mirror of Debian, and a template of the guide as web.yaml."""
        super().setUp()
        self.patch(openstack, "connect", lambda cloud: self.cloud.connect(cloud))
        self.patch(api, "Clock", lambda: self.cloud.clock())
        home = self.useFixture(fixtures.TempDir()).path
        self.useFixture(fixtures.EnvironmentVariable("OSC_IMAGEBUILD_CATALOG", home))
        self.useFixture(fixtures.EnvironmentVariable("XDG_CONFIG_HOME", home))
        source = "source: http://mirror.fake/debian\n"
        Path(home, "debian-13.yaml").write_text(source, encoding="utf-8")
        own = (GUIDE / "examples/own-mirror.yaml").read_text(encoding="utf-8")
        own = own.replace("source: ${mirror}\n", "")  # `http://...` leads nowhere
        Path(home, "web.yaml").write_text(own, encoding="utf-8")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(home)

    def parts(self) -> list[str]:
        """Return the guide's code."""
        text = (GUIDE / "library.rst").read_text(encoding="utf-8")
        parts = [textwrap.dedent(part) for part in _PYTHON.findall(text)]
        self.assertEqual(4, len(parts))
        return parts

    def test_errors(self) -> None:
        """The parts on errors: a ticket, a later try, other words."""
        tickets, queue = Mock(), Mock()
        names: dict[str, Any] = {
            "builder": self.builder(),
            "tickets": tickets,
            "queue": queue,
        }
        names["request"] = self.request(attempts=1)
        about, words = self.parts()[2:]
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        exec(about, names)
        told = tickets.open.call_args.kwargs
        self.assertIn("failed in step install: the installer gave up", told["title"])
        self.assertIn("FAILED: no disk", told["text"])
        self.assertEqual("install", told["step"])
        error = self.assertRaises(
            InstallError, self.builder().create, self.request(attempts=1)
        )
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(words, {**names, "error": error})
        self.assertIn(f"https://builds.example/retry/{error.build_id}", out.getvalue())
        began = self.cloud.world.now
        self.cloud.hooks.append(outage(began + 30, began + 7200))
        exec(about, names)
        self.cloud.hooks.clear()
        [waiting] = [b.id for b in self.builder().list().builds if not b.is_over]
        queue.put.assert_called_once_with(waiting)

    def test_whole(self) -> None:
        """The parts that build, one after the other: two images, and what is printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec("\n".join(self.parts()[:2]), {})
        made = [i.id for i in self.images() if i.name == "golden"]
        self.assertEqual(f"complete {made[0]}", out.getvalue().splitlines()[0])
        self.assertIn("golden complete", out.getvalue().splitlines()[1])
        names = [str(i.name) for i in self.images() if not i.hidden]
        self.assertEqual(["debian-from-our-mirror", "golden"], sorted(names))
