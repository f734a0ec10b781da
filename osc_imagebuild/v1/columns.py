"""Clean texts that others wrote before a terminal shows them.

Names, reasons and consoles come from records, services and guests that others write to;
a terminal obeys the control characters in them, and what is invisible misleads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cliff import columns

_OURS = "\n\t"
# As wide as others, and in what people write: no-break and ideographic.
_BLANKS = "\xa0\u3000"
# What is printable by its kind, and yet shown as nothing.
# Source: Unicode's DerivedCoreProperties.txt, Default_Ignorable_Code_Point.
_UNSEEN = frozenset(
    [
        *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0",
        *map(chr, range(0xFE00, 0xFE10)),
        *map(chr, range(0xE0100, 0xE01F0)),
    ]
)


def is_harmless(char: str) -> bool:
    """Whether a terminal shows a character, and does nothing else with it."""
    return (char.isprintable() and char not in _UNSEEN) or char in _BLANKS


def plain(text: str) -> str:
    """Return ``text`` with all that is no visible character written out, but its lines.

    That is: C0 and C1, escape sequences with them, NUL, what turns the direction of
    writing, what has no width, other line ends, and halves of surrogates.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in _OURS or is_harmless(c) else _written(c) for c in text)


def line(text: str) -> str:
    """Return ``text`` as one line: its own line ends are written out too."""
    return plain(text).replace("\n", "\\n").replace("\t", "\\t")


def _written(char: str) -> str:
    # Surrogates have no other encoding, and are escaped by this one.
    return char.encode("unicode_escape", "backslashreplace").decode()


class Lines(columns.FormattableColumn):  # type: ignore[type-arg]  # no generic in old ones
    """A text of several lines in a table; -f json and -f yaml give it as it is."""

    def human_readable(self) -> str:
        return plain(self._value.replace("\r\n", "\n"))


class Texts(Lines):
    """Several texts, on one line of a table; -f json and -f yaml give a list."""

    def human_readable(self) -> str:
        return ", ".join(line(text) for text in self._value)


class Age(columns.FormattableColumn):  # type: ignore[type-arg]  # no generic in old ones
    """An age in seconds; a table shows it as 12d or 3h, all other formats as it is."""

    def __init__(self, seconds: float) -> None:
        super().__init__(max(0, int(seconds)))

    def human_readable(self) -> str:
        from osc_imagebuild.model import ages

        return ages.shown(self._value)


def cell(value: Any) -> Any:
    """Return one value as a table, or a script, is to show it."""
    if isinstance(value, Lines):
        return value.human_readable()
    return line(value) if isinstance(value, str) else value


def cells(values: Sequence[Any]) -> list[Any]:
    """Return the values of one row."""
    return [cell(value) for value in values]
