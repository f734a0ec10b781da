"""What neither the formatter nor the linter keeps of the house's style."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import testtools

from tests import paths, sources


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """All nodes of the package's code, each with its file and line."""
    for path in sorted(paths.PACKAGE.rglob("*.py")):
        for node in sources.nodes(path):
            yield f"{path.name}:{getattr(node, 'lineno', 0)}", node


class StyleTest(testtools.TestCase):
    """How the package's code is written."""

    def test_no_star_saves_lines(self) -> None:
        """A long list has one element a line, not a star before a shorter one."""
        literal = (ast.Tuple, ast.List, ast.Set)
        starred = [
            place
            for place, node in nodes()
            if isinstance(node, ast.Starred) and isinstance(node.value, literal)
        ]
        self.assertEqual([], starred)
