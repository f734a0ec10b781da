"""The live line of a build on a terminal."""

from __future__ import annotations

import fcntl
import io
import os
import struct
import termios

import fixtures
import testtools

from osc_imagebuild.engine.events import Event, EventKind
from osc_imagebuild.v1.progress import Progress, fitting

TEXT = "waits for the installer, which says on its console that it goes on; " * 3


class Terminal(io.StringIO):
    """A terminal, of which only the width is real."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.leader, self.follower = os.openpty()
        self.resize(columns)

    def resize(self, columns: int) -> None:
        """Give the terminal another width."""
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ, size)

    def isatty(self) -> bool:
        """It is one."""
        return True

    def fileno(self) -> int:
        """The end that programs write to."""
        return self.follower

    def close(self) -> None:
        """Let go of both ends."""
        os.close(self.leader)
        os.close(self.follower)
        super().close()


class LiveLineTest(testtools.TestCase):
    """It keeps to one line, however wide the terminal is."""

    def setUp(self) -> None:
        """Let the terminal tell its width."""
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable("COLUMNS"))

    def lines(self, *columns: int, text: str = TEXT) -> list[str]:
        """Return what is written and taken away again on terminals so wide."""
        terminal = Terminal(columns[0])
        self.addCleanup(terminal.close)
        progress = Progress(terminal)
        for width in columns:
            terminal.resize(width)
            progress(Event(EventKind.WAIT, "b", "install", text, 0.0, 7))
        progress.end()
        return terminal.getvalue().split("\r")

    def test_width(self) -> None:
        """One column less than the terminal has, 79 where that is unknown."""
        for columns, shown in ((40, 39), (200, 199), (1, 0), (0, 79)):
            line = self.lines(columns)[0]
            self.assertEqual(shown, len(line), str(columns))
            self.assertTrue(f"[  0:00] install:   7 % {TEXT}".startswith(line))

    def test_resized(self) -> None:
        """Each line fits, and no more is taken away than there is room for."""
        parts = self.lines(100, 30, 50)
        self.assertEqual([99, 29, 29, 29, 49, 49, 0], [len(part) for part in parts])

    def test_environment(self) -> None:
        """COLUMNS goes first where it is a number."""
        for told, shown in (("60", 59), ("²", 39), ("0", 39), ("9" * 5000, 39)):
            self.useFixture(fixtures.EnvironmentVariable("COLUMNS", told))
            self.assertEqual(shown, len(self.lines(40)[0]), told[:9])

    def test_lines(self) -> None:
        """What has several is shown in one."""
        self.assertIn("one two", self.lines(80, text="one\ntwo")[0])

    def test_fitting(self) -> None:
        """Wide characters take two columns, those on top of others none."""
        for text, columns, wanted in (
            ("abc", 3, ("abc", 3)),
            ("abc", 2, ("ab", 2)),
            ("\u4e2d\u6587", 3, ("\u4e2d", 2)),
            ("\u4e2d\u6587", 4, ("\u4e2d\u6587", 4)),
            ("e\u0301e", 1, ("e\u0301", 1)),
            ("abc", 0, ("", 0)),
            ("abc", -1, ("", 0)),
        ):
            self.assertEqual(wanted, fitting(text, columns))
