"""Read a preseed file as debian-installer does. Pure.

Source: preseed (of Debian 13), debconf-set-selections and preseed.sh; debconf's own
debconf-set-selections; rootskel, src/lib/debian-installer/exit-command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from osc_imagebuild.guests.answer_lint import debconf
from osc_imagebuild.guests.answer_lint.reading import (
    HALT,
    OFF,
    End,
    Finding,
    Reading,
    Script,
    Value,
)

# Source: debconf-set-selections(1), debconf-devel(7).
_TYPES = ("string", "boolean", "select", "multiselect", "note", "text", "password")
_OTHER_TYPES = ("title", "error", "seen")
_SIZE = re.compile(r"-?\d+%?")
_COMMANDS = ("preseed/include_command",)
_FETCHED = ("preseed/include", "preseed/run", "preseed/url", "preseed/file")
_EXIT = "debian-installer/exit/"
SHOWN = 80


class Line(NamedTuple):
    """A setting: where it begins, and all of it on one line."""

    number: int
    text: str


def read(text: str) -> Reading:
    """Take a preseed file apart."""
    reading = Reading()
    answers: dict[str, tuple[int, str]] = {}
    for line in lines(text, reading):
        words = line.text.split(None, 3)
        if _refused(line, words, reading):
            continue
        value = words[3].strip() if len(words) == 4 else ""
        name, kind = words[1], words[2]
        if kind == "seen":
            continue
        answers[name] = (line.number, value)
        reading.mistakes += _mistakes(line.number, name, kind, value)
        if name.endswith("_command") or name in _COMMANDS:
            late = name == "preseed/late_command"
            reading.scripts.append(Script(line.number, value, whole=False, late=late))
        else:
            reading.values.append(Value(line.number, value))
        if kind == "password" and value and not name.endswith("-crypted"):
            reading.secret(line.number, f"the password of {name}")
        if name in _FETCHED and value:
            reading.unseen.append(Finding(line.number, name))
    reading.scripts += _hidden(text, reading.scripts)
    # Commands are run when all of the file was read, and its end is asked for last.
    for number, name, value in debconf.answers(reading.scripts):
        answers[name] = (number, value)
    reading.end = _end(answers)
    return reading


def lines(text: str, reading: Reading) -> Iterator[Line]:
    """Settings as the installer joins them: its comments are gone before that."""
    begun, number, last = "", 0, 0
    for at, raw in enumerate(text.splitlines(), 1):
        if raw.startswith("#") or not raw.strip():
            if begun and not raw.strip() and not last:
                last = at
            continue
        line = raw.replace("\r", "").lstrip()
        if begun and last:
            reading.mistake(
                number,
                f"a backslash before the empty line {last} joins line {at} to this one",
            )
        last = 0
        number = number if begun else at
        if line.endswith("\\"):
            begun = f"{begun} {line[:-1].rstrip()}".lstrip()
            continue
        yield Line(number, f"{begun} {line}".lstrip())
        begun = ""
    if begun:
        reading.mistake(
            number,
            "the last line ends in a backslash: the installer loses this setting",
        )


def _refused(line: Line, words: list[str], reading: Reading) -> bool:
    """Whether this is no setting. The installer stops at fewer than three fields."""
    shown = line.text.strip()[:SHOWN]
    comment = words[0].startswith("#")
    if len(words) < 3:
        why = " (a comment begins in the first column)" if comment else ""
        reading.mistake(
            line.number,
            f"not 'owner question type value': {shown}{why}; Debian's installer stops "
            "here",
        )
        return True
    if comment:
        return True
    if "/" not in words[1]:
        reading.mistake(
            line.number,
            f"not 'owner question type value': {shown} (questions have a slash; short "
            "names are for the kernel's command line)",
        )
        return True
    return False


def _mistakes(line: int, name: str, kind: str, value: str) -> Iterator[Finding]:
    if kind not in _TYPES + _OTHER_TYPES:
        yield Finding(line, f"no type {kind!r}; there are: {', '.join(_TYPES)}")
    elif kind == "boolean" and value not in ("true", "false"):
        yield Finding(line, f"{name} is to be true or false, not {value[:SHOWN]!r}")
    elif name == "partman-auto/expert_recipe":
        yield from (Finding(line, problem) for problem in _recipe(value))


def _recipe(value: str) -> Iterator[str]:
    """Source: debian-installer's partman-auto-recipe.txt."""
    label, colons, rest = value.partition("::")
    parts = re.split(r"(?:^|\s)\.(?=\s|$)", rest)
    if not colons or not label.strip() or parts[-1].strip():
        yield "a recipe is 'label ::' and partitions that each end in ' .'"
        return
    for part in parts[:-1]:
        words = part.split()
        sizes = [word for word in words[:3] if _SIZE.fullmatch(word)]
        if len(sizes) < 3 or len(words) < 4 or part.count("{") != part.count("}"):
            yield (
                "a partition begins with minimum, priority, maximum and file system, "
                f"and closes its braces: {' '.join(words)[:SHOWN]}"
            )


def _end(answers: dict[str, tuple[int, str]]) -> End | None:
    """The last answer counts; the installer asks for the halt first."""
    for name, kind in (("always_halt", HALT), ("halt", HALT), ("poweroff", OFF)):
        line, value = answers.get(_EXIT + name, (0, ""))
        if value == "true":
            return End(line, kind, f"{_EXIT}{name} true")
    return None


def _hidden(text: str, scripts: list[Script]) -> list[Script]:
    """Comments of one kind, where a command takes them out of the file as a script."""
    hidden = []
    for script in scripts:
        for mark in re.findall(r"\^(#[^ /'\"a-zA-Z0-9]*)", script.text):
            rows = text.splitlines()
            at = next((n for n, row in enumerate(rows, 1) if row.startswith(mark)), 0)
            taken = [
                row[len(mark) :].removeprefix(" ")
                for row in rows
                if row.startswith(mark)
            ]
            hidden.append(Script(at, "\n".join(taken), whole=False))
    return hidden
