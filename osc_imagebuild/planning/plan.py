"""Make a plan of a request: choose, resolve, check. Nothing is written.

All that is wrong is found in one go, so a user mends it once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from osc_imagebuild.cloud import limits
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import NO_CLOUDS, Clouds
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.media.door import TYPED, Door
from osc_imagebuild.model.inputs import UNKNOWN, Inputs
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.planning import (
    boots,
    contents,
    copies,
    downloads,
    install_source,
    networks,
    parents,
    preflight,
    rotation,
    servers,
    spec_builder,
)
from osc_imagebuild.planning.draft import make_draft
from osc_imagebuild.planning.inputs import Reading, read_inputs
from osc_imagebuild.planning.spec_builder import (
    Boots,
    Chosen,
    Copying,
    InstallSource,
    Placement,
    Servers,
    Sharing,
)
from osc_imagebuild.planning.stage import Stage


@dataclass(frozen=True)
class Plan:
    """A build that can start. ``texts`` are the user data of its servers.

    ``shown`` is the answer file for people's eyes, without passwords.

    ``build_id`` is the name that nobody else has: the guest's reports carry it.

    ``choices`` are lines on what was chosen for the user, ``warnings`` on
    what could not be checked from here. ``inputs`` are what decides the result.
    """

    build_id: str
    spec: Spec
    texts: Mapping[str, str]
    choices: tuple[str, ...]
    warnings: tuple[str, ...]
    inputs: Inputs = UNKNOWN
    shown: str = ""


@dataclass(frozen=True)
class _Cloud:
    """Surroundings that are looked at through ``api`` and ``door``."""

    api: Api
    door: Door

    def find_parent(self, request: Request) -> Stage[Image]:
        return parents.find_parent(self.api, request)

    def find_source(self, system: System, request: Request) -> Stage[InstallSource]:
        return install_source.find_source(self.api, system, request, self.door)

    def find_place(self, request: Request) -> Stage[Placement]:
        return networks.find_place(self.api, request)

    def find_contents(self, request: Request) -> Stage[Request]:
        return contents.find_contents(request, measure=True)


def make_plan(
    api: Api,
    catalog: Catalog,
    request: Request,
    door: Door = TYPED,
    clouds: Clouds = NO_CLOUDS,
) -> Plan:
    """Return the plan for ``request``; ``door`` leads to web servers, ``clouds`` to others.

    Every stage is gone through, even where an earlier one found something wrong.

    :raises: SpecError naming all that is wrong, CloudError
    """
    build_id = str(uuid.uuid4())
    draft = make_draft(catalog, request, build_id, _Cloud(api, door))
    system, source = draft.system.value, draft.source.value
    request = draft.request.value or request
    groups = networks.find_security_groups(api, request)
    machine = servers.find_servers(api, request, system, source)
    zone = networks.check_zone(api, request)
    allowed = preflight.check_cloud(api, request, system, machine.value)
    sharing = rotation.find_sharing(api, clouds, request)
    copying = copies.find_copies(
        api, clouds, request, *_size(request, system, machine.value)
    )
    booting = boots.find_boots(
        api,
        request,
        system,
        draft.place.value,
        machine.value,
        _disk_gib(machine.value),
    )
    name = rotation.check_name(api, request)
    key: Stage[bool] = Stage()
    files: Stage[None] = Stage()
    if system and source:
        key = preflight.find_press_key(system.entry, request, source)
        files = downloads.find_downloads(api.clock, request, system.entry, door)
    reading = read_inputs(api.clock, draft, door)
    read = reading.value or Reading()
    stages: tuple[Stage[object], ...]
    stages = (
        *draft.stages,
        groups,
        machine,
        zone,
        allowed,
        sharing,
        copying,
        booting,
        name,
        key,
        files,
        reading,
    )
    place, answers = draft.place.value, draft.answers.value
    if not (system and source and place and machine.value and answers):
        raise _refusal(stages)
    flavor = machine.value.flavor.name
    chosen = Chosen(
        build_id=build_id,
        request=request,
        entry=system.entry,
        source=source,
        place=place,
        servers=machine.value,
        security_groups=groups.value or (),
        answers=answers,
        sharing=sharing.value or Sharing(),
        copying=copying.value or Copying(),
        press_key=bool(key.value),
        parent=system.parent,
        boots=booting.value or Boots(),
        inputs=read.inputs,
        tree_sha256=read.tree_sha256,
        expected_s=limits.earlier_duration_s(
            api, system.entry.name, flavor, layers=request.has_parent
        ),
    )
    spec = spec_builder.spec(chosen)
    stages = (*stages, preflight.check_spec(spec, system.entry, request))
    if any(stage.problems for stage in stages):
        raise _refusal(stages)
    preflight.check_record(spec)
    return Plan(
        build_id,
        spec,
        {"answer": answers.answer, "verify": answers.verify},
        choices=tuple(line for stage in stages for line in stage.notes),
        warnings=tuple(line for stage in stages for line in stage.warnings),
        inputs=read.inputs,
        shown=answers.shown,
    )


def _size(
    request: Request, system: System | None, machine: Servers | None
) -> tuple[int, int]:
    """Return what the image asks of a server, in GiB of disk and MiB of RAM."""
    ram_mib = max(system.entry.min_ram_mib if system else 0, request.min_ram_mib or 0)
    if machine is None:
        return 0, ram_mib
    return max(_disk_gib(machine), request.min_disk_gib or 0), ram_mib


def _disk_gib(machine: Servers | None) -> int:
    """Return the size of the disk that becomes the image, 0 where it is not known."""
    return machine.volume_gib or machine.flavor.disk_gib if machine else 0


def _refusal(stages: Sequence[Stage[object]]) -> SpecError:
    """Return an error with all that is wrong, each thing once."""
    lines = (problem for stage in stages for problem in stage.problems)
    return SpecError(tuple(dict.fromkeys(lines)))
