"""Many templates: what is outdated is built, some at a time, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import lease
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.request import Request
from osc_imagebuild.upkeep.tasks import Applied, End, Task, ToDo, Wish
from tests.fakes.faults import Fault
from tests.fakes.wire import Call, Reply
from tests.unit.base import CloudTestCase

DAY = 86_400.0


class ApplyTestCase(CloudTestCase):
    """Templates of one system, with names of their own."""

    def wishes(self, *names: str, **fields: Any) -> list[Wish]:
        """Return wishes whose labels are their images' names."""
        known: dict[str, Any] = {"os": "mini", "replace": True, **fields}
        return [Wish(name, Request(**{**known, "name": name})) for name in names]

    def applied(
        self,
        wishes: Sequence[Wish],
        *,
        most: int = 4,
        wait: bool = True,
        builder: Builder | None = None,
    ) -> dict[str, Applied]:
        """Apply them; return what became of each by its label."""
        builder = builder or self.builder()
        tasks = builder.survey(wishes)
        ended = builder.apply(tasks, most=most, wait=wait)
        return {applied.task.wish.label: applied for applied in ended}

    def ends(self, found: dict[str, Applied]) -> dict[str, str]:
        """Return how each ended."""
        return {label: str(applied.end) for label, applied in found.items()}

    def running(self) -> int:
        """How many install servers there are."""
        names = [s.name for s in self.cloud.nova.servers.values()]
        return sum(name.endswith("-install") for name in names)


class ApplyTest(ApplyTestCase):
    """From nothing to six images, and on."""

    def test_six(self) -> None:
        """All are built, two at a time; the next time there is nothing to do."""
        wishes = self.wishes(*"abcdef")
        most: list[int] = []
        self.cloud.observers.append(lambda when, call: most.append(self.running()))
        found = self.applied(wishes, most=2)
        self.assertEqual(dict.fromkeys("abcdef", "complete"), self.ends(found))
        self.assertEqual(2, max(most))
        for name, applied in found.items():
            image = self.cloud.glance.images[applied.image_id]
            self.assertEqual((name, False), (image.name, image.hidden))
        before = len(self.cloud.mutations)
        again = self.applied(wishes)
        self.assertEqual(dict.fromkeys("abcdef", "unchanged"), self.ends(again))
        self.assertEqual(before, len(self.cloud.mutations))
        self.assertEqual("nothing changed", again["a"].reason)

    def test_one_changed(self) -> None:
        """Only what changed is built, and takes the name."""
        self.applied(self.wishes("a", "b"))
        self.cloud.world.sleep(DAY)
        wishes = [*self.wishes("a"), *self.wishes("b", properties={"new": "yes"})]
        found = self.applied(wishes)
        self.assertEqual({"a": "unchanged", "b": "complete"}, self.ends(found))
        named = [i.id for i in self.cloud.glance.images.values() if i.name == "b"]
        self.assertEqual([found["b"].image_id], named)

    def test_cost_of_nothing(self) -> None:
        """A template whose image is fresh costs no more than six calls."""
        wishes = self.wishes("a", "b", "c")
        self.applied(wishes)
        builder = self.builder("reader")
        builder.survey(self.wishes("a"))
        one = builder.api.calls.total()
        builder.survey(wishes)
        self.assertLessEqual(builder.api.calls.total() - one, 3 * 6)

    def test_mistakes(self) -> None:
        """All of all templates at once, and nothing is written."""
        wishes = [
            *self.wishes("a", flavor="none"),
            *self.wishes("b", os="minix"),
            *self.wishes("c", "d", family="one"),
            *self.wishes("e"),
            *self.wishes("e", family="other"),
        ]
        error = self.assertRaises(SpecError, self.builder().survey, wishes)
        told = str(error)
        for text in (
            "a: ",
            "b: unknown OS 'minix'",
            "d and c make images of one family, one",
            "e and e make images of one name, e",
        ):
            self.assertIn(text, told)
        self.assert_empty()

    def test_one_fails(self) -> None:
        """It keeps the others from nothing, and is told."""
        self.refuse_servers_of("b")
        found = self.applied(self.wishes("a", "b", "c"), most=2)
        self.assertEqual(
            {"a": "complete", "b": "failed", "c": "complete"}, self.ends(found)
        )
        self.assertIn("no servers for b", found["b"].reason)
        self.assertNotEqual("", found["b"].build_id)

    def refuse_servers_of(self, name: str) -> None:
        """Let Nova refuse the servers of the build of an image."""
        ids: list[str] = []

        def hook(call: Call) -> Fault | None:
            if call.kind == "create image" and call.json.get("imagebuild_spec"):
                spec = json.loads(call.json["imagebuild_spec"])
                ids.extend([call.json["id"]] * (spec["result"]["name"] == name))
            elif call.kind == "create server" and any(
                build_id in call.json["server"]["name"] for build_id in ids
            ):
                reply = Reply(403, {"forbidden": {"message": f"no servers for {name}"}})
                return Fault("refused", reply)
            return None

        self.cloud.hooks.append(hook)

    def test_no_wait(self) -> None:
        """As many as may be are begun; what is too much comes the next time."""
        wishes = self.wishes(*"abc")
        found = self.applied(wishes, most=2, wait=False)
        self.assertEqual(
            {"a": "waiting", "b": "waiting", "c": "postponed"}, self.ends(found)
        )
        self.cloud.world.sleep(60)
        tasks = self.builder("second").survey(wishes)
        self.assertEqual(
            [ToDo.RESUME, ToDo.RESUME, ToDo.BUILD], [t.to_do for t in tasks]
        )
        self.assertEqual([found["a"].build_id, found["b"].build_id, ""], _ids(tasks))
        found = self.applied(wishes, builder=self.builder("second"))
        self.assertEqual(dict.fromkeys("abc", "complete"), self.ends(found))

    def test_driven_by_others(self) -> None:
        """What another client drives is waited for."""
        wishes = self.wishes("a")
        first = self.builder("first")
        tasks = first.survey(wishes)
        build = first.start(first.plan(wishes[0].request), wait=False)
        tasks = self.builder("second").survey(wishes)
        self.assertEqual(build.id, tasks[0].build_id)
        self.cloud.world.sleep(1800)
        self.assertEqual("complete", self.resumed(build.id, "third").status)
        (applied,) = self.builder("second").apply(tasks)
        self.assertEqual((End.COMPLETE, build.id), (applied.end, applied.build_id))

    def test_ended_by_another(self) -> None:
        """A client has the build's lease, completes it, and no other build is left."""
        build = self.started(name="a", replace=True)
        builder = self.builder("second")
        tasks = builder.survey(self.wishes("a"))
        held = lease.take(self.builder("third").api, build.id)
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            self.assertLess(len(slept), 100)
            if len(slept) == 2:
                held.release()
                self.builder("third").resume(build.id)
            self.cloud.world.sleep(seconds)

        self.patch(builder.api.clock, "sleep", sleep)
        (applied,) = builder.apply(tasks)
        self.assertEqual((End.COMPLETE, build.id), (applied.end, applied.build_id))

    def test_at_the_same_time(self) -> None:
        """What another client has built meanwhile is not built again."""
        wishes = self.wishes("a", "b")
        builder = self.builder("second")
        tasks = builder.survey(wishes)
        self.applied(wishes)
        before = len(self.cloud.mutations)
        ends = [str(applied.end) for applied in builder.apply(tasks)]
        self.assertEqual(["unchanged", "unchanged"], ends)
        self.assertEqual(before, len(self.cloud.mutations))

    def test_layer_alone(self) -> None:
        """Who leaves the parent's task out is not kept waiting for it."""
        base = self.wishes("base")
        self.applied(base)
        self.cloud.world.sleep(DAY)
        layer = self.wishes("layer", from_image="family:base", os="")
        changed = self.wishes("base", properties={"n": "1"})
        tasks = self.builder().survey([*changed, *layer])
        self.assertEqual("base", tasks[1].after)
        (applied,) = self.builder().apply(tasks[1:])
        self.assertEqual(End.COMPLETE, applied.end)

    def test_cancelled_or_deleted(self) -> None:
        """Somebody else's word counts."""
        for remove, end in (("cancel", End.CANCELLED), ("delete", End.FAILED)):
            build = self.started(name="a", replace=True)
            builder = self.builder("second")
            tasks = builder.survey(self.wishes("a"))
            self.cloud.world.sleep(600)
            getattr(self.builder("third"), remove)(build.id)
            (applied,) = builder.apply(tasks)
            self.assertEqual(end, applied.end)

    def test_age(self) -> None:
        """What is old is built anew, whether or not anything changed."""
        self.applied(self.wishes("a"))
        self.cloud.world.sleep(10 * DAY)
        builder = self.builder()
        (task,) = builder.survey(self.wishes("a"), max_age_s=int(20 * DAY))
        self.assertEqual(ToDo.NOTHING, task.to_do)
        (task,) = builder.survey(self.wishes("a"), max_age_s=int(7 * DAY))
        self.assertEqual((ToDo.BUILD, "older than 7 days"), (task.to_do, task.reason))


class LayersTest(ApplyTestCase):
    """Templates that change the images of others."""

    def layers(self, **base: Any) -> list[Wish]:
        """Return a chain of three, the last one first."""
        return [
            *self.wishes("c", from_image="b", os=""),
            *self.wishes("b", from_image="family:a", os=""),
            *self.wishes("a", **base),
        ]

    def parent_of(self, image_id: str) -> str:
        """Return the image that one was made of."""
        return self.cloud.glance.images[image_id].properties["imagebuild_parent_id"]

    def test_parents_first(self) -> None:
        """From nothing, each of what the last one made; then nothing is to be done."""
        found = self.applied(self.layers())
        self.assertEqual(dict.fromkeys("abc", "complete"), self.ends(found))
        self.assertEqual(list("abc"), list(found))
        for layer, parent in (("b", "a"), ("c", "b")):
            parent_id = self.parent_of(found[layer].image_id)
            self.assertEqual(found[parent].image_id, parent_id)
        again = self.applied(self.layers())
        self.assertEqual(dict.fromkeys("abc", "unchanged"), self.ends(again))

    def test_built_anew(self) -> None:
        """A parent that changed has its layers built again, and says why."""
        self.applied(self.layers())
        self.cloud.world.sleep(DAY)
        wishes = self.layers(properties={"new": "yes"})
        tasks = self.builder().survey(wishes)
        self.assertEqual(
            [("its parent is built anew", "b"), ("its parent is built anew", "a")],
            [(task.reason, task.after) for task in tasks[:2]],
        )
        found = self.applied(wishes)
        self.assertEqual(dict.fromkeys("abc", "complete"), self.ends(found))
        self.assertEqual(found["a"].image_id, self.parent_of(found["b"].image_id))

    def test_only_the_layer_changed(self) -> None:
        """Its parent stays as it is, and is waited for by nobody."""
        self.applied(self.layers())
        wishes = self.layers()
        wishes[0] = self.wishes("c", from_image="b", os="", commands=("true",))[0]
        found = self.applied(wishes)
        self.assertEqual(
            {"a": "unchanged", "b": "unchanged", "c": "complete"}, self.ends(found)
        )

    def test_changed_by_others(self) -> None:
        """A parent that somebody built meanwhile."""
        self.applied(self.layers())
        self.cloud.world.sleep(DAY)
        (parent,) = self.wishes("a", properties={"new": "yes"})
        self.builder().create(parent.request)
        tasks = self.builder().survey(self.wishes("b", from_image="family:a", os=""))
        self.assertEqual("the parent image changed", tasks[0].reason)

    def test_the_parent_fails(self) -> None:
        """What is made of it is not built, all the way down."""
        self.cloud.nova.plan.install_fails = "FAILED: no"
        found = self.applied([*self.layers(), *self.wishes("d")])
        self.assertEqual(dict.fromkeys("abcd", "failed"), self.ends(found))
        for layer, parent in (("b", "a"), ("c", "b")):
            self.assertEqual("", found[layer].build_id)
            self.assertIn(f"see {parent}", found[layer].reason)

    def test_no_wait(self) -> None:
        """It comes the next time."""
        found = self.applied(self.layers(), wait=False)
        self.assertEqual(
            {"a": "waiting", "b": "postponed", "c": "postponed"}, self.ends(found)
        )
        self.assertEqual("its parent is not built yet", found["b"].reason)
        found = self.applied(self.layers(), builder=self.builder("second"))
        self.assertEqual(dict.fromkeys("abc", "complete"), self.ends(found))

    def test_rings(self) -> None:
        """Nothing is built, and each is told once."""
        wishes = [
            *self.wishes("a", from_image="family:b", os=""),
            *self.wishes("b", from_image="family:a", os=""),
            *self.wishes("c", from_image="c", os=""),
        ]
        told = str(self.assertRaises(SpecError, self.builder().survey, wishes))
        ring = "a changes the image of b changes the image of a: one of them"
        self.assertEqual(1, told.count(ring))
        self.assertIn("c changes the image of c", told)
        self.assert_empty()


def _ids(tasks: Sequence[Task]) -> list[str]:
    return [task.build_id for task in tasks]
