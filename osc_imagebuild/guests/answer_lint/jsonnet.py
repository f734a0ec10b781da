"""Check whether a text can be Jsonnet. Pure.

It is not evaluated. Source: jsonnet.org's specification of the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|\#[^\n]*|/\*.*?\*/)
    |(?P<block>\|\|\|-?[ \t]*\n)
    |(?P<verbatim>@"(?:[^"]|"")*"|@'(?:[^']|'')*')
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>(?:0|[1-9][\d_]*)(?:\.[\d_]+)?(?:[eE][-+]?\d+)?(?![\w.]))
    |(?P<name>[A-Za-z_]\w*)
    |(?P<bracket>[][(){}])
    |(?P<operator>[,;.$]|(?:(?!//|/\*|\|\|\|)[-!:~+&|^=<>*/%])+)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
# Behind these something else than an operator may follow.
# Behind these a name is a field's, or one that is bound.
_BEGINS = frozenset(("{", ",", "local"))
_BUILT_IN = ("std", "self", "super", "true", "false", "null")
_WORDS = frozenset(
    """assert else error for function if import importstr importbin in local tailstrict
    then""".split()
)


class Token(NamedTuple):
    """A word of the language; ``text`` is a string's content without its quotes."""

    line: int
    kind: str
    text: str


class NoJsonnet(Exception):
    """Why this is none, with its line; whether that is sure."""

    def __init__(self, line: int, text: str, *, sure: bool = False) -> None:
        super().__init__(line, text)
        self.line = line
        self.text = text
        self.sure = sure


def tokens(text: str) -> Iterator[Token]:
    """Yield the words of a text, comments left out.

    :raises: NoJsonnet where something is none, such as a string that does not close
    """
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _no_token(line, text, at)
        kind, whole, end = str(match.lastgroup), match[0], match.end()
        if kind == "block":
            whole, end = _block(text, at, end, line)
        if kind != "blank":
            yield _token(line, kind, whole)
        line += whole.count("\n")
        at = end


def _no_token(line: int, text: str, at: int) -> NoJsonnet:
    if match := re.compile(r"0\d[\w.]*").match(text, at):
        why = f"a number with a zero before it, {match[0]:.20}, is none"
        return NoJsonnet(line, why, sure=True)
    return NoJsonnet(line, f"this does not end, or is none: {text[at : at + 20]!r}")


def _token(line: int, kind: str, whole: str) -> Token:
    if kind == "string":
        return Token(line, kind, re.sub(r"\\(.)", _escape, whole[1:-1], flags=re.S))
    if kind == "verbatim":
        return Token(line, "string", whole[2:-1])
    if kind == "block":
        inside = whole.partition("\n")[2].rpartition("|||")[0]
        return Token(line + 1, "string", inside)
    return Token(line, kind, whole)


def _escape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1])


def _block(text: str, at: int, end: int, line: int) -> tuple[str, int]:
    """A text block, which a line of |||, less indented than the text, ends."""
    closing = re.compile(r"^[ \t]*\|\|\|", re.MULTILINE).search(text, end)
    if closing is None:
        raise NoJsonnet(line, "the text block ||| does not end")
    return text[at : closing.end()], closing.end()


def check(words: list[Token]) -> None:
    """See that brackets match, and that values are separated.

    :raises: NoJsonnet
    """
    if not words:
        raise NoJsonnet(0, "there is nothing in it")
    opened: list[Token] = []
    before: Token | None = None
    for at, word in enumerate(words):
        if word.text in _CLOSES and word.kind == "bracket":
            if not opened or opened[-1].text != _CLOSES[word.text]:
                raise NoJsonnet(word.line, f"{word.text} closes nothing")
            opened.pop()
        elif before and _value(word) and _ended(before):
            raise NoJsonnet(word.line, f"nothing stands before {word.text[:20]!r}")
        elif opened and opened[-1].text == "{" and before and _begins_field(before):
            _field(words, at)
        elif not opened and word.text[:1] == ":" and not _asserted(words[:at]):
            raise NoJsonnet(word.line, "a name with a colon stands outside of { and }")
        if word.kind == "bracket" and word.text not in _CLOSES:
            opened.append(word)
        before = word
    if opened:
        raise NoJsonnet(opened[-1].line, f"{opened[-1].text} is never closed")


def names(words: list[Token]) -> None:
    """See that each name that is a value is bound somewhere: what is none is a text.

    A name in a function's parentheses may be one of its parameters.

    :raises: NoJsonnet
    """
    after = [*words[1:], Token(0, "", "")]
    before = [Token(0, "", ""), *words[:-1]]
    bound, used = set(_BUILT_IN), []
    for last, word, following in zip(before, words, after, strict=True):
        if word.kind != "name" or word.text in _WORDS or last.text == ".":
            continue
        if _binds(last, following):
            bound.add(word.text)
        elif last.text not in _BEGINS or following.text.removeprefix("+")[:1] != ":":
            used.append(word)
    for word in used:
        if word.text not in bound:
            raise NoJsonnet(
                word.line, f"{word.text:.20} has no value: texts stand in quotes"
            )


def _binds(last: Token, following: Token) -> bool:
    """Whether a name between these is one that gets a value here, or may be."""
    begins, ends = last.text, following.text
    function = begins in _BEGINS and ends == "("
    parameter = begins in ("(", ",") and ends in (",", ")")
    given = ends[:1] == "=" and ends[:2] != "=="
    return function or parameter or given or begins == "for"


def _asserted(before: list[Token]) -> bool:
    """Whether a colon may stand here before the text of an assertion."""
    return any(word.kind == "name" and word.text == "assert" for word in before)


def _begins_field(before: Token) -> bool:
    return (before.kind, before.text) in (("bracket", "{"), ("operator", ","))


def _value(word: Token) -> bool:
    """Whether a value begins here; a bracket may as well go on with one."""
    return word.kind in ("string", "number") or (
        word.kind == "name" and word.text not in _WORDS
    )


def _ended(word: Token) -> bool:
    """Whether a value has ended here."""
    return _value(word) or (word.kind == "bracket" and word.text in "]}")


def _bound(before: list[Token]) -> bool:
    """Whether this may be one of several names behind a word local."""
    for word in reversed(before):
        if word.kind == "name" and word.text == "local":
            return True
        if word.kind == "operator" and word.text == ";":
            return False
    return False


def _field(words: list[Token], at: int) -> None:
    """A field of an object begins here: a name, a string or [expression]."""
    word = words[at]
    if word.text in ("local", "assert", "for", "if") or word.text == "[":
        return
    following = words[at + 1] if at + 1 < len(words) else None
    named = word.kind in ("name", "string")
    if named and following and following.text[:1] == "=" and _bound(words[:at]):
        return
    if not named or following is None or following.text[:1] not in (":", "+", "("):
        raise NoJsonnet(word.line, f"no field of an object: {word.text[:20]!r}")
