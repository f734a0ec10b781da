"""Boot methods answer what others ask, and nobody asks for their names."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

import testtools

from osc_imagebuild import boot
from osc_imagebuild.model.boot_sources import EfiStubDisk, StubDisk
from osc_imagebuild.model.contents import Disc, Packed
from osc_imagebuild.model.formats import Formats
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Spec
from tests import paths, sources
from tests.unit.samples import spec

# An output and a service are called image too: of that method nobody is told here.
NAMES = ("ipxe", "kernel", "cdrom")
# What templates of answer files and catalogue data may compare.
_COMPARED = re.compile(r"boot_method\s*(?:[!=]=|(?:not )?in\b)")


def _words(node: ast.expr | ast.pattern) -> Iterator[object]:
    """Constants that a comparison with ``node`` compares with."""
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for item in node.elts:
            yield from _words(item)
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            yield from _words(key) if key else ()
    elif isinstance(node, ast.Call):
        for item in (*node.args, *(word.value for word in node.keywords)):
            yield from _words(item)
    elif isinstance(node, ast.MatchValue):
        yield from _words(node.value)


def _compared(node: ast.AST) -> Iterator[object]:
    if isinstance(node, ast.Compare):
        for side in (node.left, *node.comparators):
            yield from _words(side)
    elif isinstance(node, ast.MatchValue):
        yield from _words(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
        yield from _words(node.value)


def comparisons(nodes: Iterable[ast.AST]) -> list[str]:
    """Names of boot methods that a module compares something with."""
    return [str(w) for node in nodes for w in _compared(node) if w in NAMES]


def defaults(nodes: Iterable[ast.AST]) -> list[str]:
    """Names of boot methods that are taken where nothing is given."""
    values: list[ast.expr] = []
    for node in nodes:
        if isinstance(node, ast.arguments):
            values += [*node.defaults, *filter(None, node.kw_defaults)]
        elif isinstance(node, ast.ClassDef):
            assigned = (n for n in node.body if isinstance(n, ast.AnnAssign))
            values += [n.value for n in assigned if n.value]
    return [str(w) for value in values for w in _words(value) if w in NAMES]


class NamesTest(testtools.TestCase):
    """A method is asked what it is like."""

    def test_no_comparison(self) -> None:
        """No module outside boot/ compares anything with a name, or takes one itself."""
        modules = [
            path
            for path in paths.PACKAGE.rglob("*.py")
            if path.parent != paths.PACKAGE / "boot"
        ]
        self.assertGreater(len(modules), 100)
        for path in modules:
            nodes = sources.nodes(path)
            self.assertEqual([], [*comparisons(nodes), *defaults(nodes)], str(path))

    def test_no_comparison_in_templates(self) -> None:
        """They have variables that say what the method is like."""
        guests = paths.PACKAGE / "guests"
        files = [*guests.rglob("*.j2"), *guests.rglob("*.yaml")]
        self.assertGreater(len(files), 30)
        for path in files:
            self.assertNotRegex(path.read_text(), _COMPARED, path)

    def test_comparisons(self) -> None:
        """Each way to compare is seen; a name that is only told is none."""
        for text, count in (
            ("a == 'ipxe'", 1),
            ("a != 'kernel' or 'cdrom' in b", 2),
            ("a in ('ipxe', 'auto')", 1),
            ("a not in {'cdrom'}", 1),
            ("set(a) <= frozenset(['kernel'])", 1),
            ("match a:\n    case 'ipxe' | 'kernel': pass", 2),
            ("{'ipxe': 1}[a]", 1),
            ("a = 'ipxe'; b = f(device='cdrom'); c == 'ipxe2'", 0),
        ):
            self.assertEqual(count, len(comparisons(ast.walk(ast.parse(text)))), text)

    def test_defaults(self) -> None:
        """Those of arguments, and of fields of classes."""
        for text, count in (
            ("class A:\n    a: tuple = ('ipxe', 'kernel')\n    b: str", 2),
            ("def f(a, b='cdrom', *, c, d='ipxe'): pass", 2),
            ("class A:\n    a: tuple = field(default=('ipxe',))", 1),
            ("def f(a='auto', b=None): return g(device='cdrom')", 0),
        ):
            self.assertEqual(count, len(defaults(ast.walk(ast.parse(text)))), text)


class MethodsTest(testtools.TestCase):
    """What each of them is like."""

    def test_facts(self) -> None:
        """In the order in which they are taken for 'auto'."""
        facts = (
            *("takes_tree", "takes_iso", "boots_iso", "starts_signed"),
            *("uploads_kernel", "needs_volume", "answers_on_cd", "starts_installed"),
        )
        wanted = (
            ("ipxe", (True, False, False, False, False, False, False, False)),
            ("cdrom", (False, True, True, True, False, True, True, False)),
            ("kernel", (True, True, False, False, True, False, False, False)),
            ("image", (False, False, False, True, False, False, False, True)),
        )
        ranked = sorted(boot.names(), key=boot.preference)
        self.assertEqual([name for name, _ in wanted], ranked)
        self.assertEqual(("ipxe", "kernel"), boot.of_trees())
        self.assertEqual(("image",), boot.of_parents())
        for name, values in wanted:
            method = boot.load(name)
            self.assertEqual(values, tuple(getattr(method, f) for f in facts), name)

    def test_find(self) -> None:
        """What is no method is none."""
        self.assertIs(boot.load("ipxe"), boot.find("ipxe"))
        for name in ("auto", "", "floppy", "../cdrom"):
            self.assertIsNone(boot.find(name), name)

    def test_made_here(self) -> None:
        """A stub takes this machine's tools, and what vendors made takes none."""
        for name, firmware, arch, wanted in (
            ("ipxe", "bios", "x86_64", StubDisk("")),
            ("ipxe", "uefi", "x86_64", EfiStubDisk("", "x86_64")),
            ("ipxe", "uefi", "aarch64", EfiStubDisk("", "aarch64")),
            ("ipxe", "uefi", "ppc64le", None),
            ("ipxe", "bios", "s390x", None),
            ("kernel", "uefi", "x86_64", None),
            ("cdrom", "bios", "x86_64", None),
        ):
            made = boot.load(name).made_here(firmware, arch)
            self.assertEqual(wanted, made, f"{name} {firmware} {arch}")

    def test_install_trees(self) -> None:
        """Which one can be started, and where another method is better."""
        for name, arch, url, firmware, refused, worse in (
            ("ipxe", "x86_64", "http://m/linux", "bios", False, False),
            ("ipxe", "x86_64", "https://m/linux", "bios", True, False),
            ("ipxe", "s390x", "http://m/linux", "bios", True, False),
            ("ipxe", "aarch64", "http://m/linux", "uefi", False, True),
            ("kernel", "s390x", "https://m/linux", "uefi", False, False),
            ("cdrom", "x86_64", "http://m/linux", "uefi", True, False),
        ):
            method = boot.load(name)
            case = f"{name} {arch} {url} {firmware}"
            self.assertEqual(refused, bool(method.refusal(arch, url)), case)
            self.assertEqual(worse, bool(method.drawback(firmware)), case)

    def test_unsigned(self) -> None:
        """What Secure Boot starts nothing of, and what it takes instead."""
        asked = Request(name="x", secure_boot=True)
        self.assertEqual([], boot.unsigned(Request(name="x"), "ipxe"))
        self.assertEqual([], boot.unsigned(asked, "cdrom"))
        [line] = boot.unsigned(asked, "kernel")
        self.assertIn("it takes boot method cdrom: an ISO", line)


class SourcesTest(testtools.TestCase):
    """What a server gets of any boot method: images, and volumes in their order."""

    def spec(self, *, blank: bool = False, **fields: Any) -> Spec:
        """A build on a volume; with ``blank`` where Glance takes no disk."""
        found = spec(boot_method="kernel", root="volume", disk_gib=4, **fields)
        return dataclasses.replace(found, formats=Formats(disk="")) if blank else found

    def test_root_of_an_image(self) -> None:
        """The volume is a copy of it."""
        found = self.spec()
        self.assertEqual("root", boot.images(found)[-1].role)
        [root] = boot.volumes(found)
        self.assertEqual(
            ("root", "root", 4), (root.role, root.image_role, root.size_gib)
        )

    def test_root_of_nothing(self) -> None:
        """No image is made for it, and it says what that would have said."""
        made = self.spec()
        [*_, image] = boot.images(made)
        blank = self.spec(blank=True)
        self.assertEqual(["kernel", "ramdisk"], [i.role for i in boot.images(blank)])
        [root] = boot.volumes(blank)
        self.assertEqual("", root.image_role)
        self.assertEqual((image.properties, image.refs), (root.properties, root.refs))
        told = boot.load("ipxe").problems(blank)
        self.assertIn("Glance takes neither here", told[0])

    def test_contents(self) -> None:
        """Their disc comes last, and nothing boots from it."""
        packed = Packed(
            source="/x",
            kind="file",
            name="x",
            mode="",
            owner="",
            size_bytes=9,
            sha256="",
        )
        for as_disk in (False, True):
            disc = Disc(items=(packed,), as_disk=as_disk)
            found = dataclasses.replace(self.spec(), contents=disc)
            image, volume = boot.images(found)[-1], boot.volumes(found)[-1]
            self.assertEqual(("contents", "iso"), (image.role, image.disk_format))
            self.assertEqual((as_disk, False), (not volume.cdrom, volume.boots))

    def test_local_disk(self) -> None:
        """There are no volumes then."""
        self.assertEqual((), boot.volumes(spec(boot_method="kernel")))
