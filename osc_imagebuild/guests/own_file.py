"""Judge a user's own answer file, for `create` and `template validate` alike.

Refused is what cannot end well: a file that no installer reads, or that does not power
the server off. Whatever else is seen is warned of, as only the installer knows its
language whole.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from osc_imagebuild.errors import Message, NextStep, Verb
from osc_imagebuild.guests import answer_lint, sh_syntax
from osc_imagebuild.guests.answer_lint import ending, shell
from osc_imagebuild.guests.answer_lint.reading import (
    HALT,
    OFF,
    REBOOT,
    SINGLE,
    End,
    Finding,
    Reading,
    Script,
)
from osc_imagebuild.guests.answers import BUILD_ID_WORD, REPORT_WORD
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request

_OTHER = re.compile(
    r"(?i)\b(?:system|exec\w*|run|call|popen|check_call|qx)\b[^\n]{0,80}\b(?:poweroff|shutdown)\b"
)
_DOES = {
    REBOOT: "reboots",
    HALT: "halts without a power-off",
    SINGLE: "ends in single-user mode",
}


class Judgement(NamedTuple):
    """Why a file cannot be used, and what may be wrong with it: lines."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class _Case(NamedTuple):
    """All that a judgement depends on. ``off_anyway``: the product powers off."""

    text: str
    answer_format: str
    release: str
    sign: str
    off_anyway: bool
    os: str


def judge(entry: Entry, request: Request) -> Judgement:
    """Judge the request's own answer file; there may be none."""
    if request.answer_file is None:
        return Judgement()
    case = _Case(
        request.answer_file,
        entry.answer_format,
        release(entry),
        entry.power_off_sign,
        _off_anyway(entry),
        request.os,
    )
    return _judged(case)


def release(entry: Entry) -> str:
    """What pykickstart calls the release of an entry, such as F44 or RHEL9."""
    major = re.match(r"\d+", entry.version)
    if entry.family != "redhat" or major is None:
        return ""
    fedora = entry.name.startswith("fedora")
    return f"{'F' if fedora else 'RHEL'}{major[0]}"


def _off_anyway(entry: Entry) -> bool:
    """Whether the command line, or a script beside the answer file, powers off."""
    if "inst.finish=poweroff" in entry.kernel_args:
        return True
    system = "freebsd" if entry.family == "freebsd" else "linux"
    texts = entry.answer_cd.get("texts", {}).values()
    scripts = [Script(1, str(text), system=system) for text in texts]
    return any(end.kind == OFF for script in scripts for end in ending.ends(script))


@lru_cache(maxsize=16)
def _judged(case: _Case) -> Judgement:
    reading = answer_lint.read(case.answer_format, case.text, case.release)
    problems, warnings = _power(case, reading)
    if reading.unread:
        problems = [f"the answer file is not read: {reading.unread}"]
    mistakes = answer_lint.findings(reading) + sh_syntax.mistakes(reading.scripts)
    warnings += answer_lint.as_lines(sorted(mistakes))
    return Judgement(tuple(problems), (*_silence(case, reading), *warnings))


def _hinted(case: _Case, text: str) -> str:
    """Return a text that also says where the lines are that make a report."""
    return Message(text, "; see: ", NextStep(Verb.SHOW_REPORT, case.os))


def _power(case: _Case, reading: Reading) -> tuple[list[str], list[str]]:
    """Return problems and warnings about the power-off, by what the file runs."""
    ends = [end for script in reading.scripts for end in ending.ends(script)]
    ends += [reading.end] if reading.end else []
    bare = "\n".join(line for _, line in shell.lines_of(case.text))
    signed = bool(case.sign) and bool(re.search(case.sign, bare, re.MULTILINE))
    if signed or any(end.kind == OFF for end in ends):
        return [], _other_ends(ends)
    if not answer_lint.is_known(case.answer_format):
        why = f"nothing in it matches {case.sign!r}"
        return ([_refusal(case, why)] if case.sign else []), []
    other_ends = [end for end in ends if end.kind in _DOES]
    if other_ends:
        return [_refusal(case, _told(other_ends[-1]))], []
    if case.off_anyway:
        return [], []
    # Nothing here reads Python or Perl, which may do it.
    reading.unseen += (
        Finding(script.line, "a script in another language")
        for script in reading.scripts
        if not script.language and script.late and _OTHER.search(script.text)
    )
    if reading.unseen:
        names = ", ".join(str(place) for place in reading.unseen[:3])
        return [], [
            "the answer file powers the server off nowhere that can be seen from here; "
            f"it must be in what it fetches or runs ({names}), or the build fails"
        ]
    why = f"nothing that is carried out does, and {reading.default_end}"
    return [_refusal(case, why)], []


def _told(end: End) -> str:
    where = f"line {end.line}: " if end.line else ""
    return f"{where}it {_DOES[end.kind]} ({end.words})"


def _refusal(case: _Case, why: str) -> str:
    return _hinted(
        case, f"the answer file does not power the server off at its end: {why}"
    )


def _other_ends(ends: list[End]) -> list[str]:
    """Warn where it powers off and does something else of this kind too."""
    other_ends = [end for end in ends if end.kind in _DOES]
    if not other_ends:
        return []
    return [
        f"the answer file powers the server off, but not only: {_told(other_ends[0])}; "
        "whatever comes first counts"
    ]


def _silence(case: _Case, reading: Reading) -> list[str]:
    """Warn of a file that cannot report; it may still do so by what it fetches."""
    words = (REPORT_WORD, BUILD_ID_WORD)
    texts = [value.text for value in reading.values]
    for script in reading.scripts:
        texts += [line for _, line in shell.lines_of(script.text)]
    if reading.unread or not answer_lint.is_known(case.answer_format):
        texts = [line for _, line in shell.lines_of(case.text)]
    if any(word in text for word in words for text in texts):
        return []
    is_mentioned = any(word in case.text for word in words)
    where = "outside of comments" if is_mentioned else "in it"
    return [
        _hinted(
            case,
            f"the answer file has neither {REPORT_WORD} nor {BUILD_ID_WORD} {where}: "
            "without a report of success the build fails",
        )
    ]
