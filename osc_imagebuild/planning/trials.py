"""Plan a test of an image that exists: the server that it is booted in, and its tests."""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass

from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import answers, own_tests
from osc_imagebuild.guests.answers import Answers
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.model.inputs import UNKNOWN
from osc_imagebuild.model.ownership import may_read
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.planning import (
    boots,
    networks,
    parents,
    preflight,
    servers,
    spec_builder,
)
from osc_imagebuild.planning.spec_builder import (
    Boots,
    Chosen,
    Copying,
    Servers,
    Sharing,
)
from osc_imagebuild.planning.stage import Stage, stage

# What counts of a request: its tests, and the server that they run in.
_TAKEN = (
    "os",
    "arch",
    "tests",
    "test_files",
    "test_reboot",
    "test_flavors",
    "test_networks",
    "test_firmware",
    "verify",
    "flavor",
    "networks",
    "security_groups",
    "ports",
    "availability_zone",
    "hints",
    "server_properties",
    "config_drive",
)


@dataclass(frozen=True)
class TrialPlan:
    """A test that can start. ``user_data`` are its server's."""

    id: str
    image: Image
    spec: Spec
    user_data: str
    choices: tuple[str, ...] = ()


def plan_trial(api: Api, catalog: Catalog, request: Request, image: Image) -> TrialPlan:
    """Return the plan of a test of ``image`` with the tests of ``request``.

    Nothing is written.

    :raises: SpecError naming all that is wrong, CloudError
    """
    request = _stripped(catalog, request, image)
    trial_id = str(uuid.uuid4())
    system = parents.find_system(catalog, request, image)
    told = _told(system.value, request, trial_id)
    place = networks.find_place(api, request)
    groups = networks.find_security_groups(api, request)
    source = parents.source(request, image)
    machine = servers.find_servers(api, request, system.value, source)
    zone = networks.check_zone(api, request)
    disk_gib = parents.disk_gib(image)
    booting = boots.find_boots(
        api, request, system.value, place.value, machine.value, disk_gib
    )
    stages: tuple[Stage[object], ...]
    stages = (system, told, place, groups, machine, zone, booting)
    problems = [*_unfit(image, api.project_id()), *_pointless(request, machine.value)]
    problems += [problem for stage in stages for problem in stage.problems]
    if problems:
        raise SpecError(tuple(dict.fromkeys(problems)))
    assert system.value and told.value and place.value and machine.value
    chosen = Chosen(
        build_id=trial_id,
        request=request,
        entry=system.value.entry,
        source=source,
        place=place.value,
        servers=machine.value,
        security_groups=groups.value or (),
        answers=told.value,
        sharing=Sharing(),
        copying=Copying(),
        press_key=False,
        inputs=UNKNOWN,
        tree_sha256="",
        expected_s=0,
        boots=booting.value or Boots(),
    )
    notes = tuple(note for stage in stages for note in stage.notes)
    spec = spec_builder.spec(chosen)
    # Of the image's own disk, whatever the flavor has: a volume of it need not be larger.
    hardware = dataclasses.replace(spec.hardware, disk_gib=disk_gib)
    # There is no record of a test that packages could be kept beside.
    verify = dataclasses.replace(spec.verify, inventory=False)
    spec = dataclasses.replace(spec, hardware=hardware, verify=verify)
    return TrialPlan(trial_id, image, spec, told.value.verify, notes)


def _stripped(catalog: Catalog, request: Request, image: Image) -> Request:
    """Return what counts of a request, of the system that the image says it is.

    :raises: SpecError where the image is for another architecture
    """
    taken = {name: getattr(request, name) for name in _TAKEN}
    taken["os"] = parents.told_system(catalog, image) or request.os
    request = Request(name="test", from_image=image.id, update=False, **taken)
    return parents.settled(request, image)


def _pointless(request: Request, machine: Servers | None) -> list[str]:
    """Return why there is nothing to be tested, or nowhere."""
    problems = own_tests.problems(request)
    if not (request.tests or request.boots_again):
        problems.append(
            "nothing says what is to be tested: give --test-command, or a template with "
            "verify.commands"
        )
    if machine and machine.volume_gib:
        problems.append(
            f"flavor {machine.flavor.name} has no disk for the image: name one that has, "
            "with --flavor"
        )
    return problems


def _unfit(image: Image, project_id: str) -> list[str]:
    """Return why no server can be made of an image."""
    problems = []
    if not may_read(image, project_id):
        problems.append("it is another project's, and not shared with this one")
    if image.status != "active":
        problems.append(f"it is {image.status}, and only an active image boots")
    if image.disk_format in parents.NO_DISKS:
        problems.append(f"its format is {image.disk_format}, and it is no disk")
    return [f"image {image.name or image.id}: {problem}" for problem in problems]


@stage
def _told(system: System | None, request: Request, trial_id: str) -> Stage[Answers]:
    """Render what the server is told, and look for what is wrong with it."""
    if system is None:
        return Stage()
    entry = system.entry
    data, sign = answers.verification(entry, request.arch, trial_id, request)
    problems = own_tests.unable(entry, request, data)
    problems += preflight.check_first_boot(data)
    told = Answers(answer="", kernel_args="", verify=data, verify_sign=sign, shown="")
    return Stage(told, problems=tuple(problems))
