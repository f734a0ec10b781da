"""Find the commands of a shell script that are executed, as far as can be told. Pure.

No shell: what cannot be told counts as run. Told is what stands in the script itself:
functions count where they are called, conditions of constants are decided, and behind
an exit nothing is run.
"""

from __future__ import annotations

from collections.abc import Iterator

from osc_imagebuild.guests.answer_lint import constants
from osc_imagebuild.guests.answer_lint.outcome import Outcome, Stop, either
from osc_imagebuild.guests.answer_lint.shell_nodes import (
    Case,
    Chain,
    Command,
    For,
    Function,
    Group,
    If,
    Node,
    Pipeline,
    Sequence,
    While,
)
from osc_imagebuild.guests.answer_lint.shell_state import State
from osc_imagebuild.guests.answer_lint.shell_tree import parse

# So many commands are followed, functions in functions and the like.
_MOST, _DEEP, _NESTED = 20_000, 12, 60
_OF_FUNCTIONS = frozenset(("-f", "-fx", "-xf"))
_GOOD, _UNKNOWN = Outcome(True), Outcome()
_STOPS = {
    **{"exit": Stop.SCRIPT, "return": Stop.FUNCTION},
    **{"break": Stop.LOOP, "continue": Stop.LOOP},
}


def commands(text: str, line: int = 1) -> list[Command]:
    """Return the commands that are run, in the order in which they are."""
    run = _Run()
    run.shell(parse(text, line))
    return run.commands


class _Run:
    """One script that is followed."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.state = State()
        self.perhaps = self.state.perhaps
        self.calling: list[str] = []
        self.called: dict[tuple[int, int, tuple[str, ...]], Outcome] = {}
        self.leaves = 0
        self.steps = 0
        self.depth = 0

    def shell(self, sequence: Sequence) -> Outcome:
        """All of a shell, with the handlers that it has at its end."""
        before, self.state.handlers = self.state.handlers, []
        outcome = self.sequence(sequence)
        handlers, self.state.handlers = self.state.handlers, before
        for line, text in handlers:
            self.sequence(parse(text, line))
        return Outcome(None if outcome.stop else outcome.status)

    def sub_shell(self, sequence: Sequence) -> Outcome:
        """A shell of its own: it changes nothing of this one, nor ends it."""
        functions = dict(self.state.functions)
        outcome = self.shell(sequence)
        self.state.restore(functions)
        return outcome

    def sequence(self, sequence: Sequence) -> Outcome:
        outcome = _GOOD
        for chain in sequence:
            outcome = self.chain(chain)
            if outcome.stop:
                break
        return outcome

    def chain(self, chain: Chain) -> Outcome:
        status: bool | None = True
        for operator, pipeline in chain.parts:
            wanted = {"&&": True, "||": False}.get(operator)
            if wanted is None or status is wanted:
                outcome = self.pipeline(pipeline)
                status = outcome.status
                if outcome.stop:
                    return _GOOD if chain.background else outcome
            elif status is None:
                with self.perhaps():
                    outcome = self.pipeline(pipeline)
                # Where it goes on behind a stop, that was not come to.
                failed = outcome.stop or outcome.status is (not wanted)
                status = (not wanted) if failed else None
        return _GOOD if chain.background else Outcome(status)

    def pipeline(self, pipeline: Pipeline) -> Outcome:
        if len(pipeline.nodes) == 1:
            status, stop = self.node(pipeline.nodes[0])
        else:
            ends = [self.alone(node) for node in pipeline.nodes]
            status, stop = ends[-1].status, Stop.NOT
        if pipeline.negated and status is not None:
            status = not status
        return Outcome(status, stop)

    def alone(self, node: Node) -> Outcome:
        """A command in a shell of its own."""
        return self.sub_shell([Chain([("", Pipeline([node], False))], False)])

    def node(self, node: Node) -> Outcome:
        self.steps += 1
        if self.steps > _MOST or self.depth > _NESTED:
            return _UNKNOWN
        self.depth += 1
        outcome = self.kind(node)
        self.depth -= 1
        return outcome

    def kind(self, node: Node) -> Outcome:
        match node:
            case Command():
                return self.command(node)
            case Group():
                return (self.sub_shell if node.own_shell else self.sequence)(node.body)
            case If():
                return self.choice(node)
            case While():
                return self.while_loop(node)
            case For():
                return self.for_loop(node)
            case Case():
                return self.case(node)
            case Function():
                self.state.define(node)
        return _GOOD

    def choice(self, node: If) -> Outcome:
        outcomes: list[Outcome] = []
        for condition, body in node.branches:
            with self.perhaps(unless=not outcomes):
                holds = self.sequence(condition)
                if holds.stop:
                    return either([*outcomes, holds])
                if holds.status is False:
                    continue
                with self.perhaps(unless=holds.status is True):
                    outcomes.append(self.sequence(body))
            if holds.status is True:
                return either(outcomes)
        with self.perhaps(unless=not outcomes):
            return either([*outcomes, self.sequence(node.otherwise)])

    def case(self, node: Case) -> Outcome:
        outcomes: list[Outcome] = []
        self.insides(node.subject.inside)
        for arm in node.arms:
            fits = constants.matches(node.subject, arm.patterns)
            if fits is False:
                continue
            sure = fits is True and not outcomes
            with self.perhaps(unless=sure and arm.last):
                outcomes.append(self.sequence(arm.body))
            if fits is True and arm.last:
                return either(outcomes)
        return either([*outcomes, _GOOD])

    def insides(self, scripts: list[tuple[int, str]]) -> None:
        """Scripts whose output is substituted."""
        for line, text in scripts:
            self.sub_shell(parse(text, line))

    def while_loop(self, node: While) -> Outcome:
        leaves_before = self.leaves
        holds = self.sequence(node.condition)
        if holds.stop:
            return holds
        if holds.status is node.until:
            return _GOOD
        forever = holds.status is (not node.until)
        with self.perhaps(unless=forever):
            body = self.sequence(node.body)
        if not forever or self.leaves != leaves_before:
            return _UNKNOWN
        return body if body.stop > Stop.LOOP else Outcome(None, Stop.SCRIPT)

    def for_loop(self, node: For) -> Outcome:
        words = node.words
        if words == []:
            return _GOOD
        for word in words or []:
            self.insides(word.inside)
        is_constant = self.state.loop(node)
        leaves_before = self.leaves
        with self.perhaps(unless=is_constant):
            body = self.sequence(node.body)
        once = is_constant and self.leaves == leaves_before and body.stop > Stop.LOOP
        return body if once else _UNKNOWN

    def command(self, command: Command) -> Outcome:
        for inside in command.inside:
            self.sub_shell(inside)
        words = self.state.assigned(command)
        first = len(command.words) - len(words)
        if words and words[0] in self.state.functions and first not in command.unknown:
            return self.call(words)
        self.commands.append(command)
        if not words:
            return _UNKNOWN if command.inside else _GOOD
        if first in command.unknown and not words[0].startswith("(("):
            return self.unknown(command, words)
        return self.named(command, words, first)

    def named(self, command: Command, words: list[str], first: int) -> Outcome:
        """A command whose name is known."""
        name = words[0]
        if name in _STOPS:
            self.leaves += _STOPS[name] < Stop.SCRIPT
            return Outcome(None, _STOPS[name])
        if name == "exec" and [word for word in words[1:] if word[:1] != "-"]:
            return Outcome(None, Stop.SCRIPT)
        if name == "shift":
            self.state.shift()
        elif name == "trap":
            self.state.trap(command.line, words[1:])
        elif name == "eval":
            return self.sequence_of(" ".join(words[1:]), command.line)
        elif name in (".", "source"):
            for text, line in self.written(words[1:2]):
                self.sequence_of(text, line)
        elif name in ("export", "declare", "typeset") and _OF_FUNCTIONS & {*words[1:2]}:
            for called in words[2:]:  # for another shell, which may call it
                self.call([called])
        if any(at > first for at in command.unknown):
            return _UNKNOWN
        return Outcome(constants.status(words))

    def sequence_of(self, text: str, line: int) -> Outcome:
        """A text that this shell runs itself."""
        if len(self.calling) >= _DEEP:
            return _UNKNOWN
        self.calling.append("")
        outcome = self.sequence(parse(text, line))
        self.calling.pop()
        return outcome

    def written(self, names: list[str]) -> Iterator[tuple[str, int]]:
        """Here-documents that went to a file."""
        for command in list(self.commands):
            if command.here and {*names} & {*command.targets}:
                yield command.here, command.here_line

    def call(self, words: list[str]) -> Outcome:
        """Follow a function once for each state of what it may call."""
        name, given = words[0], words[1:]
        if name in self.calling or len(self.calling) >= _DEEP:
            return _UNKNOWN
        outcomes = []
        for body in self.state.functions.get(name, []):
            key = (id(body), self.state.changes, tuple(given))
            if key not in self.called:
                self.called[key] = self.body(name, body, given)
            status, stop = self.called[key]
            ended = stop is Stop.SCRIPT
            outcomes.append(
                Outcome(None if stop else status, stop if ended else Stop.NOT)
            )
        return either(outcomes)

    def body(self, name: str, body: Node, given: list[str]) -> Outcome:
        """What a function does with its arguments."""
        self.calling.append(name)
        with self.state.arguments(given):
            outcome = self.node(body)
        self.calling.pop()
        return outcome

    def unknown(self, command: Command, words: list[str]) -> Outcome:
        """A command that a variable names: each of its values that can be seen."""
        values = self.state.values(words[0])
        for value in values:
            named = Command(command.line, [*value, *words[1:]])
            self.commands.append(named)
            if named.words:
                self.call(named.words)
        if not values:
            for name in list(self.state.functions):
                self.call([name])
        return _UNKNOWN
