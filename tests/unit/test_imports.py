"""The import rules: a package knows only those of lower floors, and pure is pure."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import testtools

import osc_imagebuild
from tests import paths, sources
from tools import cover

# From the ground up; doc/source/contributor/architecture.rst shows the same.
FLOORS = (
    ("clock", "errors", "version"),
    ("model",),
    ("boot", "media", "monitors", "signing"),
    ("cloud", "guests", "steps"),
    ("outputs", "template"),
    ("builds",),
    ("engine", "planning"),
    ("diagnosis", "reports", "retry", "upkeep"),
    ("builder",),
    ("v1",),
    ("plugin",),
)
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names}
OUTSIDE = ("keystoneauth1", "openstack", "requests", "socket", "subprocess")
ALLOWED = ("cliff.columns", "osc_lib", "osc_imagebuild.v1", "osc_imagebuild.plugin")
# Told in a process of its own: what is loaded here says nothing.
TELL = (
    "import importlib, sys; importlib.import_module(sys.argv[1]); print(*sys.modules)"
)
# The same of many: which of them is the first to load what.
BLAME = f"""
import importlib, sys
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(name)
    for outside in {OUTSIDE}:
        if outside in sys.modules and outside not in before:
            print(name, "loads", outside)
"""


def modules() -> Iterator[tuple[str, Path]]:
    """Names below the package, and files, of all of its modules."""
    for path in sorted(paths.PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(paths.PACKAGE).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that are imported by any of ``nodes``."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def at_import(path: Path) -> set[str]:
    """Names that importing the file at ``path`` imports."""
    body = [
        node
        for node in sources.tree(path).body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        and not isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return imported(ast.walk(ast.Module(body=body, type_ignores=[])))


def packages_of(names: set[str]) -> set[str]:
    """The parts of our package, one below its root, that ``names`` are of."""
    words = [name.split(".") for name in names]
    return {w[1] for w in words if w[0] == "osc_imagebuild" and w[1] in FLOOR}


def says_pure(path: Path) -> bool:
    """Whether the first paragraph of a module's docstring has the word."""
    text = ast.get_docstring(sources.tree(path)) or ""
    return "Pure" in text.split("\n\n")[0].replace(".", " ").split()


def is_measured(name: str) -> bool:
    """Whether `make cover` measures a module, by itself or with its package."""
    return any(f"{name}.".startswith(f"{measured}.") for measured in cover.named())


def pure_modules() -> list[str]:
    """Whole names of all modules that are called pure, lower floors first."""
    names = [n for n, path in modules() if says_pure(path) or is_measured(n)]
    names.sort(key=lambda name: FLOOR[name.split(".")[0]])
    return [f"osc_imagebuild.{name}" for name in names]


class FloorTest(testtools.TestCase):
    """Who may know whom."""

    def test_lower_floors_only(self) -> None:
        """A package imports only from lower floors, wherever in a file it does."""
        for name, path in modules():
            own = name.split(".")[0]
            if own == "__init__":
                continue  # it has no code but the names of others
            known = packages_of(imported(sources.nodes(path))) - {own}
            wrong = sorted(p for p in known if FLOOR[p] >= FLOOR[own])
            self.assertEqual([], wrong, name)

    def test_every_package_has_a_floor(self) -> None:
        """And the root has no more than eight modules."""
        root = {name.split(".")[0] for name, _ in modules()} - {"__init__"}
        self.assertEqual(set(FLOOR), root)
        self.assertLessEqual(len(list(paths.PACKAGE.glob("*.py"))), 8)

    def test_sdk_is_known_to_the_cloud_package_alone(self) -> None:
        """And to the library's front door, for the type of its argument."""
        for name, path in modules():
            if name.startswith("cloud") or name == "builder.session":
                continue
            words = {n.split(".")[0] for n in imported(sources.nodes(path))}
            self.assertEqual(set(), words & {"openstack", "keystoneauth1"}, name)

    def test_web_servers_are_asked_through_one_door(self) -> None:
        """What can send a request is known to it, and to what speaks to the cloud."""
        senders = {"requests", "urllib3", "http", "httplib2", "websocket"}
        knowing = {
            name
            for name, path in modules()
            if {n.split(".")[0] for n in imported(sources.nodes(path))} & senders
            or "urllib.request" in path.read_text()
        }
        cloud = {name for name in knowing if name.startswith("cloud.")}
        self.assertEqual(
            {"media.door", "media.connections", "media.answer"}, knowing - cloud
        )


class LoadTest(testtools.TestCase):
    """What is loaded with what."""

    def loaded(self, name: str) -> set[str]:
        """Top names of all that is loaded with a module, in a fresh process."""
        words = [sys.executable, "-c", TELL, name]
        told = subprocess.run(
            words, capture_output=True, text=True, check=True, cwd=paths.ROOT
        )
        return {word.split(".")[0] for word in told.stdout.split()}

    def test_pure(self) -> None:
        """Decisions load no cloud, no network and no processes."""
        names = pure_modules()
        self.assertGreater(len(names), 90)
        told = subprocess.run(
            [sys.executable, "-c", BLAME, *names],
            capture_output=True,
            text=True,
            check=True,
            cwd=paths.ROOT,
        )
        self.assertEqual("", told.stdout)

    def test_pure_decisions_are_measured(self) -> None:
        """Those of planning, of the engine and of the record, as whole packages are."""
        deciding = ("builds.", "engine.", "planning.")
        missing = [
            name
            for name, path in modules()
            if name.startswith(deciding) and says_pure(path) and not is_measured(name)
        ]
        self.assertEqual([], missing)
        for package in ("boot", "model", "monitors", "outputs", "steps"):
            self.assertIn(package, cover.named())

    def test_plugin(self) -> None:
        """Every `openstack` call loads it, so it loads none of the library."""
        known = self.loaded("osc_imagebuild.plugin")
        self.assertEqual(set(), known & {*OUTSIDE, "jinja2", "jsonschema", "yaml"})

    def test_commands(self) -> None:
        """At import they load the client's own libraries at most."""
        for name, path in modules():
            if name.split(".")[0] not in ("v1", "plugin"):
                continue
            for word in at_import(path):
                stdlib = word.split(".")[0] in sys.stdlib_module_names
                self.assertTrue(stdlib or word.startswith(ALLOWED), f"{name}: {word}")


class PublicTest(testtools.TestCase):
    """What users of the library import."""

    def test_all(self) -> None:
        """Each name of the list is there, and nothing else is."""
        for name in osc_imagebuild.__all__:
            whole = getattr(osc_imagebuild, name).__name__
            self.assertEqual(name, whole.removeprefix("osc_imagebuild."))
        self.assertEqual(sorted(osc_imagebuild.__all__), osc_imagebuild.__all__)
        self.assertRaises(AttributeError, getattr, osc_imagebuild, "Engine")

    def test_all_are_documented(self) -> None:
        """The guide's page for the library has each, the errors by their module."""
        page = (paths.GUIDE / "library.rst").read_text()
        self.assertIn(".. automodule:: osc_imagebuild.errors\n", page)
        for name in osc_imagebuild.__all__:
            member = getattr(osc_imagebuild, name)
            self.assertTrue(member.__doc__, name)
            if isinstance(member, ModuleType):
                self.assertIn(f"from osc_imagebuild import {name}\n", page)
                continue
            if not member.__module__.startswith("osc_imagebuild.errors"):
                line = f".. autoclass:: {member.__module__}.{name}\n"
                self.assertIn(line, page)

    def test_all_errors(self) -> None:
        """Whoever calls the library can catch each of its errors by name."""
        errors = sys.modules["osc_imagebuild.errors"]
        for name in vars(errors):
            if name.endswith("Error"):
                self.assertIn(name, osc_imagebuild.__all__)
