"""Decision tables: what is seen, and what is done about it."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.engine import recipe
from osc_imagebuild.model.actions import Act, Again, CreateServer, Fail, Wait
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import Volume
from osc_imagebuild.model.spec import Address, Spec
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.steps import attempts
from osc_imagebuild.steps.verify import StartVerify
from tests.unit.samples import (
    BUILD_ID,
    NOW,
    facts,
    image,
    marks,
    server,
    spec,
)

REPORT = {"release": "mini 1", "kernel": "6.12"}
INSTALLED = {
    **marks("started", server_id="s-install"),
    "installed": Mark(NOW - 10, REPORT),
}
HARVESTED = {**INSTALLED, **marks("harvested", image_id="i-result")}
VERIFIED = {**HARVESTED, **marks("verified")}
STUB = image("stub")
OFF = server("install", "SHUTOFF")
ON = server("install")
CLEAN = {
    "os_distro": "mini",
    "imagebuild_build_id": BUILD_ID,
    "imagebuild_kernel": "6.12",
    "imagebuild_release": "mini 1",
    "imagebuild_built_at": "1970-01-02T03:46:30Z",
    "imagebuild_duration_s": "0",
}
DIRTY = image("result", properties={"kernel_id": "k"}, hidden=False)
RESULT = image("result", properties=CLEAN, min_disk_gib=2, min_ram_mib=128)


def outcome(found: Facts, asked: Spec | None = None) -> tuple[str, str]:
    """Return the current step's name, and what it decides in a word or two."""
    wanted = asked or spec()
    step = recipe.current(recipe.of(wanted), wanted, found)
    if step is None:
        return "end", ""
    match step.decide(wanted, found):
        case Act(action, _):
            what = getattr(action, "name", "") if "Mark" in str(action) else ""
            return step.name, f"{type(action).__name__} {what}".strip()
        case Wait(reason, _):
            return step.name, f"wait: {reason}"
        case Again(reason, _, _, then):
            return step.name, f"again, {then}: {reason}"
        case Fail(reason, _):
            return step.name, f"fail: {reason}"


class TableTestCase(testtools.TestCase):
    """A table of facts and what comes of them."""

    def check(self, *table: tuple[Facts, str, str], asked: Spec | None = None) -> None:
        """Compare each row: facts, name of the step, begin of its decision."""
        for found, step, decision in table:
            name, what = outcome(found, asked)
            self.assertEqual(step, name, what)
            self.assertTrue(what.startswith(decision), f"{what!r}, not {decision!r}")


class BootImageTest(TableTestCase):
    """Images that the server boots from."""

    def test_stub(self) -> None:
        """Made, filled, and begun anew where an upload was cut off."""
        saving = image("stub", "saving", updated_at=NOW - 119)
        stale = image("stub", "saving", updated_at=NOW - 121)
        self.check(
            (facts(), "image-stub", "CreateImage"),
            (facts((image("stub", "queued"),)), "image-stub", "UploadImage"),
            (facts((saving,)), "image-stub", "wait: Glance has the stub as saving"),
            (facts((stale,)), "image-stub", "DeleteImage"),
            (facts((image("stub", "killed"),)), "image-stub", "DeleteImage"),
        )

    def test_kernel(self) -> None:
        """Kernel, ramdisk, and a root disk that refers to both."""
        asked = spec(boot_method="kernel")
        kernel, ramdisk = image("kernel"), image("ramdisk")
        one = marks("sha512-kernel", sha512="a" * 128)
        both = {**one, **marks("sha512-ramdisk", sha512="b" * 128)}
        gone = "fail: the kernel image was deleted"
        self.check(
            (facts(), "image-kernel", "CreateImage"),
            (facts((kernel,)), "image-kernel", "ProveImage"),
            (facts((kernel,), marks=one), "image-ramdisk", "CreateImage"),
            (facts((kernel, ramdisk), marks=both), "image-root", "CreateImage"),
            (facts((ramdisk,), marks=both), "image-root", gone),
            (facts((kernel, ramdisk, image("root"))), "server", "CreateServer"),
            asked=asked,
        )


class InstallTest(TableTestCase):
    """The install server, until it is off."""

    def test_server(self) -> None:
        """It is started once, and noted."""
        broken = server("install", "ERROR", fault="no host")
        self.check(
            (facts((STUB,)), "server", "CreateServer"),
            (facts((STUB,), (ON,)), "install", "SetMark started"),
            (facts((STUB,), (broken,)), "install", "again, server: Nova could not run"),
            (
                facts((STUB,), marks=marks("started")),
                "install",
                "fail: the install server was deleted by somebody",
            ),
        )

    def test_watch(self) -> None:
        """Progress, failure, silence and the end of patience."""
        begun, long_ago = marks("started"), marks("started", ago=1201)
        half, gave_up = {"install": "START HALF"}, {"install": "FAILED: no disk"}
        off = "fail: the server went off without"
        self.check(
            (facts((STUB,), (ON,), marks=begun), "install", "wait: installing"),
            (
                facts((STUB,), (ON,), marks=begun, consoles=half),
                "install",
                "wait: half way",
            ),
            (
                facts((STUB,), (ON,), marks=begun, consoles=gave_up),
                "install",
                "fail: it gave up: FAILED: no disk",
            ),
            (facts((STUB,), (OFF,), marks=begun), "install", off),
            (
                facts((STUB,), (ON,), marks=long_ago),
                "install",
                "fail: the installer was not done within 20 minutes",
            ),
        )

    def test_report(self) -> None:
        """The guest's word counts, even where it is late or the server off."""
        said = {"install": REPORT}
        for marked in (marks("started"), marks("started", ago=9999)):
            for running in ((ON,), (OFF,), ()):
                found = facts((STUB,), running, marks=marked, reports=said)
                self.check((found, "install", "SetMark installed"))

    def test_power_off(self) -> None:
        """Waited for, stopped, given up: one after the other."""
        late = {"installed": Mark(NOW - 181, REPORT)}
        asked = {**late, "stopping": Mark(NOW - 10)}
        never = {**late, "stopping": Mark(NOW - 601)}
        long_ago = {"installed": Mark(NOW - 9999, REPORT)}
        moved = server("install", "MIGRATING")
        busy = server("install", task_state="powering-off")
        for found, decision in (
            (facts((), (ON,), marks=INSTALLED), "wait: the guest powers off"),
            (facts((), (ON,), marks=late), "SetMark stopping"),
            (facts((), (ON,), marks=asked), "StopServer"),
            (facts((), (busy,), marks=asked), "wait: Nova powers"),
            (facts((), (ON,), marks=never), "SetMark stopping"),
            (facts((), (busy,), marks=never), "fail: the server could not"),
            (facts((), (moved,), marks=long_ago), "wait: an admin migrates"),
            (facts((), (), marks=INSTALLED), "fail: the server was deleted"),
        ):
            self.check((found, "power-off", decision))


class ImageOutputTest(TableTestCase):
    """From a server that is off to a clean image without it."""

    def test_harvest(self) -> None:
        """One image of the disk; it has its time from its own begin."""
        saving = image("result", "saving")
        late = image("result", "saving", created_at=NOW - 3601)
        busy = server("install", "SHUTOFF", task_state="image_uploading")
        long_ago = {**INSTALLED, "installed": Mark(NOW - 9999, REPORT)}
        self.check(
            (facts((), (OFF,), marks=INSTALLED), "harvest", "Harvest"),
            (facts((), (OFF,), marks=long_ago), "harvest", "Harvest"),
            (facts((saving,), (busy,), marks=long_ago), "harvest", "wait: Glance"),
            (facts((late,), (busy,), marks=long_ago), "harvest", "fail: the image of"),
            (facts((saving,), marks=INSTALLED), "harvest", "wait: Glance"),
        )

    def test_clean(self) -> None:
        """Until exactly the declared properties are left."""
        grown = {**CLEAN, "os_command_line": "x"}
        almost = image("result", properties=grown, min_disk_gib=2, min_ram_mib=128)
        shown = image(
            "result", properties=CLEAN, min_disk_gib=2, min_ram_mib=128, hidden=False
        )
        for result in (DIRTY, almost, shown):
            found = facts((result,), (OFF,), marks=INSTALLED)
            self.check((found, "clean", "SetImage"))

    def test_remove_server(self) -> None:
        """The result is noted before the server that proves it goes."""
        going = server("install", "SHUTOFF", task_state="deleting")
        self.check(
            (
                facts((RESULT,), (OFF,), marks=INSTALLED),
                "remove-server",
                "SetMark harvested",
            ),
            (facts((RESULT,), (OFF,), marks=HARVESTED), "remove-server", "DeleteSer"),
            (facts((RESULT,), (going,), marks=HARVESTED), "remove-server", "wait"),
        )


class VerifyTest(TableTestCase):
    """The result is booted."""

    def test_verify(self) -> None:
        """Up, dead, off, lost."""
        up = server("verify")
        old = server("verify", created_at=NOW - 601)
        off = server("verify", "SHUTOFF")
        broken = server("verify", "ERROR", fault="no host")
        sign = {"consoles": {"verify": "GRUB\nUP\n"}}
        for running, extra, decision in (
            (up, {}, "wait: the result boots"),
            (up, sign, "SetMark verified"),
            (off, sign, "SetMark verified"),
            (old, {}, "again, reboot: the result did not come up within 10 minutes"),
            (off, {}, "fail: the result went off"),
            (broken, {}, "again, server: the result does not start: no host"),
        ):
            found = facts((RESULT,), (running,), marks=HARVESTED, **extra)
            self.check((found, "verify", decision))

    def test_around(self) -> None:
        """Before it and after it."""
        up, going = server("verify"), server("verify", task_state="deleting")
        gone = "fail: the result was deleted by somebody"
        self.check(
            (facts((RESULT,), marks=HARVESTED), "verify-server", "CreateServer"),
            (facts((), marks=HARVESTED), "verify-server", gone),
            (facts((RESULT,), (up,), marks=VERIFIED), "remove-verify-server", "Dele"),
            (facts((RESULT,), (going,), marks=VERIFIED), "remove-verify-server", "wai"),
        )


def attempt(role: str, number: int = 1, *, ago: float = 60, **data: str) -> Any:
    """Return the mark of an attempt that failed."""
    known = {"server_id": f"s-{role}", "reason": "no lease", "then": "server"}
    return {f"attempt-{role}-{number}": Mark(NOW - ago, {**known, **data})}


class AttemptsTest(TableTestCase):
    """What failed for a reason that may pass is tried again, but not for ever."""

    def test_install(self) -> None:
        """The failed server goes, another one comes, and fails for good."""
        begun = marks("started")
        unlucky = {"install": "START\nFAILED: udhcpc: no lease, failing"}
        once, just_now = attempt("install"), attempt("install", ago=5)
        going = server("install", task_state="deleting")
        new = dataclasses.replace(ON, id="s-new")
        self.check(
            (
                facts((STUB,), (ON,), marks=begun, consoles=unlucky),
                "install",
                "again, server: it gave up: FAILED: udhcpc: no lease",
            ),
            (facts((STUB,), (ON,), marks=once), "server", "DeleteServer"),
            (facts((STUB,), (going,), marks=once), "server", "wait: Nova deletes"),
            (facts((STUB,), marks=just_now), "server", "wait: what failed is tried"),
            (facts((STUB,), marks=once), "server", "CreateServer"),
            (facts((STUB,), (new,), marks=once), "install", "SetMark started"),
            (
                facts((STUB,), (new,), marks=once | begun, consoles=unlucky),
                "install",
                "fail: it gave up: FAILED: udhcpc: no lease, failing; the attempt",
            ),
        )
        self.check(
            (
                facts((STUB,), (ON,), marks=begun, consoles=unlucky),
                "install",
                "fail: it gave up",
            ),
            asked=spec(attempts=1),
        )

    def test_install_onto_a_volume(self) -> None:
        """What a failed attempt wrote to is replaced; its CD is not."""
        asked = spec(root="volume", boot_method="ipxe", output="volume")
        old = Volume("v-old", f"imagebuild-{BUILD_ID}-root", "available")
        used = dataclasses.replace(old, status="in-use")
        new = dataclasses.replace(old, id="v-new")
        coming = dataclasses.replace(new, status="creating", created_at=NOW - 9)
        once = attempt("install", volumes="v-old v-cd")
        for volume, step, decision in (
            (used, "server", "wait: Cinder has the volume of the last"),
            (old, "server", "DeleteVolume"),
            (None, "volume-root", "CreateVolume"),
            (coming, "volume-root", "wait: Cinder has the root volume"),
            (new, "server", "CreateServer"),
        ):
            known = {"root": volume} if volume else {}
            found = facts((STUB,), marks=once, volumes=known)
            self.check((found, step, decision), asked=asked)

    def test_taken_address(self) -> None:
        """Another server would not get it either."""
        broken = server("install", "ERROR", fault="Fixed IP is already in use")
        address = Address(
            ip="10.0.0.9", subnet="10.0.0.0/8", prefix="8", netmask="255.0.0.0"
        )
        asked = spec(address=address)
        self.check((facts((STUB,), (broken,)), "install", "fail: Nova"), asked=asked)

    def test_verify(self) -> None:
        """Rebooted first, then a new server, then it does not boot."""
        text = "cloud-init: finished at noon. Datasource DataSourceNone. Up 9 seconds"
        nothing = {"verify": f"Linux version 6\n{text}\n"}
        up, new = server("verify"), dataclasses.replace(server("verify"), id="s-new")
        first = attempt("verify", then="reboot", console=text + "\n")
        rebooted = {**HARVESTED, **first, **marks("rebooted", ago=50)}
        refused = {**HARVESTED, **first, "rebooted": Mark(NOW, {"trouble": "no"})}
        second = {**rebooted, **attempt("verify", 2)}
        later = nothing["verify"].replace("noon", "one")
        again = {"verify": nothing["verify"] + later}
        for running, marked, said, step, decision in (
            (up, HARVESTED, nothing, "verify", "again, reboot: the result does not"),
            (up, HARVESTED | first, nothing, "verify", "RebootServer"),
            (up, rebooted, nothing, "verify", "wait: the result boots"),
            (up, rebooted, again, "verify", "again, server: the result does not"),
            (up, refused, nothing, "verify", "again, server: the result does not"),
            (up, second, {}, "verify-server", "DeleteServer"),
            (None, second, {}, "verify-server", "CreateServer"),
            (new, second, {}, "verify", "wait: the result boots"),
            (new, second, nothing, "verify", "fail: the result does not boot: it is"),
        ):
            servers = (running,) if running else ()
            found = facts((RESULT,), servers, marks=marked, consoles=said)
            self.check((found, step, decision))

    def test_verify_without_hope(self) -> None:
        """What does not boot for a known reason is not tried again."""
        panic = {"verify": "Kernel panic - not syncing: No working init found."}
        late = server("verify", created_at=NOW - 601)
        found = facts((RESULT,), (late,), marks=HARVESTED, consoles=panic)
        self.check((found, "verify", "fail: the result does not boot: its kernel"))

    def test_config_drive(self) -> None:
        """The first server of a result has one, the next only where it was asked."""
        for marked, drive in (({}, True), (attempt("verify"), False)):
            found = facts((RESULT,), marks=HARVESTED | marked)
            decision = StartVerify().decide(spec(), found)
            assert isinstance(decision, Act)
            assert isinstance(decision.action, CreateServer)
            self.assertEqual(drive, decision.action.config_drive)

    def test_what_may_pass(self) -> None:
        """No network and no answer file; not what an installer cannot do."""
        known = sign_files.of("debian")
        for reason, evidence, passing in (
            (
                "the installer got no address by DHCP: use",
                "Prompt: '?' for help>",
                True,
            ),
            ("", "Network autoconfiguration failed", True),
            (
                "the guest got no answer file from the metadata",
                "http://169.254.169.254",
                True,
            ),
            ("iPXE could not fetch the installer in six tries", "", True),
            ("the kernel panicked", "Kernel panic - not syncing", False),
            # As the devcloud's Debian said on a host with a load of fourteen.
            (
                "the result does not boot: the host was too busy",
                "Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with "
                "apic=debug and send a report.  Then try booting with the 'noapic' option.",
                True,
            ),
            ("there is not enough space", "No space left on device", False),
            ("the answer file has an error", "http://169.254.169.254/x: bad", False),
        ):
            self.assertEqual(passing, attempts.may_pass(known, reason, evidence))


class PublishTest(TableTestCase):
    """The result gets its name, and the rest goes."""

    def test_publish(self) -> None:
        """Name, tags and visibility in one change, then the stub, then the end."""
        named = image("result", hidden=False)
        public = image("result", hidden=False, visibility="public")
        done = facts((named,), marks=VERIFIED)
        wanted = spec(name="result")
        self.check(
            (facts((RESULT,), marks=VERIFIED), "publish", "SetImage"),
            (facts((), marks=VERIFIED), "publish", "fail: the result was deleted"),
            (facts((public,), marks=VERIFIED), "publish", "SetImage"),
            (facts((named, STUB), marks=VERIFIED), "cleanup", "DeleteImage"),
            (done, "complete", "Finish"),
            (facts((named,), marks={**VERIFIED, **marks("complete")}), "end", ""),
            asked=wanted,
        )

    def test_without_verify(self) -> None:
        """The result is published as it is."""
        asked = spec(verify=False)
        found = facts((RESULT,), marks=HARVESTED)
        self.check((found, "publish", "SetImage"), asked=asked)
