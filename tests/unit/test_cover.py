"""How `make cover` counts."""

from __future__ import annotations

from typing import Any

import testtools

from tests import paths
from tools import cover


def counted(lines: tuple[int, int], branches: tuple[int, int]) -> dict[str, Any]:
    """Return what coverage says of a file: reached, and all there are."""
    names = ("covered_lines", "num_statements", "covered_branches", "num_branches")
    numbers = dict(zip(names, (*lines, *branches), strict=True))
    return {"summary": {**numbers, "percent_covered": 12.5}}


class CoverTest(testtools.TestCase):
    """From numbers of files to shares of packages."""

    def test_by_package(self) -> None:
        """Files are added up, but the tests' own; the lower of the two shares counts."""
        files = {
            "osc_imagebuild/steps/__init__.py": counted((9, 10), (0, 0)),
            "osc_imagebuild/steps/install.py": counted((90, 90), (30, 40)),
            "osc_imagebuild/outputs/console/image.py": counted((8, 10), (10, 10)),
            "osc_imagebuild/engine/recipe.py": counted((5, 5), (0, 0)),
            "osc_imagebuild/boot/__init__.py": counted((0, 0), (0, 0)),
            "tests/fakes/toys/boot/floppy.py": counted((0, 9), (0, 9)),
        }
        packages = ["boot", "engine.recipe", "guests.entry", "outputs", "steps"]
        self.assertEqual(
            {
                "boot": 100.0,
                "engine.recipe": 100.0,
                "guests.entry": 0.0,
                "outputs": 80.0,
                "steps": 75.0,
            },
            cover.by_package(files, packages),
        )

    def test_named(self) -> None:
        """Each name is a package or a module of ours, so that none is lost by a move."""
        names = cover.named()
        self.assertIn("steps", names)
        for name in names:
            path = paths.PACKAGE / name.replace(".", "/")
            self.assertTrue(path.is_dir() or path.with_suffix(".py").is_file(), name)
