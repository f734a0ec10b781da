"""Guests that misbehave, and others who meddle: each has its own outcome."""

from __future__ import annotations

from collections.abc import Callable

from osc_imagebuild.engine import Event
from osc_imagebuild.errors import ImageBuildError, InstallError, RecordError
from osc_imagebuild.record import Record
from osc_imagebuild.tests.fakes.cloud import FakeCloud
from osc_imagebuild.tests.fakes.guests import GuestPlan
from osc_imagebuild.tests.fakes.machines import FakeServer
from osc_imagebuild.tests.unit.base import CloudTestCase


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
        for command in ("log", "delete"):
            self.assertIn(f"openstack image build {command} {build.id}", str(error))
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
            if waits and servers and not done:
                done.append(step)
                what(servers[0])

        self.listener = listen

    def outcome(self) -> str:
        """Build, and return how it ended; nothing may be left."""
        builder = self.builder()
        builder.listener = self.listener
        try:
            build = builder.create(self.request())
        except (InstallError, RecordError) as error:
            for left in self.builder().list().builds:
                self.builder().delete(left.id)
            self.assert_empty()
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
        self.cloud.glance.images[build.id].properties["imagebuild_schema"] = "2"
        error = self.assertRaises(RecordError, self.builder().resume, build.id)
        self.assertIn("schema 2, this one reads 1", str(error))
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
