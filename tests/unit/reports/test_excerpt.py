"""Turning points of a console, and what is left out between them."""

from __future__ import annotations

import testtools

from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.reports import excerpt
from osc_imagebuild.reports.excerpt import Excerpt, Kind
from tests.unit.reports.sample import console

SIGNS = sign_files.of("debian")


def found(raw: str, evidence: str = "") -> Excerpt:
    """Return the excerpt of a console of Debian's installer."""
    return excerpt.excerpt(SIGNS, raw, evidence)


class ExcerptTest(testtools.TestCase):
    """Consoles of real builds, and made-up ones."""

    def test_good(self) -> None:
        """Its steps, in their order, each in the line that says it."""
        shown = found(console())
        labels = [line.label for line in shown.points]
        self.assertEqual("partitioning (30 %)", labels[2])
        self.assertIn("Starting up the partitioner", shown.points[2].text)
        self.assertEqual({Kind.STEP}, {line.kind for line in shown.points})
        self.assertEqual(0, shown.left_out)

    def test_failed(self) -> None:
        """What failed it is marked, and so is the line that it was judged by."""
        line = "Please check the specified mirror or try a different one."
        shown = found(console("debian-bad-mirror.txt"), line)
        grave = [p for p in shown.points if p.kind == Kind.FAILURE]
        self.assertIn("Bad archive mirror", grave[0].label)
        self.assertEqual(line, grave[-1].text)
        plain = found("a\nfoo bar\nb\n", "foo")
        self.assertEqual(["foo bar"], [p.text for p in plain.points])
        self.assertEqual((), found("a\nb\n", " ").points)

    def test_what_guests_report(self) -> None:
        """In words; the packed data of a guest are left out."""
        frame = "IMAGEBUILD-DATA fc7512b6-97fb-4fbf-b907-aba57a71b472 inventory 1/1 0 x"
        shown = found(
            f"x\nIMAGEBUILD-UPDATE begins\n{frame}\n[    0.0] Linux version 6\n"
        )
        self.assertEqual(
            ["the guest reports", "the installer's kernel starts (1 %)"],
            [p.label for p in shown.points],
        )
        self.assertEqual((1, 4), (shown.left_out, shown.total))

    def test_bounded(self) -> None:
        """However long it is, the begin, the end and what matters are there."""
        lines = [f"line {n}" for n in range(5000)]
        lines[2500] = "Installing the base system"
        lines[3500] = "what it was"
        shown = found("\n".join(lines), "what it was")
        self.assertEqual(excerpt.MOST_LINES, len(shown.lines))
        texts = [line.text for line in shown.lines]
        for text in ("line 0", "line 2499", lines[2500], lines[3500], "line 4999"):
            self.assertIn(text, texts)
        numbers = [line.number for line in shown.lines]
        self.assertEqual(sorted(numbers), numbers)
        self.assertEqual(5000 - excerpt.MOST_LINES, shown.left_out)

    def test_many_points(self) -> None:
        """Those of a guest that reports without end do not push out what failed."""
        raw = "IMAGEBUILD-X\n" * 3000 + "the end of it\n" + "more\n" * 900
        shown = found(raw, "the end of it")
        self.assertLessEqual(len(shown.points), excerpt.MOST_POINTS + 1)
        self.assertEqual(Kind.FAILURE, shown.points[-1].kind)
        self.assertLessEqual(len(shown.lines), excerpt.MOST_LINES)

    def test_nothing(self) -> None:
        """No console, and one with nothing to read."""
        for raw in ("", "\n\n", "\0\x1b[2J"):
            self.assertEqual(0, len(found(raw).lines), repr(raw))

    def test_long(self) -> None:
        """Only the end is read."""
        shown = found("first\n" + "x" * excerpt.LONGEST_TEXT + "\nlast\n")
        self.assertEqual("last", shown.lines[-1].text)
        self.assertNotIn("first", [line.text for line in shown.lines])
