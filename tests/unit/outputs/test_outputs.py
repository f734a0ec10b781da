"""What outputs answer, and that nobody asks for their names."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import testtools

from osc_imagebuild import outputs
from osc_imagebuild.model.resources import Image, Quota, Snapshot, Volume
from tests import paths, sources


def comparisons(nodes: Iterable[ast.AST]) -> int:
    """How often a module compares an ``output`` with a text."""
    return sum(
        any(isinstance(s, ast.Attribute) and s.attr == "output" for s in sides)
        and any(isinstance(s, ast.Constant | ast.Tuple) for s in sides)
        for node in nodes
        if isinstance(node, ast.Compare)
        for sides in [(node.left, *node.comparators)]
    )


class OutputsTest(testtools.TestCase):
    """Decisions that others take by what an output says."""

    def test_facts(self) -> None:
        """What it is made of, whether it hides, and what it takes."""
        for name, kinds, hidden, volume, quota in (
            ("image", (Image,), True, False, Quota(images=1)),
            ("volume", (Volume,), False, True, Quota()),
            ("snapshot", (Snapshot, Volume), False, True, Quota(0, 0, 1, 7)),
        ):
            output = outputs.load(name)
            told = (output.kinds, output.is_hidden, output.needs_volume)
            self.assertEqual((kinds, hidden, volume), told, name)
            self.assertEqual(quota, output.quota(7), name)

    def test_order(self) -> None:
        """A snapshot goes before its volume, whatever else there is."""
        kinds = outputs.kinds()
        self.assertEqual({Image, Snapshot, Volume}, set(kinds))
        self.assertLess(kinds.index(Snapshot), kinds.index(Volume))

    def test_find(self) -> None:
        """What is none is none."""
        self.assertIs(outputs.load("image"), outputs.find("image"))
        self.assertIsNone(outputs.find("floppy"))

    def test_no_comparison(self) -> None:
        """No module compares an output with a name."""
        for text, count in (
            ("a.output == 'x' or spec.result.output in ('y',)", 2),
            ("a.output not in names() or a.name == 'x'", 0),
        ):
            self.assertEqual(count, comparisons(ast.walk(ast.parse(text))), text)
        for path in paths.PACKAGE.rglob("*.py"):
            self.assertEqual(0, comparisons(sources.nodes(path)), str(path))
