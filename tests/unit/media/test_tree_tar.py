"""Trees as tar streams: what is kept, by GNU tar's own reading, and what is refused."""

from __future__ import annotations

import os
import socket
import subprocess
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import fixtures
import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import tar_headers, tree_tar
from osc_imagebuild.media.tree_tar import TreeTar

NAMES = (b"plain", b"new\nline", b"\xc3\xbc \xe2\x98\x83", b"no \xff text", b"x" * 200)


class TreeTarTest(testtools.TestCase):
    """A tree in a directory of the test's."""

    def setUp(self) -> None:
        super().setUp()
        self.root = Path(self.useFixture(fixtures.TempDir()).path, "tree")
        self.root.mkdir()

    def packed(self, **options: Any) -> bytes:
        """The stream."""
        return b"".join(TreeTar(str(self.root), "app", **options).chunks())

    def digest(self) -> str:
        """What decides a result."""
        packer = TreeTar(str(self.root), "app")
        for _ in packer.chunks():
            pass
        return packer.digest

    def refused(self) -> str:
        """Why it cannot be packed."""
        return str(self.assertRaises(SpecError, self.packed))

    def unpacked(self) -> Path:
        """What GNU tar makes of it."""
        place = self.useFixture(fixtures.TempDir()).path
        words = ["tar", "-xpf", "-", "-C", place, "--xattrs", "--xattrs-include=*"]
        done = subprocess.run(
            words, input=self.packed(), capture_output=True, check=False
        )
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        return Path(place, "app")

    def test_names_and_links(self) -> None:
        """Any bytes are a name; links stay what they are, and lead nowhere."""
        root = os.fsencode(self.root)
        for name in NAMES:
            Path(os.fsdecode(root + b"/" + name)).write_bytes(name)
        (self.root / "sub").mkdir()
        os.link(self.root / "plain", self.root / "sub" / "hard")
        (self.root / "soft").symlink_to("/etc/passwd")
        (self.root / "long").symlink_to("y" * 150)
        made = self.unpacked()
        for name in NAMES:
            path = os.fsdecode(os.fsencode(made) + b"/" + name)
            self.assertEqual(name, Path(path).read_bytes())
        self.assertEqual("/etc/passwd", os.readlink(made / "soft"))
        self.assertEqual("y" * 150, os.readlink(made / "long"))
        self.assertEqual(
            (made / "plain").stat().st_ino, (made / "sub" / "hard").stat().st_ino
        )

    def test_modes_and_times(self) -> None:
        """Of files and directories, to the nanosecond, before 1970 too."""
        modes = (0o4751, 0o2755, 0o600, 0o444)
        for number, mode in enumerate(modes):
            path = self.root / str(number)
            path.touch()
            path.chmod(mode)
        os.utime(self.root / "0", ns=(0, 987_654_321_123_456_789))
        self.root.chmod(0o1750)
        made = self.unpacked()
        found = [(made / str(n)).stat().st_mode & 0o7777 for n in range(len(modes))]
        self.assertEqual(list(modes), found)
        self.assertEqual(0o1750, made.stat().st_mode & 0o7777)
        self.assertEqual(987_654_321_123_456_789, (made / "0").stat().st_mtime_ns)
        os.utime(self.root / "0", ns=(0, -5_500_000_000))
        with tarfile.open(fileobj=BytesIO(self.packed())) as archive:
            first = archive.getmembers()[1]
        self.assertEqual(-6, first.mtime)

    def test_attributes(self) -> None:
        """Those of users, whatever is in them."""
        (self.root / "file").touch()
        try:
            os.setxattr(self.root / "file", "user.binary", b"\0\xff=\n")
            os.setxattr(self.root, "user.of.it", b"yes")
        except OSError as error:
            self.skipTest(f"no extended attributes here: {error}")
        made = self.unpacked()
        self.assertEqual(b"\0\xff=\n", os.getxattr(made / "file", "user.binary"))
        self.assertEqual(b"yes", os.getxattr(made, "user.of.it"))

    def test_holes(self) -> None:
        """They stay holes, at the begin, in the middle and at the end."""
        size = 8 << 20
        for name, places in (("none", ()), ("some", (1 << 20, 3 << 20)), ("end", (0,))):
            with (self.root / name).open("wb") as file:
                for at in places:
                    file.seek(at)
                    file.write(b"data" * 2000)
                file.truncate(size)
        if all(p.stat().st_blocks * 512 >= size for p in self.root.iterdir()):
            self.skipTest("no holes here")
        self.assertLess(len(self.packed()), 1 << 20)
        made = self.unpacked()
        for path in self.root.iterdir():
            copy = made / path.name
            self.assertEqual(path.read_bytes(), copy.read_bytes(), path.name)
            self.assertLess(copy.stat().st_blocks * 512, size)

    def test_without_holes(self) -> None:
        """Where the file system knows none, all of a file is packed."""
        with (self.root / "file").open("wb") as file:
            file.truncate(1 << 20)

        def refuse(*args: object) -> int:
            raise OSError(22, "Invalid argument")

        self.useFixture(fixtures.MonkeyPatch(f"{tree_tar.__name__}.os.lseek", refuse))
        self.assertGreater(len(self.packed()), 1 << 20)

    def test_numbers_too_large_for_a_header(self) -> None:
        """Owners and sizes beyond octal digits are in a pax header."""
        status = os.stat_result((0o100644, 1, 1, 1, 3_000_000, 3, 0, 0, 0, 0))
        entry = tar_headers.Entry(b"app", b"0", status, size=9 << 30)
        blocks = tar_headers.blocks(entry, 0o644, "", 0)
        with tarfile.open(fileobj=BytesIO(blocks), mode="r|") as archive:
            member = archive.next()
        assert member is not None
        self.assertEqual((3_000_000, 3, 9 << 30), (member.uid, member.gid, member.size))

    @given(st.binary(min_size=0, max_size=300))
    @settings(max_examples=200, deadline=None)
    def test_records(self, value: bytes) -> None:
        """A record says its own length."""
        record = tar_headers.record(b"key", value)
        length, _, rest = record.partition(b" ")
        self.assertEqual(len(record), int(length))
        self.assertEqual(b"key=" + value + b"\n", rest)

    def test_owner_and_mode(self) -> None:
        """They take the place of a file's own, and are names."""
        file = self.root / "file"
        file.touch()
        packer = TreeTar(str(file), "other", "0750", f"{'a' * 32}:ops")
        stream = BytesIO(b"".join(packer.chunks()))
        with tarfile.open(fileobj=stream) as archive:
            [member] = archive.getmembers()
        self.assertEqual(
            ("other", 0o750, "a" * 32, "ops"),
            (member.name, member.mode, member.uname, member.gname),
        )

    def test_the_same_each_time(self) -> None:
        """The same bytes for the same tree, and the same digest at any time."""
        for name in ("b", "a", "c"):
            (self.root / name).write_text(name)
        first, digest = self.packed(), self.digest()
        self.assertEqual(first, self.packed())
        os.utime(self.root / "a", (1, 1))
        self.assertNotEqual(first, self.packed())
        self.assertEqual(digest, self.digest())
        (self.root / "a").chmod(0o600)
        self.assertNotEqual(digest, self.digest())

    def test_refused(self) -> None:
        """All that is no file, directory or link, at once; and what is not there."""
        os.mkfifo(self.root / "pipe")
        # A short name: the path of a socket must not be long.
        with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as s:
            s.bind(f"{short}/s")
            os.rename(f"{short}/s", self.root / "socket")
        told = self.refused()
        self.assertIn("pipe': it is neither a file, nor a directory, nor a link", told)
        self.assertIn("socket': it is neither", told)
        self.root = self.root / "gone"
        self.assertIn("cannot read", self.refused())

    def test_no_link_on_the_way(self) -> None:
        """Who puts one in the place of a directory brings nothing else in."""
        (self.root / "real").mkdir()
        (self.root / "link").symlink_to("real")
        self.root = self.root / "link"
        self.assertIn("a link that was put there", self.refused())

    def test_too_deep(self) -> None:
        """Each level takes a file descriptor."""
        self.useFixture(fixtures.MonkeyPatch(f"{tree_tar.__name__}._DEEPEST", 3))
        (self.root / "a" / "b").mkdir(parents=True)
        self.assertTrue(self.packed())
        (self.root / "a" / "b" / "c").mkdir()
        self.assertIn("more than 3 directories deep", self.refused())

    def test_changed_meanwhile(self) -> None:
        """Nothing of a mixture."""
        file = self.root / "file"
        file.write_bytes(b"x" * 5_000_000)

        def append() -> None:
            with file.open("ab") as more:
                more.write(b"y")

        error = self.assertRaises(SpecError, self.packed, heartbeat=append)
        self.assertIn("was changed while it was read", str(error))
        error = self.assertRaises(
            SpecError, self.packed, heartbeat=lambda: os.truncate(file, 10)
        )
        self.assertIn("became shorter while it was read", str(error))

    def test_other_systems(self) -> None:
        """A client that cannot pack safely says so."""
        self.useFixture(
            fixtures.MonkeyPatch(f"{tree_tar.__name__}.os.supports_dir_fd", set())
        )
        self.assertIn("give contents by url", self.refused())
