"""Boot the result on a test server, as a user would. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from osc_imagebuild.model.actions import (
    REBOOT,
    SERVER,
    Act,
    Again,
    CreateServer,
    Decision,
    DeleteServer,
    Fail,
    RebootServer,
    SetMark,
    Wait,
)
from osc_imagebuild.model.boot_sources import Device
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import RESULT, Milestone, Role
from osc_imagebuild.model.resources import Server
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors import power
from osc_imagebuild.monitors.console import own_signs
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.verdict import FAILED, Verdict, judge, trouble
from osc_imagebuild.steps import attempts, interference, own_tests
from osc_imagebuild.steps.root_volume import VERIFY_VOLUME
from osc_imagebuild.steps.server_view import guest_view

_LOGIN = re.compile(r"^\S+ login:", re.M)
# What is tried before a result that came up without metadata, or silent, is not one that
# boots: a lost packet must not cost a build.
_LADDER = (REBOOT, SERVER)


@dataclass(frozen=True)
class StartVerify:
    """Start a server of the result."""

    on_volume: bool = False
    name: str = "verify-server"

    @property
    def sees(self) -> frozenset[str]:
        return frozenset({"servers", "volumes"} if self.on_volume else {"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is there, or the mark that it booted."""
        if Milestone.VERIFIED in facts.marks:
            return True
        harvested = (
            Milestone.HARVESTED in facts.marks and Role.INSTALL not in facts.servers
        )
        there = Role.VERIFY in facts.servers and not attempts.leftover(
            facts, Role.VERIFY
        )
        return harvested and there

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Boot the result as a user would.

        The first server has a config drive, which says what a lost packet cannot take
        away; one that failed with it is followed by one without.
        """
        if first := attempts.before_the_next(facts, Role.VERIFY):
            return first
        image_id = ""
        devices: tuple[Device, ...] = ()
        if spec.hardware.has_root_volume:
            trial = facts.volumes.get(VERIFY_VOLUME)
            if trial is None:
                return Fail("the volume to boot the result from was deleted")
            if attempts.given_up(facts, Role.VERIFY) and trial.status != "available":
                return Wait(f"Cinder has the volume to boot from as {trial.status}", 3)
            devices = (Device(trial.id),)
        else:
            result = facts.images.get(RESULT)
            if result is None:
                return Fail("the result was deleted by somebody before it was booted")
            image_id = result.id
        old = attempts.given_up(facts, Role.VERIFY)
        drive = spec.verify.config_drive and not old
        server = CreateServer(Role.VERIFY, image_id, "verify", devices, drive, old)
        return Act(server, "boot the result")


@dataclass(frozen=True)
class Verify:
    """Wait until the result says that it is up."""

    signs: Signs = field(default_factory=Signs)
    name: str = Role.VERIFY.value
    sees: frozenset[str] = frozenset({"server:verify"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return Milestone.VERIFIED in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Look for the sign that the first boot gives, and for what prevents it."""
        facts = attempts.since_reboot(facts, Role.VERIFY)
        server = facts.servers.get(Role.VERIFY)
        text = facts.consoles.get(Role.VERIFY, "")
        sign = own_signs.compiled(spec.verify.sign)
        if Role.VERIFY in facts.reports or sign.search(text):
            return Act(SetMark(Milestone.VERIFIED), "the result booted")
        if server is None:
            return Fail("the server that tests the result was deleted by somebody")
        if server.status == "ERROR":
            reason = f"the result does not start: {server.fault}"
            return _again(facts, Fail(reason, Role.VERIFY), (SERVER,))
        if first := _reboot(facts, server):
            return first
        elapsed = facts.now - _began(facts, server)
        late = elapsed > spec.verify.timeout_s
        if not server.is_off and (o := interference.outcome(facts, Role.VERIFY, late)):
            return o
        verdict = judge(self.signs, guest_view(spec, facts, Role.VERIFY))
        if verdict.state == FAILED and not server.is_off:
            reason = f"the result does not boot: {verdict.reason}"
            return self._verdict(facts, Fail(reason, Role.VERIFY, verdict.evidence))
        if server.is_off:
            fail = self._failed(spec, text, verdict, off=True)
            return attempts.last(fail, facts)
        if late:
            fail = self._failed(spec, text, verdict, off=False)
            silent = verdict.state != FAILED and not trouble(self.signs, text)
            return self._verdict(facts, fail, passing=silent)
        return Wait("the result boots", power.poll_interval(elapsed))

    def _verdict(
        self, facts: Facts, fail: Fail, *, passing: bool = False
    ) -> Fail | Again:
        """Say that the result does not boot only where another try is of no use."""
        if passing or attempts.may_pass(self.signs, fail.reason, fail.evidence):
            return _again(facts, fail, _LADDER)
        return attempts.last(fail, facts)

    def _failed(self, spec: Spec, text: str, shown: Verdict, *, off: bool) -> Fail:
        """Why the result is not up, as far as its console tells."""
        trouble_seen = trouble(self.signs, text)
        minutes = spec.verify.timeout_s // 60
        reason = f"the result did not come up within {minutes} minutes"
        if off:
            reason = "the result went off instead of coming up"
        if shown.state == FAILED:
            reason = f"{reason}: {shown.reason}"
        elif trouble_seen:
            reason = f"{reason}: {trouble_seen.reason}"
        elif _LOGIN.search(text):
            reason += (
                ": it shows a login prompt, but user data was not run; is cloud-init "
                "in it, and does it get metadata?"
            )
        evidence = trouble_seen.evidence if trouble_seen else shown.evidence
        return Fail(reason, Role.VERIFY, evidence)


def _again(facts: Facts, fail: Fail, ladder: tuple[str, ...]) -> Fail | Again:
    """Return the first attempt of ``ladder`` that was not made, or the failure."""
    made = [m.data.get("then") for m in attempts.failed(facts.marks, Role.VERIFY)]
    for then in ladder if SERVER not in made else ():
        if then not in made:
            return Again(fail.reason, fail.role, fail.evidence, then)
    return attempts.last(fail, facts)


def _reboot(facts: Facts, server: Server) -> Decision | None:
    """Return what is to be done until a reboot that is due is over, None after it."""
    due, done = (
        attempts.reboot_of(facts, Role.VERIFY),
        facts.marks.get(Milestone.REBOOTED),
    )
    if due is None:
        return None
    rebooting = server.status in ("REBOOT", "HARD_REBOOT")
    if done is None or done.at < due.at:
        # The answer to an earlier request may have been lost.
        if rebooting:
            return Act(SetMark(Milestone.REBOOTED), "Nova reboots the test server")
        if server.task_state is not None:
            return Wait(f"the test server is busy: {server.task_state}", 3)
        return Act(RebootServer(server.id), "its guest may come up the second time")
    return Wait("Nova reboots the test server", 3) if rebooting else None


def _began(facts: Facts, server: Server) -> float:
    """When the server was started: made, or rebooted."""
    due = attempts.reboot_of(facts, Role.VERIFY)
    if due is None or not attempts.was_rebooted(facts, due):
        return server.created_at
    return facts.marks[Milestone.REBOOTED].at


@dataclass(frozen=True)
class RemoveVerify:
    """Remove the server that tested the result."""

    name: str = "remove-verify-server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: verified, all tests passed, and the server is not there."""
        proven = Milestone.VERIFIED in facts.marks and own_tests.are_over(spec, facts)
        return proven and Role.VERIFY not in facts.servers

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """It has done its duty."""
        server = facts.servers[Role.VERIFY]
        if server.task_state == "deleting":
            return Wait("Nova deletes the test server", 3)
        return Act(DeleteServer(server.id), "the result is proven")
