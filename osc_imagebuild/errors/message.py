"""Messages that name next steps, which each program puts in its own words.

The library knows its own calls, and a command knows commands: so a text keeps the next
steps in it as data, and whoever shows it decides how they read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verb(StrEnum):
    """What can be done next, with a build or with the catalogue."""

    LIST = "list"
    SHOW = "show"
    RESUME = "resume"
    RETRY = "retry"
    COPY = "copy"
    CANCEL = "cancel"
    DELETE = "delete"
    LOG = "log"
    SCREENSHOT = "screenshot"
    LIST_OS = "list-os"
    LIST_FAMILIES = "list-families"
    SHOW_REPORT = "show-report"


# Calls of this library; those that are not here are methods of Builder.
_CALLS = {
    Verb.LIST_OS: "Catalog.names({})",
    Verb.LIST_FAMILIES: "Builder.families({})",
    Verb.SHOW_REPORT: "Catalog.entry({}).report_hint",
}


@dataclass(frozen=True)
class NextStep:
    """One thing to do next; ``target`` is a build's ID, or the name of an OS.

    ``options`` are names and values of further arguments; a value in angle brackets is
    for the user to fill in. As a text it is the call of this library that does it.
    """

    verb: Verb
    target: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        call = _CALLS.get(self.verb, f"Builder.{self.verb}({{}})")
        target = [repr(self.target)] if self.target else []
        options = [f"{name}={value!r}" for name, value in self.options]
        return call.format(", ".join(target + options))


class Message(str):
    """A text, some parts of which are next steps.

    It can be used as any other text is, and holds its parts so long as nobody makes
    another text of it.
    """

    parts: tuple[str | NextStep, ...]

    def __new__(cls, *parts: str | NextStep) -> Message:
        flat: list[str | NextStep] = []
        for part in parts:
            flat += part.parts if isinstance(part, Message) else (part,)
        message = super().__new__(cls, "".join(str(part) for part in flat))
        message.parts = tuple(flat)
        return message

    def __getnewargs__(self) -> tuple[Any, ...]:  # for copies and pickles
        return self.parts

    @classmethod
    def lines(cls, texts: Iterable[str]) -> Message:
        """Return those of ``texts`` that are not empty, a line each."""
        parts: list[str] = []
        for text in filter(None, texts):
            parts += ("\n", text) if parts else (text,)
        return cls(*parts)

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """The next steps that the text speaks of."""
        return tuple(part for part in self.parts if isinstance(part, NextStep))

    def worded(self, word: Callable[[NextStep], str]) -> str:
        """Return the text with each next step as ``word`` calls it."""
        return "".join(
            word(part) if isinstance(part, NextStep) else part for part in self.parts
        )
