"""When the next picture of a screen is due, and which ones are kept."""

from __future__ import annotations

import testtools

from osc_imagebuild.model.manifest import MOST_SCREENSHOTS, PhaseScreen
from osc_imagebuild.monitors.album import AGAIN_S, LEAST_S, Album

ID = "s-1"


def shot(phase: str = "", at: float = 0.0, role: str = "install") -> PhaseScreen:
    """A picture of a phase."""
    return PhaseScreen(role, phase, at, b"png")


class AlbumTest(testtools.TestCase):
    """Of a server that goes from phase to phase."""

    def times(self, phases: dict[float, str], until: float) -> list[tuple[float, str]]:
        """When pictures are taken by a client that looks every five seconds."""
        album, phase, found, now = Album(), "", [], 0.0
        while now <= until:
            phase = phases.get(now, phase)
            if album.is_due(ID, phase, now):
                album.add(ID, shot(phase, now))
                found.append((now, phase))
            now += 5.0
        return found

    def test_due(self) -> None:
        """At once, where the phase is another one, and ever more seldom within one."""
        self.assertEqual(
            [(0.0, ""), (60.0, ""), (180.0, ""), (420.0, ""), (900.0, "")],
            self.times({}, 1700.0),
        )
        self.assertEqual(
            [(0.0, ""), (20.0, "b"), (40.0, "c"), (100.0, "c")],
            self.times({5.0: "a", 10.0: "b", 25.0: "c"}, 130.0),
        )

    def test_bounded(self) -> None:
        """A console that names another phase each time is asked no more often."""
        phases = {5.0 * n: f"{n}" for n in range(1000)}
        self.assertEqual(1 + int(4000 / LEAST_S), len(self.times(phases, 4000.0)))

    def test_kept(self) -> None:
        """The last of each phase of each server; of many phases the newest."""
        album = Album()
        for at, role, phase in (
            (1.0, "install", "a"),
            (2.0, "install", "b"),
            (3.0, "install", "a"),
            (4.0, "verify", "a"),
        ):
            album.add(role, shot(phase, at, role))
        self.assertEqual([2.0, 3.0, 4.0], [s.at for s in album.screenshots])
        for n in range(40):
            album.add(ID, shot(f"{n}", 5.0 + n))
        kept = album.screenshots
        self.assertEqual(MOST_SCREENSHOTS, len(kept))
        self.assertEqual("39", kept[-1].phase)

    def test_in_vain(self) -> None:
        """What does not answer is let alone; another server is asked anew."""
        album = Album()
        for at, due in ((0.0, True), (AGAIN_S, False)):
            album.in_vain(ID, "", at)
            self.assertEqual(due, album.is_due(ID, "", at + 3600))
        self.assertTrue(album.is_due("s-2", "", 0.0))
        album.in_vain("s-2", "", 0.0)
        self.assertFalse(album.is_due("s-2", "", AGAIN_S - 1))
        album.add("s-2", shot("", AGAIN_S))
        album.in_vain("s-2", "", 1000.0)
        self.assertTrue(album.is_due("s-2", "", 9999.0))

    def test_ends(self) -> None:
        """The last one of a phase is taken whenever that is, but not twice."""
        album = Album()
        self.assertTrue(album.is_due(ID, "", 0.0, ends=True))
        album.add(ID, shot("", 10.0))
        for now, due in ((11.0, False), (13.0, True)):
            self.assertEqual(due, album.is_due(ID, "", now, ends=True))
        for _ in range(2):
            album.in_vain(ID, "", 11.0)
        self.assertFalse(album.is_due(ID, "", 99.0, ends=True))

    def test_closed(self) -> None:
        """Where there are no screens, nothing is due."""
        album = Album()
        album.is_closed = True
        for server_id in (ID, "s-2"):
            self.assertFalse(album.is_due(server_id, "a", 9999.0))
