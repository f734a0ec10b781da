"""Split a shell script into words. Pure.

Quotes, comments, here-documents and substitutions are understood, so that a word in a
comment, in a text or in a file that is written is not taken for a command. What the
words make is in ``shell_tree``.

Source: POSIX.1-2017, Shell Command Language, 2.3 and 2.7; bash(1) for what is more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_BLANK = " \t\r"
_OPERATORS = ("&&", "||", ";;&", ";;", ";&", "|&", ";", "|", "&", "(", ")")
_HERE = re.compile(r"<<(-?)\s*(\\?[\w.!+-]+|'[^'\n]*'|\"[^\"\n]*\")")
_REDIRECT = re.compile(r"&>>?|[<>]+(&(?:\d+-?|-)|[&|])?")
# What a dollar sign makes of what follows it, where no bracket does.
_PARAMETER = re.compile(r"\$(?:\w+|[@*#?$!-])")
_QUOTATION = {
    "'": re.compile(r"[^']*'"),
    '"': re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL),
}
# As long as arithmetic in brackets may be.
_ARITHMETIC = 300
WORD, OPERATOR, NEWLINE, REDIRECT = "word", "operator", "newline", "redirect"


@dataclass
class Token:
    """A word without its quotes, an operator, the end of a line, or a redirection.

    ``known`` is whether nothing is substituted in a word, ``bare`` whether nothing of
    it is quoted, ``inside`` are the scripts whose output it takes, each with its line.
    ``alone`` is a redirection that no word follows; ``here`` is a here-document, which
    begins on ``here_line``.
    """

    kind: str
    text: str
    line: int
    known: bool = True
    bare: bool = True
    inside: list[tuple[int, str]] = field(default_factory=list)
    alone: bool = False
    here: str = ""
    here_line: int = 0


def tokens(text: str, line: int = 1) -> list[Token]:
    """Take a script apart; ``line`` is that of its first one."""
    return _Lexer(text, line).run()


class _Lexer:
    def __init__(self, text: str, line: int) -> None:
        self.text = text.replace("\r\n", "\n")
        self.line = line
        self.at = 0
        self.tokens: list[Token] = []
        self.word: Token | None = None
        self.waiting: list[tuple[Token, str, bool]] = []
        # Between [[ and ]], where operators are words like others.
        self.testing = False

    def run(self) -> list[Token]:
        while self.at < len(self.text):
            self._step(self.text[self.at])
        self._end_word()
        return self.tokens

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
        elif self.testing or not self._unquoted(char):
            self._add(char)
            self.at += 1

    def _unquoted(self, char: str) -> bool:
        """Take what is special outside of quotes; False where this is no such thing."""
        text, at = self.text, self.at
        if text.startswith(("<(", ">("), at):
            self._substitute(at + 2, closing(text, at + 2))
        elif char == "<" and (match := _HERE.match(text, at)):
            self._here(match)
        elif match := _REDIRECT.match(text, at):
            self._redirect(match)
        elif char == "(" and self._brackets():
            pass
        elif operator := next((o for o in _OPERATORS if text.startswith(o, at)), ""):
            self._end_word()
            self.tokens.append(Token(OPERATOR, operator, self.line))
            self.at += len(operator)
        else:
            return False
        return True

    def _brackets(self) -> bool:
        """Arithmetic, an array's values or a pattern: no commands are in these."""
        if self.word is None:
            near = self.text[self.at : self.at + _ARITHMETIC]
            if not near.startswith("((") or "))" not in near:
                return False
            end = closing(near, 1)
            if closing(near, 2) + 1 != end or end == len(near):
                return False
            end += self.at
        elif self.word.text == "!" or self.word.text[-1:] not in tuple("=?*+@!"):
            return False
        else:
            end = closing(self.text, self.at + 1)
        self._skip(end + 1)
        return True

    def _skip(self, end: int) -> None:
        """Add what is not understood here to the word as it is."""
        raw = self.text[self.at : end]
        self._add(raw, known=False)
        self.line += raw.count("\n")
        self.at = end

    def _add(self, text: str, *, known: bool = True, bare: bool = True) -> None:
        if self.word is None:
            self.word = Token(WORD, "", self.line)
        self.word.text += text
        self.word.known = self.word.known and known
        self.word.bare = self.word.bare and bare

    def _end_word(self) -> None:
        if self.word is None:
            return
        word, self.word = self.word, None
        self.tokens.append(word)
        if word.bare and word.text in ("[[", "]]"):
            self.testing = word.text == "[["

    def _newline(self) -> None:
        self._end_word()
        self.at += 1
        if not self.testing:
            self.tokens.append(Token(NEWLINE, "\n", self.line))
        self.line += 1
        for token, mark, tabs in self.waiting:
            token.here_line = self.line
            token.here = self._body(mark, tabs)
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

    def _here(self, match: re.Match[str]) -> None:
        self._redirect(match, alone=True)
        mark = match[2].strip("'\"").removeprefix("\\")
        self.waiting.append((self.tokens[-1], mark, bool(match[1])))

    def _redirect(self, match: re.Match[str], *, alone: bool = False) -> None:
        if self.word is not None and self.word.text.isdigit():
            self.word = None  # the number of what is redirected
        self._end_word()
        alone = alone or match[0][-1] not in "<>&|"
        self.tokens.append(Token(REDIRECT, match[0], self.line, alone=alone))
        self.at = match.end()

    def _quoted(self, char: str) -> None:
        """A backslash, a quotation, or a substitution."""
        text, at = self.text, self.at
        if char == "\\":
            following = text[at + 1 : at + 2]
            if following != "\n":
                self._add(following, bare=False)
            self.line += following == "\n"
            self.at += 2
        elif char == "'":
            end = text.find("'", at + 1)
            end = len(text) if end < 0 else end
            self._add(text[at + 1 : end], bare=False)
            self.line += text.count("\n", at, end)
            self.at = end + 1
        elif char == '"':
            self._double()
        elif char == "`":
            end = text.find("`", at + 1)
            self._substitute(at + 1, len(text) if end < 0 else end)
        else:
            self._dollar()

    def _double(self) -> None:
        """Text in double quotes, with what is substituted in it."""
        self._add("", bare=False)
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            char = self.text[self.at]
            if char in "\\`" or self.text.startswith(("$(", "${"), self.at):
                self._quoted(char)
            elif char == "$" and (match := _PARAMETER.match(self.text, self.at)):
                self._skip(match.end())
            else:
                self._add(char)
                self.line += char == "\n"
                self.at += 1
        self.at += 1

    def _dollar(self) -> None:
        """What a dollar sign begins."""
        text, at = self.text, self.at
        if text.startswith("$((", at):
            self._skip(closing(text, at + 2) + 1)
        elif text.startswith("$(", at):
            self._substitute(at + 2, closing(text, at + 2))
        elif text.startswith("${", at):
            self._skip(closing(text, at + 2, "{}") + 1)
        elif match := _PARAMETER.match(text, at):
            self._skip(match.end())
        elif text.startswith(("$'", '$"'), at):
            self.at += 1  # bash's quotations
        else:
            self._add("$")
            self.at += 1

    def _substitute(self, begin: int, end: int) -> None:
        """A substituted command, from ``begin`` to ``end``."""
        inside = self.text[begin:end]
        self._add("", known=False)
        if self.word is not None:
            self.word.inside.append((self.line, inside))
        self.line += inside.count("\n")
        self.at = end + 1


def closing(text: str, begin: int, pair: str = "()") -> int:
    """Where the bracket closes that was opened just before ``begin``."""
    depth, at = 1, begin
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char in "'\"":
            match = _QUOTATION[char].match(text, at + 1)
            if match is None:
                return len(text)
            at = match.end() - 1
        depth += (char == pair[0]) - (char == pair[1])
        if not depth:
            return at
        at += 1
    return len(text)


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, from 1 on, those that are comments left out."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#"):
            yield number, line
