"""Put the steps of a build in order, and say which one is next. Pure.

A step is done when its evidence exists. The step after the furthest one done
is the current one, so earlier evidence may go away (the server is deleted
once its disk is an image) without anything being done twice.
"""

from __future__ import annotations

from osc_imagebuild import boot as boot_methods
from osc_imagebuild import outputs as output_kinds
from osc_imagebuild.model.boot_sources import BootVolume
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Role
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.outputs import Output
from osc_imagebuild.steps import Step, rotation
from osc_imagebuild.steps.boot_sources import EnsureImage, EnsureVolume
from osc_imagebuild.steps.copies import CopyElsewhere, Store
from osc_imagebuild.steps.inspection import Inspect
from osc_imagebuild.steps.install import Install, PowerOff, StartServer
from osc_imagebuild.steps.own_tests import RunTests
from osc_imagebuild.steps.press_key import EnsureKey
from osc_imagebuild.steps.publish import Cleanup, Complete, Publish
from osc_imagebuild.steps.root_volume import VERIFY_VOLUME, EnsureVerifyVolume
from osc_imagebuild.steps.rotation import Rotate
from osc_imagebuild.steps.signature import Sign
from osc_imagebuild.steps.verify import RemoveVerify, StartVerify, Verify

# From here on the result is the user's.
AFTER_PUBLISHING = (
    Rotate.name,
    Cleanup.name,
    Store.name,
    CopyElsewhere.name,
    Complete.name,
)


def of(spec: Spec) -> tuple[Step, ...]:
    """Return all steps of the build in order."""
    boot = boot_methods.load(spec.installer.boot_method)
    output = output_kinds.load(spec.result.output)
    images, volumes = boot_methods.images(spec), boot_methods.volumes(spec)
    rotates = (Rotate(output),) if spec.result.rotation.replace else ()
    return (
        *(EnsureImage(image) for image in images),
        *(EnsureVolume(volume, _is_plain(volume, output)) for volume in volumes),
        StartServer(
            boot.root,
            volumes,
            boot_methods.root_image_id(spec),
            local=not spec.hardware.has_root_volume,
        ),
        *((EnsureKey(),) if spec.installer.press_key else ()),
        Install(sign_files.of_role(spec, Role.INSTALL)),
        PowerOff(),
        *output.steps(spec),
        *_verify(spec, output),
        *((Sign(output),) if spec.result.certificate_id else ()),
        Publish(output, rotation.sees(spec)),
        *rotates,
        Cleanup(
            output,
            images=tuple(i.role for i in images if not i.shared_key),
            volumes=_served(volumes, output.keeps),
            after=rotates,
        ),
        *((Store(output),) if spec.result.stores else ()),
        *((CopyElsewhere(output),) if spec.result.copies else ()),
        Complete(),
    )


def _is_plain(volume: BootVolume, output: Output) -> bool:
    """Whether an image is to be made of a volume."""
    return volume.role == Role.ROOT and Image in output.kinds


def _served(volumes: tuple[BootVolume, ...], kept: tuple[str, ...]) -> tuple[str, ...]:
    """Roles of the volumes that nothing needs once the result is published."""
    roles = (VERIFY_VOLUME, *(volume.role for volume in volumes)) if volumes else ()
    return tuple(role for role in roles if role not in kept)


def _verify(spec: Spec, output: Output) -> tuple[Step, ...]:
    if not spec.verify.enabled:
        return ()
    volume = (EnsureVerifyVolume(output),) if spec.hardware.has_root_volume else ()
    return (
        *volume,
        StartVerify(spec.hardware.has_root_volume),
        Verify(sign_files.of_role(spec, Role.VERIFY)),
        *((Inspect(),) if spec.verify.inventory else ()),
        *((RunTests(),) if spec.verify.tests else ()),
        RemoveVerify(),
    )


def current(steps: tuple[Step, ...], spec: Spec, facts: Facts) -> Step | None:
    """Return the step after the furthest one done, None past the last."""
    for index in range(len(steps) - 1, -1, -1):
        if steps[index].done(spec, facts):
            return steps[index + 1] if index + 1 < len(steps) else None
    return steps[0]
