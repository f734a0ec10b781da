"""Read what a guest says of a user's own tests, and keep it. Standard library only.

A guest writes JSON: ``boots``, how often it was up, and ``done``, for each test that was
run ``[round, place, exit code or null, hung, seconds, output]``; ``output`` is base64 of
the last bytes that it said; ``trouble`` is why none could be run. The record keeps the same,
packed.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from osc_imagebuild.model.own_tests import MOST, Expected, Outcome

# Of one test's output, in characters and lines.
LONGEST_OUTPUT, MOST_LINES = 2000, 20
# What the record has room for, in characters: of the first boot, and of all others together.
PACKED_LIMIT, FURTHER_LIMIT = 12_000, 16_000
_UNPACKED_LIMIT = 4 << 20
_MOST_BOOTS = 1000
_LONGEST_S = 1e6


class OutcomeError(ValueError):
    """A text is not what came of tests."""


@dataclass(frozen=True)
class Said:
    """What a guest says of all tests; ``trouble`` is why they could not be run."""

    outcomes: Sequence[Outcome]
    boots: int = 1
    trouble: str = ""


def read(data: bytes, tests: Sequence[Expected]) -> Said:
    """Return what a guest says of ``tests``: of none twice, and of no other.

    :raises: OutcomeError
    """
    try:
        said = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise OutcomeError("it is not JSON") from error
    if not isinstance(said, dict) or not isinstance(said.get("done"), list):
        raise OutcomeError("it does not tell which tests were run")
    boots = _whole(said.get("boots"), _MOST_BOOTS)
    if len(said["done"]) > 2 * MOST:
        raise OutcomeError("it tells of more tests than there can be")
    outcomes = [_outcome(row, tests) for row in said["done"]]
    if len({(o.number, o.name) for o in outcomes}) != len(outcomes):
        raise OutcomeError("it tells of a test twice")
    return Said(tuple(outcomes), boots, _words(said.get("trouble", "")))


def _outcome(row: Any, tests: Sequence[Expected]) -> Outcome:
    if not isinstance(row, list) or len(row) != 6:
        raise OutcomeError("a test is not six values")
    number, place, code, hung, seconds, output = row
    place = _whole(place, len(tests) - 1)
    return Outcome(
        name=tests[place].name,
        number=_whole(number, 2) or 1,
        exit_code=None if code is None else _whole(code, 255),
        hung=hung is True,
        seconds=_seconds(seconds),
        output=_output(output),
    )


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise OutcomeError(f"this is no number of 0 to {most}: {value!r:.40}")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value < _LONGEST_S:
        raise OutcomeError(f"these are no seconds: {value!r:.40}")
    return round(float(value), 1)


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise OutcomeError("its trouble is no text")
    return _plain(value[:300])


def _plain(line: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in line)


def _output(value: Any) -> str:
    """Return the last lines of any bytes as text that can be shown."""
    if not isinstance(value, str):
        raise OutcomeError("an output is no text")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise OutcomeError("an output is no base64") from error
    text = data.decode(errors="backslashreplace").replace("\r\n", "\n")
    lines = text.strip("\n").split("\n")[-MOST_LINES:]
    return "\n".join(map(_plain, lines))[-LONGEST_OUTPUT:]


def pack(said: Said, tests: Sequence[Expected], limit: int = PACKED_LIMIT) -> str:
    """Return what a record keeps; where it has no room for all output, the last of it."""
    places = {test.name: place for place, test in enumerate(tests)}
    longest = LONGEST_OUTPUT
    while True:
        rows = [_row(o, places[o.name], longest) for o in said.outcomes]
        kept = {"boots": said.boots, "done": rows, "trouble": said.trouble}
        text = json.dumps(kept)
        packed = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
        if len(packed) <= limit or not longest:
            return packed
        longest //= 2


def _row(outcome: Outcome, place: int, longest: int) -> list[Any]:
    output = outcome.output[-longest:] if longest else ""
    return [
        outcome.number,
        place,
        outcome.exit_code,
        outcome.hung,
        outcome.seconds,
        base64.b64encode(output.encode()).decode(),
    ]


def unpack(packed: str, tests: Sequence[Expected]) -> Said:
    """Return what `pack` was given; nothing where a record has something else.

    A record is anybody's word.
    """
    try:
        # Bounded: a hostile record must not fill the memory.
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(packed), _UNPACKED_LIMIT)
        return read(data, tests)
    except (ValueError, zlib.error):
        return Said((), 0)
