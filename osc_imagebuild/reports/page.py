"""Write a report, and an index of several, as HTML pages that need nothing else.

What is in them is others' words: consoles, names, properties. All of it shows as text.
"""

from __future__ import annotations

import base64
import functools
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osc_imagebuild.errors import NextStep
from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.request import Request
from osc_imagebuild.reports import origins, timeline
from osc_imagebuild.reports.difference import Difference
from osc_imagebuild.reports.report import Report
from osc_imagebuild.version import tool_version

if TYPE_CHECKING:
    from jinja2 import Environment

Words = Callable[[NextStep], str]
# Rows of differences, and words of one check, that a page shows.
MOST_DIFFERENCES, MOST_WORDS = 400, 300
_LONGEST_TEXT = 4000
_LONG_COMMAND = 90
_TEMPLATES = Path(__file__).parent / "templates"
# What a browser shows as nothing, or obeys: controls, what turns the direction of
# writing, what has no width, halves of surrogates, what is no character.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@dataclass(frozen=True)
class Entry:
    """A row of an index: a template and what became of it.

    ``page`` is the name of the file with its report, '' where there is none.
    """

    template: str
    family: str
    end: str
    is_failed: bool
    reason: str = ""
    image_id: str = ""
    page: str = ""


def html(report: Report, words: Words, again: Callable[[Request], str]) -> str:
    """Return a report as a page; for ``words`` and ``again`` see `Report.html`."""
    spec = report.build.spec
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            build=report.build,
            name=spec.result.name,
            tests=[_test(check) for check in report.tests],
            shares=timeline.share(report.timeline),
            origin=origins.origin(report),
            outcome=origins.outcome(report),
            properties=origins.properties(report),
            inputs=origins.inputs(report.words),
            changes=_by_kind(report),
            most=MOST_DIFFERENCES,
            pictures=[_Shown(p.role, _data(p.png)) for p in report.pictures],
            words=words,
            again=again(report.request),
            tool=tool_version(),
        )
    )


def index(entries: Sequence[Entry], made_at: float) -> str:
    """Return an index as a page."""
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            entries=entries,
            made_at=made_at,
            failed=sum(entry.is_failed for entry in entries),
            tool=tool_version(),
        )
    )


def visible(value: Any) -> Any:
    """Return a text with all that is no visible character written out; else the value.

    Jinja2 escapes what HTML has a meaning for; this is for what a reader would not see.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    text = value[:_LONGEST_TEXT] + (" ..." if len(value) > _LONGEST_TEXT else "")
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in "\n\t" or _is_seen(c) else _written(c) for c in text)


def _is_seen(char: str) -> bool:
    return unicodedata.category(char) not in _UNSEEN


def _written(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode()


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"command": command, "moment": moment, "span": span}
    environment.tests["slow"] = timeline.is_slow
    return environment


@dataclass(frozen=True)
class _Shown:
    """A picture as a page has it."""

    role: str
    data: str


@dataclass(frozen=True)
class _Test:
    """A check as a page shows it: a sentence, names that go with it, its last lines."""

    name: str
    passed: bool
    detail: str
    output: str
    names: Sequence[str] = ()
    more: int = 0


def _test(check: Check) -> _Test:
    """Split a check's detail: rules that fail come behind a colon, by blanks."""
    output = check.output
    detail, _, rest = check.detail.partition(": ")
    names = rest.split()
    if not detail or len(names) < 2 or not all("_" in name for name in names):
        return _Test(check.title, check.passed, check.detail, output)
    more = max(0, len(names) - MOST_WORDS)
    return _Test(check.title, check.passed, detail, output, names[:MOST_WORDS], more)


def _by_kind(report: Report) -> list[tuple[str, Sequence[Difference]]]:
    """Return differences by what they are about, in their order."""
    kinds: dict[str, list[Difference]] = {}
    for item in report.comparison.differences if report.comparison else ():
        kinds.setdefault(item.about, []).append(item)
    return list(kinds.items())


def _data(png: bytes) -> str:
    return base64.b64encode(png).decode()


def command(text: str) -> str:
    """Return a long command with each option on a line of its own, as a shell takes it.

    Not where a word is quoted: a line's end in it would be another word.
    """
    if "'" in text or len(text) < _LONG_COMMAND:
        return text
    return text.replace(" --", " \\\n    --")


def moment(seconds: float) -> str:
    """Return a time as people read it, such as 2026-01-31 12:00:00 UTC."""
    found = datetime.fromtimestamp(seconds, timezone.utc)
    return found.strftime("%Y-%m-%d %H:%M:%S UTC")


def span(seconds: float | None) -> str:
    """Return a time's length, such as 1 h 02 min, 3 min 05 s or 12 s; '' for none."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"
