"""The library's example in the user guide, run as it stands there."""

from __future__ import annotations

import contextlib
import io
import os
import re
import textwrap
from pathlib import Path

import fixtures
import openstack

from osc_imagebuild.cloud import api
from tests import paths
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

    def test_whole(self) -> None:
        """Both parts, one after the other: two images, and what is printed."""
        parts = _PYTHON.findall((GUIDE / "library.rst").read_text(encoding="utf-8"))
        self.assertEqual(2, len(parts))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(textwrap.dedent("\n".join(parts)), {})
        made = [i.id for i in self.images() if i.name == "golden"]
        self.assertEqual(f"complete {made[0]}", out.getvalue().splitlines()[0])
        self.assertIn("golden complete", out.getvalue().splitlines()[1])
        names = [str(i.name) for i in self.images() if not i.hidden]
        self.assertEqual(["debian-from-our-mirror", "golden"], sorted(names))
