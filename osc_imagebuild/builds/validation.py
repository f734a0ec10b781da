"""Check what a record says, whoever wrote it: every member of a project can. Pure.

What passes is of a size, a range and a form that no other part of the package has to
look at again. It is not thereby true: what a record names is only touched where it
carries evidence of its own that the build made it.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from osc_imagebuild import boot, outputs
from osc_imagebuild.media import answer_cd
from osc_imagebuild.model import boots, contents, copies, own_tests
from osc_imagebuild.model.contents import Disc
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.metadata import Standard
from osc_imagebuild.model.names import (
    IMAGE_FIELDS,
    SERVER_PROPERTY,
    VISIBILITIES,
    Milestone,
)
from osc_imagebuild.model.spec import Address, AnswerDisc, Spec
from osc_imagebuild.steps import attempts

# Most characters of a property of the record. Source: glance.db.sqlalchemy.models has
# TEXT, of 64 KiB in MySQL.
PROPERTY_LIMIT = 65_535
# Most characters of one text in it, most items of one list or table, and most of a sign;
# for that see guests/catalog.schema.json.
_LONGEST_TEXT, _MOST_ITEMS, _LONGEST_SIGN = 16_384, 256, 1000
# Ranges of numbers by the unit that their names end in.
_RANGES = {
    "_gib": (0, 65_536),
    "_mib": (0, 16_777_216),
    "_bytes": (0, contents.MOST_BYTES),
    "_s": (0, 30 * 86_400),
    "attempts": (1, attempts.MOST),
    "expect_exit": (0, 255),
    "percent": (0, 100),
}
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
# IDs and names that services let an operator choose.
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._: -]{0,253}[A-Za-z0-9._-])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"(?:[0-9a-f]{64}|[0-9a-f]{128})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODE = re.compile(r"(?:[0-7]{3,4})?")
_OWNER = re.compile(r"(?:[a-z_][a-z0-9_-]{0,31}(?::[a-z_][a-z0-9_-]{0,31})?)?")
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f]+")
_PATH = re.compile(r"/|[A-Za-z]:[/\\]")
_MARK = re.compile(
    r"(?:attempt|copy|earlier|kept|sha512)-[a-z0-9-]{1,40}"
    r"|(?:rebooted|tested|verified)-boot[0-9]{1,2}"
)
_STEP = re.compile(r"[a-z0-9][a-z0-9 -]{0,60}")
# NUL, and halves of surrogates, which have no encoding.
_NO_TEXT = re.compile(r"[\0\ud800-\udfff]")


def check_length(name: str, text: str) -> str:
    """Return the text of a property, which must fit into one.

    :raises: ValueError
    """
    if len(text) > PROPERTY_LIMIT:
        raise ValueError(f"its {name} has {len(text)} characters")
    return text


def check_spec(spec: Spec) -> None:
    """Check that a spec can be worked with.

    :raises: ValueError
    """
    _walk(spec, "spec")
    _require("the boot method", spec.installer.boot_method, boot.names())
    _require("the output", spec.result.output, outputs.names())
    _require("the firmware", spec.hardware.firmware, boots.FIRMWARES)
    _require("the visibility", spec.result.visibility, VISIBILITIES)
    _require("the metadata", spec.result.metadata, ("", *Standard))
    _match("the system", spec.installer.os, _NAME)
    _match("the family", spec.installer.family, _NAME)
    _match("the architecture", spec.installer.arch, _NAME)
    _match("the flavor", spec.hardware.flavor_id, _WORD)
    for item in (*spec.network.networks, *spec.network.security_groups):
        _match("a network or security group", item, _WORD)
    _check_options(spec)
    if not spec.network.networks:
        raise ValueError("it has no network")
    _check_signs(spec)
    for key in (*spec.hardware.properties, *spec.result.properties):
        if key in IMAGE_FIELDS:
            raise ValueError(f"{key} is a field of every image, and no property")
    _check_copies(spec)
    if problems := own_tests.wrong(spec.verify.tests):
        raise ValueError(problems[0])
    for item in (word for there in spec.verify.boots for word in there.ids):
        _match("a flavor or network of a boot", item, _WORD)
    if problem := boots.wrong(spec.verify.boots):
        raise ValueError(problem)
    check_id("the result", spec.result.made_id)
    _match("a digest", spec.result.made_sha512, _DIGEST)
    _check_media(spec)
    _check_disc(spec.answers)
    _check_contents(spec.contents)
    if spec.network.address:
        _check_address(spec.network.address)


def _check_options(spec: Spec) -> None:
    """Check ports, type of volumes, and metadata of servers."""
    for port in spec.network.ports:
        _match("a port", port, _WORD)
    if len(spec.network.ports) > len(spec.network.networks):
        raise ValueError("it has a port on no network")
    if spec.hardware.volume_type:
        _match("the volume type", spec.hardware.volume_type, _WORD)
    for key in spec.hardware.server_properties:
        _match("a server property", key, SERVER_PROPERTY)


def _walk(value: Any, at: str) -> None:
    """Check the size of every text, list and number in a spec."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            _walk(getattr(value, field.name), f"{at}.{field.name}")
    elif isinstance(value, str):
        if len(value) > _LONGEST_TEXT or _NO_TEXT.search(value):
            raise ValueError(
                f"{at} is longer than {_LONGEST_TEXT} characters, or has what is none"
            )
    elif isinstance(value, Mapping | Sequence):
        if len(value) > _MOST_ITEMS:
            raise ValueError(f"{at} has more than {_MOST_ITEMS} items")
        items = value.items() if isinstance(value, Mapping) else value
        for item in items:
            _walk(item, at)
    elif isinstance(value, int) and not isinstance(value, bool):
        least, most = next(
            (span for unit, span in _RANGES.items() if at.endswith(unit)), (0, 100)
        )
        if not least <= value <= most:
            raise ValueError(f"{at} is none of {least} to {most}")


def _check_copies(spec: Spec) -> None:
    """Check where copies go: each of them is a login, and may take hours."""
    result = spec.result
    many = (
        len(result.copies) > copies.MOST_COPIES
        or len(result.stores) > copies.MOST_STORES
    )
    if many:
        raise ValueError("it is to be copied more often than any image is")
    # Cinder's results have no visibility, and are copied nowhere.
    is_image = outputs.load(result.output).has_visibility
    if (result.copies or result.stores) and not is_image:
        raise ValueError(f"a {result.output} is copied nowhere")
    for copy in result.copies:
        if wrong := copies.problem(copy):
            raise ValueError(wrong)
        for item in (*filter(None, (copy.flavor_id,)), *copy.networks):
            _match("a flavor or network of a copy", item, _WORD)
    for store in result.stores:
        _match("a store", store, copies.STORE)


def _check_signs(spec: Spec) -> None:
    installer = spec.installer
    signs = [row[0] for row in installer.progress]
    signs += [row[0] for row in installer.failures]
    for sign in (*signs, *installer.banners, spec.verify.sign):
        if len(sign) > _LONGEST_SIGN:
            raise ValueError(f"a sign is longer than {_LONGEST_SIGN} characters")


def _require(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{what} {value!r:.60} is none of {', '.join(allowed)}")


def _match(what: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value) or ".." in value.split("/"):
        raise ValueError(f"{what} has another form: {value!r:.60}")


def _check_media(spec: Spec) -> None:
    media = spec.media
    for url in filter(None, (media.kernel_url, media.ramdisk_url)):
        _match("a URL", url, _URL)
    for digest in (media.kernel_sha256, media.ramdisk_sha256):
        _match("a digest", digest, _DIGEST)
    if media.parent:
        _match("a parent image", media.parent.image_id, _UUID)
        _match("a digest", media.parent.sha512, _DIGEST)
    elif boot.load(spec.installer.boot_method).starts_installed:
        raise ValueError("it is to change an image, and names none")
    for iso in (media.iso, media.drivers):
        for digest in (iso.sha256, iso.sha512):
            _match("a digest", digest, _DIGEST)
        if iso.image_id:
            _match("an image", iso.image_id, _UUID)
        if iso.url and not _PATH.match(iso.url):
            _match("a URL", iso.url, _URL)
        elif not iso.url.isprintable():
            raise ValueError(f"no file is named {iso.url!r:.60}")
        if iso.imported:
            _match("a URL that Glance fetches", iso.url, _URL)


def _check_disc(disc: AnswerDisc) -> None:
    if problems := answer_cd.validate_disc(disc.label, [*disc.files, *disc.texts]):
        raise ValueError("; ".join(problems))


def _check_contents(disc: Disc) -> None:
    """Check what is to be packed, and how large that may become."""
    if len(disc.items) > contents.MOST or disc.size_bytes > contents.MOST_BYTES:
        raise ValueError("its contents are more than any disc may have")
    for item in disc.items:
        _require("the kind of a content", item.kind, list(contents.Kind))
        _match("the digest of a content", item.sha256, _SHA256)
        _match("the mode of a content", item.mode, _MODE)
        _match("the owner of a content", item.owner, _OWNER)
        if not _PATH.match(item.source) or not item.source.isprintable():
            raise ValueError(f"no file is named {item.source!r:.60}")
        if not item.name.isprintable() or not item.name or "/" in item.name:
            raise ValueError(f"no content is called {item.name!r:.60}")


def _check_address(address: Address) -> None:
    """Check addresses, which become part of scripts.

    :raises: ValueError
    """
    network = ipaddress.IPv4Network(address.subnet)
    ipaddress.IPv4Address(address.ip)
    for other in (*address.nameservers.split(), *address.gateway.split()):
        ipaddress.IPv4Address(other)
    if (str(network.netmask), str(network.prefixlen)) != (
        address.netmask,
        address.prefix,
    ):
        raise ValueError(f"netmask and prefix are none of {network}")


def check_marks(marks: Mapping[str, Mark]) -> None:
    """Check that marks are ones of this build, and name resources by their IDs.

    :raises: ValueError
    """
    if len(marks) > _MOST_ITEMS:
        raise ValueError(f"more than {_MOST_ITEMS} marks")
    for name, mark in marks.items():
        if name not in list(Milestone) and not _MARK.fullmatch(name):
            raise ValueError(f"no mark is named {name!r:.60}")
        # What the guest reported is text, whatever its keys are.
        reported = name == Milestone.INSTALLED
        for key, value in mark.data.items():
            if len(key) > _LONGEST_TEXT or len(value) > _LONGEST_TEXT:
                raise ValueError(f"mark {name} is too long")
            if key.endswith("_id") and value and not reported:
                _match(f"{key} of mark {name}", value, _UUID)
        for volume in mark.data.get("volumes", "").split():
            _match(f"a volume of mark {name}", volume, _UUID)
    harvested = marks.get(Milestone.HARVESTED)
    if harvested and not any(harvested.data.values()):
        raise ValueError("the mark 'harvested' names no result")


def check_steps(steps: Sequence[tuple[str, float]]) -> None:
    """Check that steps have names, and that they are not too many.

    :raises: ValueError
    """
    if len(steps) > 10 * _MOST_ITEMS:
        raise ValueError(f"more than {10 * _MOST_ITEMS} steps")
    for name, _ in steps:
        _match("a step", name, _STEP)


def check_id(what: str, value: str) -> str:
    """Return the ID of a resource; '' where there is none.

    :raises: ValueError where it is none
    """
    if value:
        _match(what, value, _UUID)
    return value
