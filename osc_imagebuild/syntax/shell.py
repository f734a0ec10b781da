"""Which commands a script for sh runs, as far as that can be seen. Pure.

No shell: quotes, comments, here-documents and separators are understood, so that a word
in a comment, in a text or in a file that is written is not taken for a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_BLANK = " \t\r"
_OPERATORS = ("&&", "||", ";;", ";&", "|&", ";", "|", "&", "(", ")")
_HERE = re.compile(r"<<(-?)\s*(\\?[\w.!+-]+|'[^'\n]*'|\"[^\"\n]*\")")
_REDIRECT = re.compile(r"&>>?|[<>]+(&\d*-?|\|)?")
# Words behind which another command begins.
_OPENING = frozenset("if then else elif while until do ! { time".split())
_DEEP = 8


@dataclass
class Command:
    """One simple command: its words with the quotes taken away, and what it is fed."""

    line: int
    words: list[str] = field(default_factory=list)
    here: str = ""
    here_line: int = 0
    piped_from: Command | None = None


def commands(text: str, line: int = 1, depth: int = 0) -> list[Command]:
    """Return the commands in ``text``, those inside ``$(...)`` too."""
    if depth > _DEEP:
        return []
    return _Lexer(text, line, depth).run()


class _Lexer:
    def __init__(self, text: str, line: int, depth: int) -> None:
        self.text = text.replace("\r\n", "\n")
        self.line = line
        self.depth = depth
        self.at = 0
        self.found: list[Command] = []
        self.now = Command(line)
        self.word: list[str] | None = None
        self.waiting: list[tuple[Command, str, bool]] = []
        # One for each case statement that is open: whether a pattern comes next.
        self.cases: list[bool] = []

    def run(self) -> list[Command]:
        while self.at < len(self.text):
            self._step(self.text[self.at])
        self._end_command()
        return self.found

    def _step(self, char: str) -> None:
        if char == "\n":
            self._newline()
        elif char in _BLANK:
            self._end_word()
            self.at += 1
        elif char == "#" and self.word is None:
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        elif char in "\\'\"`$":
            self._quoted(char)
        elif char == "<" and (found := _HERE.match(self.text, self.at)):
            self._here(found)
        elif found := _REDIRECT.match(self.text, self.at):
            self._end_word()
            self.at = found.end()
        elif operator := self._operator():
            self._separate(operator)
        else:
            self._add(char)
            self.at += 1

    def _operator(self) -> str:
        return next((o for o in _OPERATORS if self.text.startswith(o, self.at)), "")

    def _add(self, text: str) -> None:
        if self.word is None:
            self.word = []
            if not self.now.words:
                self.now.line = self.line
        self.word.append(text)

    def _end_word(self) -> None:
        if self.word is None:
            return
        word, self.word = "".join(self.word), None
        if self.cases and self.cases[-1] and word != "esac":
            return
        if not self.now.words and word in _OPENING:
            return
        self.now.words.append(word)
        if self.now.words[0] == "case" and word == "in":
            self.cases.append(True)
            self.now = Command(self.line)
        elif word == "esac" and len(self.now.words) == 1 and self.cases:
            self.cases.pop()

    def _separate(self, operator: str) -> None:
        self._end_word()
        self.at += len(operator)
        if operator == ")" and self.cases and self.cases[-1]:
            self.cases[-1] = False
            return
        before = self._end_command()
        if operator in (";;", ";&") and self.cases:
            self.cases[-1] = True
        if operator in ("|", "|&"):
            self.now.piped_from = before

    def _end_command(self) -> Command | None:
        self._end_word()
        done, self.now = self.now, Command(self.line)
        if not done.words and not done.here:
            return None
        self.found.append(done)
        return done

    def _newline(self) -> None:
        self._end_command()
        self.at += 1
        self.line += 1
        for command, mark, tabs in self.waiting:
            command.here_line = self.line
            command.here = self._body(mark, tabs)
        self.waiting = []

    def _body(self, mark: str, tabs: bool) -> str:
        """The lines of a here-document, which ``mark`` ends."""
        lines = []
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            line = self.text[self.at : len(self.text) if end < 0 else end]
            self.at += len(line) + 1
            self.line += 1
            line = line.lstrip("\t") if tabs else line
            if line == mark:
                break
            lines.append(line)
        return "\n".join(lines)

    def _here(self, found: re.Match[str]) -> None:
        self._end_word()
        mark = found[2].strip("'\"").removeprefix("\\")
        self.waiting.append((self.now, mark, bool(found[1])))
        self.at = found.end()

    def _quoted(self, char: str) -> None:
        """A backslash, a quotation, or a substitution."""
        text = self.text
        if char == "\\":
            following = text[self.at + 1 : self.at + 2]
            if following != "\n":
                self._add(following)
            self.line += following == "\n"
            self.at += 2
        elif char == "'":
            end = text.find("'", self.at + 1)
            end = len(text) if end < 0 else end
            self._add(text[self.at + 1 : end])
            self.line += text.count("\n", self.at, end)
            self.at = end + 1
        elif char == '"':
            self._double()
        elif char == "`":
            end = text.find("`", self.at + 1)
            self._inner(self.at + 1, len(text) if end < 0 else end)
        elif text.startswith("$(", self.at) and not text.startswith("$((", self.at):
            self._inner(self.at + 2, closing(text, self.at + 2))
        else:
            self._add(char)
            self.at += 1

    def _double(self) -> None:
        """Text in double quotes, with what is substituted in it."""
        self._add("")
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            char = self.text[self.at]
            if char in "\\`$":
                self._quoted(char)
                continue
            self._add(char)
            self.line += char == "\n"
            self.at += 1
        self.at += 1

    def _inner(self, begin: int, end: int) -> None:
        """A substituted command, from ``begin`` to ``end``."""
        inside = self.text[begin:end]
        self._add("")
        self.found += commands(inside, self.line, self.depth + 1)
        self.line += inside.count("\n")
        self.at = end + 1


def closing(text: str, begin: int) -> int:
    """Where the bracket closes that was opened just before ``begin``."""
    depth, at = 1, begin
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "'":
            at = text.find("'", at + 1)
            if at < 0:
                return len(text)
        depth += (char == "(") - (char == ")")
        if not depth:
            return at
        at += 1
    return len(text)


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, from 1 on, those that are comments left out."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#"):
            yield number, line
