"""What Debian's install tree says of itself, made from a mirror in step or out of it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from devcloud.media.debian import base, build
from tests.devcloud.functional.test_media_mirror import MODULES, MirrorTest


class TestTree(MirrorTest):
    """What the tree says of itself."""

    def make(self) -> Path:
        """Make the tree on a base system of a few bytes."""
        work = self.work()
        (work.cache / "base").mkdir()
        (work.cache / "base" / base.FILE).write_bytes(b"squashfs")
        out = work.scratch / "out"
        out.mkdir()
        build.make(work, out)
        return out

    def test_out_of_step(self) -> None:
        """The deviations, and the note that `create` prints, are of this very tree."""
        self.out_of_step()
        out = self.make()
        pool = {path.name for path in (out / build.POOL).iterdir()}
        self.assertIn(f"{MODULES[0]}_1+repacked_amd64.udeb", pool)
        deviations = (out / "DEVIATIONS.txt").read_text()
        self.assertIn("does not confirm (File has unexpected size", deviations)
        known = yaml.safe_load(build.ENTRY.read_text())["deviations"]
        told = yaml.safe_load((out / build.CATALOG / build.ENTRY.name).read_text())
        self.assertEqual(known, told["deviations"][: len(known)])
        self.assertEqual(deviations.splitlines()[-2:], told["deviations"][-2:])
        self.assertEqual(["deviations"], list(told))

    def test_in_step(self) -> None:
        """Nothing is noted that is not so."""
        out = self.make()
        self.assertNotIn("epacked", (out / "DEVIATIONS.txt").read_text())
        known = yaml.safe_load(build.ENTRY.read_text())["deviations"]
        told = yaml.safe_load((out / build.CATALOG / build.ENTRY.name).read_text())
        self.assertEqual({"deviations": known}, json.loads(json.dumps(told)))
