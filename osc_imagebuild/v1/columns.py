"""Clean texts that others wrote before a terminal shows them.

Names and reasons come from records and resources that anybody in the project can
write; a terminal obeys the control characters in them.
"""

from __future__ import annotations

from cliff import columns

_LINES = "\n\t"


def plain(text: str) -> str:
    """Return ``text`` with its control characters written out."""
    return "".join(
        c
        if c.isprintable() or c in _LINES
        else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


class Column(columns.FormattableColumn):  # type: ignore[type-arg]  # no generic in old ones
    """A text of others' in a table; -f json and the like give it as it is."""

    def human_readable(self) -> str:
        return plain(self._value)


def column(text: str) -> str | Column:
    """Return ``text`` for a table."""
    return text if plain(text) == text else Column(text)
