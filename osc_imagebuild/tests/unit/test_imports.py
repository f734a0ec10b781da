"""The import rules: who may know whom. See the design in doc/source."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import testtools

PACKAGE = Path(__file__).parents[2]
PURE = (
    *("spec.py", "model.py", "actions.py", "parts.py", "names.py", "choose.py"),
    *(f"template/{name}.py" for name in "document merge schema fields tdl".split()),
    *("values.py", "quoting.py", "syntax/*", "hardware.py", "assembly.py"),
    *("kinds.py", "addresses.py"),
    "recipe.py",
    *("steps/*", "boot/*", "outputs/*", "monitors/*"),
)
OUTSIDE = frozenset(
    ["openstack", "osc_lib", "subprocess", "time", "os", "socket", "requests"]
)
ALLOWED = ("cliff.columns", "osc_lib", "osc_imagebuild.v1", "osc_imagebuild.plugin")


def imported(tree: ast.AST) -> set[str]:
    """Names of modules that are imported anywhere in ``tree``."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def at_import(path: Path) -> set[str]:
    """Names of modules that importing the file at ``path`` imports."""
    tree = ast.parse(path.read_text())
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        and not isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return imported(ast.Module(body=body, type_ignores=[]))


class ImportTest(testtools.TestCase):
    """What the modules may import."""

    def test_pure(self) -> None:
        """Decisions know no cloud, no clock and no machine."""
        files = [p for g in PURE for p in PACKAGE.glob(g) if p.is_file()]
        self.assertGreater(len(files), 10)
        for path in files:
            names = {n.split(".")[0] for n in imported(ast.parse(path.read_text()))}
            self.assertEqual(set(), names & OUTSIDE, path.name)

    def test_commands(self) -> None:
        """They are imported on every `openstack` call, so they load little."""
        for path in (*PACKAGE.glob("v1/*.py"), PACKAGE / "plugin.py"):
            for name in at_import(path):
                stdlib = name.split(".")[0] in sys.stdlib_module_names
                self.assertTrue(stdlib or name.startswith(ALLOWED), f"{path}: {name}")

    def test_sdk_is_known_to_the_cloud_package_alone(self) -> None:
        """And to the library's front door, for the type of its argument."""
        for path in PACKAGE.rglob("*.py"):
            inside = {"tests", "cloud"} & set(path.relative_to(PACKAGE).parts)
            if inside or path.name in ("builder.py", "__init__.py"):
                continue
            names = {n.split(".")[0] for n in imported(ast.parse(path.read_text()))}
            self.assertEqual(set(), names & {"openstack", "keystoneauth1"}, path.name)
