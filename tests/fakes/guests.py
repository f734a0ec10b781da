"""What runs in a fake server: small scripts along the world's time."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from osc_imagebuild.monitors.console import frames

if TYPE_CHECKING:
    from tests.fakes.machines import FakeServer

_BUILD_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGN = re.compile(r"IMAGEBUILD-[A-Z]+ " + _BUILD_ID.pattern)
INSTALLED = b"INSTALLED "
_TESTS = re.compile(
    r"imagebuild-tests/plan <<'END'\n(?P<plan>[A-Za-z0-9+/=\n]+)\nEND\n"
)
LAYER = "IMAGEBUILD-LAYER"
ISO = b"ISO of the installer"
# One with the descriptor by which an ISO is known.
MINI_ISO = ISO.ljust(32768, b"\0") + b"\1CD001\1".ljust(2048, b"\0")

# How long the metadata service shows its back-channel as it was before.
CACHED_S = 15.0


@dataclass
class GuestPlan:
    """How the guests of a cloud behave; times in seconds since their start.

    ``install_fails`` is a line that ends the installation. ``console`` and
    ``metadata`` tell what works on this cloud. ``first_installs`` and ``first_boots``
    are lines that the first servers end with, instead of going on; after an empty one
    of ``first_boots`` nothing more is said. ``runs_user_data`` is whether cloud-init is in
    the images that are changed. ``test_exits`` are exit codes of tests, by their commands; one
    may hang, or power the server off. On servers whose flavor, network or firmware is in
    ``dead_on`` the result has no boot loader, and no host is found for those in ``no_host``.
    """

    install_s: float = 90.0
    first_boot_s: float = 20.0
    lingers_s: float = 60.0
    install_fails: str = ""
    hangs: bool = False
    off_without_report: bool = False
    stays_on: bool = False
    console: bool = True
    metadata: bool = True
    result_boots: bool = True
    runs_user_data: bool = True
    first_installs: list[str] = field(default_factory=list)
    first_boots: list[str] = field(default_factory=list)
    lists_s: float = 3.0
    inventory: bytes = b'{"manager": "deb", "packages": [["busybox", "1.37"]]}'
    test_s: float = 2.0
    test_exits: dict[str, int] = field(default_factory=dict)
    test_hangs: str = ""
    test_powers_off: str = ""
    dead_on: frozenset[str] = frozenset()
    no_host: frozenset[str] = frozenset()
    report: dict[str, str] = field(
        default_factory=lambda: {"release": "mini 1", "kernel": "6.12.0"}
    )


class Guest(Protocol):
    """Something that runs in a server."""

    def tick(self, server: FakeServer, now: float) -> None:
        """Catch up with the time."""


class Dead:
    """Nothing to boot."""

    def tick(self, server: FakeServer, now: float) -> None:
        """Say so on the screen, which is not the console."""


class Installer:
    """The installer: writes, reports, lingers, powers off."""

    def __init__(self, plan: GuestPlan) -> None:
        self._plan = plan
        self._reported_at: float | None = None
        self._luck = plan.first_installs.pop(0) if plan.first_installs else None

    def tick(self, server: FakeServer, now: float) -> None:
        """Catch up with the time."""
        plan, since = self._plan, now - server.powered_on_at
        server.prints("start", "INSTALLER START 0% modules loaded")
        if self._luck is not None:
            server.prints("failed", self._luck)
            return
        if not _BUILD_ID.search(answers(server)):
            server.prints("failed", "FAILED: no answer file for this build")
            return
        if since >= plan.install_s / 2:
            server.prints("half", "INSTALLER FORMAT 40% ext4 on /dev/vda1")
            self._half_way(server)
        if since >= plan.install_s and not self._stopped(server):
            self._report(server, now)

    def _half_way(self, server: FakeServer) -> None:
        # Whatever was on the disk is gone: a second run destroys a system.
        if not server.disk.startswith(INSTALLED) or self._reported_at is None:
            server.disk = b"HALF"
        if self._plan.install_fails:
            server.prints("failed", self._plan.install_fails)

    def _stopped(self, server: FakeServer) -> bool:
        plan = self._plan
        if plan.off_without_report:
            server.power_off(server.powered_on_at + plan.install_s)
        return bool(plan.hangs or plan.install_fails or plan.off_without_report)

    def _report(self, server: FakeServer, now: float) -> None:
        plan = self._plan
        done_at = server.powered_on_at + plan.install_s
        if self._reported_at is None:
            self._reported_at = done_at
            build_id = build_of(server)
            server.disk = INSTALLED + build_id.encode()
            text = json.dumps({"build": build_id, **plan.report})
            server.prints("report", f"IMAGEBUILD-REPORT {text}")
            server.password = text if plan.metadata else ""
        off_at = done_at + (CACHED_S if plan.metadata else plan.lingers_s)
        if now >= off_at and not plan.stays_on:
            server.power_off(off_at)


class Layered(Installer):
    """An image that is changed: it boots, does as its user data say, and goes off."""

    def tick(self, server: FakeServer, now: float) -> None:
        """Catch up with the time."""
        plan, since = self._plan, now - server.powered_on_at
        server.prints("start", "GRUB loading.")
        if self._luck is not None:
            server.prints("failed", self._luck)
            return
        if since >= plan.first_boot_s:
            server.prints("login", "golden login:")
        if since < plan.first_boot_s or not plan.runs_user_data:
            return
        server.prints("layer", f"{LAYER} {build_of(server)}")
        if since >= plan.install_s / 2:
            self._half_way(server)
        if since >= plan.install_s and not self._stopped(server):
            self._report(server, now)


class Installed:
    """What was installed, on a boot of its own."""

    def __init__(self, plan: GuestPlan) -> None:
        self._plan = plan
        self._luck = plan.first_boots.pop(0) if plan.first_boots else None

    def tick(self, server: FakeServer, now: float) -> None:
        """Do what the user data of the first boot say."""
        server.prints("loader", "GRUB loading.")
        if self._luck is not None:
            server.prints("luck", self._luck)
            return
        sign = _SIGN.search(server.user_data)
        up = now - server.powered_on_at >= self._plan.first_boot_s
        if up and sign and self._plan.result_boots:
            server.prints("sign", sign.group())
            self._list(server, now)

    def _list(self, server: FakeServer, now: float) -> None:
        """Say what it has, in frames, some seconds later."""
        since = now - server.powered_on_at - self._plan.first_boot_s
        if frames.SENTINEL in server.user_data and since >= self._plan.lists_s:
            lines = framed(build_of(server), "inventory", self._plan.inventory)
            server.prints("inventory", "\n".join(lines))
        if (packed := _TESTS.search(server.user_data)) and since >= self._plan.lists_s:
            plan = json.loads(zlib.decompress(base64.b64decode(packed["plan"])))
            self._test(server, now, plan, since - self._plan.lists_s)

    def _test(
        self, server: FakeServer, now: float, asked: dict[str, Any], since: float
    ) -> None:
        """Run the tests that the user data have, and say what came of them."""
        plan, build_id, done = self._plan, build_of(server), []
        rounds = (1, 2) if asked["reboot"] else (1,)
        for number in rounds:
            for place, (command, _, wanted) in enumerate(asked["tests"]):
                begun = json.dumps([number, place]).encode()
                key = f"testing {number} {place}"
                server.prints(key, "\n".join(framed(build_id, "testing", begun)))
                since -= plan.test_s
                if since < 0 or command == plan.test_hangs:
                    return
                if command == plan.test_powers_off:
                    server.power_off(now)
                    return
                code = plan.test_exits.get(command, wanted)
                said = base64.b64encode(b"said by " + command.encode()).decode()
                done.append([number, place, code, False, plan.test_s, said])
        told = {"boots": len(rounds), "done": done, "trouble": ""}
        lines = framed(build_id, "tests", json.dumps(told).encode())
        server.prints("tests", "\n".join(lines))


def framed(build_id: str, kind: str, data: bytes) -> list[str]:
    """The lines by which a guest says data on its console."""
    text = base64.b64encode(zlib.compress(data)).decode()
    pieces = [text[n : n + 40] for n in range(0, len(text), 40)]
    return [
        f"{frames.SENTINEL} {build_id} {kind} {place}/{len(pieces)} "
        f"{frames.checksum(piece)} {piece}"
        for place, piece in enumerate(pieces, 1)
    ]


def answers(server: FakeServer) -> str:
    """The answer file: on a CD, or what the metadata service has."""
    for cd in server.cds:
        if b"answer.sh" in cd:
            return cd.decode("latin-1")
    return server.user_data


def build_of(server: FakeServer) -> str:
    """The build that the answer file is of, '' if none."""
    found = _BUILD_ID.search(answers(server))
    return found.group() if found else ""


def booted(server: FakeServer, plan: GuestPlan) -> Guest:
    """Return what the server comes to run."""
    if server.image_properties.get("kernel_id") or b"#!ipxe" in server.disk:
        return Installer(plan)
    blank = not server.disk.startswith((INSTALLED, b"HALF"))
    if blank and server.cds and ISO in server.cds[0]:
        return Installer(plan)
    if not server.disk.startswith(INSTALLED):
        return Dead()
    if LAYER in server.user_data:
        return Layered(plan)
    return Dead() if plan.dead_on & server.place else Installed(plan)
