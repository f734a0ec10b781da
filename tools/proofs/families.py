"""Six templates, four builds of a family, and clients that are killed, on the devcloud.

Needs a running devcloud. It applies a directory of templates from nothing to nothing to do,
touches what one of them is built from, rotates a family, and kills clients in the steps that
do so.
"""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import fixtures

from devcloud import settings
from tests.e2e import test_families
from tests.e2e.base import CATALOG, COMMAND_LIMIT_S, EndToEndTest
from tools.proofs import run_tests

NAMES = "abcdef"
ALL_LIMIT_S = 3600


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class FamiliesProof(EndToEndTest):
    """What a team does with a directory of templates."""

    def setUp(self) -> None:
        """Have a directory, and a system whose package index can change."""
        super().setUp()
        self.templates = Path(self.useFixture(fixtures.TempDir()).path)
        self.catalog = Path(self.useFixture(fixtures.TempDir()).path)
        self.index = Path(self.useFixture(fixtures.TempDir()).path, "index")
        self.index.write_text("as it was\n")
        address = self._serve(self.index.parent)
        mini = (CATALOG / "mini.yaml").read_text()
        shutil.copytree(CATALOG, self.catalog, dirs_exist_ok=True)
        watched = self.catalog / "mini-watched.yaml"
        watched.write_text(f'{mini}\nindexes: ["{address}/index"]\n')
        self.environment["OSC_IMAGEBUILD_CATALOG"] = str(self.catalog)

    def _serve(self, directory: Path) -> str:
        """Serve a directory to clients on this machine; return its address."""
        handler = functools.partial(_Quiet, directory=str(directory))
        server = http.server.ThreadingHTTPServer((settings.GATEWAY, 0), handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 10)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://{settings.GATEWAY}:{server.server_port}"

    def _clean(self) -> None:
        for build in self.openstack("image", "build", "list"):
            if build["Name"].startswith(self.name):
                self.delete(build["ID"])

    def write(self, name: str, system: str = "mini", more: str = "") -> None:
        """Write the template of an image."""
        (self.templates / f"{name}.yaml").write_text(
            f"version: 1\nos: {system}\n{more}output: {{name: {self.name}-{name}}}\n"
        )

    def apply(self) -> dict[str, str]:
        """Apply the directory; return what became of each template."""
        words = ("image", "build", "apply", str(self.templates), "--max", "3")
        done = self.run_command(*words, "-f", "json", limit_s=ALL_LIMIT_S)
        self.assertEqual(0, done.returncode, done.stderr)
        rows = json.loads(done.stdout)
        return {Path(row["Template"]).stem: row["Result"] for row in rows}

    def builds(self) -> list[Any]:
        """All builds of this proof, newest first."""
        listed = self.openstack("image", "build", "list")
        return [build for build in listed if build["Name"].startswith(self.name)]

    def named(self, name: str) -> list[str]:
        """IDs of the images of a name that are listed."""
        listed = self.cloud.image.get(f"/images?name={name}").json()["images"]
        return [image["id"] for image in listed]

    def test_directory(self) -> None:
        """Six are built, one of them from another; an index is touched: one; then none."""
        for name in NAMES:
            self.write(name, "mini-watched" if name == "d" else "mini")
        self.write("f", more=f"from: {{family: {self.name}-e}}\n")
        began = time.monotonic()
        self.assertEqual(dict.fromkeys(NAMES, "complete"), self.apply())
        print(f"six images: {time.monotonic() - began:.0f} s", flush=True)
        for touched in (False, True, False):
            if touched:
                self.index.write_text("another\n")
            began, before = time.monotonic(), len(self.builds())
            wanted = dict.fromkeys(NAMES, "unchanged")
            wanted |= {"d": "complete"} if touched else {}
            self.assertEqual(wanted, self.apply())
            self.assertEqual(before + touched, len(self.builds()))
            print(
                f"{int(touched)} of six: {time.monotonic() - began:.0f} s", flush=True
            )
        for name in NAMES:
            self.assertEqual(1, len(self.named(f"{self.name}-{name}")), name)
        (parent,), (layer,) = self.named(f"{self.name}-e"), self.named(f"{self.name}-f")
        self.assertEqual(parent, self.properties(layer)["imagebuild_parent_id"])

    def test_rotation(self) -> None:
        """Four builds of which two older ones are kept."""
        made = [
            self.create("--replace", "--keep", "2", "--property", f"n={number}")
            for number in range(4)
        ]
        ids = [build["image_id"] for build in made]
        self.assertEqual([ids[3]], self.named(self.name))
        (_, *older) = self.openstack("image", "build", "family", "show", self.name)
        self.assertEqual([ids[2], ids[1]], [row["ID"] for row in older])
        self.assertIsNone(self.cloud.image.find_image(ids[0]))

    def test_killed(self) -> None:
        """Killed in each step from the proof on, one image has the name in the end."""
        first = self.create("--replace")
        words = ["image", "build", "create", "--os", "mini", "--replace", self.name]
        seen: list[str] = []
        steps = "verify|remove-verify-server|publish|rotate|cleanup|complete"
        while new := self._run_until_new_step(words, seen, steps):
            seen += new
            (running,) = [b["ID"] for b in self.builds() if b["ID"] != first["id"]]
            words = ["image", "build", "resume", running]
            named = self.named(self.name)
            self.assertIn(len(named), (1, 2))
        print(f"killed in {', '.join(seen)}", flush=True)
        (second,) = [b for b in self.builds() if b["ID"] != first["id"]]
        self.assertEqual("complete", second["Status"])
        self.assertEqual([second["Image ID"]], self.named(self.name))
        old = self.cloud.image.get(f"/images/{first['image_id']}").json()
        self.assertTrue(old["os_hidden"])

    def test_apply_killed(self) -> None:
        """A client that applies is killed; the next one goes on and builds none twice."""
        for name in "ab":
            self.write(name)
        process = self.start("image", "build", "apply", str(self.templates))
        deadline = time.monotonic() + COMMAND_LIMIT_S
        while len(self.builds()) < 2 and time.monotonic() < deadline:
            time.sleep(2)
        time.sleep(10)
        process.kill()
        process.wait(timeout=30)
        self.assertEqual({"a": "complete", "b": "complete"}, self.apply())
        self.assertEqual(2, len(self.builds()))


def main() -> int:
    """Run all of it; return 0 where it holds."""
    return run_tests(sys.modules[__name__], test_families)
