"""Try a failed build again, from the furthest step whose evidence is still there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from osc_imagebuild import boot, lease, outputs, record
from osc_imagebuild import spec as specs
from osc_imagebuild.choose import named_flavor
from osc_imagebuild.cloud import inventory
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.observe import observe
from osc_imagebuild.errors import RecordError, SpecError
from osc_imagebuild.model import Facts, Mark, Spec
from osc_imagebuild.place import named_zone
from osc_imagebuild.record import Record
from osc_imagebuild.steps.volumes import ROOT
from osc_imagebuild.teardown import teardown

VERIFY, HARVEST, INSTALL = "verify", "harvest", "install"
# The last one first: what is there already need not be made again.
POINTS = (VERIFY, HARVEST, INSTALL)
# The marks that stay; all others are of what is done again.
_KEPT = {
    VERIFY: ("started", "installed", "off", "harvested"),
    HARVEST: ("started", "installed", "off"),
    INSTALL: (),
}


@dataclass(frozen=True)
class Hardware:
    """Other hardware for what is done again; None is what the build had."""

    flavor: str | None = None
    availability_zone: str | None = None


def points(api: Api, build: Record) -> tuple[str, ...]:
    """Return the steps that a failed build can go on from, the furthest first.

    ``install`` is always one: the record has all that a build needs.

    :raises: CloudError
    """
    if build.status != "failed":
        return ()
    facts = _facts(api, build)
    return tuple(point for point in POINTS if _has_evidence(build.spec, facts, point))


def retry(
    api: Api, build: Record, start: str | None = None, hardware: Hardware = Hardware()
) -> Record:
    """Make a failed build one that can be driven, from step ``start`` on.

    Without ``start`` it is the furthest of `points`. What is of no use for that any
    more is removed first.

    :raises: RecordError where the build has not failed, or another client drives it;
        SpecError where it cannot go on from there, or not on such hardware; CloudError
    """
    held = lease.take(api, build.id)
    try:
        build, _ = record.reload(api, build.id)
        _require_failed(build)
        facts = _facts(api, build)
        start = _chosen(build, facts, start)
        spec = _changed(api, build.spec, start, hardware)
        teardown(api, build.id, keep=_useful(build, facts, start))
        marks = {n: m for n, m in build.marks.items() if n in _KEPT[start]}
        held.prove()
        return record.update(api, build.id, **_afresh(spec, marks, held.generation))
    finally:
        held.release()


def _afresh(
    spec: Spec, marks: Mapping[str, Mark], generation: int
) -> dict[str, object]:
    """Fields of the record of a build that goes on."""
    empty = dict.fromkeys(("step", "doing", "reason", "evidence", "signals"), "")
    return {
        **empty,
        "status": "building",
        "percent": "",
        "console_tail": "",
        "result_id": "",
        "spec": specs.to_json(spec),
        "marks": marks,
        "lease": generation,
    }


def _require_failed(build: Record) -> None:
    advice = {
        "building": f"it goes on with: openstack image build resume {build.id}",
        "complete": "its result is there; create a build for another one",
        "cancelled": "nothing is left of it; create it again",
    }
    if build.status != "failed":
        raise RecordError(
            f"only a failed build can be tried again, build {build.id} is "
            f"{build.status}: {advice.get(build.status, '')}"
        )


def _facts(api: Api, build: Record) -> Facts:
    parts = {"images", "result", "servers", "server:install"}
    if build.spec.root == "volume" or build.spec.output != "image":
        parts |= {"volumes", "snapshots"}
    return observe(api, build.id, boot.shared(build.spec), build.marks, None, parts)


def _has_evidence(spec: Spec, facts: Facts, point: str) -> bool:
    match point:
        case "verify":
            noted = "harvested" in facts.marks
            return noted and outputs.load(spec.output).result(facts) is not None
        case "harvest":
            server = facts.servers.get("install")
            off = server is not None and server.is_off
            free = server is None and ROOT in facts.volumes
            return "installed" in facts.marks and (off or free)
        case _:
            return True


def _chosen(build: Record, facts: Facts, start: str | None) -> str:
    possible = [p for p in POINTS if _has_evidence(build.spec, facts, p)]
    if start is None:
        return possible[0]
    if start not in POINTS:
        raise SpecError(
            f"a build is tried again from {', '.join(POINTS)}, not from {start!r:.60}"
        )
    if start not in possible:
        raise SpecError(
            f"nothing of build {build.id} is left that {start} could go on with; it "
            f"can be tried again from: {', '.join(possible)}"
        )
    return start


def _useful(build: Record, facts: Facts, start: str) -> tuple[str, ...]:
    """Return the IDs of what the next attempt needs."""
    boots = [image.id for role, image in facts.images.items() if role != "result"]
    volumes = {role: volume.id for role, volume in facts.volumes.items()}
    servers = [s.id for role, s in facts.servers.items() if role == "install"]
    match start:
        case "verify":
            return build.made
        case "harvest":
            kept = [v for role, v in volumes.items() if role != "verify"]
            return (*servers, *kept, *boots)
        case _:
            return ()


def _changed(api: Api, spec: Spec, start: str, hardware: Hardware) -> Spec:
    """Return the spec with other hardware.

    :raises: SpecError where there is no such hardware, or the build does not fit it
    """
    if hardware.availability_zone:
        zone = named_zone(api, hardware.availability_zone)
        spec = dataclasses.replace(spec, availability_zone=zone)
    if not hardware.flavor:
        return spec
    flavor = named_flavor(inventory.flavors(api), hardware.flavor)
    needed_gib = 0 if spec.root == "volume" else spec.disk_gib
    if flavor.disk_gib < needed_gib or flavor.ram_mib < spec.min_ram_mib:
        raise SpecError(
            f"flavor {flavor.name} is too small: it has {flavor.ram_mib} MiB of RAM and "
            f"{flavor.disk_gib} GiB of disk, the build needs {spec.min_ram_mib} MiB and "
            f"{needed_gib} GiB"
        )
    spec = dataclasses.replace(spec, flavor_id=flavor.id, flavor_name=flavor.name)
    if start != INSTALL:
        return spec
    properties = {**spec.result_properties, "imagebuild_flavor": flavor.name}
    disk = spec.disk_gib if spec.root == "volume" else flavor.disk_gib
    return dataclasses.replace(
        spec, disk_gib=disk, expected_s=0, result_properties=properties
    )
