"""Find the signs in a console. Pure.

Most expressions are about one line, and most lines of a console were there at the last
look too: which expressions a line fits is kept, so that a look costs what is new. What
may reach over several lines is looked for in the whole text.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields

from osc_imagebuild.monitors.console import own_signs, progress
from osc_imagebuild.monitors.console.own_signs import Expression, Match
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.text import Spot, Text

# More lines than the window of a console has.
KEPT_LINES = 4096

KERNEL = r"Linux version \d"
# A system that runs from its own disk is no installer.
COMMAND_LINE = r"^Kernel command line: (?!.*\broot=(?!live)).{20,}"
# Expressions that are no family's.
ALWAYS = (KERNEL, COMMAND_LINE)

# A class that shuts out the end of a line stays within it.
_WITHIN = re.compile(r"\[\^(?:[^\]\\]|\\.)*?\\n(?:[^\]\\]|\\.)*\]")
_ACROSS = re.compile(r"\\[nsZAWD]|\[\^|\(\?[a-z]*s|\n")


class Rules:
    """The expressions of signs, those about one line apart from the others."""

    def __init__(self, signs: Signs) -> None:
        patterns = dict.fromkeys(_patterns(signs))
        self._own = frozenset(signs.own)
        self._single = {p: self.expression(p) for p in patterns if is_about_a_line(p)}
        # The cache goes with its expressions, not with the class.
        self.fits = functools.lru_cache(maxsize=KEPT_LINES)(self._fits)

    def _fits(self, line: str) -> tuple[str, ...]:
        """Which expressions about one line fit this one."""
        return tuple(
            p for p, expression in self._single.items() if expression.search(line)
        )

    def expression(self, pattern: str) -> Expression:
        """Return an expression as it is searched for."""
        own = pattern in self._own
        return own_signs.compiled(pattern) if own else compiled(pattern)

    def is_single(self, pattern: str) -> bool:
        """Whether the expression is looked for line by line."""
        return pattern in self._single


@functools.lru_cache(maxsize=16)
def rules(signs: Signs) -> Rules:
    """Return the rules of these signs, the same ones each time."""
    return Rules(signs)


@functools.lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return an expression with ^ and $ at the ends of lines."""
    return re.compile(pattern, re.M)


@functools.lru_cache(maxsize=4096)
def is_about_a_line(pattern: str) -> bool:
    """Whether an expression cannot reach over the end of a line."""
    return not _ACROSS.search(_WITHIN.sub("", pattern))


def _patterns(signs: Signs) -> Iterator[str]:
    yield from ALWAYS
    for field in fields(signs):
        if field.name not in ("questions", "items", "stuck", "known_by", "own"):
            for sign in getattr(signs, field.name):
                yield sign if isinstance(sign, str) else sign[0]


class Scan:
    """The signs in one text."""

    def __init__(self, signs: Signs, text: Text) -> None:
        self.signs, self.text = signs, text
        self._rules = rules(signs)
        self._lines: dict[str, list[int]] = {}
        for number, line in enumerate(text.plain):
            for pattern in self._rules.fits(line):
                self._lines.setdefault(pattern, []).append(number)

    def spots(self, pattern: str) -> Iterable[Spot]:
        """All places of an expression, one a line where it is about one."""
        if self._rules.is_single(pattern):
            return (self._in_line(pattern, n) for n in self._lines.get(pattern, ()))
        expression = self._rules.expression(pattern)
        return (_spot(m, 0) for m in expression.finditer(self.text.body))

    def troubles(self, pattern: str) -> Iterable[Spot]:
        """The same, without what is in harmless lines."""
        if not self._rules.is_single(pattern):
            expression = self._rules.expression(pattern)
            return (_spot(m, 0) for m in expression.finditer(self.quiet))
        # Most expressions are nowhere, and all of them are asked for at each look.
        if pattern not in self._lines:
            return ()
        numbers = (n for n in self._lines[pattern] if n not in self.harmless)
        return (self._in_line(pattern, number) for number in numbers)

    def _in_line(self, pattern: str, number: int) -> Spot:
        match = self._rules.expression(pattern).search(self.text.plain[number])
        assert match  # it was found there before
        return _spot(match, self.text.starts[number])

    def first(self, pattern: str) -> Spot | None:
        """The first place of an expression, None where there is none."""
        if self._rules.is_single(pattern) and pattern not in self._lines:
            return None
        return next(iter(self.spots(pattern)), None)

    def shown(self, spot: Spot) -> str:
        """The line of a place as it is on the console."""
        return self.text.shown[self.text.line(spot.start)]

    def any(self, patterns: Iterable[str]) -> bool:
        """Whether one of the expressions is somewhere."""
        return any(self.first(pattern) for pattern in patterns)

    def lines(self, patterns: Iterable[str]) -> frozenset[int]:
        """The numbers of the lines that one of the expressions begins in."""
        spots = itertools.chain.from_iterable(map(self.spots, patterns))
        return frozenset(self.text.line(spot.start) for spot in spots)

    @functools.cached_property
    def harmless(self) -> frozenset[int]:
        """The lines that are no trouble."""
        return self.lines(self.signs.harmless)

    @functools.cached_property
    def quiet(self) -> str:
        """The body with the harmless lines empty, places as they were."""
        return "\n".join(
            " " * len(line) if number in self.harmless else line
            for number, line in enumerate(self.text.plain)
        )

    @functools.cached_property
    def last_activity(self) -> int:
        """Where something last went on: a new step, or what always means work."""
        steps = (self.first(sign[0]) for sign in self.signs.progress)
        last = max((spot.start for spot in steps if spot), default=0)
        for pattern in (*self.signs.activity, *self.signs.ends):
            for spot in self.spots(pattern):
                last = max(last, spot.start)
        return last

    @functools.cached_property
    def step(self) -> tuple[str, int] | None:
        """The furthest step and its per cent, as the installer counts within it."""
        following = 100
        for pattern, label, percent in reversed(self.signs.progress):
            if spot := self.first(pattern):
                after = self.text.body[spot.end :]
                return label, progress.counted(percent, following, after)
            following = percent
        return None


def _spot(match: Match, offset: int) -> Spot:
    return Spot(
        match.start() + offset, match.end() + offset, match.group(), match.groups("")
    )
