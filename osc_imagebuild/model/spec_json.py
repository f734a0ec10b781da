"""Spec to JSON and back; checks of what a user typed. Pure."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from types import UnionType
from typing import Any

from osc_imagebuild.errors import RecordError
from osc_imagebuild.model.spec import Spec


def to_json(spec: Spec) -> str:
    """Return ``spec`` as JSON in plain ASCII, which every Glance stores."""
    return json.dumps(dataclasses.asdict(spec), sort_keys=True)


def from_json(text: str) -> Spec:
    """Return the spec in ``text``.

    :raises: RecordError where it is damaged or of another make
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
    """Return a data class of the package's own; exactly its fields are there."""
    hints = typing.get_type_hints(kind)
    # Fields that came later have a default, for builds that began before.
    given = {
        field.name
        for field in dataclasses.fields(kind)
        if field.name in data or field.default is dataclasses.MISSING
    }
    wrong = sorted(f"{at}{key}" for key in given ^ set(data))
    if wrong:
        raise RecordError(f"the build's spec lacks or adds {', '.join(wrong)}")
    return kind(**{key: _cast(data[key], hints[key], f"{at}{key}") for key in given})


def _cast(value: Any, hint: Any, key: str) -> Any:
    """Return ``value`` as the annotation says; JSON knows no tuples."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (UnionType, typing.Union):
        return None if value is None else _cast(value, args[0], key)
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
    raise RecordError(f"the build's spec is damaged at {key}: {value!r:.80}")
