"""Lists that lag, replicas that are behind, answers that are lost, and seconds of a role."""

from __future__ import annotations

import functools
import re

from osc_imagebuild import outputs
from osc_imagebuild.builds.record import Record
from tests.fakes.cloud import FakeCloud, Observer
from tests.fakes.faults import LOST, Fault, answered, once
from tests.fakes.wire import Call
from tests.unit.base import CloudTestCase


class LagTestCase(CloudTestCase):
    """A cloud whose lists are behind."""

    def build(self, where: str, **fields: str) -> Record:
        """Build, and see that nothing is left and that nothing foreign was touched."""
        foreign = self.cloud.glance.add("demo", name="somebody's", tags=["imagebuild"])
        foreign.tags = ["mine"]
        build = self.builder().create(self.request(**fields))
        self.assertIn(foreign.id, self.cloud.glance.images, where)
        del self.cloud.glance.images[foreign.id]
        self.cloud.world.advance(30)
        self.assert_complete(build)
        return build

    def deletions(self) -> list[str]:
        """The paths of deletions that were carried out, as often as they were."""
        kinds = ("delete image", "delete server", "delete volume", "delete snapshot")
        done = [c for c in self.cloud.mutations if c.kind in kinds and c.status < 300]
        return [call.path for call in done]


def starts(role: str, call: Call) -> bool:
    """Whether a server of ``role`` is asked for."""
    return call.kind == "create server" and call.json["server"]["name"].endswith(role)


# An image, a volume or a snapshot.
_BY_ID = re.compile(r"/v[23]/(images|volumes|snapshots)/[0-9a-f-]{36}(/metadata)?")


class SecondsTest(LagTestCase):
    """More than one of a role."""

    def test_a_list_of_servers_eight_seconds_late(self) -> None:
        """The answer to POST /servers is lost, as in life."""
        for role in ("install", "verify"):
            self.cloud = FakeCloud()
            self.cloud.lag.set(8.0, "servers")
            self.cloud.hooks.append(once(functools.partial(starts, role), LOST))
            with self.one_of_many(role):
                self.build(role)
                self.assertLessEqual(len(self.cloud.created("create server")), 3)

    def test_a_replica_of_glance(self) -> None:
        """All that is read of it is half a second behind, by ID as well."""
        self.cloud.lag.set(0.5, "images")
        self.cloud.lag.by_id = True
        self.build("replica")

    def test_images_of_another_member(self) -> None:
        """One, and one that is protected, as the roles that there are."""
        for protected in (False, True):
            for role in ("stub", "result"):
                self.cloud = FakeCloud()
                self.cloud.observers.append(self.adds(role, protected))
                with self.one_of_many(f"{role}, protected: {protected}"):
                    self.build(role)
                    paths = self.deletions()
                    self.assertEqual(len(set(paths)), len(paths), str(paths))

    def adds(self, role: str, protected: bool) -> Observer:
        """Return an observer that adds an image once ours is there."""
        done: list[str] = []

        def observe(when: str, call: Call) -> None:
            ours = "createImage" if role == "result" else "create server"
            if when != "after" or done or call.kind != ours:
                return
            build_id = next(i.id for i in self.images() if "imagebuild" in i.tags)
            done.append(
                self.cloud.glance.add(
                    "demo",
                    name=f"imagebuild-{build_id}-{role}",
                    status="active",
                    visibility="private",
                    hidden=role != "result",
                    protected=protected,
                    tags=[f"imagebuild-{build_id}", "imagebuild-part"],
                ).id
            )

        return observe


class OnceGoneTest(LagTestCase):
    """Something of the build answers 404 once, as a replica that is behind does."""

    def missed(self, number: int, step: str, **way: str) -> bool:
        """Build, with 404 for look or change ``number`` in a step; whether it came."""
        self.cloud = FakeCloud()
        self.events.clear()
        seen: list[Call] = []

        def hook(call: Call) -> Fault | None:
            last = self.events[-1].step if self.events else ""
            by_id = _BY_ID.fullmatch(call.path)
            if last == step and by_id and call.method in ("GET", "PATCH", "PUT"):
                seen.append(call)
                return answered(404) if len(seen) == number else None
            return None

        self.cloud.hooks.append(hook)
        self.build(f"{way}, {number} in {step}", **way)
        return len(seen) >= number

    def sweep(self, *steps: str) -> None:
        """Each look and change of these steps in turn, for each output."""
        for kind in outputs.names():
            for step in steps:
                for number in range(1, 40):
                    met = False
                    with self.one_of_many(f"{kind}: {number} in {step}"):
                        met = self.missed(number, step, output=kind)
                    if not met:
                        break

    def test_publish(self) -> None:
        """It is looked at again."""
        self.sweep("publish")
