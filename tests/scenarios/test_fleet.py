"""All unfinished builds at once, and what is left of builds without a record."""

from __future__ import annotations

import itertools

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import fleet
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import remote_console
from osc_imagebuild.engine.events import Event
from osc_imagebuild.errors import CloudError, DrivenError, RecordError, TransientError
from osc_imagebuild.model.names import build_tag
from osc_imagebuild.model.readings import Picture
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import KILLED, Killed, answered
from tests.unit.base import ENTRIES, CloudTestCase

SHARED = ("imagebuild-kernel-", "imagebuild-ramdisk-")


class FleetTest(CloudTestCase):
    """`resume --all`."""

    def test_all_are_driven_to_their_end(self) -> None:
        builds = [self.started(name=f"image-{n}") for n in range(3)]
        outcome = self.builder("second").resume_all()
        self.assertEqual({b.id for b in builds}, set(outcome.complete))
        self.assertEqual(({}, []), (outcome.failed, outcome.waiting))
        listed = self.builder("third").list().builds
        self.assertEqual({"complete"}, {b.status for b in listed})
        kept = [i for b in listed for i in (b.id, b.result_id)]
        self.assert_empty(*kept)

    def test_none_at_all(self) -> None:
        outcome = self.builder().resume_all()
        self.assertEqual(fleet.Outcome(), outcome)

    def test_once_goes_as_far_as_it_can(self) -> None:
        build = self.started()
        outcome = self.builder("second").resume_all(once=True)
        self.assertEqual([build.id], outcome.waiting)
        self.cloud.world.advance(600)
        self.builder("second").resume_all(once=True)
        self.assertIn("installed", self.builder().find(build.id).marks)

    def looks(self, minutes: int, every_s: float = 120.0) -> fleet.Outcome:
        """Let a cron job look again and again; return the last outcome."""
        outcome = fleet.Outcome()
        for number in range(int(minutes * 60 / every_s)):
            self.cloud.world.advance(every_s)
            outcome = self.builder(f"cron{number}").resume_all(once=True)
            if not outcome.waiting:
                break
        return outcome

    def test_a_stall_is_seen_between_clients(self) -> None:
        """Each look is a new process: what was seen is in the record."""
        self.cloud.nova.plan.hangs = True
        self.cloud.nova.screens = True
        picture = Picture(64, 48, bytes(64 * 48 * 3))
        self.patch(remote_console, "picture", lambda api, server_id: picture)
        build = self.started(stall_min=10, timeout_min=60)
        outcome = self.looks(30)
        self.assertIn("no sign of life for 1", outcome.failed[build.id])
        self.assertIn("(console, screen)", outcome.failed[build.id])
        lasted = self.cloud.world.now - self.cloud.world.start
        self.assertLess(lasted, 17 * 60)
        steps = [name for name, _ in self.builder().find(build.id).steps]
        self.assertEqual(sorted(set(steps), key=steps.index), steps)

    def test_what_dead_clients_left_of_failed_builds(self) -> None:
        """Their clients died while they tidied up; that they failed stays known."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        for _ in range(2):
            self.cloud.hooks.append(
                lambda call: KILLED if call.kind == "delete server" else None
            )
            self.assertRaises(Killed, self.builder().create, self.request())
            self.cloud.hooks.clear()
            (build,) = (b for b in self.builder().list().builds if b.reason)
            self.assertNotEqual({}, self.cloud.nova.servers)
            # It may live and be at it.
            self.builder("second").resume_all(once=True)
            self.assertNotEqual({}, self.cloud.nova.servers)
            self.cloud.world.advance(600)
            outcome = self.builder("second").resume_all(once=True)
            self.assertEqual([], outcome.complete)
            self.assertIn("FAILED: no disk", self.builder().find(build.id).reason)
            self.assert_empty(build.id)
            self.builder().delete(build.id)

    def test_a_prompt_is_seen_between_clients(self) -> None:
        self.cloud.nova.plan.install_fails = "Which disk shall be used?\nChoose: "
        build = self.started(timeout_min=60)
        outcome = self.looks(30)
        self.assertIn("asks and waits", outcome.failed[build.id])
        self.assertLess(self.cloud.world.now - self.cloud.world.start, 10 * 60)

    def test_a_guest_that_lives_is_no_stall(self) -> None:
        """Looks that are far apart see that the screen has moved."""
        self.cloud.nova.plan.hangs = True
        self.cloud.nova.screens = True
        shots = itertools.count(1)

        def picture(api: object, server_id: str) -> Picture:
            return Picture(64, 48, next(shots).to_bytes(3, "big") * (64 * 48))

        self.patch(remote_console, "picture", picture)
        build = self.started(stall_min=10, timeout_min=60)
        self.assertEqual([build.id], self.looks(50, every_s=900).waiting)

    def test_a_long_gap_is_noted(self) -> None:
        """Gone on with after an hour, a step has begun anew."""
        self.cloud.nova.plan.install_s = 3 * 3600.0
        build = self.started(stall_min=600, timeout_min=600)
        self.looks(20)
        begun = [name for name, _ in self.builder().find(build.id).steps]
        self.assertEqual(1, begun.count("install"))
        self.looks(65, every_s=3600)
        begun = [name for name, _ in self.builder().find(build.id).steps]
        self.assertEqual(2, begun.count("install"))

    def test_the_hundredth_look_costs_what_the_second_did(self) -> None:
        """Leases that are used up are not asked for again."""
        self.cloud.nova.plan.install_s = 24 * 3600.0
        self.started(stall_min=1440, timeout_min=1440)
        self.looks(4)
        before = len(self.cloud.log)
        self.looks(2)
        second = len(self.cloud.log) - before
        self.looks(60)
        before = len(self.cloud.log)
        self.looks(2)
        self.assertLessEqual(len(self.cloud.log) - before, second)
        self.assertLess(second, 25)

    def test_a_failure_does_not_stop_the_others(self) -> None:
        lost, good = self.started(name="lost"), self.started(name="good")
        api = self.builder("vandal").api
        for server in list(self.cloud.nova.servers.values()):
            if build_tag(lost.id) in server.tags:
                api.send("compute", "DELETE", f"/servers/{server.id}")
        outcome = self.builder("second").resume_all()
        self.assertEqual([good.id], outcome.complete)
        self.assertEqual([lost.id], list(outcome.failed))
        self.assertIn("deleted by somebody", outcome.failed[lost.id])

    def test_an_error_of_ours_does_not_stop_the_others(self) -> None:
        """Nor one of whoever listens: it is told, and the build can be resumed."""
        builds = [self.started(), self.started()]
        builder = self.builder("second")

        def listen(event: Event) -> None:
            if event.build_id == builds[0].id:
                raise KeyError("nobody knows")

        builder.listener = listen
        outcome = builder.resume_all()
        self.assertEqual([builds[1].id], outcome.complete)
        self.assertIn("KeyError('nobody knows')", outcome.failed[builds[0].id])
        self.assertEqual("complete", self.resumed(builds[0].id).status)

    def test_a_lost_race_is_no_failure(self) -> None:
        """Somebody was quicker; should they die, the build's turn comes again."""
        build = self.started()

        def lose(build: Record) -> Record:
            raise DrivenError("build is driven by somebody")

        losing = fleet.Fleet(self.builder("second").api, lose, self.fail)
        self.cloud.world.advance(600)
        losing.tick()
        self.assertEqual([build.id], losing.outcome.driven_by_others)
        self.assertEqual({}, losing.outcome.failed)

    def test_what_others_drive_is_left_to_them(self) -> None:
        build = self.started()
        from osc_imagebuild.builds import lease

        lease.take(self.builder("owner").api, build.id)
        outcome = self.builder("second").resume_all()
        self.assertEqual([build.id], outcome.driven_by_others)
        self.assertEqual([], outcome.complete)

    def test_builds_of_other_projects(self) -> None:
        """An admin sees their images in Glance: they are none of his."""
        build = self.started()
        self.cloud.glance.admins = True
        builder = Builder(
            self.cloud.connect("admin", "admins"),
            catalog=ENTRIES,
            clock=self.cloud.clock(),
        )
        self.assertEqual(fleet.Outcome(), builder.resume_all())
        self.assertEqual([], builder.list().builds)
        self.assertEqual([], builder.orphans())
        for act in (builder.resume, builder.cancel, builder.delete):
            error = self.assertRaises(RecordError, act, build.id)
            self.assertIn("in this project", str(error))
        self.assert_complete(self.resumed(build.id))

    def test_a_tick_costs_little_for_many(self) -> None:
        """Quiet builds cost at most 0.1 calls each."""
        count = 40
        self.cloud.nova.limits = dict.fromkeys(self.cloud.nova.limits, 1_000_000)
        for n in range(count):
            self.started(name=f"image-{n}")
        builder = self.builder("second")
        ticking = fleet.Fleet(builder.api, self.fail, self.fail)
        before = builder.api.calls.total()
        self.assertTrue(ticking.tick())
        self.assertEqual(count, len(ticking.outcome.waiting))
        self.assertLessEqual(builder.api.calls.total() - before, 0.1 * count)


class OrphanTest(CloudTestCase):
    """What carries a build's tag while its record is gone."""

    def test_found_and_removed(self) -> None:
        build, other = self.started(name="gone"), self.started(name="stays")
        builder = self.builder()
        self.assertEqual([], list(builder.orphans()))
        builder.api.send("image", "DELETE", f"/images/{build.id}")
        found = builder.orphans()
        self.assertEqual({"server", "image"}, {o.kind for o in found})
        self.assertEqual({build.id}, {o.build_id for o in found})
        builder.delete_orphans(found)
        self.assertEqual([], list(builder.orphans()))
        self.assertEqual("complete", self.resumed(other.id).status)

    def test_left_half_made(self) -> None:
        """What clients left that died as soon as they had made something."""
        for kind, way in (
            ("create snapshot", {"boot_method": "cdrom", "output": "snapshot"}),
            ("os-volume_upload_image", {"boot_method": "cdrom"}),
            ("createImage", {"boot_method": "ipxe"}),
        ):
            with self.one_of_many(kind):
                self.cloud = FakeCloud()
                self.cloud = self.cloud_after(
                    kind, self.builder().create, self.request(**way)
                )
                builder = self.builder()
                build = builder.list().builds[0]
                builder.api.send("image", "DELETE", f"/images/{build.id}")
                builder.delete_orphans(builder.orphans())
                self.cloud.world.advance(60)
                self.assertEqual([], list(self.builder().orphans()))
                self.assert_empty()

    def test_only_the_result_is_left(self) -> None:
        """Nothing else speaks of the build any more: Nova has put our mark on it."""
        self.cloud = self.cloud_after(
            "createImage",
            self.builder().create,
            self.request(boot_method="ipxe"),
        )
        (result,) = [
            i
            for i in self.cloud.glance.images.values()
            if "imagebuild_part" in i.properties
        ]
        self.cloud.world.advance(60)
        self.cloud.tick()
        self.cloud.nova.servers.clear()
        self.cloud.glance.images = {result.id: result}
        builder = self.builder()
        (orphan,) = builder.orphans()
        self.assertEqual(("image", result.id), (orphan.kind, orphan.id))
        builder.delete_orphans([orphan])
        self.assertEqual({}, self.cloud.glance.images)

    def test_one_that_stays_keeps_no_other(self) -> None:
        """What can be removed is, and what cannot be is named."""
        build = self.started(name="gone")
        builder = self.builder()
        builder.api.send("image", "DELETE", f"/images/{build.id}")
        (server,) = self.cloud.nova.servers.values()
        server.locked = True
        found = builder.orphans()
        error = self.assertRaises(CloudError, builder.delete_orphans, found)
        self.assertIn(f"server {server.id} stays", str(error))
        self.assertIn("openstack server unlock", str(error))
        self.assertEqual({"server"}, {o.kind for o in builder.orphans()})

    def test_keystone_is_away(self) -> None:
        """An outage is not taken for a cloud without volumes."""
        builder = self.builder()
        builder.api.fresh_token()
        self.cloud.hooks.append(
            lambda call: answered(503) if call.service == "identity" else None
        )
        self.assertRaises(TransientError, builder.api.has, "volume")
        self.cloud.hooks.clear()
        self.assertTrue(builder.api.has("volume"))
        self.assertFalse(builder.api.has("metric"))

    def test_shared_content_loses_only_the_claim(self) -> None:
        build = self.started(name="gone", boot_method="kernel")
        other = self.started(name="stays", boot_method="kernel")
        builder = self.builder()
        shared = self.images(shared=True)
        builder.api.send("image", "DELETE", f"/images/{build.id}")
        builder.delete_orphans(builder.orphans())
        kept = [i for i in shared if i.id in self.cloud.glance.images]
        self.assertEqual(
            2, len([i for i in kept if i.name and i.name.startswith(SHARED)])
        )
        self.assertEqual("complete", self.resumed(other.id).status)
