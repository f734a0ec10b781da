"""Write a spec as JSON and read it, also that of other versions. Pure."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Collection, Mapping
from types import NoneType, UnionType
from typing import Any

from osc_imagebuild.errors import RecordError
from osc_imagebuild.model.spec import DriverCd, Spec

# What a spec means that lacks a field: a build without what the field is for.
_DEFAULTS: Mapping[str, Any] = {
    "address": {},
    "answer_cd_files": {},
    "answer_cd_label": "",
    "answer_cd_texts": {},
    "answers_in_iso": False,
    "availability_zone": None,
    "banners": (),
    "boot_properties": {},
    "config_drive": False,
    "driver_cd": DriverCd(),
    "expected_s": 0,
    "failures": (),
    "family": "generic",
    "firmware": "bios",
    "flavor_name": "",
    "hints": {},
    "iso_as_cd": False,
    "iso_image_id": "",
    "iso_import": False,
    "iso_kernel": "",
    "iso_key": "",
    "iso_label": "",
    "iso_ramdisk": "",
    "iso_sha256": "",
    "iso_sha512": "",
    "iso_size_gib": 0,
    "iso_url": "",
    "iso_version": "",
    "keep_on_failure": False,
    "kernel_sha256": "",
    "kernel_url": "",
    "min_ram_mib": 0,
    "press_key": False,
    "progress": (),
    "ramdisk_sha256": "",
    "ramdisk_url": "",
    "result_tags": (),
    "result_visibility": "private",
    "security_groups": (),
    "source": "",
    "stall_s": 600,
    "timeout_s": 7200,
    "verify": True,
    "verify_config_drive": True,
    "verify_timeout_s": 1800,
    "volume_zone": "",
}
# Fields of one thing: none has a safe default where the build has that thing.
_TOGETHER = (
    ("kernel_url", "ramdisk_url", "kernel_sha256", "ramdisk_sha256"),
    tuple(name for name in _DEFAULTS if name.startswith("iso_")),
    tuple(name for name in _DEFAULTS if name.startswith("answer")),
)


class OtherVersionError(RecordError):
    """A spec that another version of the tool wrote, and this one cannot read."""


def to_json(spec: Spec) -> str:
    """Return ``spec`` as JSON in plain ASCII, which every Glance stores."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True)


def from_json(text: str) -> Spec:
    """Return the spec in ``text``.

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
    found: Spec = _fields(data, Spec)
    return found


def _fields(data: Mapping[str, Any], kind: Any, at: str = "") -> Any:
    """Return a data class of the package's own from those of its fields that are there."""
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    given = {f.name for f in fields if f.name in data}
    missing = {f.name: f.default for f in fields if f.name not in given}
    if kind is Spec:
        missing |= {n: _DEFAULTS[n] for n in _safe(data, missing)}
    lacks = sorted(
        at + n for n, value in missing.items() if value is dataclasses.MISSING
    )
    if lacks:
        raise OtherVersionError(f"its spec lacks {', '.join(lacks)}")
    known = {n: _cast(data[n], hints[n], at + n) for n in given}
    return kind(**known, **missing)


def _safe(data: Mapping[str, Any], missing: Collection[str]) -> set[str]:
    """Return which of the fields that are ``missing`` can have their default."""
    unsafe = {n for group in _TOGETHER if any(map(data.get, group)) for n in group}
    return {n for n in missing if n in _DEFAULTS and n not in unsafe}


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
        return _fields(value, hint, f"{key}.")
    if origin is None and type(value) is hint:
        return value
    raise OtherVersionError(f"its spec has at {key} what is none: {value!r:.80}")
