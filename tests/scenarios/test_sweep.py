"""The crash sweep: a client dies at each mutation, another one goes on.

The mutations are those that a build was seen to make, so a new step is
covered without a new test. After each one the cloud is forked: the fork is
what a client that was killed there leaves behind.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from osc_imagebuild import boot, outputs
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.contents import Content
from osc_imagebuild.model.own_tests import OwnTest
from tests import paths
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import LOST, on_mutation
from tests.fakes.wire import Call
from tests.unit.base import PARENT, CloudTestCase

# A port of the user's.
PORT = "fixed"
# A directory that is there wherever tests run.
EXAMPLES = paths.ROOT / "doc" / "source" / "user" / "examples"
TESTS = (OwnTest(name="web", run="true"), OwnTest(run="exit 3", expect_exit=3))
CONTENTS = (Content(path="/srv/app", source=str(EXAMPLES)),)
TESTED: dict[str, Any] = {"os": "mini-tests", "tests": TESTS, "test_reboot": True}
# The same with another boot, of a volume.
BOOTED = TESTED | {"test_flavors": ("m1.small",), "test_firmware": ("uefi",)}
# Each boot method, an ISO's kernel, and each output: neither knows of the other; and
# what systems want otherwise.
WAYS: list[dict[str, Any]] = [
    *(
        {"boot_method": method}
        for method in boot.names()
        if method not in boot.of_parents()
    ),
    {"boot_method": "kernel", "source": "http://mirror.fake/installer.iso"},
    *({"output": kind} for kind in outputs.names() if kind != "image"),
    {"boot_method": "cdrom", "os": "mini-remaster"},
    {"from_image": PARENT},
    {"from_image": PARENT, "output": "volume"},
    TESTED,
    {"from_image": PARENT, "os": "mini-contents", "contents": CONTENTS},
    {
        **{"boot_method": "cdrom", "os": "mini-asks", "firmware": "uefi"},
        "driver_iso": "http://mirror.fake/drivers.iso",
    },
    {
        **{"ports": (PORT,), "server_properties": {"owner": "me"}, "disk_gib": 2},
        **{"volume_type": "fast", "min_ram_mib": 4096, "protected": True},
    },
]


# When, what kind of mutation, in which step, whether there were volumes, and of
# which ISO or image where the server is not there yet.
Place = tuple[str, str, str, bool, str]


def _named(way: dict[str, Any]) -> str:
    long = ("contents", "tests")
    return " ".join(k if k in long else str(v) for k, v in way.items())


@dataclass(frozen=True)
class Wreck:
    """A cloud as a dead client left it, and where that client died."""

    where: str
    cloud: FakeCloud

    @property
    def asks_again(self) -> bool:
        """Whether a request of the dead client has to be made anew: one that was on
        its way and never arrived, or an image's whose upload broke off."""
        return " amid " in self.where or (
            " before " in self.where and " create " in self.where
        )


class SweepTestCase(CloudTestCase):
    """Every place where a client can die, for every way to build."""

    def setUp(self) -> None:
        """Have swept nothing yet."""
        super().setUp()
        self.swept: set[Place] = set()

    def new_cloud(self) -> FakeCloud:
        """Return a new cloud, with an image that may be changed."""
        self.cloud = FakeCloud()
        self.add_parent()
        self.cloud.neutron.add_port(PORT)
        return self.cloud

    def place(self, way: dict[str, Any], when: str, call: Call) -> Place:
        """Where in a build a client is with a call."""
        step = self.events[-1].step if self.events else ""
        early = step.startswith(("image-", "volume-", "server"))
        iso = str(way.get("source", way.get("from_image", "")) if early else "")
        if "ports" in way and ("server" in step or step == "publish"):
            iso = PORT
        iso += " contents" * ("contents" in way)
        return when, call.kind, step, bool(self.cloud.cinder.volumes), iso

    def wrecks(self, way: dict[str, Any]) -> list[Wreck]:
        """Return the cloud as it was before and after each mutation.

        Where no time has passed since the last mutation, before this one is
        after that one, and one fork does for both. What is done in a step of
        one name, on the same kind of root disk, is swept for one way only.
        """
        cloud = self.new_cloud()
        found: list[Wreck] = []
        places: set[Place] = set()
        last = 0.0

        def observe(when: str, call: Call) -> None:
            nonlocal last
            where = f"{_named(way)}: {when} {call.number} {call.kind}"
            place = self.place(way, when, call)
            places.add(place)
            new = place not in self.swept
            if new and (when == "after" or cloud.world.now - last > 2):
                found.append(Wreck(where, cloud.fork()))
            last = cloud.world.now
            if new and when == "before" and call.kind == "upload image":
                half = cloud.fork()
                half.glance.begin(half.glance.images[call.path.split("/")[3]])
                found.append(Wreck(where.replace("before", "amid"), half))

        cloud.observers.append(observe)
        self.builder().create(self.request(**way))
        self.swept |= places
        return found

    def sweep(self, downtime_s: float) -> None:
        """Resume from every wreck after ``downtime_s``."""
        for way in WAYS:
            for wreck in self.wrecks(way):
                self.cloud = wreck.cloud
                self.cloud.world.advance(downtime_s)
                with self.one_of_many(wreck.where):
                    self.recover(again=wreck.asks_again)

    def recover(self, *, again: bool = False) -> None:
        """Another client brings the build to its end."""
        records = [i.id for i in self.images() if "imagebuild" in i.tags]
        if not records:
            # Not even the record was there: nothing was begun.
            self.assert_empty()
            return
        self.assertEqual(1, len(records))
        self.assert_complete(self.resumed(records[0]))
        self.assert_created_once(again=again)

    def assert_created_once(self, *, again: bool = False) -> None:
        """Each role was asked for once; one of them twice if ``again``."""
        created = Counter(
            f"{kind} {name}"
            for kind in ("server", "image", "volume", "snapshot")
            for name in self.cloud.created(f"create {kind}")
            if "-lease-" not in name
        )
        twice = sum(created.values()) - len(created)
        self.assertIn(twice, (0, 1) if again else (0,), str(created))

    def test_resume_at_once(self) -> None:
        """The next client comes while the dead one's lease still counts."""
        self.sweep(0)

    def test_resume_after_half_a_minute(self) -> None:
        """The next client comes while the guest works."""
        self.sweep(30)

    def test_resume_after_two_hours(self) -> None:
        """The next client comes when all is long over."""
        self.sweep(2 * 3600)

    def test_another_boot(self) -> None:
        """In its steps alone, which are those of the first one: after each downtime in turn."""
        self.mutations(TESTED)
        ways = itertools.cycle((self.after(0), self.after(30), self.after(7200)))
        for wreck in self.wrecks(BOOTED):
            cancelled = wreck.cloud.fork()
            self.cloud = wreck.cloud
            with self.one_of_many(wreck.where):
                next(ways)(wreck)
            self.cloud = cancelled
            with self.one_of_many(f"{wreck.where}, cancelled"):
                self.remove()

    def after(self, downtime_s: float) -> Callable[[Wreck], None]:
        """Return what resumes from a wreck after ``downtime_s``."""

        def resume(wreck: Wreck) -> None:
            self.cloud.world.advance(downtime_s)
            self.recover(again=wreck.asks_again)

        return resume

    def test_cancel_and_delete_anywhere(self) -> None:
        """From every wreck, each of them twice, and nothing is left."""
        for way in WAYS:
            for wreck in self.wrecks(way):
                self.cloud = wreck.cloud
                with self.one_of_many(wreck.where):
                    self.remove()

    def remove(self) -> None:
        """Cancel and delete what a dead client left, at once."""
        records = [i.id for i in self.images() if "imagebuild" in i.tags]
        builder = self.builder("remover")
        for build_id in records:
            if builder.cancel(build_id).status == "cancelled":
                self.assert_empty(build_id)
                builder.cancel(build_id)
            for image in self.images():
                image.protected = False  # by whoever protected it
            for _ in range(2):
                builder.delete(build_id, with_image=True)
        self.assert_empty()

    def test_replies_lost(self) -> None:
        """The client lives, but never hears that its request was carried out."""
        for way in (*WAYS, BOOTED):
            for number, kind in self.mutations(way):
                self.new_cloud().hooks.append(on_mutation(number, LOST))
                with self.one_of_many(f"{_named(way)}: {number} {kind}"):
                    self.build_or_resume(way)

    def build_or_resume(self, way: dict[str, Any]) -> None:
        """Build, and where that ends with an error, do what it says."""
        try:
            request = self.request(**way)
            self.assert_complete(self.builder().create(request))
            self.assert_created_once()
        except CloudError:
            self.recover()

    def mutations(self, way: dict[str, Any]) -> list[tuple[int, str]]:
        """Return number and kind of each mutation of a build that is not swept."""
        cloud = self.new_cloud()
        found = []
        places: set[Place] = set()

        def observe(when: str, call: Call) -> None:
            place = self.place(way, when, call)
            places.add(place)
            if when == "before" and place not in self.swept:
                found.append((call.number, call.kind))

        cloud.observers.append(observe)
        self.builder().create(self.request(**way))
        self.swept |= places
        return found
