"""Prune: older results and records of builds that are over, and never anything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from osc_imagebuild.builds import lease as leases
from osc_imagebuild.builds.pruning import Fate, Pruned
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import CloudError, InstallError, SpecError
from osc_imagebuild.model.names import PART_TAG
from osc_imagebuild.upkeep.tasks import Wish
from tests.fakes.cinder import FakeSnapshot
from tests.fakes.faults import answered, once
from tests.fakes.image import FakeImage
from tests.unit.base import NAME, CloudTestCase

DAY = 86_400.0


class PruneTestCase(CloudTestCase):
    """A project with families, and who tidies it up."""

    def built(self, **fields: Any) -> Record:
        """Build one more, a day after the one before."""
        self.cloud.world.sleep(DAY)
        wanted = {"replace": True, "keep": 100, "verify": False}
        return self.builder().create(self.request(**(wanted | fields)))

    def pruned(self, *words: str, **options: Any) -> dict[str, str]:
        """Prune; return what became of what, by its ID."""
        found = list(self.builder("pruner").prune(*words, **options))
        self.cloud.world.sleep(60)
        self.cloud.tick()
        return {item.id: item.fate.name for item in found}

    def image(self, build: Record) -> FakeImage:
        """The image of a build, which must be there."""
        return self.cloud.glance.images[build.result_id]

    def left(self, builds: Sequence[Record]) -> list[bool]:
        """Whether the results of builds are there still."""
        cinder = self.cloud.cinder
        there = {*self.cloud.glance.images, *cinder.volumes, *cinder.snapshots}
        return [build.result_id in there for build in builds]

    def records(self, builds: Sequence[Record]) -> list[bool]:
        """Whether the records of builds are there still."""
        return [build.id in self.cloud.glance.images for build in builds]


class ResultsTest(PruneTestCase):
    """Older images."""

    def test_keep(self) -> None:
        """So many older ones stay beside the current one, of each family."""
        first = [self.built() for _ in range(4)]
        other = [self.built(name="other") for _ in range(3)]
        self.assertEqual({}, self.pruned())
        gone = dict.fromkeys((first[0].result_id, other[0].result_id), "DELETED")
        self.assertEqual({first[0].result_id: "DELETED"}, self.pruned("golden", keep=2))
        gone = {first[1].result_id: "DELETED", other[0].result_id: "DELETED"}
        self.assertEqual(gone, self.pruned(keep=1))
        self.assertEqual([False, False, True, True], self.left(first))
        self.assertEqual([False, True, True], self.left(other))
        self.pruned(keep=0)
        self.assertEqual([False, False, False, True], self.left(first))
        self.assertEqual({}, self.pruned(keep=0))

    def test_age(self) -> None:
        """What is younger stays, however many there are."""
        builds = [self.built() for _ in range(4)]
        due = self.pruned(keep=0, older_than_s=int(2.5 * DAY), dry_run=True)
        self.assertEqual({builds[0].result_id: "DUE"}, due)
        self.assertEqual([True] * 4, self.left(builds))
        self.pruned(keep=0, older_than_s=int(1.5 * DAY))
        self.assertEqual([False, False, True, True], self.left(builds))

    def test_names_of_their_own(self) -> None:
        """What no newer one took the name of is somebody's, unless all is asked for."""
        builds = [self.built(replace=False, keep=3) for _ in range(3)]
        named = {b.result_id: "NAMED" for b in builds[:2]}
        self.assertEqual(named, self.pruned(keep=0))
        back = [self.built() for _ in range(2)]
        image = self.image(back[0])
        image.name, image.hidden = NAME, False  # the user went back to it
        self.assertEqual("NAMED", self.pruned(keep=0)[image.id])
        self.assertEqual([True, True], self.left(back))
        self.pruned(keep=0, everything=True)
        self.assertEqual([False, True], self.left(back))

    def test_never_others(self) -> None:
        """Foreign, protected, copied or unknown ones, and what is not done yet."""
        builds = [self.built() for _ in range(2)]
        glance = self.cloud.glance
        glance.admins = True
        old = self.image(builds[0])
        mine = {"name": old.name, "status": "active", "data": b"x", "hidden": True}

        def added(owner: str = "demo", *, own: bool = True, **fields: Any) -> FakeImage:
            image = glance.add(owner, **(mine | fields))
            image.properties = dict(old.properties)
            if own:
                image.properties["imagebuild_result_id"] = image.id
            image.created = old.created - DAY
            return image

        others = [
            added("other", visibility="public"),
            added(own=False),
            added(status="queued", data=b""),
            added(tags=[PART_TAG]),
            glance.add("demo", **mine),
        ]
        kept = added(protected=True)
        found = self.pruned(keep=0, everything=True)
        self.assertEqual({old.id: "DELETED", kept.id: "PROTECTED"}, found)
        for image in (*others, kept):
            self.assertIn(image.id, glance.images)

    def test_in_use(self) -> None:
        """It stays and is told; the others go."""
        builds = [self.built() for _ in range(3)]
        self.image(builds[0]).in_use = True
        told: list[Pruned] = list(self.builder().prune(keep=0))
        self.assertEqual([Fate.IN_USE, Fate.DELETED], [item.fate for item in told])
        self.assertIn("it is in use", told[0].why)
        self.assertEqual([True, False, True], self.left(builds))

    def test_changed_meanwhile(self) -> None:
        """Somebody protects it after it was listed."""
        builds = [self.built() for _ in range(3)]
        pruning = self.builder().prune(keep=0)
        next(pruning)
        self.image(builds[1]).protected = True
        self.assertEqual(Fate.CHANGED, next(pruning).fate)
        self.assertEqual([False, True, True], self.left(builds))

    def test_old_lists(self) -> None:
        """What a list still shows, and is gone, is not one of those that are kept."""
        builds = [self.built() for _ in range(3)]
        self.cloud.lag.set(30.0, "images")
        self.builder().list()
        self.cloud.world.sleep(31)
        for build in builds[1:]:
            del self.cloud.glance.images[build.result_id]
        self.assertEqual({}, self.pruned(keep=0))
        self.assertEqual([True, False, False], self.left(builds))

    def test_refused_words(self) -> None:
        """Numbers and kinds that are none; a family that is not there is no error."""
        for options in ({"keep": -1}, {"kind": "server"}):
            self.assertRaises(SpecError, self.pruned, **options)
        self.assertEqual({}, self.pruned("nobody"))


class CinderTest(PruneTestCase):
    """Older volumes and snapshots."""

    def test_volumes(self) -> None:
        """One that a server has stays; those of images are not asked for."""
        builds = [self.built(output="volume", verify=True) for _ in range(4)]
        self.cloud.cinder.volumes[builds[0].result_id].status = "in-use"
        found = self.pruned(kind="volume", keep=1)
        ids = [build.result_id for build in builds]
        self.assertEqual({ids[0]: "IN_USE", ids[1]: "DELETED"}, found)
        self.assertEqual([True, False, True, True], self.left(builds))
        self.assertEqual({}, self.pruned())

    def test_snapshots(self) -> None:
        """With each goes its volume, unless the user has made others of it."""
        builds = [self.built(output="snapshot", verify=True) for _ in range(3)]
        cinder = self.cloud.cinder
        own = FakeSnapshot(
            data=b"", properties={}, metadata={}, id="own", name="own", project="demo",
            size=1, created=self.cloud.world.now, volume_id=builds[0].made[1],
            status="available",
        )  # fmt: skip
        cinder.snapshots["own"] = own
        self.pruned(kind="snapshot", keep=0)
        self.assertEqual([False, False, True], self.left(builds))
        self.assertIn("own", cinder.snapshots)
        self.assertEqual({builds[0].made[1], builds[2].made[1]}, set(cinder.volumes))


class RecordsTest(PruneTestCase):
    """Records of builds that are over."""

    def test_states(self) -> None:
        """Complete and cancelled ones; failed ones only by age; never one at work."""
        complete = self.built()
        cancelled = self.started()
        self.builder().cancel(cancelled.id)
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        failed = self.started()
        self.assertRaises(InstallError, self.resumed, failed.id)
        self.cloud.nova.plan.install_fails = ""
        building = self.started()
        builds = (complete, cancelled, failed, building)
        self.assertEqual({}, self.pruned())
        self.cloud.world.sleep(DAY)
        due = self.pruned(records=True, dry_run=True)
        self.assertEqual({complete.id: "DUE", cancelled.id: "DUE"}, due)
        self.pruned(records=True)
        self.assertEqual([False, False, True, True], self.records(builds))
        self.pruned(records=True, older_than_s=int(9 * DAY))
        self.assertEqual([False, False, True, True], self.records(builds))
        self.pruned(records=True, older_than_s=int(DAY / 2))
        self.assertEqual([False, False, False, True], self.records(builds))
        self.assertIn(complete.result_id, self.cloud.glance.images)
        self.assertEqual("complete", self.resumed(building.id).status)

    def test_of_a_family(self) -> None:
        """Those of others stay."""
        builds = [self.built(), self.built(name="other")]
        self.pruned("other", records=True)
        self.assertEqual([True, False], self.records(builds))

    def test_driven(self) -> None:
        """A living client may still be at its end, or at a retry."""
        build = self.built()
        held = leases.take(self.builder().api, build.id)
        image = self.cloud.glance.images[held.image_id]
        for options in ({"dry_run": True}, {}):
            found = self.pruned(records=True, **options)
            image.created = self.cloud.world.now
            self.assertEqual({build.id: "DRIVEN"}, found)
        self.cloud.world.sleep(200)
        self.assertEqual({build.id: "DELETED"}, self.pruned(records=True))

    def test_unreadable(self) -> None:
        """What another version wrote, or nobody can read, is left alone and told."""
        builds = [self.built(), self.built()]
        self.image_of(builds[0]).properties["imagebuild_schema"] = "99"
        self.image_of(builds[1]).properties["imagebuild_spec"] = "{"
        told = list(self.builder().prune(records=True))
        self.assertEqual([Fate.UNREADABLE] * 2, [item.fate for item in told])
        self.assertEqual({b.id for b in builds}, {item.id for item in told})
        self.assertIn("another version", "".join(item.why for item in told))
        self.assertEqual([True, True], self.records(builds))
        self.assertEqual({}, self.pruned(NAME, records=True))

    def image_of(self, build: Record) -> FakeImage:
        """The record of a build."""
        return self.cloud.glance.images[build.id]

    def test_changed_meanwhile(self) -> None:
        """It is tried again, unreadable or gone, once it was listed."""
        builds = [self.built() for _ in range(5)]
        pruning = self.builder().prune(keep=100, records=True)
        next(pruning)
        self.image_of(builds[1]).properties["imagebuild_status"] = "building"
        self.assertEqual(Fate.CHANGED, next(pruning).fate)
        self.image_of(builds[2]).properties["imagebuild_spec"] = "{"
        self.assertEqual(Fate.UNREADABLE, next(pruning).fate)
        del self.cloud.glance.images[builds[3].id]
        self.assertEqual(Fate.DELETED, next(pruning).fate)
        last = builds[4].id
        refused = once(
            lambda call: call.method == "DELETE" and call.path.endswith(last),
            answered(403),
        )
        self.cloud.hooks.append(refused)
        self.assertEqual(Fate.REFUSED, next(pruning).fate)
        self.assertEqual([False, True, True, False, True], self.records(builds))

    def test_no_room(self) -> None:
        """A full Glance, which is why one prunes, makes no lease."""
        build = self.built()
        self.cloud.world.sleep(DAY)
        self.cloud.hooks.append(
            lambda call: answered(413) if call.kind == "create image" else None
        )
        self.assertEqual({build.id: "DELETED"}, self.pruned(records=True))


class CostTest(PruneTestCase):
    """What it costs in a large project."""

    def test_calls(self) -> None:
        """Thousands of images of others and of the user's own cost nothing."""
        builds = [self.built() for _ in range(5)]
        for number in range(4000):
            owner = "demo" if number % 2 else "other"
            self.cloud.glance.add(
                owner, name=f"n{number}", status="active", visibility="public"
            )
        builder, wishes = self.builder("new"), [Wish("a", self.request(replace=True))]
        for name, act, most in (
            ("families", lambda: builder.families(), 2),
            ("family", lambda: builder.family(NAME), 3),
            ("prune --dry-run", lambda: list(builder.prune(dry_run=True)), 7),
            ("prune", lambda: list(builder.prune(keep=3)), 10),
            ("list", lambda: builder.list(), 1),
            ("show", lambda: builder.show(builds[0].id), 2),
            ("orphans", lambda: builder.orphans(), 6),
            ("outdated", lambda: builder.outdated(wishes[0].request), 6),
            ("apply", lambda: list(builder.apply(builder.survey(wishes))), 6),
        ):
            before = builder.api.calls.total()
            act()
            cost = builder.api.calls.total() - before
            self.assertLessEqual(cost, most, name)
        self.assertEqual([False, *[True] * 4], self.left(builds))

    def test_list_by_status(self) -> None:
        """Glance sends only what is asked for."""
        self.built()
        building = self.started()
        sent: list[int] = []

        def count(when: str, call: Any) -> None:
            sent.append(call.number)

        self.cloud.observers.append(count)
        listing = self.builder().list(building.status)
        self.assertEqual([building.id], [b.id for b in listing.builds])
        self.assertEqual(["building"], self.cloud.log[-1].query["imagebuild_status"])
        self.assertEqual(["desc"], self.cloud.log[-1].query["sort_dir"])

    def test_lists_that_fail(self) -> None:
        """What was deleted before is told before."""
        builds = [self.built() for _ in range(2)]
        pruning = self.builder().prune(keep=0, records=True)
        self.assertEqual(builds[0].result_id, next(pruning).id)
        self.cloud.hooks.append(lambda call: answered(403))
        self.assertRaises(CloudError, next, pruning)
