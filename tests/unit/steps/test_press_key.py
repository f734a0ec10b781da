"""When the key is pressed that an installer's CD waits for."""

from __future__ import annotations

from osc_imagebuild.engine import recipe
from osc_imagebuild.model.actions import Again, Fail, PressKey, SetMark
from osc_imagebuild.model.readings import Signal
from osc_imagebuild.steps.install import Install
from osc_imagebuild.steps.press_key import WINDOW_S, EnsureKey, was_missed
from tests.unit.decisions import StepTestCase, spec
from tests.unit.samples import NOW, facts, marks, server

LATE, NONE = SetMark("key", {"trouble": "too late"}), {"trouble": "no server"}


class EnsureKeyTest(StepTestCase):
    """A minute from the start of the server, and not a second more."""

    def test_decisions(self) -> None:
        """Waited for, pressed, or noted as impossible, which is no failure."""
        for fields, expected in (
            ({"status": "BUILD"}, "wait: Nova starts the server (1 s)"),
            ({"launched_at": NOW}, PressKey("s-install", NOW + WINDOW_S)),
            ({"launched_at": NOW - 10}, PressKey("s-install", NOW + WINDOW_S - 10)),
            ({"launched_at": NOW - 59.9}, PressKey("s-install", NOW - 59.9 + WINDOW_S)),
            ({"launched_at": NOW - 60}, LATE),
            ({"launched_at": NOW - 3600}, LATE),
            # Nova may not tell when it started.
            ({}, PressKey("s-install", NOW + WINDOW_S)),
            ({"status": "ERROR"}, SetMark("key", NONE)),
            ({"status": "SHUTOFF"}, SetMark("key", NONE)),
            ({"status": "PAUSED"}, SetMark("key", NONE)),
        ):
            servers = (server("install", **fields),)
            self.check(EnsureKey(), (facts(servers=servers), expected))
        others = facts(servers=(server("verify"),))
        for without in (facts(), others):
            self.check(EnsureKey(), (without, SetMark("key", NONE)))

    def test_done(self) -> None:
        """By its mark, whatever came of it."""
        self.check_done(
            EnsureKey(),
            (facts(), False),
            (facts(servers=(server("install"),)), False),
            (facts(marks=marks("key")), True),
            (facts(marks=marks("key", trouble="too late")), True),
        )

    def test_missed(self) -> None:
        """Where nobody is known to have pressed it in time."""
        for trouble, missed in (("too late", True), ("no server", False), ("", False)):
            marked = marks("key", trouble=trouble)
            self.assertEqual(missed, was_missed(facts(marks=marked)))
        self.assertFalse(was_missed(facts()))

    def test_a_missed_key_is_another_attempt(self) -> None:
        """A guest that stands still then may only lack a key."""
        signals = {"install": {"console": Signal("", NOW - 9999, NOW)}}
        for trouble, kind in (("too late", Again), ("", Fail)):
            marked = {**marks("started"), **marks("key", trouble=trouble)}
            seen = facts((), (server("install"),), marks=marked, signals=signals)
            decision = Install().decide(spec({}), seen)
            self.assertIsInstance(decision, kind, str(decision))

    def test_where_it_belongs(self) -> None:
        """Between server and installer, where the CD asks for a key."""
        names = [step.name for step in recipe.of(spec({"press_key": True}))]
        at = names.index("press-key")
        self.assertEqual(["server", "press-key", "install"], names[at - 1 : at + 2])
        others = [step.name for step in recipe.of(spec({"press_key": False}))]
        self.assertNotIn("press-key", others)
