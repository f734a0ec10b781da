"""Check a catalogue entry by its JSON Schema, and say in words what is wrong.

A site writes such files by hand, and most of what is in them is used only while a
guest runs: an expression that is none would end a build there. The schema is one file,
``catalog.schema.json``, which editors and the documentation use as well.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osc_imagebuild.guests.mistakes import near, place
from osc_imagebuild.media import answer_cd

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

FILE = Path(__file__).parent / "catalog.schema.json"


@functools.cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of catalogue files."""
    read: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return read


def is_expression(value: object) -> bool:
    """Whether this is a regular expression."""
    if not isinstance(value, str):
        return False
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


@functools.cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator, FormatChecker

    formats = FormatChecker([])
    # What is no text is told by its type.
    formats.checks("regex")(lambda v: not isinstance(v, str) or is_expression(v))
    return Draft202012Validator(schema(), format_checker=formats)


class _Entry:
    """The data of an entry, equal to any that says the same in the same order."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data, self._text = data, repr(data)

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Entry) and self._text == other._text


def validate_entry(data: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an entry, in the order of its keys."""
    return list(_problems(_Entry(data)))


# An entry is asked for at each plan and each look at a console, and seldom changes.
@functools.lru_cache(maxsize=256)
def _problems(entry: _Entry) -> tuple[str, ...]:
    data = entry.data
    order = {key: number for number, key in enumerate(data)}
    errors = sorted(
        _validator().iter_errors(data), key=lambda e: order.get(_key(e), len(order))
    )
    lines = [line for error in errors for line in _sentences(data, error)]
    if isinstance(cd := data.get("answer_cd"), dict) and cd:
        of_cd = [line for line in lines if line.startswith("answer_cd.")]
        lines += _answer_cd(cd, of_cd)
    return tuple(dict.fromkeys(lines))


def _key(error: ValidationError) -> str:
    return str(next(iter(error.absolute_path), ""))


def _sentences(data: Any, error: ValidationError) -> Iterator[str]:
    path, part = list(error.absolute_path), error.schema
    value: Any = error.instance
    assert isinstance(part, Mapping)
    match error.validator:
        case "additionalProperties":
            keys = list(part["properties"])
            for key in value:
                if key not in keys and (path or isinstance(key, str)):
                    yield f"{place([*path, key])}: no such key{_near(key, keys, path)}"
        case "type" if "propertyNames" in error.schema_path:
            yield f"{place(path)}: a key must be a text, not {value!r:.60}"
        case "minItems" | "minProperties" if not value and len(path) == 1:
            yield f"{place(path)} needs at least one"
        case _:
            where, words, part_value = _taken(data, path)
            yield f"{place(where)} takes {words}; not {part_value!r:.60}"


def _near(key: object, keys: Sequence[str], path: Sequence[object]) -> str:
    if path:
        return f"; there are: {', '.join(keys)}"
    return near(str(key), keys)


def _taken(data: Any, path: Sequence[str | int]) -> tuple[list[str | int], str, Any]:
    """The innermost part with words for what it takes: its path, the words, its value."""
    part, value = _resolved(schema()), data
    innermost: tuple[list[str | int], str, Any] = ([], "a mapping", data)
    for depth, step in enumerate(path, 1):
        try:
            part, value = _resolved(_below(part, step)), value[step]
        except (LookupError, TypeError):
            break  # jsonschema leaves a key that is null out of the path
        if words := part.get("x-takes"):
            innermost = list(path[:depth]), str(words), value
    return innermost


def _below(part: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    """The schema of a key or an item."""
    if isinstance(step, str):
        below = part.get("properties", {}).get(step, part.get("additionalProperties"))
    else:
        row = part.get("prefixItems", ())
        below = row[step] if step < len(row) else part.get("items")
    return below if isinstance(below, Mapping) else {}


def _resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(part.get("$ref", "")).rpartition("/")[2]
    return schema()["$defs"][name] if name else part


def _answer_cd(cd: Mapping[Any, Any], of_parts: Sequence[str]) -> Iterator[str]:
    """What is wrong with the CD as a whole, where its parts are of the right kinds."""
    if "file" not in cd:
        yield "answer_cd.file missing"
    if not of_parts:
        files = [cd["file"]] if "file" in cd else []
        paths = [*files, *cd.get("empty", ()), *map(str, cd.get("texts", ()))]
        for line in answer_cd.validate_disc(cd.get("label", ""), paths):
            yield f"answer_cd: {line}"
