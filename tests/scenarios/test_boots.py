"""The boot test on more flavors, networks and firmwares than the build's own."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import InstallError, SpecError
from osc_imagebuild.model.own_tests import OwnTest
from osc_imagebuild.reports.junit import junit
from tests.fakes.planning import flavor
from tests.unit.base import PARENT, CloudTestCase

WEB = OwnTest(name="web", run="true")
FLAVOR, SECOND, FIRST = "m1.small", "second", "private"


class BootsCase(CloudTestCase):
    """A cloud with a second network."""

    def setUp(self) -> None:
        """Have one, and an image that says which system it is."""
        super().setUp()
        self.cloud.neutron.add_network(SECOND, "net-2", routed=False)
        self.cloud.nova.flavors.append(flavor("m1.micro", 64, 1))

    def asked(self, **fields: Any) -> dict[str, Any]:
        """What is asked for in each of these."""
        return {
            **{"os": "mini-tests", "networks": (FIRST,)},
            **{"test_flavors": (FLAVOR,), "test_networks": (FIRST, SECOND)},
            **fields,
        }

    def built(self, **fields: Any) -> Record:
        """Build, to a good end."""
        build = self.builder().create(self.request(**self.asked(**fields)))
        self.assert_complete(build)
        self.assertTrue(all(check.passed for check in build.checks))
        return build

    def fails(self, step: str, **fields: Any) -> InstallError:
        """Build, and return why that failed; the result is there, and hidden."""
        request = self.request(**self.asked(**fields))
        error = self.assertRaises(InstallError, self.builder().create, request)
        self.assertEqual(step, error.step)
        build = self.builder().find(error.build_id)
        [result] = [i for i in self.images() if i.id in build.made]
        self.assertTrue(result.hidden)
        self.assert_empty(build.id, result.id)
        return error


class OutcomeTest(BootsCase):
    """What came of them."""

    def test_each_once(self) -> None:
        """Each has a server of its own, one after the other; the first is not done twice."""
        most = 0

        def count(event: Any) -> None:
            nonlocal most
            most = max(most, len(self.cloud.nova.servers))

        builder = self.builder()
        builder.listener = count
        asked = self.asked(tests=(WEB,), test_flavors=(FLAVOR, "m1.tiny"))
        build = builder.create(self.request(**asked))
        self.assert_complete(build)
        self.assertEqual(1, most)
        titles = [check.title for check in build.checks]
        places = [
            "flavor m1.small, network private",
            "flavor m1.small, network second",
            "flavor m1.tiny, network second",
        ]
        wanted = ["boot", "web"]
        for place in places:
            wanted += [f"boot ({place})", f"web ({place})"]
        self.assertEqual(wanted, titles)
        self.assertTrue(all(check.passed for check in build.checks))
        self.assertIn(f'name="web ({places[0]})"'.encode(), junit(build))
        made = self.cloud.created("create server")
        self.assertEqual(
            ["install", "verify", "verify-boot2", "verify-boot3", "verify-boot4"],
            [name.split("-", 6)[-1] for name in made],
        )

    def test_firmware(self) -> None:
        """It boots from a copy that declares the other; the result keeps its own."""
        seen: list[str] = []

        def look(event: Any) -> None:
            servers = self.cloud.nova.servers.values()
            seen.extend("uefi" for s in servers if "uefi" in s.place)

        for fields in ({}, {"output": "volume"}, {"output": "snapshot"}):
            seen.clear()
            self.events.clear()
            builder = self.builder()
            builder.listener = look
            asked = self.asked(
                test_firmware=("bios", "uefi"),
                test_flavors=(),
                test_networks=(),
                **fields,
            )
            build = builder.create(self.request(**asked))
            self.assert_complete(build)
            self.assertTrue(seen)
            self.assertEqual(
                ["boot", "boot (firmware uefi)"], [c.title for c in build.checks]
            )
            self.builder().delete(build.id, with_image=True)

    def test_fails(self) -> None:
        """A combination that does not boot is named."""
        self.cloud.nova.plan.dead_on = frozenset({"net-2"})
        error = self.fails("verify-boot3")
        self.assertIn(
            "flavor m1.small, network second: the result did not come up within 10",
            str(error),
        )
        build = self.builder().find(error.build_id)
        self.assertEqual([True, True, False], [c.passed for c in build.checks])
        self.assertEqual(
            "boot (flavor m1.small, network second)", build.checks[2].title
        )
        self.assertNotIn("second", build.checks[2].detail)

    def test_no_host(self) -> None:
        """Nor does it where Nova has no host for it."""
        self.cloud.nova.plan.no_host = frozenset({FLAVOR})
        error = self.fails("verify-boot2")
        self.assertIn(
            "network private: the result does not start: No valid", str(error)
        )

    def test_own_test_fails(self) -> None:
        """Only there, so the first one was passed."""
        self.cloud.nova.plan.test_exits = {}

        def spoil(event: Any) -> None:
            if event.step == "verify-boot2":
                self.cloud.nova.plan.test_exits = {WEB.run: 7}

        builder = self.builder()
        builder.listener = spoil
        request = self.request(**self.asked(tests=(WEB,)))
        error = self.assertRaises(InstallError, builder.create, request)
        self.assertIn("network private: the test was not passed: web: exit", str(error))
        build = self.builder().find(error.build_id)
        self.assertEqual([True, True, True, False], [c.passed for c in build.checks])

    def test_retry(self) -> None:
        """All are done again, and each at most as often as the first one."""
        self.cloud.nova.plan.dead_on = frozenset({"net-2"})
        build_id = self.fails("verify-boot3").build_id
        self.cloud.nova.plan.dead_on = frozenset()
        build = self.builder().retry(build_id, "verify")
        self.assert_complete(build)
        again = [step for step, _ in build.steps].index("retry")
        steps = [step for step, _ in build.steps[again:]]
        self.assertIn("verify", steps)
        self.assertIn("verify-boot2", steps)
        self.assertTrue(all(check.passed for check in build.checks))
        self.assertIn("verify-boot3 1, before", build.attempts[0])

    def test_hiccup(self) -> None:
        """A server that fails once is followed by another, as in the first boot."""
        self.cloud.nova.first_faults = ["", "", "a hiccup"]
        build = self.built()
        self.assertEqual(
            ["verify-boot2 1: the result does not start: a hiccup"],
            list(build.attempts),
        )


class RefusedTest(BootsCase):
    """What is refused before anything is made."""

    def refused(self, *wanted: str, **fields: Any) -> None:
        """All of it is in one error."""
        request = self.request(**self.asked(**fields))
        error = self.assertRaises(SpecError, self.builder().create, request)
        for part in wanted:
            self.assertIn(part, str(error))
        self.assertEqual([], self.images())

    def test_names(self) -> None:
        """Of flavors, networks and firmwares."""
        self.refused(
            "verify: no flavor 'none'; there are:",
            "verify: no network 'nowhere'; there are:",
            "verify.firmware takes bios and uefi, not 'openboot'",
            test_flavors=(FLAVOR, "none"),
            test_networks=("nowhere",),
            test_firmware=("openboot",),
        )

    def test_many(self) -> None:
        """Each is a server, and takes its time."""
        self.refused(
            "are 14 combinations, and each is a boot of its own: there can be 12",
            test_flavors=tuple(f"f{n}" for n in range(7)),
        )

    def test_unfit(self) -> None:
        """Where the image cannot be booted."""
        self.refused("leave out --no-verify", verify=False)
        self.refused("flavor m1.micro is too small", test_flavors=("m1.micro",))
        self.refused(
            "Mini installer is installed for bios alone",
            test_firmware=("uefi",),
            os="mini",
        )
        self.refused(
            "--secure-boot is for UEFI alone",
            **{"test_firmware": ("bios",), "firmware": "uefi", "secure_boot": True},
        )
        self.cloud.neutron.add_network("static", "net-3", dhcp=False)
        self.refused(
            "network static has no DHCP",
            test_networks=("static",),
            config_drive=False,
        )


class TrialTest(BootsCase):
    """A test of an image that is there already."""

    def setUp(self) -> None:
        """Have one."""
        super().setUp()
        self.image = self.add_parent(properties={"imagebuild_os": "mini-tests"})

    def test_passed(self) -> None:
        """On each, also with the other firmware; the image is not touched."""
        before = dict(self.image.properties)
        for tests in ((), (WEB,)):
            builder = self.builder()
            asked = self.request(
                **self.asked(tests=tests, test_firmware=("bios", "uefi"))
            )
            tested = builder.test(builder.plan_test(PARENT, asked))
            self.assertTrue(tested.passed, tested.trouble)
            self.assertEqual(5 * (1 + len(tests)), len(tested.checks))
            self.assertEqual(before, self.image.properties)
            self.cloud.tick()
            self.assertEqual({}, self.cloud.nova.servers)
            self.assertEqual({}, self.cloud.cinder.volumes)

    def test_failed(self) -> None:
        """It says which."""
        self.cloud.nova.plan.dead_on = frozenset({"uefi"})
        builder = self.builder()
        asked = self.request(**self.asked(test_firmware=("uefi",), test_networks=()))
        tested = builder.test(builder.plan_test(PARENT, asked))
        self.assertIn(
            "flavor m1.small, firmware uefi: the result did not come", tested.trouble
        )
        self.assertEqual([True, False], [check.passed for check in tested.checks])
        self.cloud.tick()
        self.assertEqual({}, self.cloud.cinder.volumes)

    def test_killed(self) -> None:
        """Its volume is an orphan once no test can be at work."""
        builder = self.builder()
        asked = self.request(
            **self.asked(test_firmware=("uefi",), test_flavors=(), test_networks=())
        )
        plan = builder.plan_test(PARENT, asked)

        self.cloud = self.cloud_after("create volume", builder.test, plan)
        builder = self.builder()
        self.assertEqual([], list(builder.orphans()))
        self.cloud.world.advance(6 * 3600)
        [orphan] = builder.orphans()
        self.assertEqual(("volume", plan.id), (orphan.kind, orphan.build_id))

    def test_no_volume(self) -> None:
        """It is not tried for ever."""
        self.cloud.cinder.troubles.creations_fail = True
        builder = self.builder()
        asked = self.request(
            **self.asked(
                test_firmware=("uefi",), test_flavors=(), test_networks=(), tests=(WEB,)
            )
        )
        tested = builder.test(builder.plan_test(PARENT, asked))
        self.assertEqual(
            "firmware uefi: no verify volume yet: 5 times without effect",
            tested.trouble,
        )
        self.assertEqual(
            ["boot", "web", "boot (firmware uefi)", "web (firmware uefi)"],
            [check.title for check in tested.checks],
        )
        self.cloud.world.advance(60)
        self.cloud.tick()
        self.assertEqual({}, self.cloud.cinder.volumes)
