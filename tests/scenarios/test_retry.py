"""Attempts that a build makes by itself, and builds that a user tries again."""

from __future__ import annotations

import functools
import json
import operator
import re
from typing import Any

from osc_imagebuild.builds import lease
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import InstallError, NextStep, RecordError, SpecError, Verb
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.spec_json import SCHEMA_1
from osc_imagebuild.steps import attempts
from tests.fakes import machines
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import LOST, Fault, answered, once
from tests.fakes.machines import FakeServer
from tests.fakes.planning import flavor
from tests.fakes.turns import Turns
from tests.fakes.wire import Call
from tests.unit.base import CloudTestCase

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
        for number in (0, 6, -1):
            error = self.assertRaises(
                SpecError, self.builder().plan, self.request(attempts=number)
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

    def test_of_an_earlier_version(self) -> None:
        """A record of schema 1 is of schema 2 once its spec is written anew."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.failed()
        properties = self.cloud.glance.images[build.id].properties
        parts = json.loads(properties["imagebuild_spec"])
        spec = {
            name: functools.reduce(operator.getitem, path.split("."), parts)
            for name, path in SCHEMA_1.items()
        }
        properties["imagebuild_spec"] = json.dumps(spec)
        properties["imagebuild_schema"] = "1"
        self.cloud.nova.plan.install_fails = ""
        self.assert_complete(self.retried(build, flavor="m1.small"))
        self.assertEqual("2", properties["imagebuild_schema"])

    def test_from_install_though_more_is_left(self) -> None:
        """What is of no use any more goes first."""
        self.cloud.nova.plan.result_boots = False
        build = self.failed()
        self.cloud.nova.plan.result_boots = True
        found = self.retried(build, "install")
        self.assert_complete(found)
        self.assertNotEqual(build.made, found.made)

    def test_earlier_attempts(self) -> None:
        """What was tried before stays in the record, and counts for nothing."""
        self.cloud.nova.plan.first_installs = [NO_LEASE] * 4
        build = self.failed()
        [first] = build.attempts
        error = self.assertRaises(InstallError, self.retried, build)
        self.assertIn("the attempt before failed too", str(error))
        self.assertEqual(4, self.servers("install"))
        again = self.builder().find(build.id)
        before, end, after = again.attempts
        said = first.partition(": ")[2]
        self.assertEqual(f"install 1, before retry 1: {said[:200]}", before)
        self.assertIn("install, before retry 1: the installer gave up", end)
        self.assertEqual(first, after)
        found = self.retried(again)
        self.assert_complete(found)
        self.assertEqual([before, end], list(found.attempts[:2]))
        self.assertEqual(
            ["1", "1", "2", "2"], [a.partition("retry ")[2][0] for a in found.attempts]
        )

    def test_many_retries(self) -> None:
        """The record keeps the latest: a property has its limit."""
        marks: dict[str, Mark] = {}
        last = Mark(9.0, {"attempt": "install", "reason": "x" * 999})
        for number in range(1, 15):
            marks = attempts.archive(marks, number, last)
        told = attempts.failures(marks)
        self.assertEqual(12, len(told))
        self.assertEqual(f"install, before retry 14: {'x' * 200}", told[-1])
        self.assertIn("before retry 3:", told[0])
        self.assertEqual([], attempts.failed(marks, "install"))

    def test_calls_of_the_points(self) -> None:
        """Nothing is asked for that the record says cannot be there."""
        for plan, fields, expected in (
            ({"install_fails": "FAILED: no disk"}, {}, []),
            (
                {"result_boots": False},
                {},
                ["GET /v2/images/ID", "GET /v2.1/servers/detail"],
            ),
            (
                {"result_boots": False},
                {"output": "volume"},
                [
                    "GET /v3/volumes/detail",
                    "GET /v3/volumes/ID",
                    "GET /v2.1/servers/detail",
                ],
            ),
        ):
            with self.one_of_many(f"{plan} {fields}"):
                self.cloud = FakeCloud()
                for name, value in plan.items():
                    setattr(self.cloud.nova.plan, name, value)
                build = self.failed(**fields)
                builder = self.builder("looker")
                builder.find(build.id)  # logs in
                calls: list[str] = []

                def note(call: Call, calls: list[str] = calls) -> None:
                    if call.service != "identity" and call.path.count("/") > 1:
                        path = re.sub(r"[0-9a-f-]{36}", "ID", call.path)
                        calls.append(f"{call.method} {path}")

                self.cloud.hooks.append(note)
                points = builder.retry_points(build)
                self.assertEqual("install", points[-1])
                self.assertEqual(sorted(expected), sorted(calls))

    def test_other_hardware(self) -> None:
        """Another flavor and zone, for what is done again."""
        self.cloud.nova.zones.append("other")
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.failed()
        self.cloud.nova.plan.install_fails = ""
        names = [f["name"] for f in self.cloud.nova.flavors]
        other = next(n for n in reversed(names) if n != build.spec.hardware.flavor_name)
        found = self.retried(build, flavor=other, availability_zone="other")
        self.assert_complete(found)
        self.assertEqual(other, found.spec.hardware.flavor_name)
        self.assertEqual(other, found.spec.result.properties["imagebuild_flavor"])
        self.assertEqual("other", found.spec.hardware.availability_zone)

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
        self.assertIn("is complete\nits result is there", str(error))
        running = self.started(name="other")
        error = self.assertRaises(RecordError, self.retried, running)
        self.assertEqual((NextStep(Verb.RESUME, running.id),), error.next_steps)

    def test_said_by_the_failure(self) -> None:
        """The error names the command, and from where it goes on."""
        self.cloud.nova.plan.result_boots = False
        error = self.assertRaises(InstallError, self.builder().create, self.request())
        build = self.builder().list().builds[0]
        self.assertIn(
            f"try again, from verify or install on, with: Builder.retry('{build.id}');",
            str(error),
        )


class OthersTest(AttemptsTestCase):
    """What others do meanwhile, and what is not there any more."""

    def failed_at_first(self, **fields: Any) -> Record:
        """Return a build whose installer failed, and would not again."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build = self.failed(**fields)
        self.cloud.nova.plan.install_fails = ""
        return build

    def refused(
        self, build: Record, words: str, *options: tuple[str, str], **fields: Any
    ) -> None:
        """A retry is refused with ``words``, and changes nothing; one with ``options`` goes."""
        error = self.assertRaises(
            SpecError, self.builder("second").retry, build.id, **fields
        )
        self.assertIn(words, str(error))
        self.assertEqual(build.id, error.build_id)
        offered = (NextStep(Verb.RETRY, build.id, options),) if options else ()
        self.assertEqual(offered, error.next_steps)
        self.assertEqual("failed", self.builder().find(build.id).status)

    def test_reply_to_the_reboot_lost(self) -> None:
        """A hard reboot takes its time, and is not asked for again."""
        for fault in (LOST, answered(504, carried_out=True), answered(409)):
            with self.one_of_many(fault.name):
                self.cloud = FakeCloud()
                self.patch(machines, "REBOOT_S", 60.0)
                self.cloud.nova.plan.first_boots = [NO_METADATA.format("noon")]
                self.cloud.hooks.append(once(lambda c: c.kind == "reboot", fault))
                self.assert_complete(self.builder().create(self.request()))
                self.assertEqual(1, self.servers("verify"))

    def test_config_drive_refused(self) -> None:
        """One that nobody asked for is left out; one that was asked for is needed."""

        def refuse(call: Call) -> Fault | None:
            asked = (
                call.kind == "create server" and "config_drive" in call.json["server"]
            )
            return answered(400) if asked else None

        self.cloud.hooks.append(refuse)
        self.assert_complete(self.builder().create(self.request()))
        self.failed(name="other", config_drive=True)

    def test_config_drive_not_wanted(self) -> None:
        """A user who wants none gets none."""
        bodies: list[dict[str, Any]] = []

        def look(when: str, call: Call) -> None:
            if when == "before" and call.kind == "create server":
                bodies.append(call.json["server"])

        self.cloud.observers.append(look)
        self.assert_complete(self.builder().create(self.request(config_drive=False)))
        self.assertFalse(any("config_drive" in body for body in bodies))

    def test_no_host_without_dhcp(self) -> None:
        """A fixed address is no reason to give up; one that is taken is."""
        self.cloud.neutron.add_network("static", "n-s", dhcp=False)
        for fault, servers in (("No valid host was found.", 2), ("is in use", 1)):
            with self.one_of_many(fault):
                before = self.servers("install")
                self.cloud.nova.server_fault = fault
                self.failed(networks=("static",))
                self.assertEqual(servers, self.servers("install") - before)
                for build in self.builder().list().builds:
                    self.builder().delete(build.id)

    def test_flavors(self) -> None:
        """As create has them: large enough, without other disks, and there."""
        build = self.failed_at_first(flavor="m1.tiny")
        for name, ram, disk, extra in (("nano", 64, 4, 0), ("eph", 2048, 10, 20)):
            new = flavor(name, ram, disk)
            new["OS-FLV-EXT-DATA:ephemeral"] = extra
            self.cloud.nova.flavors.append(new)
        self.refused(build, "flavor nano is too small", flavor="nano")
        self.refused(build, "a swap or an ephemeral disk", flavor="eph")
        self.cloud.nova.flavors = [
            f for f in self.cloud.nova.flavors if f["name"] != "m1.tiny"
        ]
        gone = "the flavor m1.tiny that the build had is gone"
        self.refused(build, gone, ("flavor", "<flavor>"))

    def test_zones_of_volumes(self) -> None:
        """Volumes are made in the new zone; those that are there cannot move."""
        self.cloud.nova.zones += ["z1", "z2"]
        self.cloud.cinder.zones = ["nova", "z1", "z2"]
        build = self.failed_at_first(output="volume", availability_zone="z1")
        found = self.builder("second").retry(build.id, availability_zone="z2")
        self.assert_complete(found)
        self.assertEqual("z2", found.spec.hardware.volume_zone)
        self.cloud.nova.plan.result_boots = False
        build = self.failed(name="other", output="volume", availability_zone="z1")
        anew = (("start", "install"), ("availability_zone", "z2"))
        self.refused(build, "which cannot move to z2", *anew, availability_zone="z2")

    def test_result_deleted(self) -> None:
        """What is gone is not offered, neither by the error nor by show."""

        def forget(when: str, call: Call) -> None:
            if when == "after" and call.kind == "delete server":
                images = self.cloud.glance.images
                for image in list(images.values()):
                    if (image.name or "").endswith("-result"):
                        del images[image.id]

        self.cloud.nova.plan.result_boots = False
        self.cloud.observers.append(forget)
        error = self.assertRaises(InstallError, self.builder().create, self.request())
        self.assertIn("try again, from install on", str(error))
        self.assertNotIn("stays hidden", str(error))
        build = self.builder().list().builds[0]
        self.assertEqual(("install",), self.builder().retry_points(build))

    def test_foreign_result(self) -> None:
        """An image that this build did not make is not its result."""
        self.cloud.nova.plan.result_boots = False
        build = self.failed()
        self.cloud.nova.plan.result_boots = True
        glance = self.cloud.glance
        mine = glance.images[build.made[0]]
        other = glance.add(mine.owner, name="payroll", visibility="private")
        other.status, other.data = "active", mine.data
        record = glance.images[build.id]
        text = record.properties["imagebuild_marks"]
        forged = text.replace(build.made[0], other.id)
        record.properties["imagebuild_marks"] = forged
        found = self.builder().find(build.id)
        self.assertEqual(("install",), self.builder().retry_points(found))
        self.refused(found, "nothing of build", start="verify")
        self.assertEqual("payroll", glance.images[other.id].name)

    def test_resume_beside_a_retry(self) -> None:
        """Who tidies up after a failed build does not do so while it goes on."""
        build = self.failed_at_first()
        self.builder("first").retry(build.id, wait=False)
        running = set(self.cloud.nova.servers)
        lease.take(self.builder("holder").api, build.id)
        error = self.assertRaises(RecordError, self.builder("late").resume, build.id)
        self.assertIn("is driven by", str(error))
        self.assertEqual(running, set(self.cloud.nova.servers))

    def test_two_retries(self) -> None:
        """One goes on, the other says who does."""
        for seed in range(8):
            with self.one_of_many(str(seed)):
                self.cloud = FakeCloud()
                build = self.failed_at_first()
                works = [
                    functools.partial(self.builder(name).retry, build.id)
                    for name in ("a", "b")
                ]
                results = Turns(self.cloud.world, seed).run(works)
                done = [r for r in results if isinstance(r, Record)]
                self.assertEqual(1, len(done), str(results))
                self.assert_complete(done[0])

    def test_fleet(self) -> None:
        """A fleet that saw the build fail drives it once it is tried again."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        build, fleet = self.started(), self.builder("fleet").fleet()
        while fleet.tick():
            self.cloud.world.sleep(30)
        self.assertIn(build.id, fleet.outcome.failed)
        self.cloud.nova.plan.install_fails = ""
        self.cloud.world.sleep(60)
        self.builder("other").retry(build.id, wait=False)
        for _ in range(40):
            fleet.tick()
            self.cloud.world.sleep(30)
        self.assert_complete(self.builder().find(build.id))

    def test_services_away(self) -> None:
        """One failure of each kind while a retry tidies up costs nothing."""
        for kind in ("delete image", "delete server", "change image"):
            with self.one_of_many(kind):
                self.cloud = FakeCloud()
                self.cloud.nova.plan.result_boots = False
                build = self.failed(output="volume", keep_on_failure=True)
                self.cloud.nova.plan.result_boots = True
                wanted = once(lambda c, k=kind: c.kind == k, answered(503))  # type: ignore[misc]
                self.cloud.hooks.append(wanted)
                self.assert_complete(self.builder("b").retry(build.id, "install"))

    def test_half_published(self) -> None:
        """What has the user's name already goes before it is made anew."""

        def refuse(call: Call) -> Fault | None:
            rename = call.method == "PUT" and "snapshot" in call.kind
            return answered(403) if rename else None

        self.cloud.hooks.append(refuse)
        build = self.failed(output="snapshot")
        self.cloud.hooks.clear()
        self.assert_complete(self.builder("b").retry(build.id, "install"))

    def test_marks_of_others(self) -> None:
        """Times and numbers out of range make a record damaged, or do no harm."""
        build = self.failed_at_first()
        properties = self.cloud.glance.images[build.id].properties
        properties["imagebuild_percent"] = "9" * 5000
        self.assertEqual("", self.builder().find(build.id).percent)
        for text in (
            '{"x": {"at": 1' + "0" * 400 + ', "data": {}}}',
            "[" * 100_000,
        ):
            properties["imagebuild_marks"] = text
            self.assertIn(build.id, self.builder().list().unreadable)
