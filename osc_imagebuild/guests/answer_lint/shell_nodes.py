"""Nodes of a parsed shell script. Pure.

Source: POSIX.1-2017, Shell Command Language, 2.9.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from osc_imagebuild.guests.answer_lint.shell import Token


@dataclass
class Command:
    """One simple command: its words, and what it is fed.

    ``unknown`` are the places of words in which something is substituted, ``targets``
    the files that its output goes to, ``inside`` the scripts that are run for its words.
    """

    line: int
    words: list[str] = field(default_factory=list)
    unknown: set[int] = field(default_factory=set)
    targets: list[str] = field(default_factory=list)
    here: str = ""
    here_line: int = 0
    piped_from: Command | None = None
    inside: list[Sequence] = field(default_factory=list)


class Group(NamedTuple):
    """Commands in braces, or in a shell of their own."""

    body: Sequence
    own_shell: bool


class If(NamedTuple):
    """Conditions with what is done where they hold, and what is done otherwise."""

    branches: list[tuple[Sequence, Sequence]]
    otherwise: Sequence


class While(NamedTuple):
    """A loop while a condition holds, or until it does."""

    until: bool
    condition: Sequence
    body: Sequence


class For(NamedTuple):
    """A loop over words; ``words`` is None where they are not told here."""

    name: str
    words: list[Token] | None
    body: Sequence


class Arm(NamedTuple):
    """One choice of a case; ``last`` is whether no other is looked at behind it."""

    patterns: list[Token]
    body: Sequence
    last: bool


class Case(NamedTuple):
    """A choice by patterns."""

    subject: Token
    arms: list[Arm]


class Function(NamedTuple):
    """The definition of a function, nothing of which is run yet."""

    name: str
    body: Node


class Pipeline(NamedTuple):
    """Commands whose output goes to the next one."""

    nodes: list[Node]
    negated: bool


class Chain(NamedTuple):
    """Pipelines with && or || before each but the first."""

    parts: list[tuple[str, Pipeline]]
    background: bool


Sequence = list[Chain]
Node = Command | Group | If | While | For | Case | Function
