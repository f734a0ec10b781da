"""Boot an image that exists in a server of its own, run tests in it, and remove the server.

The steps are those of a build's boot test. There is no record: whoever is interrupted
begins anew, and what a client that died has left is an orphan some hours later.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from osc_imagebuild.builds import boot_test, teardown
from osc_imagebuild.clock import Patience
from osc_imagebuild.cloud import volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.engine import recipe
from osc_imagebuild.engine.act import Actor
from osc_imagebuild.engine.memory import Memory
from osc_imagebuild.engine.observe import observe
from osc_imagebuild.engine.watch import Watch
from osc_imagebuild.errors import CloudError, TransientError, because
from osc_imagebuild.model.actions import (
    Act,
    Action,
    Again,
    CreateServer,
    CreateVolume,
    Decision,
    Fail,
    SetMark,
    Wait,
)
from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import RESULT, Milestone, Role, boot_number, in_boot
from osc_imagebuild.model.resources import Image, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.outputs.image import OUTPUT
from osc_imagebuild.steps import Step, boots
from osc_imagebuild.steps.own_tests import TROUBLE

# A cloud that is away for longer is not waited for.
OUTAGE_LIMIT_S = 15 * 60
# So often one thing is done in one step.
MOST_TIMES = 5
T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """What came of all boots and tests; ``trouble`` is why not all were passed, or ''."""

    checks: tuple[Check, ...]
    trouble: str


class Trial:
    """One test of an image. ``tell`` is called with step and text of each look."""

    def __init__(
        self,
        api: Api,
        trial_id: str,
        image: Image,
        spec: Spec,
        user_data: str,
        tell: Callable[[str, str], None],
    ) -> None:
        self._api, self._id = api, trial_id
        self._image, self._spec, self._tell = image, spec, tell
        self._memory = Memory(api.now)
        self._actor = Actor(
            api, trial_id, spec, {"verify": user_data}, memory=self._memory
        )
        self._steps = _steps(spec)
        self._roles = tuple(map(_as_trial, recipe.test_servers(spec)))
        self._parts = {"servers", *(f"server:{role}" for role in self._roles)}
        self._parts |= {"volumes"} if boots.makes_volumes(spec) else set()
        signs = sign_files.of_role(spec, Role.VERIFY)
        # Whoever listens gets the whole console, in which the tests are.
        self._watch = Watch(
            api, dict.fromkeys(self._roles, signs), None, lambda role, text: None
        )
        self._at: Step | None = None
        self._done: Counter[tuple[str, str]] = Counter()
        made = Mark(api.now(), {"image_id": image.id})
        self._marks: dict[str, Mark] = {Milestone.HARVESTED: made}

    def run(self) -> Ended:
        """Return what came of the tests.

        Servers and volumes go in any case.

        :raises: CloudError
        """
        try:
            trouble = self._drive()
        finally:
            retry_transient(self._api.clock, self._remove)
        number = boots.number_of(self._at)
        tested = in_boot(Milestone.TESTED, number)
        if trouble and self._spec.verify.tests and tested not in self._marks:
            self._marks[tested] = Mark(self._api.now(), {TROUBLE: trouble})
        failed = (number, trouble) if trouble else (0, "")
        found = boots.checks(self._spec, self._marks, (), failed)
        return Ended(tuple(found), trouble and boots.told(self._at, trouble))

    def _drive(self) -> str:
        away, old = Patience(self._api.clock), None
        while True:
            try:
                old = observe(
                    self._api,
                    self._id,
                    {},
                    self._marks,
                    old,
                    self._parts,
                    self._watch,
                    self._memory,
                )
                facts = self._as_of_a_build(old)
                step = recipe.current(self._steps, self._spec, facts)
                if step is None:
                    return ""
                self._at = step
                failed = self._follow(step.name, step.decide(self._spec, facts))
                if failed is not None:
                    return failed
                away = Patience(self._api.clock)
            except TransientError:
                if away.look() > OUTAGE_LIMIT_S:
                    raise
                self._api.clock.sleep(10 * random.uniform(0.8, 1.2))

    def _follow(self, step: str, decision: Decision) -> str | None:
        """Do what was decided; return why that is the end, None where it is not."""
        match decision:
            case Act(SetMark(name, data)):
                self._marks[name] = Mark(self._api.now(), data)
            case Act(action, reason):
                return self._act(step, action, reason)
            case Wait(reason, seconds):
                self._tell(step, boots.told(self._at, reason))
                self._api.clock.sleep(seconds * random.uniform(0.9, 1.1))
            case Again(reason) | Fail(reason):
                # As a copy in another cloud, it has one attempt.
                return reason
        return None

    def _act(self, step: str, action: Action, reason: str) -> str | None:
        """Do something; return why that is the end, None where it is not.

        What is refused is told with the combination that it is about.
        """
        if isinstance(action, CreateServer | CreateVolume):
            self._tell(step, boots.told(self._at, reason))
            action = dataclasses.replace(action, role=_as_trial(action.role))
        about = step, type(action).__name__
        if self._done[about] >= MOST_TIMES:
            return f"{reason}: {MOST_TIMES} times without effect"
        try:
            self._actor.act(action)
            self._done[about] += 1
            return None
        except TransientError:
            raise
        except CloudError as error:
            raise because(error, boots.told(self._at, error.brief)) from error

    def _remove(self) -> None:
        """Remove what was made for the test; servers let go of volumes first."""
        for role in self._roles:
            boot_test.remove(self._api, self._id, role)
        if "volumes" in self._parts:
            made = [volume.id for volume in volumes.marked(self._api, self._id)]
            teardown.remove_marked(self._api, self._id, made, Volume)

    def _as_of_a_build(self, seen: Facts) -> Facts:
        """Return facts as the steps of a build know them."""
        return dataclasses.replace(
            seen,
            images={RESULT: self._image},
            servers=_renamed(seen.servers),
            consoles=_renamed(seen.consoles),
            signals=_renamed(seen.signals),
            reports=_renamed(seen.reports),
            volumes=_renamed(seen.volumes),
        )


def _steps(spec: Spec) -> tuple[Step, ...]:
    """Return the steps of all boots; what the last one leaves is removed in any case."""
    steps: list[Step] = []
    for number in range(1, len(spec.verify.boots) + 2):
        if number > 1:
            steps += recipe.remove(spec, number - 1)
        steps += recipe.prove(spec, OUTPUT, number)
    return tuple(steps)


def _as_trial(role: str) -> str:
    """Return what a role of a build's boot test is called here."""
    number = boot_number(role, Role.VERIFY)
    return in_boot(Role.TRIAL, number) if number else role


def _renamed(of: Mapping[str, T]) -> dict[str, T]:
    """Return what is of servers and volumes here as a build's boot test calls them."""
    return {_as_of_build(role): value for role, value in of.items()}


def _as_of_build(role: str) -> str:
    number = boot_number(role, Role.TRIAL)
    return in_boot(Role.VERIFY, number) if number else role
