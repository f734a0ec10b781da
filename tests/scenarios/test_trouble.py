"""Guests that misbehave, and others who meddle: each has its own outcome."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from osc_imagebuild.builds.record import Record
from osc_imagebuild.engine.events import Event, EventKind
from osc_imagebuild.errors import (
    CloudError,
    ImageBuildError,
    InstallError,
    NextStep,
    RecordError,
    Verb,
)
from osc_imagebuild.steps.patched import NEWEST_PACKAGE_AT as NEWEST_AT
from osc_imagebuild.steps.patched import PATCHED_AT as AT
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import Fault, answered
from tests.fakes.guests import GuestPlan
from tests.fakes.machines import FakeServer
from tests.fakes.wire import Call
from tests.unit.base import CloudTestCase


def _put_into(status: str, server: FakeServer) -> None:
    server.status = status


class GuestTestCase(CloudTestCase):
    """Builds with guests that are not as they should be."""

    def failed(self, text: str, **fields: object) -> Record:
        """Build; it must fail with ``text`` and leave only its record."""
        error = self.assertRaises(
            InstallError, self.builder().create, self.request(**fields)
        )
        self.assertIn(text, str(error))
        build = self.builder().list().builds[0]
        self.assertEqual("failed", build.status)
        self.assertEqual((build.id, build.step), (error.build_id, error.step))
        start = f"build {build.id} failed in step {build.step}: {build.reason}"
        self.assertEqual(start, error.brief)
        if build.evidence and build.evidence not in build.reason:
            self.assertIn(build.evidence, error.details)
        for verb in (Verb.RETRY, Verb.LOG, Verb.DELETE):
            self.assertIn(NextStep(verb, build.id), error.next_steps)
        return build

    def plan(self, **fields: object) -> None:
        """Set how guests behave."""
        for name, value in fields.items():
            self.assertIn(name, vars(GuestPlan()))
            setattr(self.cloud.nova.plan, name, value)


class InstallerTest(GuestTestCase):
    """The installer."""

    def test_fails(self) -> None:
        """Its own words are the reason, and the console is kept."""
        self.plan(install_fails="FAILED: no disk")
        build = self.failed("the installer gave up: FAILED: no disk")
        self.assertIn("FAILED: no disk", build.console_tail)
        self.assert_empty(build.id)

    def test_fails_in_characters_that_glance_cannot_store(self) -> None:
        """Its words must not keep the build from ending."""
        self.plan(install_fails="\U0001f4a5" * 9000 + "\nFAILED: \U0001f4a5 boom")
        build = self.failed("boom")
        self.assertIn("\ufffd boom", build.reason)
        self.assert_empty(build.id)

    def test_hangs(self) -> None:
        """It has its time."""
        self.plan(hangs=True)
        build = self.failed("was not done within 5 minutes", timeout_min=5)
        self.assert_empty(build.id)
        self.assertLess(self.cloud.world.now - self.cloud.world.start, 400)

    def test_goes_off(self) -> None:
        """Off without a word is no success."""
        self.plan(off_without_report=True)
        build = self.failed("went off without the installer's report of success")
        self.assert_empty(build.id)

    def test_kept_on_failure(self) -> None:
        """Everything stays where that was asked for, until it is deleted."""
        self.plan(install_fails="FAILED: no disk")
        build = self.failed("its resources were kept", keep_on_failure=True)
        self.assertEqual(1, len(self.cloud.nova.servers))
        self.builder().delete(build.id)
        self.assert_empty()

    def test_without_metadata(self) -> None:
        """The console's word is enough."""
        self.plan(metadata=False)
        self.assert_complete(self.builder().create(self.request()))

    def test_without_console(self) -> None:
        """The back-channel's word is enough; to see it boot needs a console."""
        self.plan(console=False)
        build = self.builder().create(self.request(verify=False))
        self.assert_complete(build)

    def test_hidden_by_policy(self) -> None:
        """A cloud may show neither what was asked of servers nor the back-channel."""
        hidden = ("os-instance-actions", "os-server-password")

        def refuse(call: Call) -> Fault | None:
            return answered(403) if call.path.endswith(hidden) else None

        self.cloud.hooks.append(refuse)
        self.assert_complete(self.builder().create(self.request()))

    def test_stays_on(self) -> None:
        """It is stopped."""
        self.plan(stays_on=True)
        self.assert_complete(self.builder().create(self.request()))
        self.assertIn("os-stop", [call.kind for call in self.cloud.mutations])

    def test_no_host(self) -> None:
        """What Nova says about it."""
        self.cloud.nova.server_fault = "No valid host was found."
        build = self.failed("No valid host was found.")
        self.assert_empty(build.id)

    def test_result_does_not_boot(self) -> None:
        """The build fails; the image stays hidden and tagged, for inspection."""
        self.plan(result_boots=False)
        build = self.failed("the result did not come up within 10 minutes")
        left = [i for i in self.images() if i.id != build.id]
        self.assertEqual([(True, "active")], [(i.hidden, i.status) for i in left])
        self.assertIn(f"imagebuild-{build.id}", left[0].tags)
        self.assertEqual({}, self.cloud.nova.servers)
        self.builder().delete(build.id)
        self.assert_empty()

    def test_snapshot_fails(self) -> None:
        """createImage is tried again, and not for ever."""
        self.cloud.nova.snapshots_fail = True
        build = self.failed("without effect")
        self.assert_empty(build.id)


class MeddlerTest(GuestTestCase):
    """What others with rights in the project may do meanwhile."""

    def meddle(self, what: Callable[[FakeServer], None], step: str = "install") -> None:
        """Do ``what`` to the server once, when the build is in ``step``."""
        done: list[str] = []

        def listen(event: Event) -> None:
            servers = list(self.cloud.nova.servers.values())
            waits = (event.kind, event.step) == ("wait", step)
            if waits and servers and servers[0].guest and not done:
                done.append(step)
                what(servers[0])

        self.listener = listen

    def outcome(self) -> str:
        """Build, and return how it ended; nothing may be left."""
        return self.outcome_beside()

    def outcome_beside(self, *others: str, **fields: object) -> str:
        """The same, where images of others are in the project."""
        builder = self.builder()
        builder.listener = self.listener
        try:
            build = builder.create(self.request(**fields))
        except (InstallError, RecordError) as error:
            for left in self.builder().list().builds:
                self.builder().delete(left.id)
            self.assert_empty(*others)
            return str(error)
        self.assert_complete(build)
        return "complete"

    def delete_server(self, server: FakeServer) -> None:
        """As a colleague would."""
        del self.cloud.nova.servers[server.id]
        self.cloud.neutron.unplug(server.id)

    def test_server_deleted(self) -> None:
        """It is said so, where there is no other way on."""
        for step, end in (
            ("install", "deleted by somebody"),
            ("power-off", "deleted by somebody"),
            ("verify", "complete"),
        ):
            with self.one_of_many(step):
                self.meddle(self.delete_server, step)
                self.assertIn(end, self.outcome())
                self.cloud = FakeCloud()

    def test_server_stopped(self) -> None:
        """As after a crash of its host: no report, no success."""
        self.meddle(lambda server: server.power_off(self.cloud.world.now))
        self.assertIn("went off without", self.outcome())

    def stop(self, server: FakeServer) -> None:
        """As a colleague would who takes it for forgotten."""
        server.asks("stop", self.cloud.world.now)
        server.power_off(self.cloud.world.now)

    def test_server_stopped_by_somebody(self) -> None:
        """Nova tells who it was."""
        self.meddle(self.stop)
        outcome = self.outcome()
        self.assertIn("went off without", outcome)
        self.assertIn("user u-1 asked Nova for 'stop' at 20", outcome)

    def reboot(self, server: FakeServer) -> None:
        """Any way of beginning again, with what is on the disk."""
        server.asks("reboot", self.cloud.world.now)
        server.restart(self.cloud.nova.plan, self.cloud.world.now)

    def test_server_rebooted(self) -> None:
        """Before anything is written the installer just begins again."""
        self.meddle(self.reboot)
        self.assertEqual("complete", self.outcome())

    def rebuild(self, server: FakeServer, image_id: str = "") -> None:
        """Give it a new disk, of its own image or of another."""
        server.asks("rebuild", self.cloud.world.now)
        server.image_id = image_id or server.image_id
        image = self.cloud.glance.images.get(server.image_id)
        server.disk = image.data if image else b""
        server.restart(self.cloud.nova.plan, self.cloud.world.now)

    def test_server_rebuilt(self) -> None:
        """From its own image the installer begins again."""
        self.meddle(self.rebuild)
        self.assertEqual("complete", self.outcome())

    def test_server_rebuilt_from_another_image(self) -> None:
        """What comes of that is not what was asked for."""
        for step in ("install", "power-off"):
            with self.one_of_many(step):
                other = self.cloud.glance.add("demo", name="other", status="active")
                self.meddle(partial(self.rebuild, image_id=other.id), step)
                outcome = self.outcome_beside(other.id)
                self.assertIn("rebuilt the install server from another", outcome)
                self.cloud = FakeCloud()

    def test_server_rebuilt_after_it_was_installed(self) -> None:
        """Its disk is no longer what was installed, whatever it is called."""

        def spoil(server: FakeServer) -> None:
            self.rebuild(server)
            server.power_off(self.cloud.world.now)

        for fields in ({}, {"disk_gib": 2}, {"output": "volume"}):
            with self.one_of_many(str(fields)):
                self.meddle(spoil, "power-off")
                outcome = self.outcome_beside(**fields)
                self.assertIn("rebuilt the server after it was installed", outcome)
                self.cloud = FakeCloud()

    def test_server_rebuilt_while_nobody_drives(self) -> None:
        """Nova tells that it was, when it is off again too."""
        for fields in ({}, {"disk_gib": 2}):
            with self.one_of_many(str(fields)):
                self.cloud = FakeCloud()
                build = self.builder().create(self.request(**fields), wait=False)
                [server] = self.cloud.nova.servers.values()

                def listen(event: Event) -> None:
                    if (event.kind, event.step) == ("wait", "power-off"):
                        raise KeyboardInterrupt

                builder = self.builder()
                builder.listener = listen
                self.assertRaises(KeyboardInterrupt, builder.resume, build.id)
                self.cloud.world.sleep(60)
                self.cloud.tick()
                self.assertEqual("SHUTOFF", server.status)
                server.asks("rebuild", self.cloud.world.now)
                error = self.assertRaises(InstallError, self.resumed, build.id)
                self.assertIn("rebuilt the server after it", str(error))

    def test_states_that_end_a_build(self) -> None:
        """Rescued or shelved, an installer never comes back."""
        for status, words in (
            ("RESCUE", "was put into rescue mode by somebody"),
            ("SHELVED", "was shelved by somebody"),
            ("SHELVED_OFFLOADED", "was shelved by somebody"),
        ):
            for step, role in (("install", "install"), ("verify", "verify")):
                with self.one_of_many(f"{status} in {step}"):
                    self.meddle(partial(_put_into, status), step)
                    self.assertIn(f"the {role} server {words}", self.outcome())
                    self.cloud = FakeCloud()

    def test_states_that_pass(self) -> None:
        """They are waited for, with a word on what they are."""
        for status, words in (
            ("PAUSED", "openstack server unpause "),
            ("SUSPENDED", "openstack server resume "),
            ("MIGRATING", "an admin migrates the server"),
            ("VERIFY_RESIZE", "openstack server resize confirm "),
            ("REBOOT", "somebody reboots"),
            ("REBUILD", "somebody rebuilds"),
        ):
            with self.one_of_many(status):
                self.check_pause(status, words)
                self.cloud = FakeCloud()

    def check_pause(self, status: str, words: str) -> None:
        """Hold the server for five minutes in ``status``."""
        told: list[str] = []

        def hold(server: FakeServer) -> None:
            server.status, server.power_state = status, 4
            self.cloud.world.later(300, lambda: self.go_on(server))

        self.meddle(hold)
        inner = self.listener

        def listen(event: Event) -> None:
            told.append(event.text)
            inner(event)

        self.listener = listen
        self.assertEqual("complete", self.outcome())
        self.assertTrue(any(words in text for text in told), told[-20:])

    def go_on(self, server: FakeServer) -> None:
        """As it was before."""
        server.status, server.power_state = "ACTIVE", 1

    def test_paused_for_good(self) -> None:
        """The time that the installer has is not without end."""
        self.meddle(partial(_put_into, "PAUSED"))
        self.assertIn("openstack server unpause", self.outcome())

    def test_server_locked(self) -> None:
        """Nothing is lost: unlocked, it goes on where it stopped."""
        self.meddle(lambda server: setattr(server, "locked", True))
        builder = self.builder()
        builder.listener = self.listener
        error = self.assertRaises(CloudError, builder.create, self.request())
        build = builder.list().builds[0]
        self.assertIn("is locked", error.brief)
        self.assertIn("openstack server unlock", error.resolution)
        self.assertEqual((build.id, build.step), (error.build_id, error.step))
        self.assertEqual("remove-server", error.step)
        self.assertIn(NextStep(Verb.RESUME, build.id), error.next_steps)
        self.assertEqual("building", build.status)
        error = self.assertRaises(CloudError, builder.cancel, build.id)
        self.assertIn("openstack server unlock", str(error))
        self.assertEqual(build.id, error.build_id)
        for server in self.cloud.nova.servers.values():
            server.locked = False
        self.builder().cancel(build.id)
        self.assert_empty(build.id)

    def test_locked_while_it_fails(self) -> None:
        """Why the build failed is told first, then why its server stays."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        self.meddle(lambda server: setattr(server, "locked", True))
        builder = self.builder()
        builder.listener = self.listener
        error = self.assertRaises(InstallError, builder.create, self.request())
        self.assertIn("FAILED: no disk", str(error))
        self.assertIn("not all that it made could be removed", str(error))
        self.assertIn("openstack server unlock", str(error))
        build = builder.list().builds[0]
        self.assertIn("FAILED: no disk", build.reason)
        for server in self.cloud.nova.servers.values():
            server.locked = False
        self.assertRaises(InstallError, builder.resume, build.id)
        self.assert_empty(build.id)

    def test_volume_in_error(self) -> None:
        """While it is made another is made; one with the system on it is lost."""
        for step, end in (
            ("volume-root", "complete"),
            ("free-root", "Cinder has the root volume as error"),
        ):
            with self.one_of_many(step):
                self.check_volume_in_error(step, end)
                self.cloud = FakeCloud()

    def check_volume_in_error(self, step: str, end: str) -> None:
        """Let Cinder lose the volume in ``step``."""
        done: list[str] = []

        def listen(event: Event) -> None:
            volumes = list(self.cloud.cinder.volumes.values())
            if (event.kind, event.step) == ("wait", step) and volumes and not done:
                done.append(step)
                volumes[0].status, volumes[0].due = "error", 0.0
                volumes[0].server = ""

        self.listener = listen
        self.assertIn(end, self.outcome_beside(output="volume"))
        self.assertEqual([step], done)

    def test_volume_that_is_busy_at_the_end(self) -> None:
        """It is waited for; if that takes too long the build has not failed."""
        for seconds in (60, 10**6):
            with self.one_of_many(f"{seconds} s"):
                self.check_busy_volume(seconds)
            self.cloud = FakeCloud()

    def check_busy_volume(self, seconds: int) -> None:
        """Have a volume in use when the result is published."""
        until: list[float] = []

        def listen(event: Event) -> None:
            now, volumes = self.cloud.world.now, self.cloud.cinder.volumes.values()
            if event.step == "publish":
                until.append(now + seconds)
            for volume in volumes if until else ():
                if volume.status in ("available", "in-use"):
                    volume.status = "in-use" if now < until[0] else "available"

        builder = self.builder()
        builder.listener = listen
        request = self.request(disk_gib=2, verify=False)
        if seconds < 1000:
            self.assert_complete(builder.create(request))
            return
        error = self.assertRaises(CloudError, builder.create, request)
        build = self.builder().list().builds[0]
        self.assertEqual("building", build.status)
        self.assertIn(NextStep(Verb.RESUME, build.id), error.next_steps)
        for volume in self.cloud.cinder.volumes.values():
            volume.status = "available"
        self.assert_complete(self.resumed(build.id))

    def test_server_that_is_never_deleted(self) -> None:
        """Nothing is waited for without end."""

        def hold(event: Event) -> None:
            for server in self.cloud.nova.servers.values():
                if server.task_state == "deleting" and event.step == "remove-server":
                    server.gone_at = self.cloud.world.now + 1e6

        self.listener = hold
        builder = self.builder()
        builder.listener = hold
        error = self.assertRaises(ImageBuildError, builder.create, self.request())
        build = self.builder().list().builds[0]
        self.assertEqual("failed", build.status)
        self.assertIn("Nova deletes the install server: for more than", build.reason)
        self.assertIn("still there after", str(error))

    def test_report_of_hostile_words(self) -> None:
        """What no service can keep does not spoil a good installation."""
        self.plan(report={"release": "mini 1", "kernel": "6.12.0\x00\U0001f600"})
        self.assert_complete(self.builder().create(self.request()))

    def test_no_updates(self) -> None:
        """A system that could not be updated is made all the same, and that is told."""
        for report, told, wanted in (
            ({"unpatched": "no\x1b[1m repository"}, ["no[1m repository"], set()),
            ({"unpatched": "\0"}, [], set()),
            ({"patched": "0", "newest_package": "1600000000"}, [], {AT, NEWEST_AT}),
            ({"patched": "soon", "newest_package": "99999999999"}, [], set()),
        ):
            self.plan(report={"release": "mini 1", "kernel": "6.12.0", **report})
            events: list[Event] = []
            builder = self.builder()
            builder.listener = events.append
            build = builder.create(self.request())
            notes = [e.text for e in events if e.kind == EventKind.NOTE]
            said = [f"the system was not updated: {why}" for why in told]
            self.assertEqual(said, notes)
            properties = self.cloud.glance.images[build.result_id].properties
            found = {AT, NEWEST_AT} & properties.keys()
            self.assertEqual(wanted, found)
            if wanted:
                self.assertLessEqual(properties[AT], properties["imagebuild_built_at"])
                self.assertEqual("2020-09-13T12:26:40Z", properties[NEWEST_AT])

    def test_record_edited(self) -> None:
        """A spec that somebody changed for a worse one is not driven on."""

        def edit(server: FakeServer) -> None:
            build = self.builder().list().builds[0]
            properties = self.cloud.glance.images[build.id].properties
            properties["imagebuild_status"] = "cancelled"

        self.meddle(edit)
        self.assertEqual("complete", self.outcome())

    def test_record_that_names_a_foreign_image(self) -> None:
        """As its result: neither delete nor cancel takes what no build made."""
        other = self.builder().create(self.request(name="other"))
        for status in ("complete", "cancelled"):
            build = self.builder().create(self.request())
            properties = self.cloud.glance.images[build.id].properties
            for key, text in properties.items():
                properties[key] = text.replace(build.result_id, other.result_id)
            properties["imagebuild_status"] = status
            self.builder().cancel(build.id)
            error = self.assertRaises(
                CloudError, self.builder().delete, build.id, with_image=True
            )
            self.assertIn(other.result_id, str(error))
            self.assertIn(other.result_id, self.cloud.glance.images)
            self.assertNotIn(build.id, self.cloud.glance.images)

    def test_boot_image_deleted(self) -> None:
        """Once the installer runs nobody needs it any more."""

        def remove(server: FakeServer) -> None:
            del self.cloud.glance.images[server.image_id]

        self.meddle(remove)
        self.assertEqual("complete", self.outcome())

    def test_quota_used_up_meanwhile(self) -> None:
        """By others, between the look at it and the server."""

        def use_up(event: Event) -> None:
            if (event.kind, event.step) == ("step", "server"):
                self.cloud.nova.limits["Instances"] = 0

        self.listener = use_up
        outcome = self.outcome()
        self.assertIn("Quota exceeded for instances", outcome)
        self.assertIn("Builder.delete(", outcome)

    def test_result_deleted(self) -> None:
        """Between harvest and the end."""

        def remove(server: FakeServer) -> None:
            for image in self.images():
                if image.data.startswith(b"INSTALLED"):
                    del self.cloud.glance.images[image.id]

        self.meddle(remove, "verify")
        self.assertIn("deleted by somebody", self.outcome())

    def test_record_deleted(self) -> None:
        """Nothing can be written down any more: it ends, and leaves a trace."""

        def remove(server: FakeServer) -> None:
            build = self.builder().list().builds[0]
            del self.cloud.glance.images[build.id]

        self.meddle(remove)
        builder = self.builder()
        builder.listener = self.listener
        self.assertRaises(ImageBuildError, builder.create, self.request())
        found = self.builder().orphans()
        self.assertIn("server", {orphan.kind for orphan in found})
        self.builder().delete_orphans(found)
        self.cloud.world.advance(60)
        self.assert_empty()

    def test_record_of_a_newer_version(self) -> None:
        """It is left alone, and can be deleted."""
        build = self.started()
        self.cloud.glance.images[build.id].properties["imagebuild_schema"] = "3"
        error = self.assertRaises(RecordError, self.builder().resume, build.id)
        self.assertIn("schema 3, this one reads 1 to 2", str(error))
        self.builder().delete(build.id)
        self.assert_empty()

    def test_protected_result(self) -> None:
        """A result that somebody protected goes with its failed build."""
        self.plan(result_boots=False)

        def protect(server: FakeServer) -> None:
            for image in self.images():
                image.protected = image.data.startswith(b"INSTALLED")

        self.meddle(protect, "verify")
        self.assertIn("did not come up", self.outcome())
