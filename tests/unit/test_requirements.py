"""What this package needs: floors that are the same wherever they are given."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator

import testtools

from tests import paths, sources

FLOOR = re.compile(r"([\w.-]+)>=(\d[\d.]*\d)(?:,<[\d.]+)?(?:\s*#.*)?")
# What only the extras have; the modules that use it can do without.
PROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def floors(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and lowest release of each requirement.

    :raises: AssertionError where a requirement has no floor
    """
    for line in lines:
        if line.strip() and not line.startswith("#"):
            match = FLOOR.fullmatch(line.strip())
            assert match, f"{line!r} has no lower bound"
            yield match[1].lower(), match[2]


def listed(name: str) -> dict[str, str]:
    """Return the floors in one file."""
    return dict(floors((paths.ROOT / name).read_text(encoding="utf-8").splitlines()))


def imported() -> set[str]:
    """Return the top-level names that the package imports, wherever it does."""
    names = set()
    for path in paths.PACKAGE.rglob("*.py"):
        for node in sources.nodes(path):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {paths.PACKAGE.name}


class RequirementsTest(testtools.TestCase):
    """requirements.txt, test-requirements.txt and the extras; see ``make lowest``."""

    def test_every_import_is_required(self) -> None:
        """By requirements.txt or an extra, not because another package brings it."""
        required = {*listed("requirements.txt")}
        for lines in EXTRAS.values():
            required |= dict(floors(lines)).keys()
        brought = importlib.metadata.packages_distributions()
        for name in imported():
            by = {distribution.lower() for distribution in brought.get(name, ())}
            self.assertTrue(by & required, f"{name} is of {by}, which is not required")

    def test_extras_are_tested_as_they_are_required(self) -> None:
        """The tests' floors are those that users of an extra get."""
        tested = listed("test-requirements.txt")
        for extra, lines in EXTRAS.items():
            for name, floor in floors(lines):
                self.assertEqual(floor, tested.get(name), f"{name}, of {extra}")

    def test_floors_are_what_is_installed(self) -> None:
        """In tox's environment `lowest`: a floor that cannot be had is none."""
        if "IMAGEBUILD_LOWEST" not in os.environ:
            self.skipTest("what is installed need not be the lowest")
        for name, floor in listed("requirements.txt").items():
            self.assertEqual(floor, importlib.metadata.version(name), name)

    def test_bytes_of_the_web_do_not_grow(self) -> None:
        """Below 2.6 urllib3 unpacked whatever a mirror sent into memory.

        And below 2.8 it took a line of a chunk of any length.
        """
        floor = listed("requirements.txt")["urllib3"].split(".")
        self.assertGreaterEqual([int(part) for part in floor], [2, 8])
