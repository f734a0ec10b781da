"""The result is booted as a user would boot it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

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
from osc_imagebuild.monitors.signs import Signs
from osc_imagebuild.monitors.verdict import FAILED, Verdict, judge, trouble
from osc_imagebuild.parts import Device
from osc_imagebuild.steps import interference
from osc_imagebuild.steps.looking import look
from osc_imagebuild.steps.result import ROLE
from osc_imagebuild.steps.volumes import TRIAL

_LOGIN = re.compile(r"^\S+ login:", re.M)


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

    signs: Signs = field(default_factory=Signs)
    name: str = "verify"
    sees: frozenset[str] = frozenset({"server:verify"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return "verified" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Look for the sign that the first boot gives, and for what prevents it."""
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
        elapsed = facts.now - server.created_at
        late = elapsed > spec.verify_timeout_s
        if not server.is_off and (o := interference.outcome(facts, "verify", late)):
            return o
        verdict = judge(self.signs, look(spec, facts, "verify"))
        if verdict.state == FAILED and not server.is_off:
            reason = f"the result does not boot: {verdict.reason}"
            return Fail(reason, "verify", verdict.evidence)
        if server.is_off or late:
            return self._failed(spec, text, verdict, off=server.is_off)
        return Wait("the result boots", power.poll_interval(elapsed))

    def _failed(self, spec: Spec, text: str, shown: Verdict, *, off: bool) -> Fail:
        """Why the result is not up, as far as its console tells."""
        wrong = trouble(self.signs, text)
        minutes = spec.verify_timeout_s // 60
        reason = f"the result did not come up within {minutes} minutes"
        if off:
            reason = "the result went off instead of coming up"
        if shown.state == FAILED:
            reason = f"{reason}: {shown.reason}"
        elif wrong:
            reason = f"{reason}: {wrong.reason}"
        elif _LOGIN.search(text):
            reason += (
                ": it shows a login prompt, but user data was not run; is cloud-init "
                "in it, and does it get metadata?"
            )
        evidence = wrong.evidence if wrong else shown.evidence
        return Fail(reason, "verify", evidence)


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
