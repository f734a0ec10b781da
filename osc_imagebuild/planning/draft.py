"""The stages that every plan begins with, in a cloud or without one.

What is to be built, where its installer comes from, on which networks, and what the
guests are told. How media and networks are found is handed in: by a look into the
cloud while a build is planned, by the catalogue alone where a template is checked.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol

from osc_imagebuild import boot
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import answers, disk, families, install_tree, own_tests
from osc_imagebuild.guests.answers import AnswerDelivery, Answers, IsoRef
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Iso
from osc_imagebuild.planning import access, parents, preflight, request_checks
from osc_imagebuild.planning.spec_builder import InstallSource, Placement
from osc_imagebuild.planning.stage import Stage, stage


class Surroundings(Protocol):
    """The surroundings that a build is planned in: a cloud, or nothing known of one."""

    def find_parent(self, request: Request) -> Stage[Image]:
        """Find the image that is changed, where one is; no value if nobody can look."""

    def find_source(self, system: System, request: Request) -> Stage[InstallSource]:
        """Find the install media."""

    def find_place(self, request: Request) -> Stage[Placement]:
        """Find the networks of the servers."""

    def find_contents(self, request: Request) -> Stage[Request]:
        """Look at the files of this machine that are to go into the image."""


@dataclass(frozen=True)
class Draft:
    """The part of a plan that is settled before a flavor is chosen or a quota asked for."""

    request: Stage[Request]
    parent: Stage[Image]
    system: Stage[System]
    source: Stage[InstallSource]
    place: Stage[Placement]
    answers: Stage[Answers]
    contents: Stage[Request]

    @property
    def stages(self) -> tuple[Stage[object], ...]:
        """All stages, in their order."""
        return (
            self.request,
            self.parent,
            self.system,
            self.source,
            self.place,
            self.contents,
            self.answers,
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong, each thing once."""
        lines = (problem for stage in self.stages for problem in stage.problems)
        return tuple(dict.fromkeys(lines))


def make_draft(
    catalog: Catalog, request: Request, build_id: str, around: Surroundings
) -> Draft:
    """Return the draft of a build; a stage that lacks an earlier one has no value."""
    checked, parent = _checked(request), Stage[Image]()
    if request.has_parent:
        parent = around.find_parent(request)
        system = parents.find_system(catalog, request, parent.value)
        if system.value:
            request = parents.settled(request, parent.value)
            request = dataclasses.replace(request, os=system.value.entry.name)
            request = parents.with_drive(request, system.value.entry)
    else:
        system = find_system(catalog, request)
    source: Stage[InstallSource] = Stage()
    if system.value:
        source = around.find_source(system.value, request)
    place = around.find_place(request)
    looked = around.find_contents(request)
    request = looked.value or request
    told: Stage[Answers] = Stage()
    if system.value:
        told = find_answers(system.value, request, build_id, source.value, place.value)
    checked = dataclasses.replace(checked, value=request)
    return Draft(checked, parent, system, source, place, told, looked)


def _checked(request: Request) -> Stage[Request]:
    """Check the request by itself."""
    problems = request_checks.validate_request(request)
    return Stage(request, problems=(*problems, *machine.validate_machine(request)))


@stage
def find_system(catalog: Catalog, request: Request) -> Stage[System]:
    """Find what is to be built, and where its installer is."""
    entry = catalog.entry(request.os)
    if request.arch not in entry.arches:
        raise SpecError(
            f"{entry.title} is not known for {request.arch}; it is for "
            + ", ".join(sorted(entry.arches))
        )
    problems = families.family(entry.family).problems(entry, request)
    if request.driver_iso and not entry.driver_properties:
        problems.append(f"{entry.title} has its drivers itself; leave out --driver-iso")
    system = install_tree.system(_equipped(entry, request), request)
    if not system.tree.source:
        none = f"{entry.title} has no public install tree: give --source"
        raise SpecError([none, *problems])
    notes = tuple(f"note: {line}" for line in entry.deviations)
    if system.entry.min_disk_gib > entry.min_disk_gib:
        notes += (
            f"disk: {system.entry.min_disk_gib} GiB at least, because of the volumes "
            "beside the root",
        )
    return Stage(system, notes=notes, problems=tuple(problems))


def _equipped(entry: Entry, request: Request) -> Entry:
    """Return the entry with room for volumes, and the devices that there are drivers for."""
    entry = dataclasses.replace(entry, min_disk_gib=disk.needed_gib(entry, request))
    if not request.driver_iso:
        return entry
    return dataclasses.replace(
        entry,
        boot_properties={**entry.boot_properties, **entry.driver_properties},
        properties={**entry.properties, **entry.driver_properties},
    )


def delivered(
    system: System, source: InstallSource | None, place: Placement | None
) -> AnswerDelivery:
    """Return how the answers reach the installer, as far as media and place are known."""
    iso = source.media.iso if source else Iso()
    return AnswerDelivery(
        boot_method=source.boot_method if source else "",
        address=place.network.address if place else None,
        metadata=place.metadata if place else True,
        disc=IsoRef(iso.label, iso.url_for_guests),
        from_iso=install_tree.is_iso(system.tree.source),
    )


@stage
def find_answers(
    system: System,
    request: Request,
    build_id: str,
    source: InstallSource | None,
    place: Placement | None,
) -> Stage[Answers]:
    """Render what the guests are told, and look for what is wrong with it.

    ``source`` and ``place`` are None where they are not known.
    """
    entry, address = system.entry, place.network.address if place else None
    delivery = delivered(system, source, place)
    told = answers.render(entry, request, build_id, system.packages, delivery)
    problems = preflight.check_answers(entry, request, told)
    problems += access.problems(system, request, told)
    problems += own_tests.unable(entry, request, told.verify)
    warnings = access.warnings(system, request, source) if source else []
    if source and address and boot.load(source.boot_method).starts_installed:
        problems += preflight.check_layer_address(place)
    elif source and address:
        lines, unresolved = preflight.check_address(
            entry, source, address, told, metadata=delivery.metadata
        )
        on_cd = boot.load(source.boot_method).answers_on_cd
        (warnings if on_cd else problems).extend(lines)
        warnings += unresolved
    warnings += preflight.warn_answer_file(entry, request)
    warnings += preflight.warn_signs(entry)
    return Stage(told, warnings=tuple(warnings), problems=tuple(problems))
