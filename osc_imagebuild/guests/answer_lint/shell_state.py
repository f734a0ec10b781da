"""Functions, variables and handlers of a shell while a script is followed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from osc_imagebuild.guests.answer_lint.shell_nodes import Command, For, Function, Node

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
# With what counts where it has no value.
_VARIABLE = re.compile(r"\$\{?(\w+|@|\*)(?::?[-=]([^{}$]*))?\}?")


class State:
    """One shell's. ``unsure`` is whether it may not come to what is followed now.

    ``variables`` has all values that can be seen, each as its words, ``changes`` counts
    how often a name of a function got another meaning.
    """

    def __init__(self) -> None:
        self.functions: dict[str, list[Node]] = {}
        self.handlers: list[tuple[int, str]] = []
        self.variables: dict[str, list[list[str]]] = {}
        self.changes = 0
        self.unsure = 0

    @contextmanager
    def perhaps(self, *, unless: bool = False) -> Iterator[None]:
        """Follow what may or may not be run, ``unless`` it surely is."""
        self.unsure += not unless
        yield
        self.unsure -= not unless

    def define(self, node: Function) -> None:
        """Note a function; where it may not come to this, older ones may be called too."""
        bodies = self.functions.get(node.name, [])
        if node.body not in bodies or (len(bodies) > 1 and not self.unsure):
            self.functions[node.name] = [*(bodies if self.unsure else []), node.body]
            self.changes += 1

    def restore(self, functions: Mapping[str, list[Node]]) -> None:
        """Forget what a shell inside of this one defined."""
        if functions != self.functions:
            self.functions, self.changes = dict(functions), self.changes + 1

    def assign(self, name: str, value: str) -> None:
        """Note one more value of a variable."""
        self.variables.setdefault(name, []).append(value.split())

    def assigned(self, command: Command) -> list[str]:
        """Note what stands before a command, and return the command itself."""
        for at, word in enumerate(command.words):
            match = ASSIGNMENT.match(word)
            if match is None:
                return command.words[at:]
            if at not in command.unknown:
                self.assign(match[1], match[2])
        return []

    def loop(self, node: For) -> bool:
        """Note the values of a loop's variable; whether there is one at all."""
        constants = [word.text for word in node.words or [] if word.known]
        for value in constants:
            self.assign(node.name, value)
        return bool(constants)

    def values(self, word: str) -> list[list[str]]:
        """What a variable in a command's place may be; [] for unknown."""
        match = _VARIABLE.fullmatch(word)
        if match is None:
            return []
        instead = [match[2].split()] if match[2] else []
        return self.variables.get(match[1], []) + instead

    def shift(self) -> None:
        """Drop the first argument of a function."""
        self.variables["@"] = [given[1:] for given in self.variables.get("@", [])]

    @contextmanager
    def arguments(self, given: list[str]) -> Iterator[None]:
        """Give a function arguments of its own."""
        before = dict(self.variables)
        numbered = {str(at): [word.split()] for at, word in enumerate(given, 1)}
        own = {**numbered, "@": [given], "*": [given]}
        self.variables.update(own)
        yield
        rest = {k: v for k, v in self.variables.items() if k not in own}
        self.variables = {**rest, **{k: before[k] for k in own if k in before}}

    def trap(self, line: int, words: list[str]) -> None:
        """Note what is done at the shell's end; no signal comes where all goes well."""
        words = words[1:] if words[:1] == ["--"] else words
        if not {"EXIT", "0"} & {*words[1:]}:
            return
        kept = self.handlers if self.unsure else []
        new = [] if words[0] == "-" else [(line, words[0])]
        self.handlers = [*kept, *new]
