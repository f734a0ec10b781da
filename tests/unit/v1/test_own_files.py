"""Files beside the user's work: nobody else reads them, nobody's link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import fixtures
import testtools
from osc_lib import exceptions

from osc_imagebuild.errors import Evidence
from osc_imagebuild.v1 import own_files
from osc_imagebuild.v1.console_files import Files, kept_console
from tests.unit.shell import ShellTestCase

BUILD = "b"
CONSOLE = f"imagebuild-{BUILD}-install.log"
PICTURE = f"imagebuild-{BUILD}-install.png"
EVIDENCE = Evidence(console="line\n", screenshot=b"PNG")


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.lstat().st_mode)


class FilesTest(testtools.TestCase):
    """Consoles and pictures."""

    def setUp(self) -> None:
        """Have a directory, a file that must not be touched, and no umask."""
        super().setUp()
        self.addCleanup(os.umask, os.umask(0))
        self.addCleanup(os.chdir, os.getcwd())
        self.home = Path(self.useFixture(fixtures.TempDir()).path)
        os.chdir(self.home)
        self.other = self.home / "other"
        self.other.write_text("other")
        self.output = self.useFixture(fixtures.StringStream("stderr")).stream
        self.useFixture(fixtures.MonkeyPatch("sys.stderr", self.output))

    def told(self) -> str:
        """What was warned of."""
        self.output.flush()
        self.output.seek(0)
        return str(self.output.read())

    def test_replace(self) -> None:
        """In one go, over a plain file and nothing else; what was there stays."""
        page = self.home / "page"
        for text in (b"1", b"2"):
            own_files.replace(page, text)
            self.assertEqual((text, 0o600), (page.read_bytes(), mode(page)))
        page.unlink()
        page.symlink_to(self.other)
        self.assertRaises(PermissionError, own_files.replace, page, b"3")
        self.assertEqual(("other", True), (self.other.read_text(), page.is_symlink()))
        (self.home / "directory").mkdir()
        for path in (self.home / "directory", self.home / "no" / "page"):
            self.assertRaises(OSError, own_files.replace, path, b"4")
        (self.home / "link").symlink_to(self.home / "directory")
        path = self.home / "link" / "page"
        self.assertRaises(PermissionError, own_files.replace, path, b"5")
        names = {"directory", "link", "other", "page"}
        self.assertEqual(names, set(os.listdir(self.home)))

    def test_modes(self) -> None:
        """Only the user reads them, whatever the umask."""
        for directory in (None, "logs", "a/b"):
            saved = Files(directory).save(BUILD, EVIDENCE)
            place = Path(directory or ".")
            self.assertEqual(
                [str(place / CONSOLE), str(place / PICTURE)], saved, str(directory)
            )
            for name in (CONSOLE, PICTURE):
                self.assertEqual(0o600, mode(place / name))
        self.assertEqual(0o700, mode(Path("logs")))
        self.assertEqual(0o700, mode(Path("a/b")))

    def test_there_already(self) -> None:
        """A console is gone on with and closed to others, a picture has a number."""
        Path(CONSOLE).write_text("begun\n")
        Path(CONSOLE).chmod(0o666)
        Path(PICTURE).write_bytes(b"old")
        for number in (2, 3):
            second = f"imagebuild-{BUILD}-install-{number}.png"
            saved = Files(None).save(BUILD, EVIDENCE)
            self.assertEqual([CONSOLE, second], saved)
            self.assertEqual(0o600, mode(Path(second)))
        lines = Path(CONSOLE).read_text().splitlines()
        self.assertEqual(
            ("begun", "line", 1), (lines[0], lines[-1], lines.count("line"))
        )
        self.assertEqual(0o600, mode(Path(CONSOLE)))
        self.assertEqual(b"old", Path(PICTURE).read_bytes())

    def test_no_links(self) -> None:
        """What somebody put in the way is told of, and left alone."""
        traps: tuple[Callable[[Path], object], ...] = (
            lambda path: path.symlink_to(self.other),
            lambda path: path.symlink_to(self.home / "not-there"),
            lambda path: path.hardlink_to(self.other),
            os.mkfifo,
            os.mkdir,
            lambda path: path.symlink_to("/dev/tty"),
        )
        for number, trap in enumerate(traps):
            trap(Path(CONSOLE))
            saved = Files(None).save(BUILD, Evidence(console="line\n"))
            self.assertEqual("other", self.other.read_text(), str(number))
            self.assertIn(f"warning: cannot write {CONSOLE}: ", self.told())
            self.assertEqual([], saved, str(number))
            self.assertNotIn("line", self._read(CONSOLE))
            path = Path(CONSOLE)
            path.rmdir() if path.is_dir() else path.unlink()
            trap(Path(PICTURE))
            [saved_as] = Files(None).save(BUILD, Evidence(screenshot=b"PNG"))
            self.assertNotEqual(PICTURE, saved_as)
            self.assertEqual("other", self.other.read_text(), str(number))
            Path(saved_as).unlink()
            path = Path(PICTURE)
            path.rmdir() if path.is_dir() else path.unlink()
        self.assertFalse((self.home / "not-there").exists())

    def _read(self, name: str) -> str:
        try:
            return kept_console(".", BUILD, "install")
        except exceptions.CommandError as error:
            return str(error)

    def test_directories(self) -> None:
        """One that is a link is another's choice."""
        Path("real").mkdir()
        Path("link").symlink_to("real")
        error = self.assertRaises(exceptions.CommandError, Files, "link")
        self.assertIn("cannot write into link: it is a link", str(error))
        files = Files("logs")
        Path("logs").rmdir()
        Path("logs").symlink_to("real")
        files.save(BUILD, EVIDENCE)
        self.assertEqual([], list(Path("real").iterdir()))
        self.assertIn("it is a link", self.told())

    def test_read(self) -> None:
        """A pipe is not waited for, a link not followed; a console is text."""
        self.assertEqual("", kept_console("nowhere", BUILD, "install"))
        Path(CONSOLE).write_bytes(b"a\xff")
        self.assertEqual("a\ufffd", kept_console(".", BUILD, "verify"))
        Path(CONSOLE).unlink()
        os.mkfifo(CONSOLE)
        self.assertIn("it is no plain file", self._read(CONSOLE))
        Path(CONSOLE).unlink()
        Path(CONSOLE).symlink_to(self.other)
        self.assertIn("it is a link", self._read(CONSOLE))

    def test_any_text(self) -> None:
        """A console with halves of surrogates is kept as well."""
        Files(None).save(BUILD, Evidence(console="\ud800\x1b[2J\n"))
        self.assertEqual(b"\\ud800\x1b[2J\n", Path(CONSOLE).read_bytes())

    def test_too_many(self) -> None:
        """There is an end to numbers."""
        self.patch(own_files, "_MOST", 3)
        for _ in range(2):
            own_files.create_beside(Path("x.png"))[0].close()
        self.assertRaises(FileExistsError, own_files.create_beside, Path("x.png"))


class ScreenshotTest(ShellTestCase):
    """A picture that the user asked for."""

    def test_names(self) -> None:
        """A name that was given is not written over, one of ours gets a number."""
        from osc_imagebuild.cloud import rfb
        from osc_imagebuild.model.readings import Picture

        black = Picture(64, 48, bytes(64 * 48 * 3))
        self.addCleanup(os.umask, os.umask(0))
        build = self.started()
        self.cloud.world.advance(20)
        self.cloud.nova.screens = True
        self.patch(rfb, "capture", lambda url, **options: black)
        for name in ("", "-2", "-3"):
            path = Path(f"imagebuild-{build.id}{name}.png")
            ran = self.build("screenshot", build.id)
            self.assertEqual((0, f"{path}\n"), (ran.code, ran.out), ran.err)
            self.assertEqual(0o600, mode(path))
        Path("there").write_text("there")
        Path("link").symlink_to("nowhere")
        for taken in ("there", "link"):
            ran = self.build("screenshot", build.id, "--file", taken)
            self.assertEqual(1, ran.code)
            self.assertIn(f"cannot write {taken}: File exists", ran.err)
        self.assertEqual("there", Path("there").read_text())
        self.assertFalse(Path("nowhere").exists())
