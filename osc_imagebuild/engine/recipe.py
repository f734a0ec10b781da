"""Put the steps of a build in order, and say which one is next. Pure.

A step is done when its evidence exists. The step after the furthest one done
is the current one, so earlier evidence may go away (the server is deleted
once its disk is an image) without anything being done twice.
"""

from __future__ import annotations

from osc_imagebuild import boot as boot_methods
from osc_imagebuild import outputs as output_kinds
from osc_imagebuild.model import own_tests_json
from osc_imagebuild.model.boot_sources import BootVolume
from osc_imagebuild.model.boots import Boot
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Role, in_boot
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.outputs import Output
from osc_imagebuild.steps import Result, Step, boots, rotation
from osc_imagebuild.steps.boot_sources import EnsureImage, EnsureVolume
from osc_imagebuild.steps.boots import AnotherBoot, DeclareFirmware, RemoveVolume
from osc_imagebuild.steps.copies import CopyElsewhere, Store
from osc_imagebuild.steps.inspection import Inspect
from osc_imagebuild.steps.install import Install, PowerOff, StartServer
from osc_imagebuild.steps.own_tests import RunTests
from osc_imagebuild.steps.press_key import EnsureKey
from osc_imagebuild.steps.publish import Cleanup, Complete, Publish
from osc_imagebuild.steps.root_volume import VERIFY_VOLUME, EnsureVerifyVolume
from osc_imagebuild.steps.rotation import Rotate
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
        Publish(output, rotation.sees(spec)),
        *rotates,
        Cleanup(
            output,
            images=tuple(i.role for i in images if not i.shared_key),
            volumes=_served(spec, volumes, output.keeps),
            after=rotates,
        ),
        *((Store(output),) if spec.result.stores else ()),
        *((CopyElsewhere(output),) if spec.result.copies else ()),
        Complete(),
    )


def _is_plain(volume: BootVolume, output: Output) -> bool:
    """Whether an image is to be made of a volume."""
    return volume.role == Role.ROOT and Image in output.kinds


def _served(
    spec: Spec, volumes: tuple[BootVolume, ...], kept: tuple[str, ...]
) -> tuple[str, ...]:
    """Roles of the volumes that nothing needs once the result is published."""
    roles = [VERIFY_VOLUME, *(volume.role for volume in volumes)] if volumes else []
    if boots.makes_volumes(spec):
        many = len(spec.verify.boots)
        roles += [in_boot(VERIFY_VOLUME, number) for number in range(2, many + 2)]
    return tuple(role for role in roles if role not in kept)


def _verify(spec: Spec, output: Output) -> tuple[Step, ...]:
    """Return the steps of all boots: each ends before the next one begins."""
    if not spec.verify.enabled:
        return ()
    numbers = range(1, len(spec.verify.boots) + 2)
    return tuple(
        step
        for number in numbers
        for step in (*prove(spec, output, number), *remove(spec, number))
    )


def prove(spec: Spec, output: Result, number: int) -> tuple[Step, ...]:
    """Return the steps by which the result is booted and tested, for the boot of a number.

    Its packages are listed in the first one.
    """
    there, boot = _place(spec, number)
    on_volume, firmware = there.hardware.has_root_volume, there.hardware.firmware
    changes = boot is not None and boots.changes_firmware(spec, boot)
    steps: tuple[Step, ...] = (
        *((EnsureVerifyVolume(output),) if on_volume else ()),
        *((DeclareFirmware(firmware),) if changes else ()),
        StartVerify(on_volume),
        Verify(sign_files.of_role(spec, Role.VERIFY)),
        *((Inspect(),) if spec.verify.inventory and boot is None else ()),
        *((RunTests(_room(spec, number)),) if spec.verify.tests else ()),
    )
    return _of_boot(steps, number, boot)


def _room(spec: Spec, number: int) -> int:
    """Return how much of the record is for what came of the tests of a boot."""
    if number == 1:
        return own_tests_json.PACKED_LIMIT
    return own_tests_json.FURTHER_LIMIT // len(spec.verify.boots)


def remove(spec: Spec, number: int) -> tuple[Step, ...]:
    """Return the steps that make room for the boot after that of a number."""
    there, boot = _place(spec, number)
    volume = there.hardware.has_root_volume and bool(spec.verify.boots)
    steps = (RemoveVerify(), *((RemoveVolume(),) if volume else ()))
    return _of_boot(steps, number, boot)


def _place(spec: Spec, number: int) -> tuple[Spec, Boot | None]:
    """Return the spec of a boot's server, and the boot; None is the first one."""
    if number == 1:
        return spec, None
    boot = spec.verify.boots[number - 2]
    return boots.on(spec, boot), boot


def _of_boot(
    steps: tuple[Step, ...], number: int, boot: Boot | None
) -> tuple[Step, ...]:
    if boot is None:
        return steps
    return tuple(AnotherBoot(number, boot, step) for step in steps)


def test_servers(spec: Spec) -> tuple[str, ...]:
    """Return the roles of the servers that the result is booted in."""
    numbers = range(1, len(spec.verify.boots) + 2)
    return tuple(in_boot(Role.VERIFY, number) for number in numbers)


def current(steps: tuple[Step, ...], spec: Spec, facts: Facts) -> Step | None:
    """Return the step after the furthest one done, None past the last."""
    for index in range(len(steps) - 1, -1, -1):
        if steps[index].done(spec, facts):
            return steps[index + 1] if index + 1 < len(steps) else None
    return steps[0]
