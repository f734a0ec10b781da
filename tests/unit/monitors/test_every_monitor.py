"""Each monitor reads, compares, dumps and loads itself; a Watch knows none by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import testtools

from osc_imagebuild import monitors
from osc_imagebuild.model.readings import Counters, Picture, Signal
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors import Life, console_activity, signals, signals_json
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.monitors.console.signs import Signs

BLACK = Picture(64, 48, bytes(64 * 48 * 3))
# As a record of version 0.1 keeps them.
SAVED = (
    '{"install":{"power":[["ACTIVE",1,null],4000,4900],'
    '"console":["eNoTPNWVVpXT9hEAEHkEKQ==",4000,4900],'
    '"trouble":["the mirror",4000,4900],'
    '"diagnostics":[[1000000000.0,2000000000.0,3.5],4000,4900],'
    '"metrics":[[0.0,1.0,2.0],4000,4900],'
    '"screen":["eNr7uuCL6FcSMAAPmR9p",4000,4900]}}'
)


@dataclass(frozen=True)
class Shown:
    """A server as a monitor reads it."""

    server: Server = field(default_factory=lambda: Server("1", "install", "ACTIVE"))
    console: str = "curl: (7) Failed to connect to mirror\n"
    signs: Signs = field(default_factory=lambda: sign_files.of("debian"))

    def diagnostics(self) -> Counters | None:
        """Some work."""
        return Counters(1.0, 2.0, 3.0)

    def metrics(self) -> Counters | None:
        """As a service that lags behind."""
        return Counters(1.0, 1.0, 1.0)

    def picture(self) -> Picture:
        """Nothing to be seen."""
        return BLACK


class EveryMonitorTest(testtools.TestCase):
    """What all of them answer."""

    def test_facts(self) -> None:
        """Which are read at each look, and what a change says."""
        wanted = {
            "console": (True, Life.GUEST, 0),
            "diagnostics": (False, Life.GUEST, 110),
            "metrics": (False, Life.GUEST, 290),
            "power": (True, Life.SERVER, 0),
            "screen": (False, Life.GUEST, 110),
            "trouble": (True, Life.NOTHING, 0),
        }
        told = {n: (m.is_cheap, m.life, m.every_s) for n, m in monitors.every().items()}
        self.assertEqual(wanted, told)
        self.assertEqual({"diagnostics"}, monitors.every()["metrics"].replaced_by)

    def test_there_and_back(self) -> None:
        """What is read is the same after it was JSON, and no life by itself."""
        for name, monitor in monitors.every().items():
            value = monitor.read(Shown())
            self.assertIsNotNone(value, name)
            data = json.loads(json.dumps(monitor.dump(value)))
            self.assertEqual(value, monitor.load(data), name)
            self.assertFalse(monitor.alive(value, monitor.load(data), 60.0), name)

    def test_movement(self) -> None:
        """What differs is seen by the monitor that shows it, and by no other."""
        white = Picture(64, 48, b"\xff" * len(BLACK.rgb))

        class Busy(Shown):
            """It has drawn a picture and written to its disk."""

            def picture(self) -> Picture:
                return white

            def diagnostics(self) -> Counters | None:
                return Counters(1e9, 2.0, 3.0)

        for after, moved in (
            (Shown(), set()),
            (Busy(), {"screen", "diagnostics"}),
            (
                Shown(console="curl: (7) Failed to connect to mirror\nnew\n"),
                {"console"},
            ),
            (Shown(console="all is well\n"), {"console", "trouble"}),
            (Shown(server=Server("1", "install", "SHUTOFF")), {"power"}),
        ):
            changed = {
                name
                for name, monitor in monitors.every().items()
                if monitor.alive(monitor.read(Shown()), monitor.read(after), 60.0)
            }
            self.assertEqual(moved, changed)

    def test_a_silent_console(self) -> None:
        """It is not read: that says neither life nor that all is well."""
        silent = Shown(console="")
        unread = {n for n, m in monitors.every().items() if m.read(silent) is None}
        self.assertEqual({"console", "trouble"}, unread)

    def test_data_that_are_none(self) -> None:
        """Each says so of what it cannot have dumped."""
        none: dict[str, list[Any]] = {
            "console": [None, 7, "AAAA", "\u00fc", [1]],
            "screen": [None, "AAAA", {}],
            "metrics": [None, "x", [1, 2], [1, 2, "x"], [10**400, 2, 3]],
            "diagnostics": [7, [[], 1, 2]],
            "power": [7],
        }
        for name, data in ((n, d) for n in none for d in none[n]):
            try:
                loaded: Any = monitors.every()[name].load(data)
            except (ValueError, TypeError, OverflowError):
                continue
            self.fail(f"{name}: {data!r} became {loaded!r}")


class SavedTest(testtools.TestCase):
    """Signals of earlier versions, and of later ones."""

    def test_saved(self) -> None:
        """A build that another version began is gone on with."""
        told = signals_json.load(SAVED, 5000.0)["install"]
        self.assertEqual({4000.0}, {s.since for s in told.values()})
        values = {name: s.value for name, s in told.items()}
        self.assertEqual(("ACTIVE", 1, None), values["power"])
        self.assertEqual(console_activity.news("one\ntwo\n"), values["console"])
        self.assertEqual("the mirror", values["trouble"])
        self.assertEqual(Counters(1e9, 2e9, 3.5), values["diagnostics"])
        self.assertEqual(Counters(0.0, 1.0, 2.0), values["metrics"])
        self.assertEqual(12, len(values["screen"]))
        again = signals_json.dump({"install": told})
        self.assertEqual(told, signals_json.load(again, 5000.0)["install"])

    def test_a_monitor_that_is_not_here(self) -> None:
        """It is left out, and not written again."""
        told = signals_json.load('{"install":{"smell":[1,2,3]}}', 5000.0)
        self.assertEqual({"install": {}}, told)
        text = signals_json.dump({"install": {"smell": Signal(1, 2, 3)}})
        self.assertEqual('{"install":{}}', text)

    def test_flat(self) -> None:
        """Power alone shows no guest, and a trouble that lasts is no life."""
        old, new = Signal(0, 100.0, 900.0), Signal(0, 800.0, 900.0)
        for shown, flat in (
            ({}, 0.0),
            ({"power": old}, 0.0),
            ({"power": old, "trouble": old}, 0.0),
            ({"console": old}, 900.0),
            ({"console": old, "trouble": new}, 900.0),
            ({"console": old, "power": new}, 200.0),
            ({"console": old, "screen": new}, 200.0),
        ):
            self.assertEqual(flat, signals.flat_s(shown, 1000.0), str(shown))
