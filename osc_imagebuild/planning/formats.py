"""Choose in which formats images go up, and what they must say, by what Glance takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from osc_imagebuild import boot, outputs
from osc_imagebuild.cloud import image_schema
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import Clouds
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.formats import (
    CD_FORMATS,
    DISK_FORMATS,
    REQUIRED_FIELDS,
    TEXT_FORMATS,
    Formats,
    ImageSchema,
    container_of,
)
from osc_imagebuild.model.names import IMAGE_FIELDS, RESERVED_PREFIXES
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.planning.spec_builder import InstallSource, Servers
from osc_imagebuild.planning.stage import Stage

# What each image of a build says of itself anyway.
_ALWAYS = ("name", "visibility", "os_hidden", "tags", "id")
NO_CHANGES = (
    "Glance refuses every change of an image here: it requires properties (schema-image.json) "
    "and misses them in each single change, as its version 33.0.0 does. No build can keep its "
    "record so: an administrator has to mend that, or to require none"
)


@dataclass(frozen=True)
class Taken:
    """What Glance takes, and what was chosen of it."""

    schema: ImageSchema = field(default_factory=ImageSchema)
    formats: Formats = field(default_factory=Formats)


def find_formats(
    api: Api, request: Request, source: InstallSource | None, servers: Servers | None
) -> Stage[Taken]:
    """Choose the formats of stubs, blank disks, CDs, and of the result.

    Raw where Cinder makes volumes of it, which then has nothing to convert; what Nova
    makes disks of can be small.

    :raises: CloudError
    """
    schema = image_schema.read(api)
    on_volume = servers is not None and servers.volume_gib > 0
    disk = schema.first(*(DISK_FORMATS[::-1] if on_volume else DISK_FORMATS))
    result = _find_result(api, request, schema, on_volume=on_volume)
    formats = Formats(
        disk=disk,
        cd=schema.first(*CD_FORMATS) or CD_FORMATS[0],
        text=schema.first(*TEXT_FORMATS),
        result=result.value or Formats().result,
    )
    problems = list(result.problems)
    starts_installed = source and boot.load(source.boot_method).starts_installed
    if servers and source and not (disk or on_volume or starts_installed):
        problems.append(
            "Glance takes no disk as qcow2 or raw here, and so the root disk must be a volume: "
            "give --disk, and --boot-method kernel or cdrom"
        )
    if schema.required and not image_schema.lets_change(api):
        problems.append(NO_CHANGES)
    warnings = result.warnings
    if not formats.text:
        warnings += (
            "what the image has is not kept beside it: Glance takes no raw images here",
        )
    taken = Taken(schema, formats)
    return Stage(taken, result.notes, warnings, tuple(problems))


def _find_result(
    api: Api, request: Request, schema: ImageSchema, *, on_volume: bool
) -> Stage[str]:
    """Choose the format of what Cinder makes of a root volume; Nova knows its own.

    :raises: CloudError
    """
    output, wanted = outputs.find(request.output), request.disk_format
    if output is None or Image not in output.kinds:
        return Stage()
    if wanted:
        if schema.takes(wanted):
            return Stage(wanted)
        listed = ", ".join(sorted(schema.disk_formats))
        return Stage(
            problems=(f"Glance takes no image as {wanted} here; it takes: {listed}",)
        )
    if not on_volume:
        return Stage(warnings=_warn_of_nova(schema))
    taken = [name for name in DISK_FORMATS if schema.takes(name)]
    if not taken:
        return Stage(
            problems=(
                "Glance takes no disk as qcow2 or raw here, and Cinder makes no others: take "
                "--output volume or snapshot",
            )
        )
    if len(taken) > 1 and image_schema.prefers_raw(api):
        note = (
            "format of the image: raw, as are most of the images that all projects have"
        )
        return Stage("raw", (note,))
    return Stage(taken[0])


def _warn_of_nova(schema: ImageSchema) -> tuple[str, ...]:
    """Tell that Nova may make an image of a disk in a format that Glance refuses.

    Source: nova.virt.libvirt.driver, snapshot: the format of its disks, which users are
    not told.
    """
    lacks = [name for name in DISK_FORMATS if not schema.takes(name)]
    if len(lacks) != 1:
        return ()
    other = next(name for name in DISK_FORMATS if name not in lacks)
    return (
        f"Glance takes no {lacks[0]} here: where Nova keeps disks so, it can make no image of "
        f"one; then give --disk-format {other}, by which Cinder makes it",
    )


def require(formats: Formats, schema: ImageSchema, said: Mapping[str, str]) -> Formats:
    """Return formats with the required properties, as far as the result has them.

    ``said`` are the result's properties.
    """
    own = {"disk_format": formats.text, "container_format": container_of(formats.text)}
    known = {**said, **{key: own[key] for key in REQUIRED_FIELDS if formats.text}}
    required = {key: known[key] for key in schema.required if key in known}
    return dataclasses.replace(formats, required=required)


def check_spec(spec: Spec, schema: ImageSchema, parent: Image | None) -> Stage[None]:
    """Check that Glance takes each image that the build makes.

    :raises: CloudError
    """
    problems = [
        f"Glance takes no image as {image.disk_format} in {image.container_format} here, "
        f"and the {image.role} of boot method {spec.installer.boot_method} is one"
        for image in boot.images(spec)
        if not _takes(schema, image.disk_format, image.container_format)
    ]
    problems += _lacking(schema, spec.formats.required)
    if parent and spec.hardware.has_root_volume:
        problems += [
            f"image {parent.name} lacks the property {key}, without which Glance takes no "
            f"image here: openstack image set --property {key}=... {parent.id}"
            for key in schema.required
            if key not in parent.properties and key not in IMAGE_FIELDS
        ]
    return Stage(problems=tuple(problems))


def check_copies(clouds: Clouds, spec: Spec) -> Stage[None]:
    """Check that other clouds require no more of a copy than the image says.

    One that cannot be asked now is asked when the copy is made.
    """
    problems = []
    for copy in spec.result.copies:
        try:
            schema = image_schema.read(clouds.api(copy.target))
        except CloudError:
            continue
        lines = _lacking(schema, spec.result.properties)
        problems += [f"no copy to {copy.target}: {line}" for line in lines]
    return Stage(problems=tuple(problems))


def _takes(schema: ImageSchema, disk_format: str, container_format: str) -> bool:
    containers = schema.container_formats
    return schema.takes(disk_format) and (
        not containers or container_format in containers
    )


def _lacking(schema: ImageSchema, said: Mapping[str, str]) -> list[str]:
    """Return what an image with properties lacks, or may not say so."""
    problems = []
    for key, values in schema.required.items():
        listed = f" (one of: {', '.join(values)})" if values else ""
        if key in (*_ALWAYS, *REQUIRED_FIELDS):
            continue
        if key in IMAGE_FIELDS or key.startswith(RESERVED_PREFIXES):
            problems.append(
                f"Glance requires {key:.60} of each image here, which no user can give"
            )
        elif key not in said:
            problems.append(
                f"Glance takes no image without the property {key:.60} here: give --property "
                f"{key:.60}=<value>{listed}"
            )
        elif values and said[key] not in values:
            problems.append(
                f"Glance takes no {key:.60}={said[key]:.60} here{listed}: give another "
                "--property"
            )
    return problems
