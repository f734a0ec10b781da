"""Decide conditions of a shell script that are constant. Pure.

Source: POSIX.1-2017, test; bash(1), CONDITIONAL EXPRESSIONS.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence

from osc_imagebuild.guests.answer_lint.shell import Token

_ALWAYS = {"true": True, ":": True, "false": False}
_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    **dict.fromkeys(("=", "=="), operator.eq),
    "!=": operator.ne,
}
_NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    **{"-eq": operator.eq, "-ne": operator.ne, "-lt": operator.lt},
    **{"-le": operator.le, "-gt": operator.gt, "-ge": operator.ge},
}
_JOINED = frozenset("-a -o && || ( ) <".split())
_NUMBER = re.compile(r"\(\(\s*(\d{1,9})\s*\)\)")
_PATTERN = re.compile(r"[*?\[]")


def status(words: Sequence[str]) -> bool | None:
    """Whether a command succeeds, None where that depends on more than its words."""
    name, rest = words[0], list(words[1:])
    if match := _NUMBER.fullmatch(name):
        return int(match[1]) != 0
    if name.removeprefix("/usr").removeprefix("/bin/") in _ALWAYS:
        return _ALWAYS[name.rpartition("/")[2]]
    closed = {"[": "]", "[[": "]]"}.get(name)
    if closed is None and name != "test":
        return None
    if closed is not None:
        if rest[-1:] != [closed]:
            return None
        rest.pop()
    return _test(rest, patterns=name == "[[")


def _test(words: list[str], *, patterns: bool) -> bool | None:
    if words[:1] == ["!"] and len(words) > 1:
        negated = _test(words[1:], patterns=patterns)
        return None if negated is None else not negated
    if _JOINED & {*words}:
        return None
    if len(words) < 2:
        return bool(words and words[0])
    if len(words) == 2:
        return {"-n": bool(words[1]), "-z": not words[1]}.get(words[0])
    if len(words) > 3 or (patterns and _PATTERN.search(words[2])):
        return None
    left, how, right = words
    if how in _TEXTS:
        return _TEXTS[how](left, right)
    try:
        return _NUMBERS[how](int(left), int(right))
    except (KeyError, ValueError):
        return None


def matches(subject: Token, patterns: Sequence[Token]) -> bool | None:
    """Whether one of a case's patterns fits, None for unknown."""
    if any(pattern.text == "*" and pattern.bare for pattern in patterns):
        return True
    plain = all(
        p.known and (not p.bare or not _PATTERN.search(p.text)) for p in patterns
    )
    is_match = subject.known and any(
        subject.text == pattern.text for pattern in patterns
    )
    return is_match if is_match or (plain and subject.known) else None
