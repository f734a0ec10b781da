"""What a client remembers of what it did, as lists may lag."""

from __future__ import annotations

import testtools

from osc_imagebuild.engine.memory import LAG_S, UNSEEN_S, Memory
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import Image, Server
from osc_imagebuild.steps import attempts


class MemoryTest(testtools.TestCase):
    """One that begins with nothing."""

    def setUp(self) -> None:
        """Have a clock of our own."""
        super().setUp()
        self.now = 1000.0
        self.memory = Memory(lambda: self.now)

    def test_what_was_made(self) -> None:
        """It is asked for until it is listed; for a while a 404 says nothing."""
        self.memory.made(Image, "stub", "i-1")
        self.assertEqual(["i-1"], self.memory.missing(Image, []))
        self.assertEqual(["i-1"], self.memory.missing(Image, [], "stub"))
        self.assertEqual([], self.memory.missing(Image, [], "result"))
        self.assertEqual([], self.memory.missing(Server, []))
        self.assertEqual([], self.memory.missing(Image, ["i-1"]))
        self.assertEqual(["i-1"], self.memory.doubtful(["i-1", "i-2"]))
        self.assertTrue(self.memory.was_just_made(Image, "i-1"))
        self.assertFalse(self.memory.was_just_made(Image, "i-2"))
        self.now += max(UNSEEN_S, LAG_S)
        self.assertFalse(self.memory.was_just_made(Image, "i-1"))
        self.assertEqual([], self.memory.doubtful(["i-1"]))
        self.memory.drop(Image, "i-1")
        self.assertEqual([], self.memory.missing(Image, []))

    def test_what_was_seen(self) -> None:
        """It is asked for where a list has lost it."""
        self.memory.seen(Server, {"install": "s-1"})
        self.assertTrue(self.memory.is_in_use(Server, "install", "s-1"))
        self.assertFalse(self.memory.is_in_use(Server, "verify", "s-1"))
        self.assertEqual(["s-1"], self.memory.missing(Server, []))
        self.memory.drop(Server, "s-1")
        self.assertEqual([], self.memory.missing(Server, []))

    def test_what_was_deleted(self) -> None:
        """It is doubtful for ever; what is forgotten is believed again some day."""
        self.memory.deleted("i-1")
        self.memory.forget("i-1")
        self.assertTrue(self.memory.is_forgotten("i-1"))
        self.assertTrue(self.memory.is_unsure(1))
        self.now += LAG_S
        self.assertFalse(self.memory.is_forgotten("i-1"))
        self.assertFalse(self.memory.is_unsure(LAG_S))
        self.assertEqual(["i-1"], self.memory.doubtful(["i-1"]))

    def test_unsure(self) -> None:
        """The latest counts."""
        self.assertIsNone(self.memory.unsure_at)
        self.memory.unsure()
        self.memory.unsure(900.0)
        self.assertEqual(1000.0, self.memory.unsure_at)


class SpokenOfTest(testtools.TestCase):
    """What the record says that a build goes on with."""

    def test_marks(self) -> None:
        """The server, the volumes that it has, and the result."""
        started = Mark(0.0, {"server_id": "s-1", "volumes": "v-1 v-2"})
        harvested = Mark(0.0, {"image_id": "i-1"})
        for marks, expected in (
            ({}, set()),
            ({"started": Mark(0.0)}, set()),
            ({"started": started}, {"s-1", "v-1", "v-2"}),
            ({"harvested": harvested}, {"i-1"}),
        ):
            self.assertEqual(expected, attempts.spoken_of(Facts(0.0, marks=marks)))
