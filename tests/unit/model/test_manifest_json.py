"""Manifests as texts, whoever wrote them."""

from __future__ import annotations

import contextlib
import json

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_imagebuild.model.manifest import Manager, Manifest, Package, System
from osc_imagebuild.model.manifest_json import (
    MOST_PACKAGES,
    ManifestError,
    from_json,
    inventory,
    to_json,
)

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

    @settings(deadline=None)
    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """It is read or refused, and nothing else happens."""
        with contextlib.suppress(ManifestError):
            from_json(text)
