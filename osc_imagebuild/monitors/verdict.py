"""From what was seen of a guest to one verdict. Pure.

The same rules judge a server that is watched and a console that was saved.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass

from osc_imagebuild.monitors import console, report
from osc_imagebuild.monitors.signs import Signs
from osc_imagebuild.monitors.text import Found, Text, either, read, told

RUNNING, FINISHED, STALLED, FAILED = "running", "finished", "stalled", "failed"

# A prompt at the end of a console; a line that only ends like one needs longer,
# longer than any step that ends its line with a colon was ever seen to take.
PROMPT_S = 60.0
QUESTION_S = 240.0
# A trouble that nothing follows, or that is told again and again.
TROUBLE_S = 150.0
TROUBLE_AGAIN_S = 200.0
TROUBLE_TIMES = 3
# Where so much follows a trouble, the guest has gone on, whatever it does.
TROUBLE_LINES = 100

_COMMAND_LINE = re.compile(r"^Kernel command line: (?!.*\broot=(?!live)).{20,}", re.M)
_OFF = re.compile(
    r"(?:reboot: Power down|reboot: System halted|^Power down\.|Powering off\.?$"
    r"|System halted|Requesting system (?:poweroff|halt)|Powering system off"
    r"|operating system has halted)",
    re.M,
)
_AGAIN = re.compile(
    r"(?:reboot: Restarting system|^Rebooting\.|Restarting system\.?$"
    r"|Requesting system reboot)",
    re.M,
)
_LOGIN = re.compile(r"^\S+ login: *\Z", re.M)
# What a system that is up still says, as cloud-init does, is no end of its boot.
_UP = re.compile(r"^(?:\S+ )?login:", re.M)
_COMPLAINT = re.compile(
    r"\b(?:fail\w*|error|fatal|cannot|can't|could not|unable|abort\w*|denied|refused"
    r"|invalid|missing|not found)\b",
    re.I,
)
_FRAMES = " │┃|-=_*─━┌┐└┘├┤"
_FRAME = re.compile(f"[{re.escape(_FRAMES)}]*")
_IN_BOX = re.compile("[│┃┤]")
_LIKE_A_QUESTION = re.compile(r"[:?>]$")


@dataclass(frozen=True, kw_only=True)
class Look:
    """All that is known of a guest at one moment; times in seconds.

    ``live`` is False for a saved console, which knows no times. ``quiet_s`` is
    how long the console has said nothing new, ``flat_s`` how long no available
    signal has moved, ``trouble_s`` how long it has shown the same trouble,
    ``signals`` which were read again and are flat. ``boots`` is of a result, which
    may be silent, restart and show a login.
    """

    console: str
    live: bool = True
    boots: bool = False
    off: bool = False
    reported: bool = False
    quiet_s: float = 0.0
    flat_s: float = 0.0
    trouble_s: float = 0.0
    stall_s: float = 600.0
    signals: tuple[str, ...] = ("console",)


@dataclass(frozen=True)
class Verdict:
    """What is the matter; ``evidence`` is the line of the console that shows it.

    ``percent`` is the installer's own sign of progress, None where it has none.
    """

    state: str
    reason: str
    evidence: str = ""
    percent: int | None = None


def judge(signs: Signs, look: Look) -> Verdict:
    """Return the verdict on one look."""
    text = read(look.console)
    if look.reported or report.said(look.console):
        return Verdict(FINISHED, "the guest reported its success", percent=99)
    wrong = trouble(signs, look.console)
    hopeless = _failure(signs, text) or (None if look.boots else _loop(signs, text))
    if hopeless:
        return Verdict(FAILED, _because(hopeless, wrong), hopeless.evidence)
    if over := _over(signs, text, look, wrong):
        return over
    if asked := _question(signs, text, look):
        because = f"{wrong.reason}; then " if wrong else ""
        return Verdict(FAILED, because + asked.reason, asked.evidence)
    up = look.boots and _UP.search(text.body)
    if wrong and not up and _lasts(wrong, look):
        return Verdict(FAILED, wrong.reason, wrong.evidence)
    if look.live and _still(look) and (stuck := _stuck(signs, text)):
        return Verdict(FAILED, stuck.reason, stuck.evidence)
    if look.live and not look.boots and look.flat_s >= look.stall_s:
        return _stalled(text, look)
    return _running(signs, text)


def trouble(signs: Signs, raw: str) -> Found | None:
    """Return the trouble that nothing has gone on after, None if there is none.

    What else there is is quoted behind it: it may be the cause.
    """
    text = read(raw)
    quiet = text.without(either(signs.harmless)) if signs.harmless else text
    since = _last_activity(signs, text)
    first: Found | None = None
    for pattern, sentence in signs.causes + signs.troubles + signs.complaints:
        matches = [m for m in re.finditer(pattern, quiet.body, re.M) if m.end() > since]
        if not matches or text.lines_after(matches[-1].end()) > TROUBLE_LINES:
            continue
        found = told(sentence, matches[-1], text, len(matches))
        explains = (pattern, sentence) not in signs.complaints
        if first is None:
            first = dataclasses.replace(found, explains=explains)
        elif explains and found.evidence != first.evidence:
            also = f"{first.reason}; see also: {found.evidence.strip(_FRAMES)[:160]}"
            return dataclasses.replace(first, reason=also)
    return first


def _failure(signs: Signs, text: Text) -> Found | None:
    for pattern, sentence in signs.failures:
        if match := re.search(pattern, text.body, re.M):
            return told(sentence, match, text)
    return None


def _because(failure: Found, wrong: Found | None) -> str:
    """Why it failed, with what else went wrong there."""
    if wrong is None or wrong.evidence == failure.evidence:
        return failure.reason
    if wrong.explains:
        return f"{failure.reason}; likely because {wrong.reason}"
    return f"{failure.reason}; before that: {wrong.evidence[:200]}"


def _loop(signs: Signs, text: Text) -> Found | None:
    """The installer's begin a second time: it does not power off, or it crashes."""
    seen: dict[str, int] = {}
    for match in _banners(signs, text):
        number = text.line(match.start())
        first = seen.setdefault(match.re.pattern, number)
        if first != number and text.shown[first] != "":
            return told(
                "the installer started a second time: the server reboots instead of "
                "powering off; correct the end of the answer file, or see above on "
                "the console why it crashed: {line}",
                match,
                text,
            )
    return None


def _banners(signs: Signs, text: Text) -> Iterator[re.Match[str]]:
    for pattern in signs.banners:
        yield from re.finditer(pattern, text.body, re.M)
    lines = list(_COMMAND_LINE.finditer(text.body))
    if len({match.group() for match in lines}) < len(lines):
        yield from lines


def _last_activity(signs: Signs, text: Text) -> int:
    """Where something last went on: a new step, or what always means work."""
    last = 0
    for pattern, _, _ in signs.progress:
        match = re.search(pattern, text.body, re.M)
        last = max(last, match.start() if match else 0)
    for pattern in (*signs.activity, *signs.ends):
        for match in re.finditer(pattern, text.body, re.M):
            last = max(last, match.start())
    return last


def _over(signs: Signs, text: Text, look: Look, wrong: Found | None) -> Verdict | None:
    """Off, or about to be: with a report that would be success, else it is not."""
    end = "\n".join(text.shown[-6:])
    off, again = _OFF.search(end), _AGAIN.search(end)
    ended = any(re.search(p, text.body, re.M) for p in signs.ends)
    evidence = text.shown[-1] if text.shown else ""
    if look.live:
        if look.boots or not look.off:
            return None
        reason = "the server went off without the installer's report of success"
        if wrong:
            reason = f"{reason}: {wrong.reason}"
        elif ended:
            reason = f"{reason}; the answer file must report before it powers off"
        return Verdict(FAILED, reason, wrong.evidence if wrong else evidence)
    if ended and not wrong and (off or again or _LOGIN.search(text.body)):
        reason = "the installer came to its end and the server went off"
        if not off:
            reason = "the installer came to its end; the server restarts, not goes off"
        return Verdict(FINISHED, reason, evidence, 99)
    if off or again:
        wrong = wrong or _last_words(text)
        reason = "the server went off before the installer came to its end"
        reason = f"{reason}: {wrong.reason}" if wrong else reason
        return Verdict(FAILED, reason, wrong.evidence if wrong else evidence)
    return None


def _last_words(text: Text) -> Found | None:
    """The last line near the end that complains, whatever of."""
    for line in reversed(text.shown[-12:]):
        if _COMPLAINT.search(line):
            return Found(line.strip()[:200], line.strip()[:300])
    return None


def _question(signs: Signs, text: Text, look: Look) -> Found | None:
    """What waits for an answer at the console's end, quoted."""
    if not text.shown or _LOGIN.search(text.body):
        return None
    screen = text.screen()
    since = _last_activity(signs, Text(screen.split("\n"), screen.split("\n")))
    if not look.live or look.quiet_s >= PROMPT_S:
        for pattern, sentence in signs.questions:
            match = re.search(pattern, screen, re.M)
            if match and match.end() > since:
                return _quoted(text, sentence)
    like = not look.boots and _LIKE_A_QUESTION.search(text.shown[-1])
    if like and look.live and min(look.quiet_s, look.flat_s) >= QUESTION_S:
        return _quoted(text)
    return None


def _quoted(text: Text, sentence: str = "") -> Found:
    """The prompt, with the question before it where that can be told."""
    shown = [line for line in text.shown[-14:] if not _FRAME.fullmatch(line)]
    last = shown[-1].strip(_FRAMES) if shown else text.shown[-1].strip()
    if sentence:
        return Found(sentence.replace("{line}", last[:200]), last[:300])
    box = " ".join(line.strip(_FRAMES) for line in shown[:-1] if _IN_BOX.search(line))
    asked = f"{box[:160]} ... " if box else ""
    for line in reversed(shown[:-1]):
        words = line.strip(_FRAMES)
        if re.search(r"[?:]$|^(?:\[!+\]|!! )", words):
            asked = f"{words[:160]} ... "
            break
    return Found(
        f"the installer asks and waits, give the answer in the answer file: "
        f"{asked}{last[:200]}",
        last[:300],
    )


def _lasts(wrong: Found, look: Look) -> bool:
    """Whether a trouble is one that the guest does not overcome."""
    again = look.trouble_s >= TROUBLE_AGAIN_S and wrong.times >= TROUBLE_TIMES
    return not look.live or _still(look) or again


def _still(look: Look) -> bool:
    """Nothing moves: a console alone may be silent while much is fetched."""
    return look.flat_s >= (TROUBLE_S if len(look.signals) > 1 else QUESTION_S)


def _stuck(signs: Signs, text: Text) -> Found | None:
    """What usually takes seconds and is the last that the console says."""
    found = [(re.search(sign, text.body, re.M), said) for sign, said in signs.stuck]
    return next((told(said, match, text) for match, said in found if match), None)


def _stalled(text: Text, look: Look) -> Verdict:
    last = text.shown[-1].strip() if text.shown else ""
    ends = f"; its console ends with: {last[:200]}" if last else ""
    return Verdict(
        STALLED,
        f"the guest has shown no sign of life for {look.flat_s / 60:.0f} minutes "
        f"({', '.join(look.signals)}); give a longer --stall-timeout where it was "
        f"only slow{ends}",
        last[:300],
    )


def _running(signs: Signs, text: Text) -> Verdict:
    last = text.shown[-1].strip()[:300] if text.shown else ""
    if _LOGIN.search(text.body):
        return Verdict(RUNNING, "a system is up and shows its login prompt", last)
    if step := console.progress(signs.progress, text.body):
        return Verdict(RUNNING, step[0], last, min(step[1], 99))
    return Verdict(RUNNING, "nothing is wrong so far", last)
