"""Parse a shell script into commands, conditions, loops and functions. Pure.

A script that is not finished is read as far as it goes, and what stands where it does
not belong is taken for a command: ``sh -n`` tells of that, see ``sh_syntax``.

Source: POSIX.1-2017, Shell Command Language, 2.9 and 2.10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from osc_imagebuild.guests.answer_lint.shell import (
    NEWLINE,
    OPERATOR,
    REDIRECT,
    WORD,
    Token,
    tokens,
)
from osc_imagebuild.guests.answer_lint.shell_nodes import (
    Arm,
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

# Compound commands inside of each other; what is deeper is read as plain commands.
_DEEP = 30
_NOTHING: frozenset[str] = frozenset()
_ARM_ENDS = frozenset((";;", ";&", ";;&"))


def parse(text: str, line: int = 1, depth: int = 0) -> Sequence:
    """Read a script; ``depth`` is of how many others it is inside."""
    return _Parser(tokens(text, line), depth).script()


class _Parser:
    def __init__(self, lexed: list[Token], depth: int) -> None:
        self.tokens = lexed
        self.at = 0
        self.depth = depth

    def script(self) -> Sequence:
        chains: Sequence = []
        while self.at < len(self.tokens):
            chains += self.sequence(_NOTHING)
            self.at += 1  # what ends nothing
        return chains

    def sequence(self, ends: frozenset[str]) -> Sequence:
        """Commands up to a word or an operator that ends them, which is left there."""
        chains: Sequence = []
        while (token := self._now()) is not None and not self._is(*ends):
            if token.kind == NEWLINE or self._is(";", "&"):
                self.at += 1
            elif token.kind == OPERATOR and token.text != "(":
                if token.text in _ARM_ENDS or not ends:
                    break
                self.at += 1
            else:
                chains.append(self._chain())
        return chains

    def _now(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _is(self, *texts: str) -> bool:
        """Whether one of these comes next, words of them as the shell's own."""
        token = self._now()
        if token is None or token.text not in texts:
            return False
        return token.kind == OPERATOR or (token.kind == WORD and token.bare)

    def _take(self, *texts: str) -> str:
        """Step over one of these, and return it; '' where another comes next."""
        if not self._is(*texts):
            return ""
        self.at += 1
        return self.tokens[self.at - 1].text

    def _lines(self) -> None:
        while (token := self._now()) is not None and token.kind == NEWLINE:
            self.at += 1

    def _body(self, *ends: str) -> Sequence:
        """Commands of a compound one, with the word that ends them."""
        body = self.sequence(frozenset(ends))
        self._take(*ends)
        return body

    def _chain(self) -> Chain:
        parts = [("", self._pipeline())]
        while operator := self._take("&&", "||"):
            self._lines()
            parts.append((operator, self._pipeline()))
        return Chain(parts, bool(self._take("&")))

    def _pipeline(self) -> Pipeline:
        negated = False
        while word := self._take("!", "time"):
            negated ^= word == "!"
        nodes = [self._command()]
        while self._take("|", "|&"):
            self._lines()
            before = nodes[-1]
            nodes.append(self._command())
            if isinstance(nodes[-1], Command) and isinstance(before, Command):
                nodes[-1].piped_from = before
        return Pipeline(nodes, negated)

    def _command(self) -> Node:
        readers: Mapping[str, Callable[[], Node]] = {
            **{"if": self._if, "while": self._while, "until": self._while},
            **{"for": self._for, "select": self._for, "case": self._case},
            **{"{": self._group, "(": self._group, "function": self._function},
        }
        token = self._now()
        if token is None or self.depth >= _DEEP:
            return self._simple()
        reader = readers.get(token.text) if self._is(*readers) else None
        if reader is None and [t.text for t in self._ahead(1, 2)] == ["(", ")"]:
            reader = self._function
        if reader is None:
            return self._simple()
        self.depth += 1
        node = reader()
        self.depth -= 1
        while (token := self._now()) is not None and token.kind == REDIRECT:
            self.at += 1 if token.alone else 2
        return node

    def _ahead(self, begin: int, count: int) -> list[Token]:
        return self.tokens[self.at + begin : self.at + begin + count]

    def _simple(self) -> Command:
        token = self._now()
        command = Command(token.line if token else 0)
        if self._is("("):
            self.at += 1  # deep inside of others
        while (token := self._now()) is not None:
            if token.kind not in (WORD, REDIRECT):
                break
            self.at += 1
            if token.kind == WORD:
                self._word(command, token)
            elif token.here_line:
                command.here, command.here_line = token.here, token.here_line
            elif not token.alone and (target := self._now()) and target.kind == WORD:
                self.at += 1
                self._target(command, token, target)
        return command

    def _word(self, command: Command, token: Token) -> None:
        if not token.known:
            command.unknown.add(len(command.words))
        command.words.append(token.text)
        self._insides(command, token)

    def _target(self, command: Command, token: Token, target: Token) -> None:
        self._insides(command, target)
        if token.text == "<<<":
            command.here, command.here_line = target.text, target.line
        elif ">" in token.text:
            command.targets.append(target.text)

    def _insides(self, command: Command, token: Token) -> None:
        if self.depth < _DEEP:
            command.inside += [
                parse(text, line, self.depth + 1) for line, text in token.inside
            ]

    def _group(self) -> Group:
        own_shell = self._take("{", "(") == "("
        return Group(self._body(")" if own_shell else "}"), own_shell)

    def _if(self) -> If:
        branches: list[tuple[Sequence, Sequence]] = []
        while self._take("if", "elif"):
            condition = self._body("then")
            branches.append(
                (condition, self.sequence(frozenset(("elif", "else", "fi"))))
            )
        otherwise = self.sequence(frozenset(("fi",))) if self._take("else") else []
        self._take("fi")
        return If(branches, otherwise)

    def _while(self) -> While:
        until = self._take("while", "until") == "until"
        condition = self._body("do")
        return While(until, condition, self._body("done"))

    def _for(self) -> For:
        self.at += 1
        name, words = self._now(), None
        self.at += 1
        self._lines()
        if self._take("in"):
            words = []
            while (token := self._now()) is not None and token.kind == WORD:
                words.append(token)
                self.at += 1
        while self._take(";") or ((token := self._now()) and token.kind == NEWLINE):
            self._lines()
        end = "done" if self._take("do") else "}" if self._take("{") else "done"
        return For(name.text if name else "", words, self._body(end))

    def _case(self) -> Case:
        self.at += 1
        subject = self._now() or Token(WORD, "", 0, known=False)
        self.at += 1
        self._lines()
        self._take("in")
        arms: list[Arm] = []
        self._lines()
        while self._now() is not None and not self._is("esac"):
            arms.append(self._arm())
            self._lines()
        self._take("esac")
        return Case(subject, arms)

    def _arm(self) -> Arm:
        patterns: list[Token] = []
        self._take("(")
        while (token := self._now()) is not None and not self._take(")"):
            if token.kind == WORD:
                patterns.append(token)
            self.at += 1
        body = self.sequence(_ARM_ENDS | {"esac"})
        return Arm(patterns, body, self._take(*_ARM_ENDS) in (";;", ""))

    def _function(self) -> Function:
        self._take("function")
        token = self._now()
        self.at += 1
        if self._take("("):
            self._take(")")
        self._lines()
        return Function(token.text if token else "", self._command())
