"""Start the install server and wait until it is installed and off. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from osc_imagebuild.model.actions import (
    SERVER,
    Act,
    Again,
    CreateServer,
    Decision,
    DeleteVolume,
    Fail,
    SetMark,
    StopServer,
    Wait,
)
from osc_imagebuild.model.boot_sources import BootVolume, Device
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Milestone, Role
from osc_imagebuild.model.resources import Server, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors import power
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.verdict import (
    RUNNING,
    STALLED,
    Verdict,
    judge,
)
from osc_imagebuild.steps import attempts, interference, layer, press_key
from osc_imagebuild.steps.boot_sources import EnsureVolume
from osc_imagebuild.steps.server_view import cut_off, guest_view

POWER_OFF_GRACE_S = 180
POWER_OFF_LIMIT_S = 600
NO_TRAFFIC = "the guest had no network, by the counters of its port"


@dataclass(frozen=True)
class StartServer:
    """Start the install server.

    With a ``local`` disk that is made of the image of the role ``root``, or of the
    image ``image_id`` that the user has; else the first of the ``volumes`` is the disk.
    """

    root: str
    volumes: tuple[BootVolume, ...] = ()
    image_id: str = ""
    local: bool = True
    name: str = "server"

    @property
    def sees(self) -> frozenset[str]:
        return frozenset({"servers", "volumes"} if self.volumes else {"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is there, or it was; not one that failed."""
        if attempts.leftover(facts, Role.INSTALL):
            return False
        return Role.INSTALL in facts.servers or Milestone.STARTED in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Start it with the answer file as user data."""
        if first := attempts.before_the_next(facts, Role.INSTALL):
            return first
        old = attempts.given_up(facts, Role.INSTALL)
        if first := self._missing(spec, facts):
            return first
        image_id = ""
        if self.local:
            image_id = self.image_id or facts.images[self.root].id
        devices = self._devices(facts)
        server = CreateServer(Role.INSTALL, image_id, "answer", devices, instead_of=old)
        return Act(server, layer.START if spec.media.parent else "start the installer")

    def _missing(self, spec: Spec, facts: Facts) -> Decision | None:
        """Return what comes before the volumes can be used, None where they can.

        An attempt that failed may have written to its disk: it gets a new one.
        """
        tried = attempts.failed(facts.marks, Role.INSTALL)
        used = attempts.used_volumes(facts, Role.INSTALL)
        for volume in self.volumes:
            present = facts.volumes.get(volume.role)
            if present and present.id in used and volume.boots and not volume.cdrom:
                return self._renew(present)
            ensured = EnsureVolume(volume)
            if tried and not ensured.done(spec, facts):
                return ensured.decide(spec, facts)
            if present is None:
                return Fail(f"the {volume.role} volume was deleted by somebody")
        return None

    def _renew(self, old: Volume) -> Decision:
        if old.status == "available" or old.status.startswith("error"):
            return Act(DeleteVolume(old.id), "the next attempt gets a new disk")
        return Wait(f"Cinder has the volume of the last attempt as {old.status}", 3)

    def _devices(self, facts: Facts) -> tuple[Device, ...]:
        """In the order of their boot: the disk first, so that what an installer
        has installed comes up when it reboots."""
        return tuple(
            Device(
                facts.volumes[volume.role].id,
                volume.cdrom,
                index if volume.boots else None,
            )
            for index, volume in enumerate(self.volumes)
        )


@dataclass(frozen=True)
class Install:
    """Wait until the guest says that it is installed."""

    signs: Signs = field(default_factory=Signs)
    name: str = Role.INSTALL.value
    sees: frozenset[str] = frozenset({"server:install"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark, written when the report was seen."""
        return Milestone.INSTALLED in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Believe the guest's report, and nothing else, for success."""
        server = facts.servers.get(Role.INSTALL)
        if Role.INSTALL in facts.reports:
            return Act(
                SetMark(Milestone.INSTALLED, facts.reports[Role.INSTALL]),
                "the guest reported",
            )
        if server is None:
            return Fail("the install server was deleted by somebody")
        if server.status == "ERROR":
            fault = _fault(spec, server)
            reason = f"Nova could not run the install server: {fault}"
            # An address of its own that is taken stays so.
            taken = bool(spec.network.address) and "in use" in server.fault
            return self._failed(spec, facts, Fail(reason, Role.INSTALL), not taken)
        if Milestone.STARTED not in facts.marks:
            identity = {"server_id": server.id, "image_id": server.image_id}
            if facts.volumes:
                identity["volumes"] = " ".join(v.id for v in facts.volumes.values())
            return Act(SetMark(Milestone.STARTED, identity), "note the server")
        late = facts.now - facts.marks[Milestone.STARTED].at > spec.conduct.timeout_s
        others = interference.outcome(facts, Role.INSTALL, late)
        return others or self._watch(spec, facts)

    def _watch(self, spec: Spec, facts: Facts) -> Decision:
        server = facts.servers[Role.INSTALL]
        verdict, parent = self._judge(spec, facts), spec.media.parent
        if verdict.state != RUNNING:
            if verdict.state == STALLED and cut_off(facts, Role.INSTALL):
                reason = f"{NO_TRAFFIC}: {verdict.reason}"
                fail = Fail(reason, Role.INSTALL, verdict.evidence)
                return self._failed(spec, facts, fail, True)
            since = facts.marks[Milestone.STARTED].at
            who = interference.stopped_by(server, since) if server.is_off else ""
            reason = f"{verdict.reason}: {who}" if who else verdict.reason
            missed = verdict.state == STALLED and press_key.was_missed(facts)
            passing = missed or attempts.may_pass(
                self.signs, verdict.reason, verdict.evidence
            )
            return self._failed(
                spec,
                facts,
                Fail(reason, Role.INSTALL, verdict.evidence),
                passing and not who,
            )
        elapsed = facts.now - facts.marks[Milestone.STARTED].at
        if elapsed > spec.conduct.timeout_s:
            return Fail(_late(spec), role=Role.INSTALL)
        silent = Role.INSTALL not in facts.consoles and server.status == "ACTIVE"
        left_s = (
            max(0.0, spec.installer.expected_s - elapsed)
            if spec.installer.expected_s
            else None
        )
        percent = verdict.percent
        if percent is None and spec.installer.expected_s:
            percent = min(95, int(100 * elapsed / spec.installer.expected_s))
        at_work = layer.CHANGING if parent else "installing"
        return Wait(
            verdict.reason if verdict.percent is not None else at_work,
            power.poll_interval(elapsed, silent=silent),
            percent or 0,
            left_s,
        )

    def _judge(self, spec: Spec, facts: Facts) -> Verdict:
        view, parent = guest_view(spec, facts, Role.INSTALL), spec.media.parent
        if parent:
            return layer.judge_layer(self.signs, view, parent)
        return judge(self.signs, view)

    def _failed(
        self, spec: Spec, facts: Facts, fail: Fail, passing: bool
    ) -> Fail | Again:
        """Return another attempt where there is one left that may be of use."""
        made = len(attempts.failed(facts.marks, Role.INSTALL)) + 1
        if passing and made < min(spec.conduct.attempts, attempts.MOST):
            forget = (Milestone.STARTED, Milestone.KEY)
            return Again(fail.reason, fail.role, fail.evidence, SERVER, forget)
        return attempts.last(fail, facts)


def _late(spec: Spec) -> str:
    limit_s = spec.conduct.timeout_s
    if spec.media.parent:
        return layer.late(limit_s)
    return (
        f"the installer was not done within {limit_s // 60} minutes; give a longer "
        "--timeout where it was only slow"
    )


def _fault(spec: Spec, server: Server) -> str:
    """Nova's words, or ours where it knows of an address only when it is too late."""
    if spec.network.address and "in use" in server.fault:
        return address_taken(spec.network.address.ip, server.fault)
    return server.fault


@dataclass(frozen=True)
class PowerOff:
    """Get the installed server off."""

    name: str = "power-off"
    sees: frozenset[str] = frozenset({"server:install"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: installed, and off; or its disk is being copied already."""
        server = facts.servers.get(Role.INSTALL)
        off = server is not None and server.status == "SHUTOFF" and server.is_off
        noted = Milestone.OFF in facts.marks or Role.RESULT in facts.images
        return Milestone.INSTALLED in facts.marks and (off or noted)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Let the guest power off; stop it where it stays on."""
        server = facts.servers.get(Role.INSTALL)
        if server is None:
            return Fail("the server was deleted by somebody before it was off")
        if spoilt := interference.spoilt(facts):
            return spoilt
        # Nobody may have looked for hours, so only the engine bounds this wait.
        if others := interference.outcome(facts, Role.INSTALL, late=False):
            return others
        if facts.now - facts.marks[Milestone.INSTALLED].at > POWER_OFF_GRACE_S:
            return self._stop(facts, server)
        return Wait("the guest powers off", 4)

    def _stop(self, facts: Facts, server: Server) -> Decision:
        # Timed by a mark of its own, which a client that died may have set hours ago.
        stopping, why = facts.marks.get("stopping"), "it does not power off"
        late = stopping and facts.now - stopping.at > POWER_OFF_LIMIT_S
        if stopping is None or (late and server.task_state is None):
            return Act(SetMark(Milestone.STOPPING), why)
        if late:
            return Fail("the server could not be powered off", role=Role.INSTALL)
        if server.task_state is None:
            return Act(StopServer(Role.INSTALL, server.id), why)
        return Wait("Nova powers the server off", 4)


def address_taken(ip: str, complaint: str) -> str:
    """Return what a user is told where a chosen address was taken meanwhile."""
    return (
        f"the address {ip}, which was free when the build was planned, was taken by "
        f"something else; create the build again, it then takes another: {complaint}"
    )
