"""Prepare a failed build for another try, from the furthest step that it can go on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from osc_imagebuild.builds import record, record_store
from osc_imagebuild.builds.lease import Lease
from osc_imagebuild.builds.record import Record
from osc_imagebuild.builds.teardown import remove_result, teardown
from osc_imagebuild.cloud import limits
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.engine.retry_points import (
    HARVEST,
    INSTALL,
    POINTS,
    VERIFY,
    everything,
    look,
    possible,
)
from osc_imagebuild.errors import Message, NextStep, RecordError, SpecError, Verb
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import Milestone, Role, Status, boot_number
from osc_imagebuild.model.resources import Flavor
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.planning.networks import named_zone
from osc_imagebuild.planning.selection import named_flavor, volume_zone
from osc_imagebuild.steps import attempts, boots

# The marks that stay; all others are of what is done again.
_KEPT = {
    VERIFY: (
        Milestone.STARTED,
        Milestone.INSTALLED,
        Milestone.OFF,
        Milestone.HARVESTED,
    ),
    HARVEST: (Milestone.STARTED, Milestone.INSTALLED, Milestone.OFF),
    INSTALL: (),
}


@dataclass(frozen=True)
class Hardware:
    """Other hardware for what is done again; None is what the build had."""

    flavor: str | None = None
    availability_zone: str | None = None


def prepare(
    api: Api, held: Lease, start: str | None = None, hardware: Hardware = Hardware()
) -> Record:
    """Make a failed build one that can be driven, from step ``start`` on.

    Without ``start`` it is the furthest of `points`. What is of no use for that any
    more is removed first, while the lease ``held`` shows that somebody is at it.

    :raises: RecordError where the build has not failed, or another client drives it;
        SpecError where it cannot go on from there, or not on such hardware; CloudError
    """
    build, _ = record_store.reload(api, held.build_id)
    require_failed(build)
    require_texts(build)

    def heartbeat() -> None:
        if held.heartbeat_is_due:
            held.verify_held()
            record_store.update(api, build.id, lease=held.generation)
            held.touch()

    facts = look(api, build, everything(build.spec))
    start = _chosen(build, possible(build.spec, facts), start)
    spec = _changed(api, build, start, hardware)
    keep = _useful(build, facts, start)

    def remove() -> None:
        teardown(api, build.id, keep=keep, heartbeat=heartbeat, verb=Verb.RETRY)
        if start != VERIFY and build.made:
            # It may have its name already, and no mark of the build any more.
            remove_result(api, build.id, [i for i in build.made if i not in keep])

    retry_transient(api.clock, remove)
    marks = {n: m for n, m in build.marks.items() if n in _KEPT[start]}
    last = Mark(build.updated_at, {"attempt": build.step, "reason": build.reason})
    marks |= attempts.archive(build.marks, build.retries + 1, last)
    steps = (*build.steps, (record.RETRY, api.now()))
    held.verify_held()
    fields = _afresh(spec, marks, steps, held.generation)
    updated = retry_transient(
        api.clock,
        lambda: record_store.update(api, build.id, own=build.is_own, **fields),
    )
    held.touch()
    return updated


def _afresh(
    spec: Spec,
    marks: Mapping[str, Mark],
    steps: Sequence[tuple[str, float]],
    generation: int,
) -> dict[str, Any]:
    """Return the fields of the record of a build that goes on."""
    empty = dict.fromkeys(("step", "doing", "reason", "evidence", "signals"), "")
    return {
        **empty,
        "status": Status.BUILDING,
        "percent": "",
        "console_tail": "",
        "result_id": "",
        "spec": spec,
        "marks": marks,
        "steps": steps,
        "lease": generation,
    }


def require_failed(build: Record) -> None:
    """Check that a build can be tried again.

    :raises: RecordError with what fits instead
    """
    ways = {
        Status.BUILDING: Message("it goes on with: ", NextStep(Verb.RESUME, build.id)),
        Status.COMPLETE: "its result is there; create a build for another one",
        Status.CANCELLED: "nothing is left of it; create it again",
    }
    if build.status != Status.FAILED:
        raise RecordError(
            f"only a failed build can be tried again, build {build.id} is {build.status}",
            resolution=ways.get(build.status, ""),
            build_id=build.id,
            step=build.step,
        )


def require_texts(build: Record) -> None:
    """Check that the build's servers can be told what to do.

    :raises: RecordError
    """
    if not build.has_texts:
        raise RecordError(
            f"build {build.id} was cancelled after it failed, and its answer file "
            "removed with what it had made; create it again"
        )


def _chosen(build: Record, possible: Sequence[str], start: str | None) -> str:
    if start is None:
        return possible[0]
    if start not in POINTS:
        raise SpecError(
            f"a build is tried again from {', '.join(POINTS)}, not from {start!r:.60}",
            build_id=build.id,
        )
    if start not in possible:
        raise SpecError(
            f"nothing of build {build.id} is left that {start} could go on with; it "
            f"can be tried again from: {', '.join(possible)}",
            build_id=build.id,
        )
    return start


def _useful(build: Record, facts: Facts, start: str) -> tuple[str, ...]:
    """Return the IDs of what the next attempt needs."""
    boots = [image.id for role, image in facts.images.items() if role != Role.RESULT]
    volumes = {role: volume.id for role, volume in facts.volumes.items()}
    servers = [s.id for role, s in facts.servers.items() if role == Role.INSTALL]
    match start:
        case "verify":
            return build.made
        case "harvest":
            kept = [v for r, v in volumes.items() if not boot_number(r, Role.VERIFY)]
            return (*servers, *kept, *boots)
        case _:
            return ()


def _changed(api: Api, build: Record, start: str, hardware: Hardware) -> Spec:
    """Return the build's spec with other hardware, which is there as what was before is.

    :raises: SpecError where there is no such hardware, or the build does not fit it
    """
    spec = _in_zone(api, build, start, hardware.availability_zone)
    flavors = limits.flavors(api)
    if hardware.flavor:
        return _on_flavor(spec, start, named_flavor(flavors, hardware.flavor))
    if not any(flavor.id == spec.hardware.flavor_id for flavor in flavors):
        raise SpecError(
            Message(
                f"the flavor {spec.hardware.flavor_name} that the build had is gone; give another "
                "one with: ",
                NextStep(Verb.RETRY, build.id, (("flavor", "<flavor>"),)),
            ),
            build_id=build.id,
        )
    return spec


def _in_zone(api: Api, build: Record, start: str, zone: str | None) -> Spec:
    spec = build.spec
    if zone is None:
        return spec
    zone = named_zone(api, zone)
    volumes = ""
    if boots.makes_volumes(spec):
        volumes = volume_zone(zone, limits.zones(api, "volume"))[0]
    anew = (("start", INSTALL), ("availability_zone", zone))
    if (
        start != INSTALL
        and spec.hardware.has_root_volume
        and volumes != spec.hardware.volume_zone
    ):
        raise SpecError(
            Message(
                f"the build has volumes in the zone {spec.hardware.volume_zone or 'of before'}, "
                f"which cannot move to {zone}; begin anew there with: ",
                NextStep(Verb.RETRY, build.id, anew),
            ),
            build_id=build.id,
        )
    hardware = replace(spec.hardware, availability_zone=zone, volume_zone=volumes)
    return replace(spec, hardware=hardware)


def _on_flavor(spec: Spec, start: str, flavor: Flavor) -> Spec:
    anew, local = start == INSTALL, not spec.hardware.has_root_volume
    ram_mib = max(spec.result.min_ram_mib, spec.installer.ram_mib if anew else 0)
    disk_gib = spec.installer.disk_gib if anew else spec.hardware.disk_gib
    if flavor.ram_mib < ram_mib or (local and flavor.disk_gib < disk_gib):
        raise SpecError(
            f"flavor {flavor.name} is too small: it has {flavor.ram_mib} MiB of RAM and "
            f"{flavor.disk_gib} GiB of disk, the build needs {ram_mib} MiB"
            + (f" and {disk_gib} GiB" if local else "")
        )
    if anew and flavor.other_disks:
        raise SpecError(
            f"flavor {flavor.name} brings a swap or an ephemeral disk, which the "
            "installer may take for the system's; choose one without"
        )
    hardware = replace(spec.hardware, flavor_id=flavor.id, flavor_name=flavor.name)
    if not anew:
        return replace(spec, hardware=hardware)
    disk_gib = flavor.disk_gib if local else hardware.disk_gib
    properties = {**spec.result.properties, "imagebuild_flavor": flavor.name}
    return replace(
        spec,
        hardware=replace(hardware, disk_gib=disk_gib),
        installer=replace(spec.installer, expected_s=0),
        result=replace(spec.result, properties=properties),
    )
