"""Manifests as texts, whoever wrote them."""

from __future__ import annotations

import base64
import contextlib
import json

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_imagebuild.model.manifest import (
    Manager,
    Manifest,
    Package,
    PhaseScreen,
    System,
)
from osc_imagebuild.model.manifest_json import (
    MOST_PACKAGES,
    ManifestError,
    from_json,
    inventory,
    to_json,
)
from tests.unit import pictures
from tests.unit.model import test_png

MANIFEST = Manifest(
    build_id="b",
    result_id="r",
    made_at=12.5,
    system=System(release="Debian 13.2", kernel="6.12", arch="x86_64", id="debian"),
    manager=Manager.DEB,
    packages=(
        Package("adduser", "3.152", "all", "GPL-2+"),
        Package("apt", "3.0.3", "amd64"),
    ),
    screenshots=(
        PhaseScreen("install", "partitioning", 3.5, pictures.grey(4, 3)),
        PhaseScreen("verify", "", 9.0, pictures.grey()),
    ),
)


class ManifestJsonTest(testtools.TestCase):
    """Writing and reading."""

    def test_again(self) -> None:
        """What is written is read."""
        self.assertEqual(MANIFEST, from_json(to_json(MANIFEST)))
        empty = Manifest(build_id="b", result_id="r")
        self.assertEqual(empty, from_json(to_json(empty)))

    def test_sorted_and_bounded(self) -> None:
        """Packages come in order, each once; no text is long or moves a cursor."""
        packages = [["b", "1"], ["a\x1b[2J", "2", "", "x" * 999], ["b", "1"]]
        read = inventory(json.dumps({"packages": packages}).encode())["packages"]
        self.assertEqual(["a?[2J", "b"], [p.name for p in read])
        self.assertEqual(300, len(read[0].licence))

    def test_refused(self) -> None:
        """What is none is told in words."""
        good = json.loads(to_json(MANIFEST))
        for change in (
            {"version": 2},
            {"made_at": "now"},
            {"made_at": True},
            {"build_id": 1},
            {"result_id": None},
            {"manager": "apt"},
            {"manager": ["deb"]},
            {"packages": {"a": "1"}},
            {"packages": [["a"]]},
            {"packages": [["a", 1]]},
            {"packages": ["ab"]},
            {"packages": [["a", "1"]] * (MOST_PACKAGES + 1)},
            {"system": {"release": 5}},
        ):
            self.assertRaises(ManifestError, from_json, json.dumps({**good, **change}))
        for text in ("", "[]", "1", "{", "[" * 100_000):
            self.assertRaises(ManifestError, from_json, text)
        self.assertRaises(ManifestError, inventory, b"\xff")
        endless = from_json(json.dumps({**good, "made_at": 1e300}))
        self.assertEqual(0.0, endless.made_at)

    def test_screenshots(self) -> None:
        """Attack: what is no picture of ours is left out, and the rest is read."""
        good = json.loads(to_json(MANIFEST))
        [shot, _] = good["screenshots"]

        def read(*items: object) -> Manifest:
            return from_json(json.dumps({**good, "screenshots": items}))

        changes: list[dict[str, object]] = [
            {"role": "root"},
            {"role": ["install"]},
            {"at": "now"},
            {"at": None},
            {"phase": 5},
            {"png": None},
            {"png": "\u00e4"},
            {"png": "=="},
            {"png": "A" * 70_000},
            {"png": base64.b64encode(bytes(40_000)).decode()},
        ]
        for data in test_png.BAD.values():
            changes.append({"png": base64.b64encode(data).decode()})
        for change in changes:
            manifest = read({**shot, **change}, shot, 1, None, [])
            self.assertEqual(MANIFEST.screenshots[:1], manifest.screenshots)
            self.assertEqual(MANIFEST.packages, manifest.packages)
        [strange] = read({**shot, "at": 1e300, "phase": "\x1b[2J" * 999}).screenshots
        self.assertEqual((0.0, 300), (strange.at, len(strange.phase)))
        self.assertTrue(strange.phase.isprintable())
        self.assertEqual(16, len(read(*[shot] * 99).screenshots))
        nothing: list[object] = [{}, 5, "x", None]
        for item in nothing:
            text = json.dumps({**good, "screenshots": item})
            self.assertEqual((), from_json(text).screenshots)

    def test_older(self) -> None:
        """That of a version that kept none."""
        good = json.loads(to_json(MANIFEST))
        del good["screenshots"]
        self.assertEqual((), from_json(json.dumps(good)).screenshots)

    @settings(deadline=None)
    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """It is read or refused, and nothing else happens."""
        with contextlib.suppress(ManifestError):
            from_json(text)
