"""The boot test is done again: each boot sees what is its own, and names it so."""

from __future__ import annotations

import dataclasses
from typing import Any

from osc_imagebuild import outputs
from osc_imagebuild.engine import recipe
from osc_imagebuild.model.actions import (
    Again,
    CreateServer,
    CreateVolume,
    DeleteServer,
    DeleteVolume,
    Fail,
    RebootServer,
    SetMark,
    SetVolume,
)
from osc_imagebuild.model.boot_sources import Device
from osc_imagebuild.model.boots import Boot
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.own_tests import Expected
from osc_imagebuild.model.own_tests_json import Said, pack
from osc_imagebuild.model.spec import RootDevice, Spec
from osc_imagebuild.outputs.image import OUTPUT
from osc_imagebuild.steps import boots
from osc_imagebuild.steps.boots import AnotherBoot, DeclareFirmware, RemoveVolume
from osc_imagebuild.steps.own_tests import RunTests
from osc_imagebuild.steps.verify import RemoveVerify, StartVerify, Verify
from tests.unit import samples
from tests.unit.decisions import OFF, StepTestCase, expressed, volume
from tests.unit.samples import NOW, facts, image, marks, server

FLAVOR = Boot(flavor_id="f-2", flavor_name="m1.large")
UEFI = Boot(network_id="net-2", network_name="lab", config_drive=True, firmware="uefi")
BOOTED = OFF | marks("harvested", image_id="i-result") | marks("verified")


def spec(*more: Boot, **fields: Any) -> Spec:
    """A build with more boots than one."""
    asked = samples.spec(**fields)
    verify = dataclasses.replace(asked.verify, boots=more or (FLAVOR, UEFI))
    return dataclasses.replace(asked, verify=verify)


def names(asked: Spec) -> list[str]:
    """The steps between the first boot and the end of the last one."""
    listed = [step.name for step in recipe.of(asked)]
    return listed[listed.index("verify-server") : listed.index("publish")]


def seen(*items: Any, **fields: Any) -> Facts:
    """Return facts of a build whose first boot is over."""
    volumes = {v.id.removeprefix("v-"): v for v in items}
    given: dict[str, Any] = {"images": (image("result"),), "marks": BOOTED, **fields}
    return facts(volumes=volumes, **given)


class RecipeTest(StepTestCase):
    """Which steps there are."""

    def test_order(self) -> None:
        """One boot after the other; of volumes each has its own."""
        first = ["verify-server", "verify", "remove-verify-server"]
        second = ["verify-server-boot2", "verify-boot2", "remove-verify-server-boot2"]
        third = [
            *("volume-verify-boot3", "firmware-boot3", "verify-server-boot3"),
            *("verify-boot3", "remove-verify-server-boot3"),
            "remove-verify-volume-boot3",
        ]
        self.assertEqual([*first, *second, *third], names(spec()))
        on_volumes = names(spec(FLAVOR, output="volume", root="volume"))
        self.assertEqual([*first, "remove-verify-volume"], on_volumes[:4])
        self.assertEqual("volume-verify-boot2", on_volumes[4])
        self.assertEqual("remove-verify-volume-boot2", on_volumes[-1])
        plain = samples.spec()
        self.assertEqual(first, names(plain))
        self.assertEqual(("verify",), recipe.test_servers(plain))
        self.assertEqual(
            ("verify", "verify-boot2", "verify-boot3"), recipe.test_servers(spec())
        )

    def test_room(self) -> None:
        """All tests of all boots fit into the record."""
        tests = (Expected(name="web"),)
        asked = spec(*[FLAVOR] * 12)
        verify = dataclasses.replace(asked.verify, tests=tests)
        asked = dataclasses.replace(asked, verify=verify)
        rooms = [
            step.step.room
            for step in recipe.of(asked)
            if isinstance(step, AnotherBoot) and isinstance(step.step, RunTests)
        ]
        self.assertEqual([1333] * 12, rooms)

    def test_leftovers(self) -> None:
        """A volume that Cinder could not delete goes at the end."""
        [cleanup] = [step for step in recipe.of(spec()) if step.name == "cleanup"]
        self.assertIn("volumes", cleanup.sees)
        [cleanup] = [s for s in recipe.of(samples.spec()) if s.name == "cleanup"]
        self.assertNotIn("volumes", cleanup.sees)


class SeenTest(StepTestCase):
    """What the steps of a boot see."""

    def test_own(self) -> None:
        """Marks, attempts, servers and volumes of this boot, as if there were no other."""
        own = marks("verified-boot2", "attempt-verify-boot2-1", "tested-boot2")
        other = marks("attempt-verify-1", "rebooted", "tested", "verified-boot3")
        there = seen(
            volume("verify"),
            volume("verify-boot2", name="mine"),
            volume("root"),
            marks=BOOTED | own | other,
            servers=(server("verify"), server("verify-boot2"), server("install")),
            consoles={"verify": "first", "verify-boot2": "second"},
        )
        found = boots.seen(there, 2)
        kept = {"installed", "off", "harvested"}
        self.assertEqual(
            kept | {"verified", "attempt-verify-1", "tested"}, set(found.marks)
        )
        self.assertEqual({"verify", "install"}, set(found.servers))
        self.assertEqual("s-verify-boot2", found.servers["verify"].id)
        self.assertEqual({"verify": "second"}, dict(found.consoles))
        self.assertEqual({"verify", "root"}, set(found.volumes))
        self.assertEqual("mine", found.volumes["verify"].name)
        third = boots.seen(there, 3)
        self.assertEqual({"install"}, set(third.servers))
        self.assertEqual(kept | {"verified"}, set(third.marks))

    def test_place(self) -> None:
        """The server is on what the boot says, and else on what the build has."""
        asked = spec()
        there = boots.on(asked, FLAVOR)
        self.assertEqual("f-2", there.hardware.flavor_id)
        self.assertEqual(asked.network, there.network)
        self.assertEqual(RootDevice.LOCAL, there.hardware.root)
        there = boots.on(asked, UEFI)
        self.assertEqual(("net-2",), there.network.networks)
        self.assertTrue(there.network.config_drive)
        self.assertEqual(RootDevice.VOLUME, there.hardware.root)
        self.assertEqual("f-1", there.hardware.flavor_id)


class AnotherBootTest(StepTestCase):
    """What is decided in a boot."""

    def test_server(self) -> None:
        """It is made, rebooted and noted under the boot's own names."""
        step = AnotherBoot(2, FLAVOR, StartVerify())
        self.assertEqual("verify-server-boot2", step.name)
        self.assertEqual({"servers"}, step.sees)
        wanted = CreateServer(
            "verify-boot2", "i-result", "verify", (), True, boot=FLAVOR
        )
        self.assertEqual(wanted, expressed(step.decide(spec(), seen())))
        up = server("verify-boot2")
        self.assertTrue(step.done(spec(), seen(servers=(up,))))
        self.assertFalse(step.done(spec(), seen(servers=(server("verify"),))))
        step = AnotherBoot(2, FLAVOR, Verify())
        self.assertEqual({"server:verify-boot2"}, step.sees)
        there = seen(servers=(up,), consoles={"verify-boot2": "UP"})
        self.assertEqual(
            SetMark("verified-boot2"), expressed(step.decide(spec(), there))
        )
        due = {
            "attempt-verify-boot2-1": Mark(NOW, {"server_id": up.id, "then": "reboot"})
        }
        there = seen(servers=(up,), marks=BOOTED | due)
        self.assertEqual(
            RebootServer(up.id, "rebooted-boot2"),
            expressed(step.decide(spec(), there)),
        )
        step = AnotherBoot(2, FLAVOR, RemoveVerify())
        there = seen(servers=(up,), marks=BOOTED | marks("verified-boot2"))
        self.assertEqual(DeleteServer(up.id), expressed(step.decide(spec(), there)))

    def test_failures(self) -> None:
        """They are of this boot's server; what is told of it says which boot it is."""
        step = AnotherBoot(2, FLAVOR, Verify())
        wrong = server("verify-boot2", "ERROR", fault="no host")
        decision = step.decide(spec(), seen(servers=(wrong,)))
        assert isinstance(decision, Again)
        self.assertEqual("verify-boot2", decision.role)
        often = marks(*(f"attempt-verify-boot3-{n}" for n in range(1, 7)))
        decision = step.decide(spec(), seen(servers=(wrong,), marks=BOOTED | often))
        assert isinstance(decision, Fail)
        self.assertEqual("verify-boot2", decision.role)
        self.assertEqual("the result does not start: no host", decision.reason)
        decision = step.decide(spec(), seen())
        assert isinstance(decision, Fail)
        self.assertEqual("", decision.role)
        waits = expressed(step.decide(spec(), seen(servers=(server("verify-boot2"),))))
        self.assertEqual("wait: the result boots (10 s)", waits)
        self.assertEqual("flavor m1.large: x", boots.told(step, "x"))
        self.assertEqual("x", boots.told(Verify(), "x"))
        self.assertEqual((2, 1), (boots.number_of(step), boots.number_of(None)))

    def test_volume(self) -> None:
        """It is this boot's, declares the other firmware, and goes."""
        steps = {s.step.name: s for s in _of(spec(), 3)}
        create = CreateVolume("verify-boot3", 2, ("imageRef", "i-result"))
        found = steps["volume-verify"].decide(spec(), seen())
        self.assertEqual(create, expressed(found))
        mine = volume("verify-boot3", image_metadata={"os_distro": "mini"})
        declared = {
            "os_distro": "mini",
            "hw_firmware_type": "uefi",
            "hw_machine_type": "q35",
        }
        self.assertEqual(
            SetVolume(mine, declared),
            expressed(steps["firmware"].decide(spec(), seen(mine))),
        )
        self.assertIn("was deleted", str(steps["firmware"].decide(spec(), seen())))
        told = dataclasses.replace(mine, image_metadata=declared)
        self.assertTrue(steps["firmware"].done(spec(), seen(told)))
        self.assertFalse(steps["firmware"].done(spec(), seen(mine)))
        over = BOOTED | marks("verified-boot3")
        self.assertTrue(steps["firmware"].done(spec(), seen(marks=over)))
        booted = expressed(steps["verify-server"].decide(spec(), seen(told)))
        assert isinstance(booted, CreateServer)
        self.assertEqual((Device(mine.id),), booted.devices)
        self.assertEqual(UEFI, booted.boot)
        remove = steps["remove-verify-volume"]
        self.assertFalse(remove.done(spec(), seen(mine, marks=over)))
        self.assertEqual(
            DeleteVolume(mine.id),
            expressed(remove.decide(spec(), seen(mine, marks=over))),
        )
        used = dataclasses.replace(mine, status="in-use")
        self.assertEqual(
            "wait: Cinder has verify-boot3 as in-use (3 s)",
            expressed(remove.decide(spec(), seen(used, marks=over))),
        )
        broken = dataclasses.replace(mine, status="error_deleting")
        for there in (seen(marks=over), seen(broken, marks=over)):
            self.assertTrue(remove.done(spec(), there))
        self.assertFalse(remove.done(spec(), seen()))
        self.assertEqual({"volumes"}, remove.sees & DeclareFirmware("bios").sees)
        self.assertEqual(RemoveVolume().sees, remove.sees)


def _of(asked: Spec, number: int) -> list[AnotherBoot]:
    """The steps of one boot."""
    assert OUTPUT is outputs.load("image")
    steps = (*recipe.prove(asked, OUTPUT, number), *recipe.remove(asked, number))
    return [step for step in steps if isinstance(step, AnotherBoot)]


class ChecksTest(StepTestCase):
    """What is told of all boots."""

    def test_checks(self) -> None:
        """That each came up, and what came of its tests."""
        tests = (Expected(name="web"),)
        asked = spec()
        verify = dataclasses.replace(asked.verify, tests=tests)
        asked = dataclasses.replace(asked, verify=verify)
        said = pack(Said(()), tests)
        over = BOOTED | marks("verified-boot2") | marks("tested-boot2", said=said)
        history = (("verify-server", NOW - 50), ("verify-server-boot2", NOW - 30))
        found = list(boots.checks(asked, over, history, (3, "it is dead")))
        self.assertEqual(
            [
                "boot passed: a server of the result was up 40 s after it was asked for",
                "boot (flavor m1.large) passed: a server of the result was up 20 s after "
                "it was asked for",
                "web (flavor m1.large) failed: it has no outcome: ",
                "boot (network lab, firmware uefi) failed: it is dead",
            ],
            [str(check) for check in found],
        )
        self.assertEqual(3, len(list(boots.checks(asked, over))))
        self.assertEqual([], list(boots.checks(samples.spec(), over)))

    def test_where_it_failed(self) -> None:
        """By the step; the reason need not say it twice."""
        for step, reason, wanted in (
            ("verify", "x", (1, "x")),
            ("verify-boot2", "flavor m1.large: x", (2, "x")),
            ("firmware-boot3", "x", (3, "x")),
            ("volume-verify-boot9", "x", (1, "x")),
            ("install", "x", (0, "x")),
            ("test-boot2", "flavor m1.large: x", (0, "flavor m1.large: x")),
        ):
            self.assertEqual(wanted, boots.failed_in(spec(), step, reason), step)
