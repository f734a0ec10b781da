"""Do the boot test again on other flavors, networks and firmwares. Pure.

The steps are those of the first boot, one boot after the other. Each boot has a server, marks
and attempts of its own, which have its number behind their names: its steps see only these,
under the names that the first one's have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from osc_imagebuild.model import checks as model_checks
from osc_imagebuild.model import machine
from osc_imagebuild.model.actions import (
    Act,
    Action,
    Again,
    CreateServer,
    CreateVolume,
    Decision,
    DeleteVolume,
    Fail,
    RebootServer,
    SetMark,
    SetVolume,
    Wait,
)
from osc_imagebuild.model.boots import Boot
from osc_imagebuild.model.checks import BOOTS, Check
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import Milestone, Role, boot_number, in_boot
from osc_imagebuild.model.spec import Networking, RootDevice, Spec
from osc_imagebuild.steps import Step, attempts, own_tests
from osc_imagebuild.steps.root_volume import VERIFY_VOLUME, EnsureVerifyVolume
from osc_imagebuild.steps.verify import RemoveVerify, StartVerify, Verify

# Marks of a boot, beside those of its attempts.
_MARKS = (Milestone.REBOOTED, Milestone.VERIFIED, Milestone.TESTED)
# So many attempts of all further boots may fail for a passing reason: a cloud in which more
# do is no cloud with a hiccup, and all marks are in one property.
MOST_AGAIN = 6
T = TypeVar("T")


def changes_firmware(spec: Spec, boot: Boot) -> bool:
    """Whether a boot has another firmware than the result declares."""
    return boot.firmware not in ("", spec.hardware.firmware)


def makes_volumes(spec: Spec) -> bool:
    """Whether a build makes any volume."""
    changing = (changes_firmware(spec, boot) for boot in spec.verify.boots)
    return spec.hardware.has_root_volume or bool(spec.contents) or any(changing)


def on(spec: Spec, boot: Boot) -> Spec:
    """Return the spec of a build whose test server is that of a boot.

    With another firmware it boots from a volume: what that declares can be changed, and the
    result stays as it is.
    """
    hardware, network = spec.hardware, spec.network
    if boot.flavor_id:
        hardware = dataclasses.replace(
            hardware, flavor_id=boot.flavor_id, flavor_name=boot.flavor_name
        )
    if changes_firmware(spec, boot):
        hardware = dataclasses.replace(
            hardware, firmware=boot.firmware, root=RootDevice.VOLUME
        )
    if boot.network_id:
        network = Networking(
            networks=(boot.network_id,),
            config_drive=boot.config_drive,
            security_groups=network.security_groups,
        )
    return dataclasses.replace(spec, hardware=hardware, network=network)


def seen(facts: Facts, number: int) -> Facts:
    """Return facts as the steps of a boot see them, as if there were no other one."""
    role = in_boot(Role.VERIFY, number)
    others = {
        name: mark
        for name, mark in facts.marks.items()
        if not any(boot_number(name, known) for known in _MARKS)
        and not attempts.is_of(name, Role.VERIFY)
    }
    own = {
        str(name): mark
        for name in _MARKS
        if (mark := facts.marks.get(in_boot(name, number)))
    }
    failed = attempts.as_marks(attempts.failed(facts.marks, role), Role.VERIFY)
    return dataclasses.replace(
        facts,
        marks={**others, **own, **failed},
        servers=_alone(facts.servers, role),
        consoles=_alone(facts.consoles, role),
        signals=_alone(facts.signals, role),
        reports=_alone(facts.reports, role),
        volumes=_alone(facts.volumes, role),
    )


def _alone(of: Mapping[str, T], role: str) -> dict[str, T]:
    """Return what is of a boot as that of the first one, and nothing of the others."""
    kept = {k: v for k, v in of.items() if not boot_number(k, Role.VERIFY)}
    return {**kept, **({Role.VERIFY: of[role]} if role in of else {})}


@dataclass(frozen=True)
class AnotherBoot:
    """A step of the boot test, done again in another boot, of ``number`` 2 or more."""

    number: int
    boot: Boot
    step: Step

    @property
    def name(self) -> str:
        return in_boot(self.step.name, self.number)

    @property
    def sees(self) -> frozenset[str]:
        """What the step sees, of the server of this boot."""
        named = (f"server:{Role.VERIFY}", "inventory")
        return frozenset(
            in_boot(part, self.number) if part in named else part
            for part in self.step.sees
        )

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: that of the step, of this boot."""
        return self.step.done(on(spec, self.boot), seen(facts, self.number))

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Decide as the step does."""
        decision = self.step.decide(on(spec, self.boot), seen(facts, self.number))
        match decision:
            case Act(action, reason):
                return Act(self._own(action), reason)
            case Wait():
                return decision
            case Again() if _failed_before(facts) >= MOST_AGAIN:
                fail = Fail(decision.reason, decision.role, decision.evidence)
                last = attempts.last(fail, seen(facts, self.number))
                return dataclasses.replace(last, role=self._role(last.role))
            case Again() | Fail():
                return dataclasses.replace(decision, role=self._role(decision.role))

    def _role(self, role: str) -> str:
        return in_boot(role, self.number) if role == Role.VERIFY else role

    def _own(self, action: Action) -> Action:
        """Return an action as it is in this boot."""
        match action:
            case SetMark(name) if name in _MARKS:
                return dataclasses.replace(action, name=in_boot(name, self.number))
            case CreateServer(role):
                return dataclasses.replace(
                    action, role=self._role(role), boot=self.boot
                )
            case CreateVolume(role):
                return dataclasses.replace(action, role=self._role(role))
            case RebootServer(mark=mark):
                return dataclasses.replace(action, mark=in_boot(mark, self.number))
            case _:
                return action


def number_of(step: Step | None) -> int:
    """Return which boot a step of the boot test is of."""
    return step.number if isinstance(step, AnotherBoot) else 1


def told(step: Step | None, text: str) -> str:
    """Return what is said of a step, with the combination that it is about."""
    return f"{step.boot.title}: {text}" if isinstance(step, AnotherBoot) else text


def _failed_before(facts: Facts) -> int:
    """Return how many attempts of further boots have failed."""
    first = len(attempts.failed(facts.marks, Role.VERIFY))
    of_all = sum(attempts.is_of(name, Role.VERIFY) for name in facts.marks)
    return of_all - first


@dataclass(frozen=True)
class DeclareFirmware:
    """Let the volume that is booted declare another firmware than the result does."""

    firmware: str
    name: str = "firmware"
    sees: frozenset[str] = frozenset({"volumes"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the volume says so; or the mark that the result booted."""
        if Milestone.VERIFIED in facts.marks:
            return True
        volume = facts.volumes.get(VERIFY_VOLUME)
        said = volume.image_metadata.get("hw_firmware_type") if volume else None
        return Milestone.HARVESTED in facts.marks and said == self.firmware

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Change what is declared of the copy alone."""
        volume = facts.volumes.get(VERIFY_VOLUME)
        if volume is None:
            return Fail("the volume to boot the result from was deleted")
        declared = machine.with_firmware(
            volume.image_metadata, self.firmware, spec.installer.arch
        )
        return Act(SetVolume(volume, declared), f"boot it with {self.firmware}")


@dataclass(frozen=True)
class RemoveVolume:
    """Remove the volume that the result was booted from, as the next boot needs another.

    One that Cinder cannot delete is left to the end of the build: the result is none the
    worse for it.
    """

    name: str = "remove-verify-volume"
    sees: frozenset[str] = frozenset({"volumes"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the boot is over, and the volume is not there."""
        volume = facts.volumes.get(VERIFY_VOLUME)
        gone = volume is None or volume.status.startswith("error")
        return RemoveVerify().done(spec, facts) and gone

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Delete it as soon as Nova has let go of it."""
        volume = facts.volumes[VERIFY_VOLUME]
        if volume.status == "available":
            return Act(DeleteVolume(volume.id), "it has served")
        return Wait(f"Cinder has {volume.name} as {volume.status}", 3)


# What is done until the result is up.
_STEPS = (
    EnsureVerifyVolume.name,
    DeclareFirmware.name,
    StartVerify.name,
    Verify.name,
)


def checks(
    spec: Spec,
    marks: Mapping[str, Mark],
    history: Sequence[tuple[str, float]] = (),
    failed: tuple[int, str] = (0, ""),
) -> Iterator[Check]:
    """Yield what came of all boots, and of the tests in each, as far as there is any.

    That the result came up is told of each where there are several. ``history`` has the
    steps and when they began, ``failed`` the boot that was the last, and why.
    """
    for number, boot in enumerate((None, *spec.verify.boots), 1):
        title = boot.title if boot else ""
        if spec.verify.boots:
            for check in boot_test(marks, history, number, failed):
                yield dataclasses.replace(check, boot=title)
        said = own_tests.outcomes(spec, marks, number)
        if said is not None:
            tests = spec.verify.tests
            yield from model_checks.of_tests(said.outcomes, tests, said.trouble, title)


def boot_test(
    marks: Mapping[str, Mark],
    history: Sequence[tuple[str, float]],
    number: int,
    failed: tuple[int, str] = (0, ""),
) -> tuple[Check, ...]:
    """Return whether the result came up in one boot, nothing where that is not known."""
    mark = marks.get(in_boot(Milestone.VERIFIED, number))
    if mark is None:
        last, why = failed
        return (Check(BOOTS, False, why),) * (last == number)
    name = in_boot(StartVerify.name, number)
    begun = [at for step, at in history if step == name]
    seconds = round(mark.at - begun[-1], 1) if begun else None
    took = f" {seconds:.0f} s after it was asked for" if begun else ""
    return (Check(BOOTS, True, f"a server of the result was up{took}", seconds),)


def failed_in(spec: Spec, step: str, reason: str) -> tuple[int, str]:
    """Return which boot a build failed in, 0 for none, and why."""
    number = next(filter(None, (boot_number(step, known) for known in _STEPS)), 0)
    if not 2 <= number <= len(spec.verify.boots) + 1:
        return min(number, 1), reason
    title = spec.verify.boots[number - 2].title
    return number, reason.removeprefix(f"{title}: ")
