"""Check what is asked of the cloud's small options, before the cloud is asked. Pure."""

from __future__ import annotations

import re

from osc_imagebuild import outputs
from osc_imagebuild.model import signatures
from osc_imagebuild.model.formats import DISK_FORMATS
from osc_imagebuild.model.names import SERVER_PROPERTY, UUID
from osc_imagebuild.model.numbers import MOST_GIB, MOST_MIB
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image

# Source: nova/api/validation/parameter_types.py, metadata.
LONGEST_VALUE = 255
MOST_PROPERTIES, MOST_PORTS = 128, 16
# Of names and IDs. Source: cinder.db.sqlalchemy.models.VolumeType.name is String(255).
_LONGEST_NAME = 255
_UUID = re.compile(UUID, re.IGNORECASE | re.ASCII)


def problems(request: Request) -> list[str]:
    """Return what is wrong with them, judged by the request alone."""
    return [
        *_port_problems(request),
        *_property_problems(request),
        *_image_problems(request),
        *_type_problems(request),
        *_signature_problems(request),
    ]


def _signature_problems(request: Request) -> list[str]:
    if not request.certificate_id:
        return []
    found = []
    # Source: nova.objects.image_meta: img_signature_certificate_uuid is a UUIDField.
    if not _UUID.fullmatch(request.certificate_id):
        found.append(
            "--sign-cert-id takes the ID of a certificate in the key manager, such as the last "
            f"part of its secret's address, not {request.certificate_id!r:.60}"
        )
    output = outputs.find(request.output)
    if output is not None and Image not in output.kinds:
        found.append(
            f"--sign-cert-id is for images, nobody checks a signature of a {request.output}: "
            "leave it out, or build an image"
        )
    own = sorted(set(signatures.PROPERTIES) & request.properties.keys())
    if own:
        found.append(
            f"the build sets {', '.join(own)} itself where an image is signed: leave them out"
        )
    return found


def _type_problems(request: Request) -> list[str]:
    name = request.volume_type
    if name is None or (name.strip() and len(name) <= _LONGEST_NAME):
        return []
    return [f"--volume-type takes a name or an ID, not {name!r:.60}"]


def _port_problems(request: Request) -> list[str]:
    found = [
        f"--port takes a name or an ID, not {name!r:.60}"
        for name in request.ports
        if not name.strip() or len(name) > _LONGEST_NAME
    ]
    if len(request.ports) > MOST_PORTS:
        found.append(f"--port can be given {MOST_PORTS} times at most")
    if request.ports and request.security_groups:
        found.append(
            "a port has security groups of its own, and Nova gives it no others: leave out "
            "--security-group, and set them with: openstack port set --security-group"
        )
    return found


def _property_problems(request: Request) -> list[str]:
    given = request.server_properties
    found = []
    for key, value in given.items():
        if not SERVER_PROPERTY.fullmatch(key):
            found.append(
                f"Nova takes no server property {key!r:.60}: its name has 1 to 255 letters, "
                "digits, blanks and the characters - _ : ."
            )
        elif key.lower().startswith("imagebuild"):
            found.append(
                f"server properties that begin with imagebuild are the tool's own: {key:.60}"
            )
        if len(value) > LONGEST_VALUE or not _is_storable(value):
            found.append(
                f"the value of the server property {key!r:.60} has more than "
                f"{LONGEST_VALUE} characters, or some that Nova cannot store"
            )
    if len(given) > MOST_PROPERTIES:
        found.append(f"a server has {MOST_PROPERTIES} properties at most")
    return found


def _is_storable(value: str) -> bool:
    """Whether a value is text that MySQL's utf8 stores."""
    return not any(
        ord(c) > 0xFFFF or 0xD800 <= ord(c) < 0xE000 or c == "\0" for c in value
    )


def _image_problems(request: Request) -> list[str]:
    output = outputs.find(request.output)
    declared = {
        "--min-disk": request.min_disk_gib,
        "--min-ram": request.min_ram_mib,
        "--protected": request.protected or None,
        "--disk-format": request.disk_format or None,
    }
    given = [option for option, value in declared.items() if value is not None]
    if output is not None and Image not in output.kinds:
        return [
            f"{option} is for images, Cinder knows no such thing of a {request.output}: leave "
            "it out, or build an image"
            for option in given
        ]
    if request.disk_format not in ("", *DISK_FORMATS):
        return [
            f"no disk format {request.disk_format!r:.60}; there are: "
            f"{', '.join(DISK_FORMATS)}"
        ]
    ranges = (
        ("--min-disk", request.min_disk_gib, MOST_GIB, "GiB"),
        ("--min-ram", request.min_ram_mib, MOST_MIB, "MiB"),
    )
    return [
        f"{option} takes 1 to {most} {unit}"
        for option, value, most, unit in ranges
        if value is not None and not 1 <= value <= most
    ]
