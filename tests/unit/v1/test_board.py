"""The lines of several builds on a terminal, and on none."""

from __future__ import annotations

import io

import fixtures
import testtools

from osc_imagebuild.engine.events import Event, EventKind
from osc_imagebuild.v1.board import Board
from tests.unit.v1.test_progress import Terminal


def event(
    build: str, kind: EventKind = EventKind.WAIT, text: str = "unpacking", at: float = 0
) -> Event:
    """Return an event of a build."""
    return Event(kind, build, "install", text, at, 7, 90.0)


class BoardTest(testtools.TestCase):
    """Two builds, and one that nobody asked for."""

    def setUp(self) -> None:
        """Let the terminal tell its width."""
        super().setUp()
        self.useFixture(fixtures.EnvironmentVariable("COLUMNS"))

    def begun(self, board: Board) -> Board:
        """Let both begin."""
        board.begin("1", "a.yaml")
        board.begin("2", "dir/b.yaml")
        return board

    def test_plain(self) -> None:
        """A line for each step, and one a minute, each with its label."""
        stream = io.StringIO()
        board = self.begun(Board(stream))
        for at in (0, 5, 59, 61, 70):
            for build in ("1", "2", "3"):
                board(event(build, at=at))
        board(event("1", EventKind.STEP, at=80))
        board(event("2", EventKind.NOTE, "no\x1b[2Jroom"))
        board.over("1", "complete")
        board.end()
        told = stream.getvalue()
        line = "[  0:00] install:   7 % unpacking, about 2 min left"
        self.assertEqual(2, told.count(line))
        self.assertEqual(2, told.count("[  1:01] install: "))
        self.assertEqual(1, told.count("a.yaml: complete\n"))
        self.assertIn("dir/b.yaml: no\\x1b[2Jroom\n", told)
        self.assertNotIn("\x1b", told)

    def test_live(self) -> None:
        """One line for each, over the old ones; cut where the terminal ends."""
        terminal = Terminal(60)
        self.addCleanup(terminal.close)
        board = self.begun(Board(terminal))
        board(event("1"))
        *_, last = terminal.getvalue().split("\x1b[2A\x1b[J")
        rows = last.splitlines()
        self.assertEqual(2, len(rows))
        self.assertTrue(rows[0].startswith("a.yaml "), rows[0])
        self.assertTrue(all(len(row) <= 59 for row in rows), rows)
        board.over("2", "failed: no room")
        *_, last = terminal.getvalue().split("\x1b[J")
        self.assertEqual("dir/b.yaml: failed: no room", last.splitlines()[0])
        self.assertEqual(2, len(last.splitlines()))
        board.end()
        self.assertTrue(terminal.getvalue().endswith("\x1b[1A\x1b[J"))

    def test_more_than_fit(self) -> None:
        """No more lines than the terminal has, or they could not be taken away."""
        terminal = Terminal(60)
        self.addCleanup(terminal.close)
        board = Board(terminal)
        for number in range(40):
            board.begin(str(number), f"{number}.yaml")
        self.assertIn("\x1b[23A", terminal.getvalue())
        self.assertNotIn("\x1b[24A", terminal.getvalue())

    def test_quiet(self) -> None:
        """Nothing at all."""
        stream = io.StringIO()
        board = self.begun(Board(stream, quiet=True))
        board(event("1"))
        board.over("1", "complete")
        board.end()
        self.assertEqual("", stream.getvalue())
