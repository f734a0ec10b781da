"""Files that somebody else names: where they may be, of what kind, and how large."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import fixtures
import testtools
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_imagebuild.media import local_files
from osc_imagebuild.media.local_files import OutsideError, UnreadableError

SECRET = b"root:x:0:0:root"
# How a path can be written; {in} and {out} are directories, "file" is in both of them.
WAYS_IN = (
    "{in}/file",
    "{in}//file",
    "{in}/./file",
    "{in}/sub/../file",
    "{in}/../in/file",
    "{in}/link-in",
    "{in}/sub/up",
    "{out}/back/file",
)
WAYS_OUT = (
    "{out}/file",
    "{in}/../out/file",
    "{in}/sub/../../out/file",
    "{in}/sub/../../in/../out/file",
    "{in}/link-out",
    "{in}/link-to-link",
    "{in}/dir-out/file",
    "{in}/sub/deep/file",
    "{in}/relative-out",
    "{in}2/file",
    "/proc/self/environ",
    "/proc/self/root{out}/file",
    "/proc/self/cwd",
    "/dev/fd/0",
    "/dev/stdin",
    "{in}/environ",
    "{in}/..",
)


class LocalFilesTestCase(testtools.TestCase):
    """A directory in which files may be read, and one beside it."""

    def setUp(self) -> None:
        """Make them, with links between them."""
        super().setUp()
        top = Path(self.useFixture(fixtures.TempDir()).path)
        self.inside, self.outside = top / "in", top / "out"
        for directory in (self.inside, self.outside, top / "in2"):
            directory.mkdir()
            (directory / "file").write_bytes(SECRET)
        (self.inside / "sub").mkdir()
        for name, target in (
            ("link-in", "file"),
            ("sub/up", "../file"),
            ("link-out", self.outside / "file"),
            ("link-to-link", "link-out"),
            ("dir-out", self.outside),
            ("sub/deep", "../dir-out"),
            ("relative-out", "../out/file"),
            ("environ", "/proc/self/environ"),
        ):
            (self.inside / name).symlink_to(target)
        (self.outside / "back").symlink_to(self.inside)
        self.fence = local_files.fence(self.inside)

    def path(self, way: str) -> str:
        """Return one of the paths above."""
        return way.format(**{"in": self.inside, "out": self.outside})

    def refusal(self, path: str | Path, limit: int = 100) -> str:
        """Return why a file that may be anywhere is not read, which must not take long."""
        began = time.process_time()
        error = self.assertRaises(UnreadableError, local_files.read, path, limit)
        self.assertLess(time.process_time() - began, 5)
        return str(error)


class PlaceTest(LocalFilesTestCase):
    """Where files may be."""

    def test_inside(self) -> None:
        for way in WAYS_IN:
            found = local_files.read(self.path(way), 100, self.fence)
            self.assertEqual(SECRET, found.data, way)

    def test_outside(self) -> None:
        for way in WAYS_OUT:
            error = self.assertRaises(
                OutsideError, local_files.read, self.path(way), 100, self.fence
            )
            self.assertNotIn("root:x", str(error), way)

    def test_several_and_single_files(self) -> None:
        """A fence may be around a file alone."""
        fence = local_files.fence(self.inside, self.outside / "file")
        path = self.outside / "file"
        self.assertEqual(SECRET, local_files.read(path, 100, fence).data)
        self.assertRaises(OutsideError, local_files.read, self.outside, 100, fence)

    def test_through_a_link_of_the_users(self) -> None:
        """Whoever names a directory by a link means what it leads to."""
        link = self.outside.parent / "link"
        link.symlink_to(self.inside)
        fence = local_files.fence(link)
        self.assertEqual(SECRET, local_files.read(link / "file", 100, fence).data)
        self.assertEqual(
            SECRET, local_files.read(self.inside / "file", 100, fence).data
        )

    @given(
        st.lists(st.sampled_from(("..", ".", "", "sub", "in", "out", "dir-out", "up")))
    )
    @settings(max_examples=100, deadline=None, database=None)
    def test_any_path(self, parts: list[str]) -> None:
        """What is read at all is below the directory."""
        path = "/".join((str(self.inside), *parts, "file"))
        try:
            local_files.read(path, 100, self.fence)
        except (OSError, ValueError):
            return
        self.assertTrue(Path(path).resolve().is_relative_to(self.inside.resolve()))

    def test_swapped(self) -> None:
        """A file or directory that becomes a link after it was judged."""
        for name, target in (("file", "file"), ("sub/file", "")):
            (self.inside / "sub" / "file").write_bytes(b"mine")
            real = self.fence.real(self.inside / name)
            victim = self.inside / (name if target else "sub")
            victim.rename(self.inside / f"old-{target}")
            victim.symlink_to(self.outside / target)
            error = self.assertRaises(
                (OSError, UnreadableError), local_files._open_plain, real
            )
            self.assertNotIn("root:x", str(error))
            victim.unlink()
            (self.inside / "sub").mkdir(exist_ok=True)


class KindTest(LocalFilesTestCase):
    """Of what kind they may be, wherever."""

    def test_kinds(self) -> None:
        """None that waits, never ends, or is of the system's making."""
        pipe, there = self.inside / "pipe", self.inside / "socket"
        os.mkfifo(pipe)
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(str(there))
        (self.inside / "zero").symlink_to("/dev/zero")
        for path, words in (
            (pipe, "it is a pipe, not a plain file"),
            (there, "it is a socket"),
            ("/dev/zero", "it is a device"),
            (self.inside / "zero", "it is a device"),
            (self.inside, "it is a directory"),
            ("/", "it is a directory"),
            ("/proc/self/environ", "the system makes it up"),
            (f"/proc/{os.getpid()}/maps", "the system makes it up"),
        ):
            self.assertIn(words, self.refusal(path, 1 << 20))

    def test_a_fence_around_everything(self) -> None:
        """Who allows / does not allow what is no file."""
        fence = local_files.fence("/")
        for path in ("/proc/self/environ", "/proc/self/cmdline", "/dev/zero"):
            self.assertRaises(UnreadableError, local_files.read, path, 1 << 20, fence)

    def test_a_pipe_that_comes_late(self) -> None:
        """It is opened without waiting for who writes, and refused then."""
        path = self.inside / "file"
        path.unlink()
        os.mkfifo(path)
        self.patch(local_files, "_check_kind", lambda mode, *kinds: None)
        self.assertEqual(b"", local_files.read(path, 100).data)

    def test_sizes(self) -> None:
        """A byte more than allowed is too much; empty ones are fine."""
        path = self.inside / "file"
        path.write_bytes(b"x" * 100)
        self.assertEqual(100, len(local_files.read(path, 100).data))
        self.assertIn("larger than 99 bytes", self.refusal(path, 99))
        path.write_bytes(b"")
        self.assertEqual(b"", local_files.read(path, 100).data)
        with path.open("wb") as file:
            file.truncate(1 << 40)  # of holes alone
        self.assertIn("larger than 100 bytes", self.refusal(path))

    def test_not_there(self) -> None:
        self.assertRaises(FileNotFoundError, local_files.read, self.inside / "gone", 9)
        self.assertRaises(ValueError, local_files.read, "a\0b", 9)
        (self.inside / "ring").symlink_to("ring")
        self.assertRaises(OSError, local_files.read, self.inside / "ring" / "x", 9)
