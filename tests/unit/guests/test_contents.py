"""Contents of any size: what is refused, and what a script makes of them in a system."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import lzma
import tarfile
from pathlib import Path
from typing import Any

import fixtures

from osc_imagebuild.guests import contents, families
from osc_imagebuild.media import contents_disc
from osc_imagebuild.media.door import TYPED
from osc_imagebuild.model.contents import MOST, Content, disc
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.contents import find_contents
from tests.unit.target_tree import Target
from tests.unit.wanted import CATALOG, EMPTY, AnswerTestCase, asked, layered

URL = "https://web.example/app.tar.gz?X-Signature=a%20b&c='d'$(e)"
GOOD = Content(path="/srv/app", url=URL, sha256="1" * 64)


class ValidateTest(AnswerTestCase):
    """What can be told without a look."""

    def problem(self, **fields: Any) -> str:
        """The problem of a content, '' for none."""
        return "; ".join(
            contents.validate_contents([dataclasses.replace(GOOD, **fields)])
        )

    def test_good(self) -> None:
        """As users write them."""
        local = {"url": "", "sha256": ""}
        for fields in (
            {},
            {"path": "/srv/app/", "unpack": True, "owner": "ada"},
            {"path": "/", "source": "x/y.TGZ", **local, "unpack": True},
            {"source": "tree", **local, "owner": "ada:ops"},
            {"mode": "0640", "url": "http://[fd00::1]:8080/x", "owner": "root:root"},
        ):
            self.assertEqual("", self.problem(**fields), str(fields))

    def test_bad(self) -> None:
        """Each with its reason; a URL is shown without what opens doors."""
        for fields, told in (
            ({"path": "srv/app"}, "needs a whole path"),
            ({"path": "/srv/../app"}, "needs a whole path"),
            ({"path": "/srv//app"}, "needs a whole path"),
            ({"path": "/srv/a\nb"}, "needs a whole path"),
            ({"path": "/srv/" + "x" * 1000}, "needs a whole path"),
            ({"path": "/srv/\ud800"}, "needs a whole path"),
            ({"path": ""}, "needs a whole path"),
            ({"source": "x"}, "a source or a url, and not both"),
            ({"url": ""}, "a source or a url, and not both"),
            ({"source": "x", "url": ""}, "sha256 is for what a url names"),
            (
                {"url": "https://me:secret@h/x"},
                "name or password in it, not 'https://h/x",
            ),
            ({"url": "ftp://h/x"}, "it needs an http(s) URL"),
            ({"url": "http://h/x y"}, "it needs an http(s) URL"),
            ({"url": "http://h/x\n"}, "it needs an http(s) URL"),
            ({"url": "http://h$(x)/x"}, "it needs an http(s) URL"),
            ({"sha256": ""}, "needs its sha256"),
            ({"sha256": "1" * 63 + "\n"}, "needs its sha256"),
            ({"path": "/srv/app/"}, "the path is a directory"),
            ({"url": "http://h/app.zip", "unpack": True}, "only an archive"),
            ({"unpack": True, "mode": "0644"}, "modes of its own"),
            ({"mode": "rwx"}, "its mode is not one like"),
            ({"mode": "0644\n"}, "its mode is not one like"),
            ({"owner": "a b"}, "its owner is not one like"),
            ({"owner": "0:0"}, "its owner is not one like"),
            ({"owner": "ada:ops\n"}, "its owner is not one like"),
        ):
            problem = self.problem(**fields)
            self.assertIn(told, problem, str(fields))
            self.assertNotIn("secret", problem)

    def test_together(self) -> None:
        """A place is there once, unless it is a directory; and there are not too many."""
        twice = [GOOD, dataclasses.replace(GOOD, sha256="2" * 64)]
        self.assertIn("there twice", contents.validate_contents(twice)[0])
        into = [dataclasses.replace(item, unpack=True) for item in twice]
        self.assertEqual([], contents.validate_contents(into))
        problems = contents.validate_contents(into * MOST)
        self.assertIn(f"{MOST} contents at most", problems[-1])

    def test_systems(self) -> None:
        """Each takes them, or says why not; small systems are given the tools."""
        archive = Content(path="/srv/x/", url="http://h/x.tar.xz", sha256="1" * 64)
        archive = dataclasses.replace(archive, unpack=True)
        for name, packages in (
            ("debian-13", ("xz-utils",)),
            ("rocky-9", ("tar", "xz")),
            ("opensuse-leap-16", ("tar", "xz")),
            ("freebsd-14", ()),
        ):
            entry = CATALOG.entry(name)
            request = asked(entry, contents=(archive,))
            problems = families.family(entry.family).problems(entry, request)
            self.assertEqual([], problems, name)
            self.assertEqual(packages, contents.equipped(entry, request).packages)
        windows = CATALOG.entry("windows-server-2025")
        request = asked(windows, contents=(archive,), firmware="uefi")
        [problem] = families.family("windows").problems(windows, request)
        self.assertIn("cannot be given contents: it has neither", problem)


class TargetTest(AnswerTestCase):
    """The script of a layer in a made-up system, which has the disc as a disk."""

    def setUp(self) -> None:
        super().setUp()
        self.place = Path(self.useFixture(fixtures.TempDir()).path)
        self.target = Target(self.useFixture(fixtures.TempDir()).path)
        self.target.program("sleep", "/bin/sleep 0.2")

    def run_with(self, *items: Content, damage: int | None = None) -> str:
        """Run it; return what its console shows."""
        request = Request(name="golden", contents=items)
        looked = find_contents(request, measure=True)
        self.assertEqual((), looked.problems)
        assert looked.value
        made = disc(looked.value.contents, as_disk=True)
        reader = contents_disc.open_disc(made, TYPED, lambda: None)
        data = bytearray(b"".join(iter(lambda: reader.read(1 << 20), b"")))
        if damage is not None:
            data[damage] ^= 1
        self.target.write("/dev/vda", "another disk")
        if made:
            (self.target.root / "dev" / "vdb").write_bytes(data)
        done = self.target.run(layered("debian-13", contents=looked.value.contents))
        console = self.target.read("/dev/console")
        self.assertEqual("IMAGEBUILD-FAILED" in console, done.returncode != 0, console)
        return console

    def tree(self) -> Path:
        """A tree of this machine."""
        tree = self.place / "tree"
        (tree / "sub $(x) 'y'").mkdir(parents=True)
        (tree / "file").write_bytes(b"x" * 3_000_000)
        (tree / "link").symlink_to("/nowhere")
        return tree

    def archive(self, name: str, member: str = "inner") -> Path:
        """An archive of this machine."""
        path = self.place / name
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            info = tarfile.TarInfo(member)
            info.size = 4
            archive.addfile(info, io.BytesIO(b"data"))
        compress = gzip.compress if name.endswith("gz") else lzma.compress
        path.write_bytes(compress(stream.getvalue()))
        return path

    def test_all_kinds(self) -> None:
        """A tree, a file, archives; into directories that are there, or not."""
        file = self.place / "a b"
        file.write_bytes(b"")
        self.target.write("/srv/over/kept", "kept")
        console = self.run_with(
            Content(path="/srv/app", source=str(self.tree())),
            Content(path="/srv/it's $(a) \u00fc", source=str(file), mode="0600"),
            Content(
                path="/srv/gz/", source=str(self.archive("x.gz.tar.gz")), unpack=True
            ),
            Content(
                path="/srv/over", source=str(self.archive("x.tar.xz")), unpack=True
            ),
        )
        self.assertNotIn("FAILED", console)
        self.assertIn("content 4 of 4", console)
        root = self.target.root / "srv"
        self.assertEqual(b"x" * 3_000_000, (root / "app" / "file").read_bytes())
        self.assertEqual("/nowhere", str((root / "app" / "link").readlink()))
        self.assertTrue((root / "app" / "sub $(x) 'y'").is_dir())
        odd = root / "it's $(a) \u00fc"
        self.assertEqual((0, 0o600), (odd.stat().st_size, odd.stat().st_mode & 0o777))
        self.assertEqual("data", self.target.read("/srv/gz/inner"))
        self.assertEqual("data", self.target.read("/srv/over/inner"))
        self.assertEqual("kept", self.target.read("/srv/over/kept"))

    def test_failures(self) -> None:
        """Nothing of what is not right is written."""
        tree = Content(path="/srv/app", source=str(self.tree()))
        console = self.run_with(tree, damage=(1 << 20) + 5000)
        self.assertIn("FAILED content 1: the disc holds something else", console)
        self.assertFalse(self.target.exists("/srv/app"))
        self.target.program("getent", "exit 2")
        console = self.run_with(dataclasses.replace(tree, owner="nobody-here"))
        self.assertIn("content 1: there is no user nobody-here", console)

    def test_no_disc(self) -> None:
        """It is waited for, for a while."""
        tree = Content(path="/srv/app", source=str(self.tree()))
        looked = find_contents(Request(name="x", contents=(tree,)), measure=True)
        assert looked.value
        self.target.run(layered("debian-13", contents=looked.value.contents))
        console = self.target.read("/dev/console")
        self.assertIn("no disk or CD that holds them is seen here", console)

    def test_fetched(self) -> None:
        """Into its place at once, or not at all."""
        good = Content(path="/srv/big", url=URL, sha256=EMPTY, mode="0600")
        self.assertNotIn("FAILED", self.run_with(good))
        self.assertEqual(b"", (self.target.root / "srv" / "big").read_bytes())
        console = self.run_with(
            dataclasses.replace(good, path="/srv/other", sha256="1" * 64)
        )
        self.assertIn("content 1 cannot be fetched: it has another sha256", console)
        self.assertEqual(
            ["big"], [p.name for p in (self.target.root / "srv").iterdir()]
        )
        self.target.program(
            "python3", "echo 'HTTP 404\\n IMAGEBUILD-REPORT x' >&2; exit 1"
        )
        console = self.run_with(good)
        self.assertIn("cannot be fetched:  IMAGEBUILD-REPORT x\n", console)
        self.assertNotIn("\nIMAGEBUILD-REPORT", console)

    def test_look(self) -> None:
        """What is wrong with files of this machine, all at once."""
        tree = self.tree()
        items = (
            Content(path="/srv/a", source=str(tree / "gone")),
            Content(path="/srv/b", source=str(tree), mode="0644"),
            Content(path="/srv/c/", source=str(tree / "file")),
            Content(path="/srv/d", source=str(tree / "file"), unpack=True),
            Content(path="/srv/e", source=str(tree), unpack=True),
        )
        for measure in (True, False):
            stage = find_contents(Request(name="x", contents=items), measure=measure)
            self.assertEqual(5, len(stage.problems), str(stage.problems))
            for told in (
                "No such file",
                "of its own",
                "a directory",
                "no archive",
                "plain",
            ):
                self.assertTrue(any(told in p for p in stage.problems), told)

    def test_digest_of_an_archive(self) -> None:
        """It is the archive's own, as it is on the disc."""
        path = self.archive("x.tar.gz")
        item = Content(path="/srv", source=str(path), unpack=True)
        looked = find_contents(Request(name="x", contents=(item,)), measure=True)
        assert looked.value
        [found] = looked.value.contents
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.assertEqual((digest, digest), (found.sha256, found.digest))
