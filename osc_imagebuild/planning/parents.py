"""Find the image that is changed, and which system of the catalogue it is.

What an image says of itself is its owner's word: it is compared, and kept as text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from osc_imagebuild import boot
from osc_imagebuild.builds import families as results
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import Message, NextStep, SpecError, Verb
from osc_imagebuild.guests import customization, families, install_tree
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.install_tree import InstallTree, System
from osc_imagebuild.model import family
from osc_imagebuild.model.names import PART_TAG, RECORD_TAG
from osc_imagebuild.model.ownership import may_read
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Media, Parent
from osc_imagebuild.planning.spec_builder import InstallSource
from osc_imagebuild.planning.stage import Stage, stage

_GIB = 1 << 30
# Formats of images that are no disks.
NO_DISKS = ("iso", "aki", "ari", "ami")
# What a server of an image needs beside its disk, and a copy of that disk would lack.
_APART = {
    "kernel_id": "it starts a kernel of its own",
    "block_device_mapping": "it is a snapshot of volumes; make an image of the volume first",
    "cinder_encryption_key_id": "it is encrypted",
}
# Properties that a result has of its parent, by what their names begin with.
_KEPT = ("os_", "hw_", "trait:")
_NOT_KEPT = ("os_glance", "os_command_line")
# Source: cinder.db.sqlalchemy.models, a value of metadata is String(255).
_LONGEST_VALUE = 255
# Variables by which installers ask for a machine.
_OF_MACHINE = ("needs_uefi", "needs_tpm")
# What an image can be given where its catalogue entry says nothing else.
FIELDS = (
    "root_password",
    "ssh_public_keys",
    "users",
    "packages",
    "repositories",
    "files",
    "contents",
    "commands",
    "proxy",
    "ca_certificates",
    "ansible",
    "hardening",
    "swap_mib",
    "update",
)
# Why it cannot be given the rest: other systems can, or none.
_NOT_TAKEN = "the script that changes it has no way to do so; a command may have one"
_HAS_ITS_OWN = "an image that exists has its own; a command can change it"


@stage
def find_parent(api: Api, request: Request) -> Stage[Image]:
    """Find the image that is changed: the one that is named, or the newest that is meant.

    :raises: CloudError
    """
    image = _chosen(request, _candidates(api, request))
    problems = _unfit(image, api.project_id())
    return Stage(
        image,
        notes=(f"parent: image {image.name} ({image.id})",),
        problems=tuple(f"image {_named(image)}: {problem}" for problem in problems),
    )


def _candidates(api: Api, request: Request) -> Sequence[Image]:
    """Return the images that may be meant, the best one last.

    :raises: SpecError where there is none, CloudError
    """
    if name := request.parent_family:
        current = results.current(api, name)
        if not isinstance(current, Image):
            raise SpecError(
                f"there is no image of the family {name!r:.100} to change: build one first"
            )
        return [current]
    name = request.from_image or ""
    found = (
        images.visible(api, name)
        if name
        else images.visible_with(api, request.from_properties)
    )
    if not found:
        wanted = repr(name) if name else _listed(request.from_properties)
        raise SpecError(f"there is no image {wanted:.200} to change")
    return found


def _chosen(request: Request, found: Sequence[Image]) -> Image:
    """Return the newest of images that has all that is asked for.

    :raises: SpecError
    """
    wanted = request.from_properties
    having = [i for i in found if wanted.items() <= dict(i.properties).items()]
    if not having:
        raise SpecError(
            f"image {request.from_image!r:.100} has not the properties "
            f"{_listed(wanted):.200}"
        )
    if len(having) > 1 and not wanted:
        ids = ", ".join(image.id for image in having)
        raise SpecError(
            f"several images are named {request.from_image!r:.100}: give one's ID, or "
            f"tell them apart with --from-image-property: {ids}"
        )
    return family.newest_first(having)[0]


def _listed(properties: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in properties.items())


def _unfit(image: Image, project_id: str) -> list[str]:
    """Return why an image cannot be changed."""
    problems = [
        f"it cannot be changed, because {why}"
        for key, why in _APART.items()
        if image.properties.get(key)
    ]
    if not may_read(image, project_id):
        problems.append("it is another project's, and not shared with this one")
    if image.status != "active":
        problems.append(
            f"it is {image.status}, and only an active image can be changed"
        )
    if {PART_TAG, RECORD_TAG} & image.tags:
        problems.append("it is part of a build that has not let go of it")
    if image.disk_format in NO_DISKS:
        problems.append(
            f"its format is {image.disk_format}, and only a disk can be changed; an "
            "installer's ISO is given with --source"
        )
    return problems


def _named(image: Image) -> str:
    return image.name or image.id


def disk_gib(image: Image) -> int:
    """Return the smallest disk in GiB that an image fits on."""
    size = -(-max(image.size, image.virtual_size) // _GIB)
    return max(1, image.min_disk_gib, size)


def kept_properties(image: Image) -> dict[str, str]:
    """Return what a result has of its parent's properties, unless it is given others."""
    return {
        key: value
        for key, value in image.properties.items()
        if key.startswith(_KEPT)
        and not key.startswith(_NOT_KEPT)
        and len(value) <= _LONGEST_VALUE
    }


@stage
def find_system(
    catalog: Catalog, request: Request, image: Image | None
) -> Stage[System]:
    """Find which system of the catalogue an image is; None is one that nobody has seen.

    There is no value, and nothing wrong, where neither it nor the user can tell.
    """
    name = request.os or (_system_of(catalog, image) if image else "")
    if not name:
        return Stage()
    entry = catalog.entry(name)
    if not entry.layer.get("template"):
        raise SpecError(
            f"an image of {entry.title} cannot be changed: the catalogue has no template "
            "of user data for it (its key layer); build it anew from its installer"
        )
    request = settled(request, image)
    if request.arch not in entry.arches:
        raise SpecError(f"{entry.title} is not known for {request.arch}")
    problems = [
        *_refused(entry, request),
        *families.family(entry.family).problems(_as_there(entry), request),
    ]
    packages = install_tree.install_tree(
        entry, dataclasses.replace(request, from_image=None, from_properties={})
    ).source
    tree = InstallTree(f"image {image.id}" if image else "", "", "", "", "")
    system = System(_layered(entry, request, image), tree, packages, image)
    note = "" if request.os or not image else f"OS {entry.name}: as the image says"
    return Stage(
        system,
        notes=tuple(filter(None, (note,))),
        problems=tuple(dict.fromkeys(problems)),
    )


def _system_of(catalog: Catalog, image: Image) -> str:
    """Return the name of the entry that an image says it is of.

    :raises: SpecError where it does not tell
    """
    said = image.properties
    if said.get(family.OS) in catalog.names():
        return said[family.OS]
    distro, version = said.get("os_distro", ""), said.get("os_version", "")
    for wanted in dict.fromkeys((version, version.partition(".")[0])):
        for name in catalog.names() if distro and wanted else ():
            known = catalog.entry(name).properties
            if (known.get("os_distro"), known.get("os_version")) == (distro, wanted):
                return name
    has = (
        f"os_distro={distro:.60} and os_version={version:.60}"
        if distro
        else "no os_distro"
    )
    raise SpecError(
        Message(
            f"image {_named(image)} does not tell which system it is: it has {has}, and "
            "no imagebuild_os that the catalogue knows; give --os (see: ",
            NextStep(Verb.LIST_OS),
            ")",
        )
    )


def told_system(catalog: Catalog, image: Image) -> str:
    """Return the name of the entry that an image says it is of, '' where it does not tell."""
    try:
        return _system_of(catalog, image)
    except SpecError:
        return ""


def settled(request: Request, image: Image | None) -> Request:
    """Return a request with what its parent decides: architecture and firmware.

    :raises: SpecError where another architecture is asked for
    """
    if image is None:
        return request
    arch = image.properties.get("architecture") or request.arch
    if request.arch not in (arch, Request.arch):
        raise SpecError(
            f"image {_named(image)} is for {arch:.20}: leave out --arch {request.arch}"
        )
    uefi = image.properties.get("hw_firmware_type") == "uefi"
    return dataclasses.replace(
        request, arch=arch, firmware="uefi" if uefi else request.firmware
    )


def with_drive(request: Request, entry: Entry) -> Request:
    """Return a request that asks for a config drive where user data are read nowhere else."""
    if request.config_drive is not None or not entry.layer.get("config_drive"):
        return request
    return dataclasses.replace(request, config_drive=True)


def _as_there(entry: Entry) -> Entry:
    """Return an entry that asks for no machine: the image says which it is for."""
    free = {key: False for key in _OF_MACHINE if key in entry.variables}
    return dataclasses.replace(entry, variables={**entry.variables, **free})


def _refused(entry: Entry, request: Request) -> list[str]:
    takes = entry.layer.get("takes", FIELDS)
    reasons = {
        field: _NOT_TAKEN if field in FIELDS else _HAS_ITS_OWN
        for field in customization.FIELDS
        if field not in takes
    }
    return customization.refused(request, f"a changed image of {entry.title}", reasons)


def _layered(entry: Entry, request: Request, image: Image | None) -> Entry:
    """Return an entry of which no installer is left, with the needs of the image."""
    ram_mib = max(entry.result_min_ram_mib, image.min_ram_mib if image else 0)
    return dataclasses.replace(
        entry,
        title=f"image {_named(image)}" if image else entry.title,
        answer=entry.layer["template"],
        answer_cd={},
        kernel_args="",
        iso_kernel_args="",
        network={},
        config_drive_url=None,
        release_file="",
        fetches=(),
        # What the parent was made of is its own business.
        indexes=entry.indexes if request.packages or request.updates else (),
        progress=(),
        failures=(),
        banners=(),
        press_key=(),
        boot_properties={},
        driver_properties={},
        properties={**entry.properties, **(kept_properties(image) if image else {})},
        boot_methods=boot.of_parents(),
        min_ram_mib=ram_mib,
        result_min_ram_mib=ram_mib,
        min_disk_gib=disk_gib(image) if image else entry.min_disk_gib,
    )


def source(request: Request, image: Image | None) -> InstallSource:
    """Return the image as what a build begins with; None is one that nobody has seen."""
    method = boot.of_parents()[0]
    if image is None:
        named = request.from_image or _listed(request.from_properties)
        return InstallSource(method, Media(source=f"image {named}"))
    parent = Parent(
        image_id=image.id,
        name=image.name,
        family=request.parent_family,
        sha512=image.sha512,
        size_gib=disk_gib(image),
    )
    return InstallSource(method, Media(source=f"image {image.id}", parent=parent))
