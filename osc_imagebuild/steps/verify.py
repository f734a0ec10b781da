"""The result is booted as a user would boot it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.actions import (
    Act,
    CreateServer,
    Decision,
    DeleteServer,
    Fail,
    SetMark,
    Wait,
)
from osc_imagebuild.model import Facts, Spec
from osc_imagebuild.monitors import console, power
from osc_imagebuild.parts import Device
from osc_imagebuild.steps import interference
from osc_imagebuild.steps.result import ROLE
from osc_imagebuild.steps.volumes import TRIAL


@dataclass(frozen=True)
class StartVerify:
    """Until a server of the result exists."""

    name: str = "verify-server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is there, or the mark that it booted."""
        harvested = "harvested" in facts.marks and "install" not in facts.servers
        return "verified" in facts.marks or (harvested and "verify" in facts.servers)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Boot the result as a user would."""
        if spec.root == "volume":
            trial = facts.volumes.get(TRIAL)
            if trial is None:
                return Fail("the volume to boot the result from was deleted")
            server = CreateServer("verify", "", "verify", (Device(trial.id),))
        else:
            result = facts.images.get(ROLE)
            if result is None:
                return Fail("the result was deleted by somebody before it was booted")
            server = CreateServer("verify", result.id, "verify")
        return Act(server, "boot the result")


@dataclass(frozen=True)
class Verify:
    """Until the result says that it is up."""

    name: str = "verify"
    sees: frozenset[str] = frozenset({"server:verify"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return "verified" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Look for the sign that the first boot gives."""
        server = facts.servers.get("verify")
        text = facts.consoles.get("verify", "")
        if "verify" in facts.reports or console.progress(
            ((spec.verify_sign, "up", 100),), text
        ):
            return Act(SetMark("verified"), "the result booted")
        if server is None:
            return Fail("the server that tests the result was deleted by somebody")
        if server.status == "ERROR":
            return Fail(f"the result does not start: {server.fault}", role="verify")
        if server.is_off:
            return Fail("the result went off instead of coming up", role="verify")
        elapsed = facts.now - server.created_at
        late = elapsed > spec.verify_timeout_s
        if others := interference.outcome(facts, "verify", late):
            return others
        if elapsed > spec.verify_timeout_s:
            return Fail(
                f"the result did not come up within {spec.verify_timeout_s // 60} "
                "minutes",
                role="verify",
            )
        return Wait("the result boots", power.poll_interval(elapsed))


@dataclass(frozen=True)
class RemoveVerify:
    """Until the server that tested the result is gone."""

    name: str = "remove-verify-server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: verified, and the server is not there."""
        return "verified" in facts.marks and "verify" not in facts.servers

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """It has done its duty."""
        server = facts.servers["verify"]
        if server.task_state == "deleting":
            return Wait("Nova deletes the test server", 3)
        return Act(DeleteServer(server.id), "the result is proven")
