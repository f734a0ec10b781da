"""The pure parts of the media's construction: sources, modules, indexes, stamps."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import testtools

from devcloud import apt_sources
from devcloud.errors import DevcloudError
from devcloud.media import parts
from devcloud.media.debian import suite
from devcloud.media.mini import build as mini

DEB822 = """\
# A comment.
Types: deb deb-src
# another
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
  contrib
Signed-By: /usr/share/keyrings/some.gpg

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://comment.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 trusted=yes] http://mirror.example/debian bookworm main contrib # end
deb http://flat.example/ ./
"""


class SourcesTest(testtools.TestCase):
    def test_deb822(self) -> None:
        [source] = apt_sources.deb822_sources(DEB822)
        self.assertEqual("http://mirror.example/debian", source.uri)
        self.assertEqual(("bookworm", "bookworm-updates"), source.suites)
        self.assertEqual(("main", "contrib"), source.components)
        self.assertFalse(source.trusted)

    def test_one_line(self) -> None:
        first, flat = apt_sources.one_line_sources(ONE_LINE)
        self.assertEqual("http://mirror.example/debian", first.uri)
        self.assertEqual(("bookworm",), first.suites)
        self.assertEqual(("main", "contrib"), first.components)
        self.assertTrue(first.trusted)
        self.assertEqual((), flat.components)

    def test_a_line_for_another_suite(self) -> None:
        trusted = apt_sources.Source("http://m.example", ("bookworm",), ("main",), True)
        self.assertEqual(
            "deb [trusted=yes] http://m.example trixie main",
            trusted.line("trixie", "main"),
        )

    def test_mirror_is_the_one_that_has_the_suite_itself(self) -> None:
        sources = [
            apt_sources.Source("cdrom:[Debian]", ("bookworm",), ("main",)),
            apt_sources.Source(
                "http://updates.example", ("bookworm-updates",), ("main",)
            ),
            apt_sources.Source("http://extra.example", ("bookworm",), ("contrib",)),
            apt_sources.Source("http://mirror.example", ("bookworm",), ("main",)),
        ]
        self.assertEqual(
            "http://mirror.example", apt_sources.mirror(sources, "bookworm").uri
        )
        self.assertRaises(DevcloudError, apt_sources.mirror, sources, "trixie")

    def test_all_files_of_a_machine_are_read(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        etc = Path(scratch.name)
        (etc / "sources.list.d").mkdir()
        (etc / "sources.list").write_text("deb http://a.example/d bookworm main\n")
        (etc / "sources.list.d/b.list").write_text("deb http://b.example/d x main\n")
        (etc / "sources.list.d/c.sources").write_text(DEB822)
        (etc / "sources.list.d/d.disabled").write_text("deb http://d.example/d x main")
        self.assertEqual(
            [
                "http://a.example/d",
                "http://b.example/d",
                "http://mirror.example/debian",
            ],
            [source.uri for source in apt_sources.machine_sources(etc)],
        )


class ModuleOrderTest(testtools.TestCase):
    DEP = (
        "kernel/a/virtio_pci.ko: kernel/a/modern-dev.ko kernel/a/ring.ko\n"
        "kernel/a/modern-dev.ko: kernel/a/ring.ko\n"
        "kernel/a/ring.ko:\n"
        "kernel/b/virtio_blk.ko: kernel/a/ring.ko\n"
    )

    def test_each_comes_after_what_it_needs_and_once(self) -> None:
        self.assertEqual(
            [
                "kernel/a/ring.ko",
                "kernel/a/modern-dev.ko",
                "kernel/a/virtio_pci.ko",
                "kernel/b/virtio_blk.ko",
            ],
            mini.module_order(self.DEP, ["virtio_pci", "virtio_blk"]),
        )

    def test_dashes_and_underscores_are_the_same(self) -> None:
        order = mini.module_order(self.DEP, ["modern_dev"])
        self.assertEqual("kernel/a/modern-dev.ko", order[-1])

    def test_an_unknown_module_is_an_error(self) -> None:
        self.assertRaises(DevcloudError, mini.module_order, self.DEP, ["floppy"])


class SuiteTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        file = self.root / "downloaded.udeb"
        file.write_bytes(b"data")
        self.udeb = suite.Udeb(
            {
                "package": "attr-udeb",
                "version": "1:2.5-3",
                "architecture": "amd64",
                "priority": "optional",
                "depends": "libattr1-udeb (= 1:2.5-3), libc6-udeb (>= 2), gone",
                "provides": "attr (= 1), xattr",
                "description": "tools\nmore about them",
                "filename": "pool/main/a/attr/attr-udeb_2.5-3_amd64.udeb",
            },
            file,
        )

    def test_stanza_is_ours_where_it_must_be(self) -> None:
        text = suite.stanza(self.udeb, "pool/x", {"libattr1-udeb", "libc6-udeb"})
        [fields] = apt_sources.stanzas(text)
        self.assertEqual("standard", fields["priority"])
        self.assertEqual(
            "libattr1-udeb (= 1:2.5-3), libc6-udeb (>= 2)", fields["depends"]
        )
        self.assertEqual("pool/x/attr-udeb_2.5-3_amd64.udeb", fields["filename"])
        self.assertEqual("4", fields["size"])
        self.assertEqual(hashlib.sha256(b"data").hexdigest(), fields["sha256"])
        self.assertEqual("tools", fields["description"])

    def test_provided_names(self) -> None:
        self.assertEqual(
            {"attr-udeb", "attr", "xattr"}, suite.provided([self.udeb.fields])
        )

    def test_release_has_the_sums_of_the_index(self) -> None:
        suite.write(self.root, "s", "binary-amd64", "Package: a\n")
        index = (self.root / "dists/s/main/binary-amd64/Packages").read_bytes()
        release = (self.root / "dists/s/Release").read_text()
        digest = hashlib.sha256(index).hexdigest()
        self.assertIn(f" {digest} 11 main/binary-amd64/Packages\n", release)
        self.assertIn("Codename: s\n", release)


class PartTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = Path(scratch.name)
        self.target = self.home / "media" / "part"
        self.made = 0

    def ensure(self, key: str, fail: bool = False) -> None:
        def make(work: parts.Work, out: Path) -> None:
            self.made += 1
            (out / "file").write_text(key)
            if fail:
                raise DevcloudError("half-way")

        work = parts.Work(
            self.home / "scratch", self.home, self.home / "log", "s", lambda text: None
        )
        parts.ensure(self.target, key, make, work)

    def test_made_once_for_a_key(self) -> None:
        for key in ("a", "a", "b", "b"):
            self.ensure(key)
        self.assertEqual(2, self.made)
        self.assertEqual("b", (self.target / "file").read_text())
        self.assertFalse((self.home / "scratch").exists())

    def test_a_broken_build_leaves_the_old_part(self) -> None:
        self.ensure("a")
        self.assertRaises(DevcloudError, self.ensure, "b", fail=True)
        self.assertEqual("a", (self.target / "file").read_text())
        self.ensure("b")
        self.assertEqual("b", (self.target / "file").read_text())

    def test_fingerprint_sees_content_and_names_but_no_documentation(self) -> None:
        tree = self.home / "tree"
        tree.mkdir()
        (tree / "a").write_text("1")
        first = parts.fingerprint([tree], [])
        (tree / "README.rst").write_text("text")
        self.assertEqual(first, parts.fingerprint([tree], []))
        (tree / "a").rename(tree / "b")
        self.assertNotEqual(first, parts.fingerprint([tree], []))
