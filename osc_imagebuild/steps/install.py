"""From nothing to a server that is installed and off. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from osc_imagebuild.actions import (
    Act,
    ClearReport,
    CreateImage,
    CreateServer,
    Decision,
    DeleteImage,
    Fail,
    SetMark,
    StopServer,
    UploadImage,
    Wait,
)
from osc_imagebuild.model import BootImage, Facts, Server, Spec
from osc_imagebuild.monitors import console, power, signals
from osc_imagebuild.monitors.signs import Signs
from osc_imagebuild.monitors.verdict import RUNNING, Look, judge
from osc_imagebuild.steps import interference

UPLOAD_LIMIT_S = 120
POWER_OFF_GRACE_S = 180
POWER_OFF_LIMIT_S = 600


@dataclass(frozen=True)
class EnsureImage:
    """Until an image that the server boots from is active."""

    image: BootImage
    sees: frozenset[str] = frozenset({"images"})

    @property
    def name(self) -> str:
        return f"image-{self.image.role}"

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is active."""
        found = facts.images.get(self.image.role)
        return found is not None and found.status == "active"

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Create it, fill it, or start again where a dead client stopped."""
        found = facts.images.get(self.image.role)
        if found is None:
            return self._create(facts)
        if found.status == "queued":
            return Act(
                UploadImage(self.image, found.id), f"upload the {self.image.role}"
            )
        # An upload whose client died leaves 'saving' behind, and nobody else
        # uploads: the lease is ours.
        if facts.now - found.updated_at < UPLOAD_LIMIT_S and found.status == "saving":
            return Wait(f"Glance has the {self.image.role} as {found.status}", 5)
        return Act(DeleteImage(found.id), f"its upload ended as {found.status}")

    def _create(self, facts: Facts) -> Decision:
        properties = dict(self.image.properties)
        for name, role in self.image.refs.items():
            other = facts.images.get(role)
            if other is None:
                return Fail(f"the {role} image was deleted by somebody")
            properties[name] = other.id
        return Act(CreateImage(self.image, properties), f"no {self.image.role} yet")


@dataclass(frozen=True)
class StartServer:
    """Until the install server exists."""

    root: str
    name: str = "server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is there, or it was."""
        return "install" in facts.servers or "started" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Start it from the boot image with the answer file as user data."""
        root = facts.images[self.root]
        return Act(CreateServer("install", root.id, "answer"), "start the installer")


@dataclass(frozen=True)
class Install:
    """Until the guest says that it is installed."""

    signs: Signs = field(default_factory=Signs)
    name: str = "install"
    sees: frozenset[str] = frozenset({"server:install"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark, written when the report was seen."""
        return "installed" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Believe the guest's report, and nothing else, for success."""
        server = facts.servers.get("install")
        if "install" in facts.reports:
            return Act(
                SetMark("installed", facts.reports["install"]), "the guest reported"
            )
        if server is None:
            return Fail("the install server was deleted by somebody")
        if server.status == "ERROR":
            return Fail(f"Nova could not run the install server: {server.fault}")
        if "started" not in facts.marks:
            known = {"server_id": server.id, "image_id": server.image_id}
            return Act(SetMark("started", known), "note the server")
        late = facts.now - facts.marks["started"].at > spec.timeout_s
        others = interference.outcome(facts, "install", late)
        return others or self._watch(spec, facts)

    def _watch(self, spec: Spec, facts: Facts) -> Decision:
        server = facts.servers["install"]
        verdict = judge(self.signs, _look(spec, facts))
        if verdict.state != RUNNING:
            since = facts.marks["started"].at
            who = interference.stopped_by(server, since) if server.is_off else ""
            reason = f"{verdict.reason}: {who}" if who else verdict.reason
            return Fail(reason, role="install", evidence=verdict.evidence)
        elapsed = facts.now - facts.marks["started"].at
        if elapsed > spec.timeout_s:
            return Fail(
                f"the installer was not done within {spec.timeout_s // 60} minutes; "
                "give a longer --timeout where it was only slow",
                role="install",
            )
        silent = "install" not in facts.consoles and server.status == "ACTIVE"
        left = max(0.0, spec.expected_s - elapsed) if spec.expected_s else None
        percent = verdict.percent
        if percent is None and spec.expected_s:
            percent = min(95, int(100 * elapsed / spec.expected_s))
        return Wait(
            verdict.reason if verdict.percent is not None else "installing",
            power.poll_interval(elapsed, silent=silent),
            percent or 0,
            left,
        )


def _look(spec: Spec, facts: Facts) -> Look:
    """What is known of the install server now."""
    seen = facts.signals.get("install", {})
    return Look(
        console=facts.consoles.get("install", ""),
        off=facts.servers["install"].is_off,
        quiet_s=signals.since_s(seen, console.NAME, facts.now),
        flat_s=signals.flat_s(seen, facts.now),
        trouble_s=signals.since_s(seen, signals.TROUBLE, facts.now),
        stall_s=spec.stall_s,
        signals=signals.names(seen),
    )


@dataclass(frozen=True)
class PowerOff:
    """Until the installed server is off."""

    name: str = "power-off"
    sees: frozenset[str] = frozenset({"server:install"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: installed, and off; or its disk is being copied already."""
        server = facts.servers.get("install")
        off = server is not None and server.status == "SHUTOFF" and server.is_off
        return "installed" in facts.marks and (off or "result" in facts.images)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Tell the guest that it was heard; stop it where it stays on."""
        server = facts.servers.get("install")
        if server is None:
            return Fail("the server was deleted by somebody before it was off")
        late = facts.now - facts.marks["installed"].at > POWER_OFF_LIMIT_S
        if others := interference.outcome(facts, "install", late):
            return others
        if "install" in facts.reports_held:
            return Act(ClearReport("install", server.id), "tell the guest")
        if facts.now - facts.marks["installed"].at > POWER_OFF_GRACE_S:
            return self._stop(facts, server)
        return Wait("the guest powers off", 4)

    def _stop(self, facts: Facts, server: Server) -> Decision:
        # Timed by a mark of its own: nobody may have looked for hours.
        stopping = facts.marks.get("stopping")
        if stopping is None:
            return Act(SetMark("stopping"), "it does not power off")
        if facts.now - stopping.at > POWER_OFF_LIMIT_S:
            return Fail("the server could not be powered off", role="install")
        if server.task_state is None:
            return Act(StopServer("install", server.id), "it does not power off")
        return Wait("Nova powers the server off", 4)
