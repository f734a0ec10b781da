"""The result is booted: from a volume, and rebooted where that may help."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.model.actions import CreateServer, RebootServer, SetMark
from osc_imagebuild.model.boot_sources import Device
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.steps.verify import StartVerify, Verify
from tests.unit.decisions import OFF, StepTestCase, seen, volume
from tests.unit.samples import NOW, image, marks, server

HARVESTED = OFF | marks("harvested", volume_id="v-root")
FAILED = {"server_id": "s-verify", "reason": "no lease"}


def attempt(then: str) -> dict[str, Mark]:
    """Return the mark of an attempt after which something follows."""
    return {"attempt-verify-1": Mark(NOW - 60, {**FAILED, "then": then})}


def booting(marked: dict[str, Mark] | None = None, **fields: Any) -> Facts:
    """Return facts with the server that boots the result."""
    status = fields.pop("status", "ACTIVE")
    console = {"verify": fields.pop("console", "")}
    return seen(
        volume(),
        servers=(server("verify", status, **fields),),
        marks=HARVESTED | (marked or {}),
        consoles=console,
    )


class StartVerifyTest(StepTestCase):
    """Until a server of the result exists."""

    def test_on_a_volume(self) -> None:
        """From its copy, which a server that failed must have let go."""
        copy, used = volume("verify"), volume("verify", "in-use")
        again = HARVESTED | attempt("server")
        step = StartVerify(True)
        self.assertEqual({"servers", "volumes"}, step.sees)
        self.assertEqual({"servers"}, StartVerify().sees)

        def created(drive: bool, *old: str) -> CreateServer:
            devices = (Device("v-verify"),)
            return CreateServer("verify", "", "verify", devices, drive, frozenset(old))

        self.check(
            step,
            (
                seen(volume(), marks=HARVESTED),
                "fail: the volume to boot the result from was deleted",
            ),
            (seen(volume(), copy, marks=HARVESTED), created(True)),
            (seen(volume(), copy, marks=again), created(False, "s-verify")),
            (
                seen(volume(), used, marks=again),
                "wait: Cinder has the volume to boot from as in-use (3 s)",
            ),
        )

    def test_on_an_image(self) -> None:
        """Not without the result."""
        self.check(
            StartVerify(),
            (
                seen(marks=HARVESTED),
                "fail: the result was deleted by somebody before it was booted",
            ),
            (
                seen(marks=HARVESTED, images=(image("result"),)),
                CreateServer("verify", "i-result", "verify", (), True),
            ),
            root="local",
        )


class VerifyTest(StepTestCase):
    """Until the result says that it is up."""

    def test_server(self) -> None:
        """What others, or Nova, did to it."""
        self.check(
            Verify(),
            (
                seen(volume(), marks=HARVESTED),
                "fail: the server that tests the result was deleted by somebody",
            ),
            (
                booting(status="RESCUE"),
                "fail: the verify server was put into rescue mode by somebody",
            ),
            (booting(console="x\nUP\n"), SetMark("verified")),
            (
                booting(status="SHUTOFF"),
                "fail: the result went off instead of coming up",
            ),
            (
                booting(console="golden login: ", created_at=NOW - 601),
                "again, reboot: the result did not come up within 10 minutes: it shows "
                "a login prompt, but user data was not run; is cloud-init in it, and "
                "does it get metadata?",
            ),
        )

    def test_reboot(self) -> None:
        """Asked for once, though an answer may be lost."""
        due, over = attempt("reboot"), marks("rebooted", ago=30)
        waits = "wait: Nova reboots the test server (3 s)"
        self.check(
            Verify(),
            (booting(due), RebootServer("s-verify")),
            (booting(due, status="HARD_REBOOT"), SetMark("rebooted")),
            (
                booting(due, task_state="reboot_pending"),
                "wait: the test server is busy: reboot_pending (3 s)",
            ),
            (booting(due | over, status="HARD_REBOOT"), waits),
            (
                booting(due | marks("rebooted", ago=90)),
                RebootServer("s-verify"),
            ),
        )
