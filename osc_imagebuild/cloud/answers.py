"""Read the JSON of services' answers, which may be of any shape.

What a proxy, or a service that breaks, answers with status 200 is no reason to die of a
KeyError.

What is missing or of another type raises one of `GARBLED`, which `Api` puts in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# What reading an answer of the wrong shape raises, here and in Python itself.
GARBLED = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
)


def obj(value: Any) -> Mapping[str, Any]:
    """Return ``value``, which must be an object.

    :raises: TypeError
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} instead of an object")
    return value


def text(data: Mapping[str, Any], key: str) -> str:
    """Return the text under ``key``, with ? for halves of surrogates.

    JSON can have such, and what a guest writes may come as such; no file takes them,
    nor does RE2.

    :raises: KeyError, TypeError
    """
    value = data[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {type(value).__name__} instead of a text")
    return value.encode(errors="replace").decode()


def text_or(data: Mapping[str, Any], key: str) -> str:
    """Return the text under ``key``, '' where there is none.

    :raises: TypeError where it is something else
    """
    return "" if data.get(key) is None else text(data, key)


def texts(value: Any) -> list[str]:
    """Return a list of texts, as tags are; none where there is nothing.

    :raises: TypeError
    """
    entries = list(items(value))
    if not all(isinstance(item, str) for item in entries):
        raise TypeError("something else among texts")
    return entries


def items(value: Any) -> Sequence[Any]:
    """Return a list, an empty one where there is nothing.

    :raises: TypeError
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} instead of a list")
    return value


def objects(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the list of objects that must be under ``key``.

    :raises: KeyError, TypeError
    """
    if data[key] is None:
        raise TypeError(f"{key} is null instead of a list")
    return [obj(item) for item in items(data[key])]


def whole(data: Mapping[str, Any], key: str) -> int:
    """Return the number under ``key``, 0 where there is none.

    :raises: TypeError, ValueError, OverflowError
    """
    return int(data.get(key) or 0)
