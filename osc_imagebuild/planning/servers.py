"""Choose the flavor of the servers, and where their root disk is."""

from __future__ import annotations

from osc_imagebuild import outputs
from osc_imagebuild.cloud import limits, volume_types
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.model import contents
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image, Quota, VolumeType
from osc_imagebuild.planning import networks, preflight, selection
from osc_imagebuild.planning.contents import check_contents
from osc_imagebuild.planning.spec_builder import InstallSource, Servers
from osc_imagebuild.planning.stage import Stage, chosen, stage
from osc_imagebuild.steps.boot_sources import ENCRYPTED

NO_VOLUME = (
    "--volume-type is for volumes, and this build makes none: leave it out, or put the root "
    "disk on a volume with --disk"
)


@stage
def find_servers(
    api: Api, request: Request, system: System | None, source: InstallSource | None
) -> Stage[Servers]:
    """Choose the flavor; and a volume for the root disk, where the flavor's will not do."""
    flavors = limits.flavors(api)
    if system is None:
        # How large it must be is unknown, but whether it exists is not.
        if request.flavor:
            selection.named_flavor(flavors, request.flavor)
        if request.volume_type and api.has("volume"):
            selection.volume_type(volume_types.every(api), request.volume_type)
        return Stage()
    entry = system.entry
    gib, _ = _root(request, entry, source, no_disk=False)
    flavor, note = selection.flavor(flavors, request.flavor, entry, on_volume=gib > 0)
    notes = (note,) if note else ()
    gib, note = _root(request, entry, source, no_disk=flavor.disk_gib == 0)
    disc = contents.disc(request.contents, as_disk=False)
    problems = check_contents(api, request)
    if not gib and (problems or not disc):
        if request.volume_type is not None and not disc:
            problems = [*problems, NO_VOLUME]
        return Stage(Servers(flavor), notes, problems=tuple(problems))
    cds = preflight.cds_gib(entry, source) if source and gib else ()
    cds = (*cds, disc.size_gib) if disc else cds
    problems = problems or preflight.check_volume_quota(api, request, gib, cds)
    zone = chosen(networks.volume_zone(api, request))
    needs = preflight.volume_needs(request, gib, cds)
    kind = _find_type(api, request, needs, zone.value or "", for_root=gib > 0)
    return Stage(
        Servers(flavor, gib, zone.value or "", kind.value.id if kind.value else ""),
        notes=(*notes, *filter(None, (note,)), *zone.notes),
        problems=(*problems, *kind.problems),
    )


@stage
def _find_type(
    api: Api, request: Request, needs: Quota, zone: str, *, for_root: bool
) -> Stage[VolumeType]:
    """Find the type of the volumes, if one is asked for, and see whether it will do."""
    if not request.volume_type or not api.has("volume"):
        return Stage()
    kind = selection.volume_type(volume_types.every(api), request.volume_type)
    problems = preflight.lacking(
        volume_types.room(api, kind), needs, f" of type {kind.name}"
    )
    if zone and kind.zones and zone not in kind.zones:
        problems.append(
            f"volume type {kind.name} is for availability zone "
            f"{' and '.join(kind.zones)}, and the servers are in {zone}"
        )
    output = outputs.find(request.output)
    is_image = output is not None and Image in output.kinds
    if for_root and is_image and volume_types.is_encrypted(api, kind.id):
        problems.append(ENCRYPTED.format(f"volume type {kind.name} is"))
    return Stage(kind, problems=tuple(problems))


def _root(
    request: Request, entry: Entry, source: InstallSource | None, *, no_disk: bool
) -> tuple[int, str]:
    """Return the size of the root volume, 0 for a disk of the flavor's, and why."""
    output = outputs.find(request.output)
    return selection.root(
        request,
        entry,
        source.boot_method if source else "",
        needed=output is not None and output.needs_volume,
        formatted=bool(request.disk_format),
        cds=source is not None and source.media.iso.as_cd,
        no_disk=no_disk,
    )
