"""Boot an image that exists in a server of its own, run tests in it, and remove the server.

The steps are those of a build's boot test. There is no record: whoever is interrupted
begins anew, and what a client that died has left is an orphan some hours later.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping
from typing import TypeVar

from osc_imagebuild.builds import boot_test
from osc_imagebuild.clock import Patience
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.engine import recipe
from osc_imagebuild.engine.act import Actor
from osc_imagebuild.engine.memory import Memory
from osc_imagebuild.engine.observe import observe
from osc_imagebuild.engine.watch import Watch
from osc_imagebuild.errors import TransientError
from osc_imagebuild.model.actions import (
    Act,
    Again,
    CreateServer,
    Decision,
    Fail,
    SetMark,
    Wait,
)
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import RESULT, Milestone, Role
from osc_imagebuild.model.own_tests_json import Said
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.steps import own_tests
from osc_imagebuild.steps.own_tests import RunTests
from osc_imagebuild.steps.verify import StartVerify, Verify

# A cloud that is away for longer is not waited for.
OUTAGE_LIMIT_S = 15 * 60
_LOOKS_AT = ("servers", f"server:{Role.TRIAL}")
T = TypeVar("T")


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
        signs = sign_files.of_role(spec, Role.VERIFY)
        self._steps = (StartVerify(), Verify(signs), RunTests())
        # Whoever listens gets the whole console, in which the tests are.
        self._watch = Watch(api, {Role.TRIAL: signs}, None, lambda role, text: None)
        made = Mark(api.now(), {"image_id": image.id})
        self._marks: dict[str, Mark] = {Milestone.HARVESTED: made}

    def run(self) -> Said:
        """Return what came of the tests; its ``trouble`` is why not all were passed.

        The server goes in any case.

        :raises: CloudError
        """
        try:
            trouble = self._drive()
        finally:
            retry_transient(
                self._api.clock,
                lambda: boot_test.remove(self._api, self._id, Role.TRIAL),
            )
        said = own_tests.outcomes(self._spec, self._marks) or Said((), 0)
        return dataclasses.replace(said, trouble=trouble)

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
                    _LOOKS_AT,
                    self._watch,
                    self._memory,
                )
                facts = self._as_of_a_build(old)
                step = recipe.current(self._steps, self._spec, facts)
                if step is None:
                    return ""
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
            case Act(CreateServer() as action, reason):
                self._tell(step, reason)
                self._actor.act(dataclasses.replace(action, role=Role.TRIAL))
            case Act(action):
                self._actor.act(action)
            case Wait(reason, seconds):
                self._tell(step, reason)
                self._api.clock.sleep(seconds * random.uniform(0.9, 1.1))
            case Again(reason) | Fail(reason):
                # As a copy in another cloud, it has one attempt.
                return reason
        return None

    def _as_of_a_build(self, seen: Facts) -> Facts:
        """Return facts as the steps of a build know them."""
        return dataclasses.replace(
            seen,
            images={RESULT: self._image},
            servers=_renamed(seen.servers),
            consoles=_renamed(seen.consoles),
            signals=_renamed(seen.signals),
            reports=_renamed(seen.reports),
        )


def _renamed(of: Mapping[str, T]) -> dict[str, T]:
    return {Role.VERIFY if role == Role.TRIAL else role: v for role, v in of.items()}
