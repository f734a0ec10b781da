"""Find where the installer comes from: an install tree, or an ISO.

Found out and checked while a build is planned; nothing is written. ISOs are in
`osc_imagebuild.planning.iso_source`.
"""

from __future__ import annotations

import dataclasses

from osc_imagebuild import boot
from osc_imagebuild.clock import Clock
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests import install_tree
from osc_imagebuild.guests.install_tree import InstallTree, System
from osc_imagebuild.media import content, http
from osc_imagebuild.media.backoff import retry_answered
from osc_imagebuild.media.door import Door
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Iso, Media
from osc_imagebuild.model.urls import shown_url
from osc_imagebuild.planning import downloads, driver_iso, parents, selection
from osc_imagebuild.planning.iso_source import find_iso
from osc_imagebuild.planning.request_checks import address_problems
from osc_imagebuild.planning.spec_builder import InstallSource
from osc_imagebuild.planning.stage import Stage, chosen, stage


@stage
def find_source(
    api: Api,
    system: System,
    request: Request,
    door: Door,
    *,
    look_inside: bool = True,
) -> Stage[InstallSource]:
    """Find the media, reachable as far as that can be seen from here.

    ``door`` leads to web servers; ``look_inside`` is as in `find_iso`.

    :raises: CloudError
    """
    if request.has_parent:
        found, name = parents.source(request, system.parent), request.boot_method
        note = f"boot method {found.boot_method}: an image is changed"
        return Stage(found, notes=(note,) if name == "auto" else ())
    source = _address(system, request)
    if not request.source and (problems := address_problems("source", source)):
        raise SpecError(problems)
    if "://" in source and not source.startswith(("http://", "https://")):
        raise SpecError(
            f"the install tree must be an http(s) URL: {shown_url(source)!r:.200}"
        )
    if source and not install_tree.is_iso(source):
        source_stage = _find_tree(api.clock, system, request, door)
    else:
        source_stage = find_iso(
            api, system, request, source, door, look_inside=look_inside
        )
    if not source_stage.value:
        return source_stage
    media = source_stage.value.media
    drivers = driver_iso.find_drivers(api, system, request, media.iso, door)
    media = dataclasses.replace(media, drivers=drivers.value or Iso())
    return Stage(dataclasses.replace(source_stage.value, media=media)).after(
        source_stage, drivers
    )


def _address(system: System, request: Request) -> str:
    """Return the user's source, or the entry's: its ISO only where that is asked for."""
    tree, name = system.tree, request.boot_method
    method = boot.find(system.entry.boot_methods[0] if name == "auto" else name)
    wanted = method is not None and not method.takes_tree
    is_tree = not install_tree.is_iso(tree.source)
    return tree.iso_url if tree.iso_url and wanted and is_tree else tree.source


def _find_tree(
    clock: Clock, system: System, request: Request, door: Door
) -> Stage[InstallSource]:
    tree = system.tree
    name_of_tree = shown_url(tree.source)
    if request.checksum:
        raise SpecError(
            f"--checksum is an ISO's, and {name_of_tree} is an install tree, of "
            "which nothing would be compared with it"
        )
    missing = _missing_parts(request)
    choice = chosen(
        selection.boot_method(request, system.entry, tree.kernel_url, missing)
    )
    name = choice.value or ""
    method = boot.load(name)
    if not method.takes_tree:
        raise SpecError(
            f"boot method {name} takes the installer's ISO, and {name_of_tree} is an "
            "install tree; give the ISO with --source"
        )
    media = Media(
        source=tree.source, kernel_url=tree.kernel_url, ramdisk_url=tree.ramdisk_url
    )
    if method.uploads_kernel:
        warnings = downloads.look_at(clock, door, *tree.fetches)
        media = _with_digests(clock, media, tree, door)
    else:
        warnings = downloads.look_at(
            clock, door, tree.kernel_url, tree.ramdisk_url, *tree.fetches
        )
    return Stage(InstallSource(name, media), warnings=warnings).after(choice)


def _with_digests(clock: Clock, media: Media, tree: InstallTree, door: Door) -> Media:
    """Return media whose kernel and ramdisk cannot change until they are uploaded."""

    def digest(url: str) -> str:
        return http.digest(url, door)[0]

    try:
        return dataclasses.replace(
            media,
            kernel_sha256=retry_answered(clock, digest, tree.kernel_url),
            ramdisk_sha256=retry_answered(clock, digest, tree.ramdisk_url),
        )
    except TransientError as error:
        raise SpecError(str(error)) from error


def _missing_parts(request: Request) -> dict[str, list[str]]:
    """Return what this machine lacks for each boot method."""
    firmware, arch = machine.firmware(request), request.arch
    return {
        name: content.missing_parts(made)
        for name in boot.names()
        if (made := boot.load(name).made_here(firmware, arch))
    }
