"""A client that applies templates dies after each mutation, in either of two clouds."""

from __future__ import annotations

import functools

from osc_imagebuild.builds.families import members
from osc_imagebuild.model.request import Request
from osc_imagebuild.upkeep.tasks import Applied, End, Wish
from tests.fakes.cloud import FakeCloud
from tests.fakes.wire import Call
from tests.scenarios.elsewhere import DAY, TWO, ElsewhereTestCase

Place = tuple[str, tuple[FakeCloud, FakeCloud]]
GOOD = (End.COMPLETE, End.COPIED, End.UNCHANGED)


class ApplySweepTest(ElsewhereTestCase):
    """A base that is copied to another cloud, and a layer of it; both have an older image."""

    def wishes(self, number: int) -> list[Wish]:
        """Return templates of the base's ``number`` th state, the layer first."""
        base = Request(
            name="base",
            os="mini",
            replace=True,
            verify=False,
            copies=(TWO,),
            properties={"n": str(number)},
        )
        layer = Request(
            name="layer", from_image="family:base", replace=True, verify=False
        )
        return [Wish("layer.yaml", layer), Wish("base.yaml", base)]

    def applied(self, number: int, client: str) -> dict[str, Applied]:
        """Apply them; return what became of each by its label."""
        builder = self.builder(client)
        ended = builder.apply(builder.survey(self.wishes(number)), most=2)
        return {applied.task.wish.label: applied for applied in ended}

    def places(self) -> list[Place]:
        """Return the clouds as each mutation of the second run leaves them."""
        self.applied(1, "first")
        self.cloud.world.sleep(DAY)
        found: list[Place] = [("before all", self.fork())]

        def observe(name: str, when: str, call: Call) -> None:
            if when == "after":
                where = f"after {name} {call.number} {call.kind}"
                found.append((where, self.fork()))

        for name, cloud in (("here", self.cloud), ("there", self.two)):
            cloud.observers.append(functools.partial(observe, name))
        self.assert_ended(self.applied(2, "first"), End.COMPLETE)
        self.assert_all()
        return found

    def assert_ended(self, found: dict[str, Applied], *ends: End) -> None:
        """Both templates ended in one of these ways."""
        self.assertEqual({"layer.yaml", "base.yaml"}, set(found))
        for label, applied in found.items():
            self.assertIn(applied.end, ends, f"{label}: {applied.reason}")
            self.assertFalse(applied.is_failed, f"{label}: {applied.reason}")

    def assert_all(self) -> None:
        """Each name is on one image, each family has two, the layer is of the new base."""
        api = self.builder("looks").api
        current = {}
        for name in ("base", "layer"):
            results = members(api, name)
            self.assertEqual(2, len(results), name)
            named = [i.id for i in self.cloud.glance.images.values() if i.name == name]
            self.assertEqual([results[0].id], named)
            current[name] = self.cloud.glance.images[results[0].id]
        parent = current["layer"].properties["imagebuild_parent_id"]
        self.assertEqual(current["base"].id, parent)
        self.assertEqual("2", current["base"].properties["n"])
        copies = self.there()
        self.assertEqual(2, len(copies), str([i.name for i in copies]))
        named_there = [i for i in copies if i.name == "base"]
        self.assertEqual([current["base"].data], [i.data for i in named_there])
        for cloud in (self.cloud, self.two):
            cloud.tick()
            self.assertEqual({}, cloud.nova.servers)
            parts = [
                i.name
                for i in cloud.glance.images.values()
                if "imagebuild-part" in i.tags and "-content-" not in "".join(i.tags)
            ]
            self.assertEqual([], parts)

    def test_killed(self) -> None:
        """Another client makes all complete, at once or after an hour; none is built twice."""
        places = self.places()
        self.assertGreater(len(places), 40)
        for number, (where, clouds) in enumerate(places):
            self.take(clouds)
            self.cloud.world.sleep(3600 * (number % 2))
            with self.one_of_many(where):
                self.assert_ended(self.applied(2, "second"), *GOOD)
                self.cloud.world.sleep(300)  # then a dead client's lease is over
                self.assert_ended(self.applied(2, "second"), End.UNCHANGED)
                self.assert_all()
