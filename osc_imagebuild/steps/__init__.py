"""The steps of a build, and which one is next. Pure.

A step is done when its evidence exists. The step after the furthest one done
is the current one, so earlier evidence may go away (the server is deleted
once its disk is an image) without anything being done twice.
"""

from __future__ import annotations

from typing import Protocol

from osc_imagebuild import boot as boot_methods
from osc_imagebuild import outputs as output_kinds
from osc_imagebuild import signs
from osc_imagebuild.actions import Decision
from osc_imagebuild.model import Facts, Spec
from osc_imagebuild.steps.install import EnsureImage, Install, PowerOff, StartServer
from osc_imagebuild.steps.publish import Cleanup, Complete, Publish
from osc_imagebuild.steps.verify import RemoveVerify, StartVerify, Verify

# From here on the result is the user's.
AFTER_PUBLISHING = (Cleanup.name, Complete.name)


class Step(Protocol):
    """One step; ``sees`` names the parts of the cloud that its evidence is in."""

    @property
    def name(self) -> str: ...

    @property
    def sees(self) -> frozenset[str]: ...

    def done(self, spec: Spec, facts: Facts) -> bool: ...

    def decide(self, spec: Spec, facts: Facts) -> Decision: ...


def recipe(spec: Spec) -> tuple[Step, ...]:
    """Return all steps of the build in order."""
    boot = boot_methods.load(spec.boot_method)
    images = boot.images(spec)
    verify = (StartVerify(), Verify(), RemoveVerify()) if spec.verify else ()
    return (
        *(EnsureImage(image) for image in images),
        StartServer(boot.ROOT),
        Install(signs.of_spec(spec)),
        PowerOff(),
        *output_kinds.load(spec.output).steps(spec),
        *verify,
        Publish(),
        Cleanup(tuple(i.role for i in images if not i.shared_key)),
        Complete(),
    )


def current(steps: tuple[Step, ...], spec: Spec, facts: Facts) -> Step | None:
    """Return the step after the furthest one done, None past the last."""
    for index in range(len(steps) - 1, -1, -1):
        if steps[index].done(spec, facts):
            return steps[index + 1] if index + 1 < len(steps) else None
    return steps[0]
