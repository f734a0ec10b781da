"""Families: a new image takes the name of the older ones, and these are put away."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import families
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.family import old_name
from tests.fakes.cinder import FakeSnapshot, FakeVolume
from tests.fakes.faults import KILLED, Killed, answered
from tests.fakes.image import FakeImage
from tests.unit.base import ENTRIES, NAME, CloudTestCase

DAY = 86_400.0


class RotationTestCase(CloudTestCase):
    """Builds that follow each other."""

    def built(self, **fields: Any) -> Record:
        """Build one more, a day after the one before."""
        self.cloud.world.sleep(DAY)
        request = self.request(**({"replace": True} | fields))
        return self.builder().create(request)

    def image(self, build: Record) -> FakeImage:
        """The image of a build, which must be there."""
        return self.cloud.glance.images[build.result_id]

    def named(self, name: str = NAME) -> list[str]:
        """IDs of all images with a name, hidden or not."""
        return [i.id for i in self.cloud.glance.images.values() if i.name == name]

    def results(self) -> list[FakeImage]:
        """All images that are no records, newest first."""
        images = [
            i for i in self.images() if "imagebuild" not in i.tags and i.data != b""
        ]
        return sorted(images, key=lambda image: -image.created)

    def told(self) -> str:
        """All that listeners were told."""
        return "\n".join(event.text for event in self.events)


class ImageTest(RotationTestCase):
    """The most frequent kind of result."""

    def test_name_and_old_ones(self) -> None:
        """The new one has the name; the old one another, and is hidden; the ID works."""
        first = self.built()
        second = self.built()
        self.assertEqual([second.result_id], self.named())
        old = self.image(first)
        built = old.properties["imagebuild_built_at"]
        self.assertEqual((f"{NAME} ({built})", True), (old.name, old.hidden))
        self.assertEqual("active", old.status)
        self.assertEqual("complete", second.status)
        family = families.members(self.builder().api, NAME)
        found = [item.id for item in family]
        self.assertEqual([second.result_id, first.result_id], found)

    def test_without_replace(self) -> None:
        """Nobody is renamed; a family is what all images of a name are of."""
        first, second = self.built(replace=False), self.built(replace=False)
        self.assertEqual([first.result_id, second.result_id], self.named())
        third = self.built()
        self.assertEqual([third.result_id], self.named())

    def test_keep(self) -> None:
        """Four builds of which two older ones are kept: the first is deleted."""
        builds = [self.built(keep=2) for _ in range(4)]
        found = [image.id for image in self.results()]
        self.assertEqual([b.result_id for b in builds[:0:-1]], found)
        self.assertEqual([builds[3].result_id], self.named())

    def test_ways_to_put_away(self) -> None:
        """Each way, beside another name."""
        for old, face in (
            ("keep", (False, "private", "active")),
            ("hide", (True, "private", "active")),
            ("community", (False, "community", "active")),
            ("deactivate", (False, "private", "deactivated")),
        ):
            with self.one_of_many(old):
                self.cloud.glance.images.clear()
                first, second = self.built(), self.built(old=old)
                image = self.image(first)
                found = (image.hidden, image.visibility, image.status)
                self.assertEqual(face, found)
                self.assertEqual([second.result_id], self.named())

    def test_delete(self) -> None:
        """Nothing older is left, in use or not; what is in use goes next time."""
        first = self.built()
        self.image(first).in_use = True
        second = self.built(old="delete")
        self.assertTrue(self.image(first).hidden)
        self.assertIn("is kept, and goes with a later build", self.told())
        self.image(first).in_use = False
        third = self.built(old="delete")
        self.assertEqual([third.result_id], [i.id for i in self.results()])
        self.assertNotIn(second.result_id, self.cloud.glance.images)

    def test_never_others(self) -> None:
        """Foreign, protected, copied or unknown ones keep name and place."""
        first = self.built()
        glance, properties = self.cloud.glance, dict(self.image(first).properties)
        mine = {"name": NAME, "status": "active", "data": b"x"}
        copied = glance.add("demo", **mine, properties=properties)
        by_hand = glance.add("demo", **mine)
        foreign = glance.add(
            "other", **mine, visibility="public", properties=properties
        )
        foreign.properties = {**properties, "imagebuild_result_id": foreign.id}
        kept = glance.add("demo", **mine, protected=True)
        kept.properties = {**properties, "imagebuild_result_id": kept.id}
        self.cloud.glance.admins = True
        request = self.request(replace=True, keep=0)
        plan = self.builder().plan(request)
        warned = "\n".join(plan.warnings)
        for image, why in (
            (copied, "not of the family"),
            (by_hand, "not of the family"),
            (kept, "protected"),
        ):
            self.assertIn(f"image {image.id} is named {NAME} too", warned)
            self.assertRegex(warned, f"{image.id} .*{why}")
        self.cloud.world.sleep(DAY)
        build = self.builder().start(plan)
        left = {i.id for i in self.results()}
        others = {copied.id, by_hand.id, foreign.id, kept.id}
        self.assertEqual({build.result_id, *others}, left)
        for image in (copied, by_hand, foreign, kept):
            self.assertEqual((NAME, False), (image.name, image.hidden))

    def test_what_is_refused_is_told(self) -> None:
        """A policy that allows no deactivation keeps no build from its end."""
        first = self.built()
        glance = self.cloud.glance
        self.patch(glance, "visibilities", {"private", "shared"})
        second = self.built(old="community")
        self.assertEqual("complete", second.status)
        self.assertIn("keeps its name and its place: ", self.told())
        self.assertEqual("private", self.image(first).visibility)

    def test_an_older_one_that_ends_later(self) -> None:
        """Of two builds at once the newer image has the name, whichever ends last."""
        older = self.started(replace=True)
        self.cloud.world.sleep(300)
        first = self.resumed(older.id)
        # Glance tells a younger time of an image that was made before the other ended.
        newer = self.built()
        self.image(first).name, self.image(first).hidden = NAME, False
        self.image(newer).created = self.image(first).created - 5
        last = self.built()
        self.assertEqual([last.result_id], self.named())

    def test_nothing_left_to_clean_up(self) -> None:
        """A client dies between both names, and somebody tidies up: no step is passed over."""
        first = self.built()
        begun = self.started(replace=True)
        self.cloud.world.sleep(1800)
        self.cloud.hooks.append(
            lambda call: KILLED if first.result_id in call.path and call.kind else None
        )
        self.assertRaises(Killed, self.resumed, begun.id)
        self.cloud.hooks.clear()
        self.assertEqual(2, len(self.named()))
        for image in list(self.cloud.glance.images.values()):
            if str(image.name).endswith("-stub"):
                del self.cloud.glance.images[image.id]
        done = self.resumed(begun.id, "third")
        self.assertEqual("complete", done.status)
        self.assertEqual([done.result_id], self.named())

    def test_cancelled_once_it_has_the_name(self) -> None:
        """Nothing else has the name any more, so the image stays, and is complete."""
        first = self.built()
        begun = self.started(replace=True)
        self.cloud.world.sleep(1800)
        kill = KILLED
        self.cloud.hooks.append(
            lambda call: (
                kill
                if call.kind == "delete image" and first.result_id not in call.path
                else None
            )
        )
        self.assertRaises(Killed, self.resumed, begun.id)
        self.cloud.hooks.clear()
        self.cloud.world.sleep(600)
        done = self.builder("third").cancel(begun.id)
        self.assertEqual(("complete", 1), (done.status, len(self.named())))
        self.assertEqual([done.result_id], self.named())
        self.assertIn("the image stays", done.reason)
        self.assert_empty(first.id, first.result_id, done.id, done.result_id)

    def test_family_of_several_names(self) -> None:
        """A family may have names with dates in them."""
        first = self.built(family="base", name="base-1")
        second = self.built(family="base", name="base-2")
        self.assertEqual([second.result_id], self.named("base-2"))
        self.assertTrue(self.image(first).hidden)
        self.assertRegex(str(self.image(first).name), r"^base-1 \(20.*Z\)$")

    def test_long_names(self) -> None:
        """Glance takes 255 characters."""
        first = self.built(name="x" * 255)
        self.built(name="x" * 255)
        self.assertEqual(255, len(str(self.image(first).name)))


class BrokenTest(RotationTestCase):
    """What is broken elsewhere keeps no proven image back."""

    def test_an_old_one_that_cannot_be_deleted(self) -> None:
        """It is told after a few tries, and the build is complete."""
        first = self.built()
        self.cloud.hooks.append(
            lambda call: (
                answered(500)
                if call.kind == "delete image" and first.result_id in call.path
                else None
            )
        )
        began = self.cloud.world.now
        second = self.built(keep=0)
        self.assertEqual("complete", second.status)
        self.assertLess(self.cloud.world.now - began - DAY, 900)
        self.assertIn("is kept, and goes with a later build", self.told())
        self.assertEqual([second.result_id], self.named())

    def test_no_right_to_community(self) -> None:
        """The older ones are hidden then: one has the name."""
        self.built()
        self.cloud.glance.visibilities = {"private", "shared"}
        for _ in range(2):
            build = self.built(old="community")
            self.assertEqual([build.result_id], self.named())
        self.assertIn("as it may not be made community", self.told())

    def test_members_may_not_be_read(self) -> None:
        """Then nobody is known, and the build goes on."""
        first = self.built(members=("p-other",))
        self.assertEqual("shared", self.image(first).visibility)
        self.cloud.hooks.append(
            lambda call: (
                answered(403)
                if call.method == "GET" and call.path.endswith("/members")
                else None
            )
        )
        second = self.built()
        self.assertEqual([second.result_id], self.named())

    def test_many_refusals(self) -> None:
        """So many that a record could not keep them all."""
        first = self.built()
        properties = dict(self.image(first).properties)
        ids: list[str] = []
        for number in range(70):
            old = self.cloud.glance.add("demo", name=NAME, status="active", data=b"x")
            old.created -= DAY + number
            said = {"imagebuild_result_id": old.id}
            old.properties = {**properties, **said, "imagebuild_built_at": "none"}
            ids.append(old.id)
        self.cloud.hooks.append(
            lambda call: (
                answered(403)
                if call.kind == "change image" and call.path.split("/")[3] in ids
                else None
            )
        )
        build = self.built()
        self.assertEqual("complete", build.status)
        self.assertEqual("complete", self.builder().find(build.id).status)


class RivalsTest(RotationTestCase):
    """Two builds of one family that end at the same time."""

    def test_both_publish(self) -> None:
        """Whatever comes when, one of them has the name at the end."""
        first = self.started(replace=True)
        second = self.started(replace=True)
        self.cloud.world.sleep(1800)
        self.resumed(first.id, "a")
        done = self.resumed(second.id, "b")
        self.assertEqual("complete", done.status)
        self.assertEqual(1, len(self.named()))
        newest = self.results()[0]
        self.assertEqual([newest.id], self.named())

    def test_a_newer_one_is_there(self) -> None:
        """The older one goes where older ones go, and its build is complete."""
        slow = self.started(replace=True)
        self.cloud.world.sleep(1800)
        build = self.builder("a")
        seen: list[str] = []

        def newer(event: Any) -> None:
            if event.step == "verify" and not seen:
                seen.append(event.step)
                image = self.results()[0]
                made = self.cloud.glance.add(
                    "demo", name=NAME, status="active", data=b"newer"
                )
                made.created = image.created + 1
                made.properties = {
                    **image.properties,
                    "imagebuild_result_id": made.id,
                    "imagebuild_build_id": "another",
                }
                seen.append(made.id)

        build.listener = newer
        done = build.resume(slow.id)
        self.assertEqual("complete", done.status)
        self.assertEqual([seen[1]], self.named())
        image = self.image(done)
        self.assertTrue(image.hidden)
        self.assertRegex(str(image.name), rf"^{NAME} \(")


class MembersTest(RotationTestCase):
    """Whom the image is shared with."""

    def builder(self, client: str = "first", *, skew: float = 0.0) -> Builder:
        """One that can log in to the other project."""
        return Builder(
            self.cloud.connect(client),
            catalog=ENTRIES,
            clock=self.cloud.clock(skew),
            listener=self.events.append,
            connect=lambda cloud, region: self.cloud.connect(cloud, project="p-other"),
        )

    def test_members(self) -> None:
        """By name and by ID; they are asked to accept it."""
        first = self.built(members=("other", "demo"))
        image = self.image(first)
        self.assertEqual({"p-other": "pending"}, image.members)
        self.assertEqual("shared", image.visibility)

    def test_unknown(self) -> None:
        """Who may not look gives an ID; who may is told."""
        plan = self.builder().plan
        error = self.assertRaises(SpecError, plan, self.request(members=("nobody",)))
        self.assertIn("no project is named 'nobody'", str(error))
        self.cloud.keystone.shows_projects = False
        build = self.built(members=("0123abcd",))
        self.assertEqual({"0123abcd": "pending"}, self.image(build).members)
        error = self.assertRaises(SpecError, plan, self.request(members=("ä b",)))
        self.assertIn("give the ID of 'ä b'", str(error))

    def test_inherited(self) -> None:
        """Those of the old image are those of the new one, before anybody sees it."""
        first = self.built(members=("other",))
        self.image(first).members["p-3"] = "accepted"
        second = self.built()
        image = self.image(second)
        self.assertEqual({"p-other": "pending", "p-3": "pending"}, image.members)
        self.assertEqual("shared", image.visibility)
        told = [e.text for e in self.events if "openstack image set --accept" in e.text]
        self.assertEqual(1, len(told), str(told))
        self.assertIn(f"project p-3 had accepted image {first.result_id}", told[0])
        self.assertTrue(told[0].endswith(image.id))
        third = self.built(visibility="public")
        self.assertEqual({}, self.image(third).members)

    def test_accepted_by_its_cloud(self) -> None:
        """With the other project's credentials it is in its list at once."""
        first = self.built(member_clouds=("elsewhere",))
        self.assertEqual({"p-other": "accepted"}, self.image(first).members)
        second = self.built()
        self.assertEqual({"p-other": "pending"}, self.image(second).members)

    def test_its_cloud_is_away(self) -> None:
        """The image is published, and shared; who accepts it is told."""
        begun = self.started(replace=True, member_clouds=("elsewhere",))
        self.cloud.world.sleep(1800)
        self.cloud.hooks.append(
            lambda call: answered(503) if call.kind == "accept image" else None
        )
        done = self.resumed(begun.id)
        self.assertEqual({"p-other": "pending"}, self.image(done).members)
        self.assertIn("cloud elsewhere has not accepted the image: ", self.told())

    def test_no_way_to_the_cloud(self) -> None:
        """It is told while the build is planned."""

        def fail(cloud: str, region: str | None) -> Any:
            raise LookupError(f"no cloud {cloud}")

        builder = Builder(
            self.cloud.connect(),
            catalog=ENTRIES,
            clock=self.cloud.clock(),
            connect=fail,
        )
        error = self.assertRaises(
            SpecError, builder.plan, self.request(member_clouds=("nowhere",))
        )
        self.assertIn("there is no way to the cloud nowhere from here", str(error))

    def test_no_room(self) -> None:
        """Glance takes only so many; the build is complete, and it is told."""
        self.cloud.glance.most_members = 0
        build = self.built(members=("other",))
        self.assertEqual({}, self.image(build).members)
        self.assertIn("the image is not shared with project p-other: ", self.told())


class CinderTest(RotationTestCase):
    """Volumes and snapshots rotate as images do."""

    def volumes(self, name: str) -> list[FakeVolume]:
        """Volumes with a name."""
        return [v for v in self.cloud.cinder.volumes.values() if v.name == name]

    def snapshots(self, name: str) -> list[FakeSnapshot]:
        """Snapshots with a name."""
        return [s for s in self.cloud.cinder.snapshots.values() if s.name == name]

    def test_volumes(self) -> None:
        """The name goes on, and the oldest goes."""
        first, second, third = (
            self.built(output="volume", keep=1, name=NAME) for _ in range(3)
        )
        self.cloud.world.sleep(60)
        self.cloud.tick()
        self.assertEqual([third.result_id], [v.id for v in self.volumes(NAME)])
        self.assertEqual(
            {second.result_id, third.result_id}, set(self.cloud.cinder.volumes)
        )
        self.assertNotIn(first.result_id, self.cloud.cinder.volumes)

    def test_snapshots(self) -> None:
        """With each goes its volume."""
        _, second, third = (self.built(output="snapshot", keep=1) for _ in range(3))
        self.cloud.world.sleep(60)
        self.cloud.tick()
        self.assertEqual([third.result_id], [s.id for s in self.snapshots(NAME)])
        self.assertEqual({third.made[1]}, {v.id for v in self.volumes(NAME)})
        self.assertEqual({*second.made, *third.made}, self.there())

    def there(self) -> set[str]:
        """IDs of all volumes and snapshots."""
        return {*self.cloud.cinder.volumes, *self.cloud.cinder.snapshots}

    def test_snapshot_whose_volume_has_others(self) -> None:
        """The user's own snapshot of a volume keeps the volume."""
        first = self.built(output="snapshot")
        snapshot = self.cloud.cinder.snapshots[first.result_id]
        own = FakeSnapshot(
            data=b"", properties={}, metadata={}, id="own", name="own", project="demo",
            size=1, created=self.cloud.world.now, volume_id=snapshot.volume_id,
        )  # fmt: skip
        self.cloud.cinder.snapshots["own"] = own
        own.status = "available"
        self.built(output="snapshot", keep=0)
        self.cloud.world.sleep(60)
        self.cloud.tick()
        self.assertIn("own", self.cloud.cinder.snapshots)
        self.assertIn(first.made[1], self.cloud.cinder.volumes)
        self.assertNotIn(first.result_id, self.cloud.cinder.snapshots)

    def test_snapshot_that_comes_later(self) -> None:
        """A client dies before it is taken; a newer one has the name, and keeps it."""
        self.cloud.hooks.append(
            lambda call: KILLED if call.kind == "create snapshot" else None
        )
        self.assertRaises(Killed, self.built, output="snapshot")
        self.cloud.hooks.clear()
        (slow,) = self.builder().list().builds
        newer = self.built(output="snapshot")
        self.cloud.world.sleep(DAY)
        self.assertEqual("complete", self.resumed(slow.id).status)
        self.assertEqual([newer.result_id], [s.id for s in self.snapshots(NAME)])

    def test_in_use(self) -> None:
        """A volume that a server uses stays, and is told."""
        first = self.built(output="volume")
        self.cloud.cinder.volumes[first.result_id].status = "in-use"
        self.built(output="volume", keep=0)
        self.assertIn(first.result_id, self.cloud.cinder.volumes)
        self.assertIn("is kept, and goes with a later build", self.told())

    def test_refused(self) -> None:
        """What Cinder cannot do is told before anything is written."""
        for fields, text in (
            ({"output": "volume", "old": "deactivate"}, "cannot be put away by deact"),
            ({"output": "snapshot", "members": ("other",)}, "cannot be shared"),
            ({"old": "burn"}, "no way 'burn' to put images away"),
            ({"keep": 101}, "--keep takes 0 to 100"),
            ({"replace": False, "keep": 1}, "give --replace too"),
            ({"family": "x" * 256}, "a family has 256 characters"),
            ({"members": ("other",), "visibility": "public"}, "is everybody's"),
        ):
            with self.one_of_many(text):
                error = self.assertRaises(SpecError, self.built, **fields)
                self.assertIn(text, str(error))
        self.assert_empty()


class NamesTest(RotationTestCase):
    """What an old name is made of."""

    def test_hostile_words(self) -> None:
        """A time that is none is not copied at length."""
        build = self.built()
        image = self.image(build)
        image.properties["imagebuild_built_at"] = "x" * 5000
        (item,) = families.members(self.builder().api, NAME)
        self.assertLessEqual(len(old_name("n" * 300, item)), 255)
