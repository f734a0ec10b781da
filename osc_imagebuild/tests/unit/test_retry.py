"""Attempts that a build makes by itself, and builds that a user tries again."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.errors import (
    InstallError,
    RecordError,
    SpecError,
)
from osc_imagebuild.record import Record
from osc_imagebuild.tests.fakes.cloud import FakeCloud
from osc_imagebuild.tests.fakes.faults import Fault, answered, once
from osc_imagebuild.tests.fakes.machines import FakeServer
from osc_imagebuild.tests.fakes.wire import Call
from osc_imagebuild.tests.unit.base import CloudTestCase

NO_LEASE = "FAILED: udhcpc: no lease, failing"
NO_METADATA = "Cloud-init v. 25 finished at {}. Datasource DataSourceNone. Up 9 seconds"


def unlucky(cloud: FakeCloud, *boots: str) -> FakeCloud:
    """Return a cloud whose first servers fail: at Nova, in the installer, at boot."""
    cloud.nova.first_faults = ["No valid host was found."]
    cloud.nova.plan.first_installs = [NO_LEASE]
    cloud.nova.plan.first_boots = list(boots)
    return cloud


class AttemptsTestCase(CloudTestCase):
    """Builds that do not come to their end at once."""

    def failed(self, **fields: Any) -> Record:
        """Build; it must fail."""
        self.assertRaises(InstallError, self.builder().create, self.request(**fields))
        return self.builder().list().builds[0]

    def told(self) -> list[str]:
        """Return what was told of attempts that failed."""
        return [event.text for event in self.events if event.kind == "again"]

    def servers(self, role: str) -> int:
        """Return how many servers of a role were made."""
        created = self.cloud.created("create server")
        return len([name for name in created if name.endswith(role)])


class AttemptsTest(AttemptsTestCase):
    """What may pass by itself costs a server, not the build."""

    def test_install(self) -> None:
        """No host, then no lease, then it works; each is told and kept."""
        unlucky(self.cloud)
        build = self.builder().create(self.request(attempts=3))
        self.assert_complete(build)
        self.assertEqual(3, self.servers("install"))
        self.assertIn("No valid host was found.; a new server is made", self.told()[0])
        self.assertIn(f"{NO_LEASE}; a new server is made", self.told()[1])
        first, second = build.attempts
        self.assertTrue(first.startswith("install 1: Nova could not run"), first)
        self.assertTrue(second.startswith("install 2: the installer gave"), second)

    def test_evidence(self) -> None:
        """The console of the server that goes is told with its end."""
        unlucky(self.cloud)
        self.builder().create(self.request(attempts=3))
        [_, second] = [e.evidence for e in self.events if e.kind == "again"]
        assert second is not None
        self.assertIn(NO_LEASE, second.console)
        self.assertEqual("install", second.role)

    def test_install_onto_a_volume(self) -> None:
        """Each attempt has a disk of its own."""
        unlucky(self.cloud)
        for method in ("ipxe", "kernel", "cdrom"):
            with self.one_of_many(method):
                self.cloud = unlucky(FakeCloud())
                asked = self.request(attempts=3, output="volume", boot_method=method)
                self.assert_complete(self.builder().create(asked))
                roots = self.cloud.created("create volume")
                self.assertEqual(3, len([r for r in roots if r.endswith("-root")]))

    def test_never_enough(self) -> None:
        """By default it is tried twice, and the end tells of the first time."""
        self.cloud.nova.plan.first_installs = [NO_LEASE, NO_LEASE, NO_LEASE]
        build = self.failed()
        self.assertEqual(2, self.servers("install"))
        self.assertIn("the attempt before failed too", build.reason)
        self.assert_empty(build.id)

    def test_once(self) -> None:
        """One attempt is one attempt."""
        self.cloud.nova.plan.first_installs = [NO_LEASE]
        build = self.failed(attempts=1)
        self.assertEqual((1, ()), (self.servers("install"), build.attempts))

    def test_numbers(self) -> None:
        """A number out of range is refused before anything is written."""
        for attempts in (0, 6, -1):
            error = self.assertRaises(
                SpecError, self.builder().plan, self.request(attempts=attempts)
            )
            self.assertIn("--attempts takes 1 to 5", str(error))

    def test_verify_rebooted(self) -> None:
        """A result that comes up after a reboot is a good one."""
        self.cloud.nova.plan.first_boots = [NO_METADATA.format("noon")]
        build = self.builder().create(self.request())
        self.assert_complete(build)
        self.assertEqual(1, self.servers("verify"))
        self.assertIn("got no metadata", self.told()[0])
        self.assertIn("it is rebooted", self.told()[0])

    def test_verify_booted_anew(self) -> None:
        """Silent twice, then as a new server, without a config drive."""
        self.cloud.nova.plan.first_boots = ["", ""]
        bodies: list[dict[str, Any]] = []

        def look(when: str, call: Call) -> None:
            if when == "before" and call.kind == "create server":
                bodies.append(call.json["server"])

        self.cloud.observers.append(look)
        self.assert_complete(self.builder().create(self.request()))
        drives = [body.get("config_drive", False) for body in bodies]
        self.assertEqual([False, True, False], drives)
        self.assertIn("a new server is made", self.told()[1])

    def test_verify_in_vain(self) -> None:
        """After the third time it is the image's fault; it stays to be looked at."""
        lines = [NO_METADATA.format(n) for n in range(4)]
        self.cloud.nova.plan.first_boots = lines
        build = self.failed()
        self.assertIn("the 2 attempts before failed too", build.reason)
        self.assertEqual(2, self.servers("verify"))
        self.assert_empty(build.id, *build.made)

    def test_no_host_for_the_test_server(self) -> None:
        """Nothing to reboot."""
        plan, cloud = self.cloud.nova.plan, self.cloud

        def look(when: str, call: Call) -> None:
            if when == "after" and call.kind == "createImage":
                cloud.nova.first_faults = ["No valid host was found."]

        cloud.observers.append(look)
        self.assert_complete(self.builder().create(self.request()))
        self.assertEqual([], plan.first_boots)
        self.assertEqual(2, self.servers("verify"))

    def test_reboot_forbidden(self) -> None:
        """Where the policy forbids it, a new server is the next attempt."""

        def refuse(call: Call) -> Fault | None:
            return answered(403) if call.kind == "reboot" else None

        self.cloud.hooks.append(refuse)
        self.cloud.nova.plan.first_boots = [NO_METADATA.format("noon")]
        self.assert_complete(self.builder().create(self.request()))
        self.assertEqual(2, self.servers("verify"))

    def test_lists_that_lag(self) -> None:
        """A server that was given up and is still listed is not taken for the next."""
        unlucky(self.cloud)
        nova = self.cloud.nova
        gone: dict[str, tuple[FakeServer, float]] = {}

        def lag(call: Call) -> None:
            """List what was deleted for 40 seconds more."""
            for server in nova.servers.values():
                if server.gone_at is not None:
                    gone[server.id] = (server, server.gone_at + 40)
            nova.ghosts = [s for s, until in gone.values() if call.at < until]

        self.cloud.hooks.append(lag)
        self.assert_complete(self.builder().create(self.request(attempts=3)))


class RetryTest(AttemptsTestCase):
    """A failed build goes on from what is left of it."""

    def retried(self, build: Record, *args: Any, **fields: Any) -> Record:
        """Try a build again as another client."""
        self.events.clear()
        return self.builder("second").retry(build.id, *args, **fields)

    def test_from_verify(self) -> None:
        """The image that did not pass is booted once more, and nothing else."""
        self.cloud.nova.plan.result_boots = False
        build = self.failed()
        points = self.builder().retry_points(build)
        self.assertEqual(("verify", "install"), points)
        self.cloud.nova.plan.result_boots = True
        found = self.retried(build)
        self.assert_complete(found)
        self.assertEqual((build.id, build.made), (found.id, found.made))
        self.assertEqual(1, self.servers("install"))

    def test_from_verify_of_each_output(self) -> None:
        """A volume and a snapshot as well."""
        for output in ("volume", "snapshot"):
            with self.one_of_many(output):
                self.cloud = FakeCloud()
                self.cloud.nova.plan.result_boots = False
                build = self.failed(output=output)
                self.cloud.nova.plan.result_boots = True
                self.assert_complete(self.retried(build, "verify"))
                self.assertEqual(1, self.servers("install"))

    def test_from_harvest(self) -> None:
        """The server that was kept gives a new image."""
        refuse = once(lambda c: c.kind == "createImage", answered(403))
        self.cloud.hooks.append(refuse)
        build = self.failed(keep_on_failure=True)
        self.assertEqual(("harvest", "install"), self.builder().retry_points(build))
        self.assert_complete(self.retried(build))
        self.assertEqual(1, self.servers("install"))

    def test_from_install(self) -> None:
        """Where nothing is left, it begins anew under the same ID."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.failed()
        self.assertEqual(("install",), self.builder().retry_points(build))
        self.cloud.nova.plan.install_fails = ""
        found = self.retried(build)
        self.assert_complete(found)
        self.assertEqual(build.id, found.id)
        self.assertEqual("", found.reason)

    def test_from_install_though_more_is_left(self) -> None:
        """What is of no use any more goes first."""
        self.cloud.nova.plan.result_boots = False
        build = self.failed()
        self.cloud.nova.plan.result_boots = True
        found = self.retried(build, "install")
        self.assert_complete(found)
        self.assertNotEqual(build.made, found.made)

    def test_other_hardware(self) -> None:
        """Another flavor and zone, for what is done again."""
        self.cloud.nova.zones.append("other")
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.failed()
        self.cloud.nova.plan.install_fails = ""
        names = [f["name"] for f in self.cloud.nova.flavors]
        other = next(n for n in reversed(names) if n != build.spec.flavor_name)
        found = self.retried(build, flavor=other, availability_zone="other")
        self.assert_complete(found)
        self.assertEqual(other, found.spec.flavor_name)
        self.assertEqual(other, found.spec.result_properties["imagebuild_flavor"])
        self.assertEqual("other", found.spec.availability_zone)

    def test_refused(self) -> None:
        """What makes no sense is said before anything is changed."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.failed()
        for args, fields, words in (
            (("verify",), {}, "nothing of build"),
            (("harvest",), {}, "it can be tried again from: install"),
            (("nowhere",), {}, "not from 'nowhere'"),
            ((), {"flavor": "no-such"}, "no flavor 'no-such'"),
            ((), {"availability_zone": "moon"}, "no availability zone 'moon'"),
        ):
            error = self.assertRaises(SpecError, self.retried, build, *args, **fields)
            self.assertIn(words, str(error))
        self.assertEqual("failed", self.builder().find(build.id).status)
        self.assert_empty(build.id)

    def test_not_failed(self) -> None:
        """Builds of another status have other commands."""
        build = self.builder().create(self.request())
        self.assertEqual((), self.builder().retry_points(build))
        error = self.assertRaises(RecordError, self.retried, build)
        self.assertIn("is complete: its result is there", str(error))
        running = self.started(name="other")
        error = self.assertRaises(RecordError, self.retried, running)
        self.assertIn(f"openstack image build resume {running.id}", str(error))

    def test_said_by_the_failure(self) -> None:
        """The error names the command, and from where it goes on."""
        self.cloud.nova.plan.result_boots = False
        error = self.assertRaises(InstallError, self.builder().create, self.request())
        build = self.builder().list().builds[0]
        self.assertIn(
            "try again, from verify or install on, with: "
            f"openstack image build retry {build.id}",
            str(error),
        )
