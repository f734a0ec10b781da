"""Write a spec as JSON and read it, also that of other versions. Pure."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing
from collections.abc import Collection, Mapping
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any

from osc_imagebuild.errors import RecordError
from osc_imagebuild.model.contents import Disc
from osc_imagebuild.model.spec import AnswerDisc, Iso, Media, Parent, Spec
from osc_imagebuild.model.urls import shown_text, shown_url

SCHEMA = 2
# Where the fields of schema 1 are, which had no parts.
SCHEMA_1 = {
    "os": "installer.os",
    "arch": "installer.arch",
    "boot_method": "installer.boot_method",
    "kernel_args": "installer.command_line",
    "family": "installer.family",
    "press_key": "installer.press_key",
    "install_ram_mib": "installer.ram_mib",
    "install_disk_gib": "installer.disk_gib",
    "expected_s": "installer.expected_s",
    "progress": "installer.progress",
    "failures": "installer.failures",
    "banners": "installer.banners",
    "source": "media.source",
    "kernel_url": "media.kernel_url",
    "ramdisk_url": "media.ramdisk_url",
    "kernel_sha256": "media.kernel_sha256",
    "ramdisk_sha256": "media.ramdisk_sha256",
    "iso_url": "media.iso.url",
    "iso_image_id": "media.iso.image_id",
    "iso_size_gib": "media.iso.size_gib",
    "iso_key": "media.iso.key",
    "iso_sha256": "media.iso.sha256",
    "iso_sha512": "media.iso.sha512",
    "iso_import": "media.iso.imported",
    "iso_as_cd": "media.iso.as_cd",
    "iso_label": "media.iso.label",
    "iso_kernel": "media.iso.kernel",
    "iso_ramdisk": "media.iso.ramdisk",
    "iso_version": "media.iso.version",
    "driver_cd": "media.drivers",
    "answer_cd_label": "answers.label",
    "answer_cd_files": "answers.files",
    "answer_cd_texts": "answers.texts",
    "answers_in_iso": "answers.in_iso",
    "networks": "network.networks",
    "address": "network.address",
    "config_drive": "network.config_drive",
    "security_groups": "network.security_groups",
    "flavor_id": "hardware.flavor_id",
    "flavor_name": "hardware.flavor_name",
    "root": "hardware.root",
    "disk_gib": "hardware.disk_gib",
    "firmware": "hardware.firmware",
    "boot_properties": "hardware.properties",
    "availability_zone": "hardware.availability_zone",
    "volume_zone": "hardware.volume_zone",
    "hints": "hardware.hints",
    "name": "result.name",
    "output": "result.output",
    "result_properties": "result.properties",
    "result_tags": "result.tags",
    "result_visibility": "result.visibility",
    "min_ram_mib": "result.min_ram_mib",
    "verify": "verify.enabled",
    "verify_sign": "verify.sign",
    "verify_timeout_s": "verify.timeout_s",
    "verify_config_drive": "verify.config_drive",
    "timeout_s": "conduct.timeout_s",
    "stall_s": "conduct.stall_s",
    "keep_on_failure": "conduct.keep_on_failure",
    "attempts": "conduct.attempts",
}
# Fields whose keys are others' words.
_USERS = ("boot_properties", "hints", "result_properties")
# Fields of one thing: none has a safe default where the build has that thing.
_TOGETHER: Mapping[type, tuple[str, ...]] = {
    Media: ("kernel_url", "ramdisk_url", "kernel_sha256", "ramdisk_sha256"),
    Iso: tuple(field.name for field in dataclasses.fields(Iso)),
    Parent: tuple(field.name for field in dataclasses.fields(Parent)),
    AnswerDisc: tuple(field.name for field in dataclasses.fields(AnswerDisc)),
    Disc: tuple(field.name for field in dataclasses.fields(Disc)),
}


class OtherVersionError(RecordError):
    """A spec that another version of the tool wrote, and this one cannot read."""


def to_json(spec: Spec) -> str:
    """Return ``spec`` as JSON in plain ASCII, which every Glance stores."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True)


def closed(spec: Spec) -> Spec:
    """Return ``spec`` as the record of a build that is over keeps it: without secrets.

    Addresses lose what opens doors. What the user typed as properties stays as it is, as
    it does on the image.
    """
    media, installer = spec.media, spec.installer
    return dataclasses.replace(
        spec,
        media=dataclasses.replace(
            media,
            source=shown_url(media.source),
            kernel_url=shown_url(media.kernel_url),
            ramdisk_url=shown_url(media.ramdisk_url),
            iso=dataclasses.replace(media.iso, url=shown_url(media.iso.url)),
            drivers=dataclasses.replace(
                media.drivers, url=shown_url(media.drivers.url)
            ),
        ),
        installer=dataclasses.replace(
            installer, command_line=shown_text(installer.command_line)
        ),
    )


def from_json(text: str, schema: int = SCHEMA) -> Spec:
    """Return the spec in ``text``, which is of ``schema`` 1 or 2.

    Fields that this version does not know are ignored, and what a spec lacks is as it
    was before there was such a field, where that is safe.

    :raises: OtherVersionError where it is of a make that cannot be read, RecordError
        where it is damaged
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"the build's spec is not JSON: {error}") from error
    if not isinstance(data, Mapping):
        raise RecordError("the build's spec is not a JSON object")
    spec: Spec = _read(_with_parts(data) if schema == 1 else data, Spec)
    return spec


def _with_parts(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a spec of schema 1 as schema 2 has them."""
    spec: dict[str, Any] = {}
    for name in SCHEMA_1.keys() & flat.keys():
        *parts, last = SCHEMA_1[name].split(".")
        part = spec
        for key in parts:
            part = part.setdefault(key, {})
        part[last] = flat[name]
    network, media = spec.setdefault("network", {}), spec.setdefault("media", {})
    network["address"] = network.get("address") or None
    if isinstance(drivers := media.get("drivers"), Mapping):
        media["drivers"] = dataclasses.asdict(Iso(as_cd=any(drivers.values()))) | {
            **drivers
        }
    return spec


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(data: Mapping[str, Any], kind: Any, at: str = "") -> Any:
    """Return a data class of `osc_imagebuild.model.spec` of the fields that are there."""
    hints = _hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    missing = fields.keys() - data.keys()
    lacks = {name for name in missing if _is_required(fields[name])}
    lacks |= missing & set(_unsafe(data, kind))
    if lacks:
        names = ", ".join(sorted(at + name for name in lacks))
        raise OtherVersionError(f"its spec lacks {names}")
    return kind(
        **{
            name: _cast(data[name], hints[name], at + name)
            for name in fields.keys() & data
        }
    )


def _is_required(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _unsafe(data: Mapping[str, Any], kind: type) -> Collection[str]:
    """Return which fields have no safe default beside the others that are there."""
    together = _TOGETHER.get(kind, ())
    return together if any(map(data.get, together)) else ()


def _cast(value: Any, hint: Any, key: str) -> Any:
    """Return ``value`` as the annotation says; JSON knows no tuples."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (UnionType, typing.Union):
        if value is None and NoneType in args:
            return None
        tuples = [arg for arg in args if typing.get_origin(arg) is tuple]
        lists = tuples if isinstance(value, list) else []
        return _cast(value, (*lists, *args)[0], key)
    if origin is tuple and isinstance(value, list):
        if args[-1] is Ellipsis:
            return tuple(_cast(item, args[0], key) for item in value)
        if len(value) == len(args):
            return tuple(_cast(v, a, key) for v, a in zip(value, args, strict=True))
    if origin is not None and isinstance(value, Mapping):
        return {str(k): _cast(v, args[1], key) for k, v in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return _read(value, hint, f"{key}.")
    if isinstance(hint, type) and issubclass(hint, StrEnum) and value in list(hint):
        return hint(value)
    if origin is None and type(value) is hint:
        return value
    raise OtherVersionError(f"its spec has at {key} what is none: {value!r:.80}")
