"""image build report, and the pages that apply writes."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import InstallError
from tests.fakes.faults import answered
from tests.unit import pictures
from tests.unit.base import NAME
from tests.unit.shell import Ran, ShellTestCase

FAILS = "FAILED: no answer file <script>alert(1)</script>"
TEMPLATE = "version: 1\nos: mini\noutput: {{name: {}}}\n"


class ReportTest(ShellTestCase):
    """Files with a page each."""

    def built(self, *packages: list[str], **fields: Any) -> Record:
        """Build one more, a day after the one before."""
        self.cloud.world.sleep(86_400)
        said = {"manager": "deb", "packages": list(packages)}
        self.cloud.nova.plan.inventory = json.dumps(said).encode()
        return self.builder().create(self.request(**fields))

    def failed(self) -> Record:
        """Have a build that failed."""
        self.cloud.nova.plan.install_fails = FAILS
        self.assertRaises(InstallError, self.built)
        self.cloud.nova.plan.install_fails = ""
        [build] = [b for b in self.builder().list().builds if b.status == "failed"]
        return build

    def page(self, *words: str) -> str:
        """Write a report; return it without its tags' line ends."""
        ran = self.build("report", *words)
        self.assertEqual(0, ran.code, ran.err)
        path = Path(ran.out.strip())
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))
        text = path.read_text(encoding="utf-8")
        path.unlink()
        self.assertNotIn("<script", text)
        return text

    def test_complete(self) -> None:
        """With what differs from the image before it, and how long that took."""
        old = self.built(["bash", "5.2"], ["telnet", "1"], replace=True)
        new = self.built(["bash", "5.3"], replace=True)
        writes = len(self.cloud.mutations)
        text = self.page(new.id)
        self.assertIn(f"({old.result_id})", text)
        for words in (">telnet<", ">5.2<", ">5.3<", new.result_id, "m1.tiny"):
            self.assertIn(words, text)
        self.assertRegex(text, r'<span class="num dim">\d+ s</span>')
        self.assertIn("is gone, and the record keeps", text)
        self.assertNotIn("Differences", self.page(old.id))
        self.assertEqual(writes, len(self.cloud.mutations))

    def test_failed(self) -> None:
        """Why, what showed it, and the commands that go on."""
        build = self.failed()
        text = self.page(build.id)
        self.assertLess(text.index("Why it failed"), text.index("Built from"))
        shown = "FAILED: no answer file &lt;script&gt;alert(1)&lt;/script&gt;"
        self.assertIn(f'<div class="quote mono">{shown}</div>', text)
        self.assertIn('<div class="row point is-failure">', text)
        self.assertIn(f"openstack image build retry {build.id} --from", text)

    def test_kept(self) -> None:
        """Consoles and pictures that create has kept."""
        build = self.built()
        logs = Path("logs")
        logs.mkdir()
        for role, words in (("install", "first <b>"), ("verify", "second")):
            path = logs / f"imagebuild-{build.id}-{role}.log"
            path.write_text(f"{words}\n" + "x\n" * 2000, encoding="utf-8")
        for name in ("install-1", "install", "verify"):
            path = logs / f"imagebuild-{build.id}-{name}.png"
            path.write_bytes(pictures.grey() if name != "verify" else b"<svg>")
        text = self.page(build.id, "--log-dir", "logs")
        self.assertIn("first &lt;b&gt;", text)
        self.assertIn("Console of the server verify", text)
        self.assertEqual(2, text.count("data:image/png;base64,"))
        self.assertIn("img-src data:;", text)
        (logs / f"imagebuild-{build.id}-verify.log").unlink()
        os.symlink("/etc/passwd", logs / f"imagebuild-{build.id}-verify.log")
        ran = self.build("report", build.id, "--log-dir", "logs")
        self.assertIn("it is a link", ran.err)

    def test_running(self) -> None:
        """A build that is at work."""
        build = self.started()
        text = self.page(NAME)
        self.assertIn(f"openstack image build resume {build.id}", text)
        self.assertIn("to come", text)

    def test_file(self) -> None:
        """It is not written over another one, by default beside it."""
        build = self.built()
        ran = self.build("report", build.id, "--file", "a.html")
        self.assertEqual((0, "a.html\n"), (ran.code, ran.out))
        ran = self.build("report", build.id, "--file", "a.html")
        self.assertIn("cannot write a.html: File exists", ran.err)
        names = [self.build("report", build.id).out.strip() for _ in range(2)]
        name = f"imagebuild-{build.id}"
        self.assertEqual([f"{name}.html", f"{name}-2.html"], names)
        ran = self.build("report", "nothing")
        self.assertEqual(1, ran.code)
        self.assertIn("there is no build of an image named 'nothing'", ran.err)

    def test_cloud_that_hides(self) -> None:
        """What no service tells is left out."""
        self.built(["a", "1"], replace=True)
        build = self.built(["a", "2"], replace=True)
        self.cloud.hooks.append(
            lambda call: answered(403) if self._is_hidden(build, call.path) else None
        )
        text = self.page(build.id)
        self.assertIn("The result was to say of itself", text)

    def _is_hidden(self, build: Record, path: str) -> bool:
        return bool(re.search(rf"/images/{build.result_id}|/file$|/servers", path))

    def test_gone(self) -> None:
        """The result was deleted, and so was the record of the one before."""
        old = self.built(["a", "1"], replace=True)
        new = self.built(["a", "2"], replace=True)
        self.builder().delete(old.id)
        self.assertIn("Differences", self.page(new.id))
        del self.cloud.glance.images[new.result_id]
        self.assertIn("it is not there", self.page(new.id))


class ApplyTest(ShellTestCase):
    """image build apply --report"""

    def setUp(self) -> None:
        """Have two templates."""
        super().setUp()
        Path("templates").mkdir()
        for name in ("a", "b"):
            path = Path("templates", f"{name}.yaml")
            path.write_text(TEMPLATE.format(name), encoding="utf-8")

    def apply(self) -> tuple[Ran, str]:
        """Apply; return the index too."""
        ran = self.build("apply", "templates", "--report", "site/pages", "-f", "json")
        return ran, Path("site/pages/index.html").read_text(encoding="utf-8")

    def test_pages(self) -> None:
        """One a build, and the index, which is written anew each time."""
        ran, index = self.apply()
        self.assertEqual(0, ran.code, ran.err)
        ids = [row["Build ID"] for row in ran.json]
        files = {f"imagebuild-{build_id}.html" for build_id in ids}
        self.assertEqual({*files, "index.html"}, set(os.listdir("site/pages")))
        for name in files:
            self.assertIn(f'<a href="{name}">', index)
        ran, index = self.apply()
        self.assertEqual(2, index.count(">unchanged<"))
        for name in files:
            self.assertIn(f'<a href="{name}">', index)
            Path("site/pages", name).unlink()
        self.apply()
        self.assertEqual({*files, "index.html"}, set(os.listdir("site/pages")))

    def test_failed(self) -> None:
        """Its page leads with the reason."""
        self.cloud.nova.plan.install_fails = FAILS
        ran, index = self.apply()
        self.assertEqual(1, ran.code)
        self.assertIn("2 failed", index)
        self.assertNotIn("<script", index)
        name = next(n for n in os.listdir("site/pages") if n != "index.html")
        self.assertIn("Why it failed", Path("site/pages", name).read_text())

    def test_no_record(self) -> None:
        """An image stays without a page where the record of its build is gone."""
        for build_id in [row["Build ID"] for row in self.apply()[0].json]:
            self.builder().delete(build_id)
            Path("site/pages", f"imagebuild-{build_id}.html").unlink()
        ran, index = self.apply()
        self.assertEqual(0, ran.code, ran.err)
        self.assertIn("warning: no report of build", ran.err)
        self.assertNotIn("href", index)

    def test_no_directory(self) -> None:
        """What cannot be written is told before anything is built, or warned of later."""
        Path("site").write_text("")
        ran = self.build("apply", "templates", "--report", "site/pages")
        self.assertIn("choose another --report", ran.err)
        self.assertEqual([], self.cloud.mutations)
        Path("site").unlink()
        Path("site/pages/index.html").mkdir(parents=True)
        ran = self.build("apply", "templates", "--report", "site/pages")
        self.assertEqual(0, ran.code, ran.err)
        self.assertIn("warning: cannot write site/pages/index.html", ran.err)
