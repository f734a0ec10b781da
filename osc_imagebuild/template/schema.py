"""Check a template by its JSON Schema. Pure but for its file.

The schema is one file of JSON Schema, which editors, the documentation and
``template schema`` use as well. ``x-hint`` in it says how to mend a mistake.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osc_imagebuild.guests import mistakes
from osc_imagebuild.guests.mistakes import near
from osc_imagebuild.template.document import MOST_PROBLEMS, Document

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

FILE = Path(__file__).parent / "schema.json"

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of templates."""
    parsed: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return parsed


def validate_template(document: Document) -> list[str]:
    """Return all that is wrong with a template, one line each, in its order."""
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(schema()).iter_errors(document.data)
    sentences = (sentence for error in errors for sentence in _sentences(error))
    located = [
        (document.place(path), name(path), what)
        for path, what in itertools.islice(sentences, MOST_PROBLEMS)
    ]
    located.sort(key=lambda item: (item[0].file, item[0].line))
    return [f"{place}: {key}{what}" for place, key, what in located]


def name(path: Sequence[str | int]) -> str:
    """Return a path as people write it, such as 'customise.files[1].mode: '."""
    return f"{mistakes.place(path)}: " if path else ""


def _sentences(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    path = tuple(error.absolute_path)
    value: Any = error.instance
    wanted: Any = error.validator_value
    part: Any = error.schema
    match error.validator:
        case "additionalProperties" if isinstance(wanted, bool):
            allowed = list(part.get("properties", {}))
            for key in value:
                if key not in allowed:
                    yield (*path, key), _unknown(key, allowed)
        case "required":
            missing = [key for key in wanted if key not in value]
            # One error for each of them, with the same list.
            if missing and error.message.startswith(repr(missing[0])):
                for key in missing:
                    yield path, f"{key} is missing"
        case "oneOf":
            choices = [choice["required"][0] for choice in wanted]
            yield path, f"needs exactly one of {', '.join(choices)}"
        case "enum" | "const":
            allowed = [
                str(w) for w in (wanted if isinstance(wanted, list) else [wanted])
            ]
            near_one = near(str(value), allowed)
            yield path, f"takes {', '.join(allowed)}; not {_shown(value)}{near_one}"
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            words = " or ".join(_KINDS[kind] for kind in kinds)
            yield path, f"takes {words}" + (_hint(part) or f"; not {_shown(value)}")
        case "pattern" if "x-hint" in part:
            yield path, f"this is not what it takes{_hint(part)}"
        case "pattern":
            yield path, f"{_shown(value)} does not match {wanted}"
        case "minimum" | "maximum" | "minLength" | "maxLength":
            word = "least" if error.validator.startswith("min") else "most"
            unit = " characters" if "Length" in error.validator else ""
            yield path, f"takes {wanted}{unit} at {word}"
        case "minProperties" | "maxProperties":
            yield path, f"takes exactly one of {', '.join(part['properties'])}"
        case _:
            yield path, error.message


def _unknown(key: str, allowed: Sequence[str]) -> str:
    return "no such key" + (near(key, allowed) or f"; there are: {', '.join(allowed)}")


def _hint(part: Any) -> str:
    return f"; {part['x-hint']}" if "x-hint" in part else ""


def _shown(value: Any) -> str:
    """A value for people; never one that may be a secret in plain text."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"{value!r:.60}"
