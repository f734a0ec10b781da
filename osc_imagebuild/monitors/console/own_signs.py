"""Search with users' regular expressions in bounded time. Pure.

A user's catalogue may have signs of its own. They travel in the record, which every
member of a project can write, and are searched for in consoles that a guest writes. So
they run by RE2, whose time grows with the text alone and whose memory has a limit;
Python's ``re`` takes exponential time for some expressions, and the ``regex`` package
any memory.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

EXTRA = "osc-imagebuild[catalogue]"
# What an expression without any of these finds is itself.
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")


class Match(Protocol):
    """What `re.Match` and RE2's matches have in common."""

    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self) -> str: ...
    def groups(self, default: str) -> tuple[str, ...]: ...


class Expression(Protocol):
    """What `re.Pattern` and RE2's patterns have in common."""

    def search(self, text: str, /) -> Match | None: ...
    def finditer(self, text: str, /) -> Iterator[Match]: ...


class _Nothing:
    """Stands for an expression that cannot be used here; it finds nothing."""

    def search(self, text: str, /) -> Match | None:
        return None

    def finditer(self, text: str, /) -> Iterator[Match]:
        return iter(())


def is_installed() -> bool:
    """Whether RE2 is there."""
    try:
        import re2  # noqa: F401
    except ImportError:
        return False
    return True


def problem(expression: str) -> str:
    """Return why an expression cannot be used as a sign, '' where it can.

    Without RE2 it is looked at by ``re``, whose grammar has more.
    """
    if not _SPECIAL.search(expression):
        return ""
    try:
        _compile(expression) if is_installed() else re.compile(expression)
    except (ValueError, RecursionError, OverflowError, re.error) as error:
        return f"no expression that RE2 takes: {expression!r:.60}: {error}"
    return ""


@functools.lru_cache(maxsize=1024)
def compiled(expression: str) -> Expression:
    """Return an expression with ^ and $ at the ends of lines.

    It finds nothing where it is none, or where RE2 is missing and it is no plain text.
    """
    if not _SPECIAL.search(expression):
        return re.compile(re.escape(expression))
    try:
        return _compile(expression)
    except (ImportError, ValueError):
        return _Nothing()


def _compile(expression: str) -> Expression:
    """:raises: ImportError, ValueError"""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        pattern: Expression = re2.compile(f"(?m){expression}", options)
    except re2.error as error:
        raise ValueError(_text(error)) from error
    return pattern


def _text(error: Exception) -> str:
    words: Iterable[object] = error.args
    return " ".join(
        word.decode(errors="replace") if isinstance(word, bytes) else str(word)
        for word in words
    )
