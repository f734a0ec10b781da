"""The library's example in the user guide, run as it stands there."""

from __future__ import annotations

import contextlib
import io
import os
import re
import textwrap
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import fixtures
import openstack

from osc_imagebuild.cloud import api
from osc_imagebuild.errors import InstallError
from tests import paths
from tests.fakes.faults import outage
from tests.unit.base import CloudTestCase

GUIDE = paths.GUIDE
_PYTHON = re.compile(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)")


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
