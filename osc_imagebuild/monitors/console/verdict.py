"""Judge a guest by all that was seen of it. Pure.

The same rules judge a server that is watched and a console that was saved.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

from osc_imagebuild.monitors.console import report, restarts, waiting
from osc_imagebuild.monitors.console.scan import Scan
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.text import FRAMES, Found, quote, read_console

RUNNING, FINISHED, STALLED, FAILED = "running", "finished", "stalled", "failed"

REPORTED = "the guest reported its success"
NO_REPORT = "the server went off without the installer's report of success"
MUST_REPORT = "; the answer file must report before it powers off"
WENT_OFF = "the server went off before the installer came to its end"
EARLY = ", at its very beginning: nothing was installed yet"
ENDED = "the installer came to its end and the server went off"
ENDED_AGAIN = "the installer came to its end; the server restarts, not goes off"
NO_LIFE = (
    "the guest has shown no sign of life for {:.0f} minutes ({}); give a longer "
    "--stall-timeout where it was only slow"
)
UP = "a system is up and shows its login prompt"
NOTHING_WRONG = "nothing is wrong so far"

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
# Before that nothing is written to the disk, whatever the installer.
EARLY_PERCENT = 20

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
# What a system that is up still says, as cloud-init does, is no end of its boot.
_UP = re.compile(r"^(?:\S+ )?login:", re.M)
_COMPLAINT = re.compile(
    r"\b(?:fail\w*|error|fatal|cannot|can't|could not|unable|abort\w*|denied|refused"
    r"|invalid|missing|not found)\b",
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class GuestView:
    """All that is known of a guest at one moment; times in seconds.

    ``live`` is False for a saved console, which knows no times. ``quiet_s`` is
    how long the console has said nothing new, ``flat_s`` how long no available
    signal has moved, ``trouble_s`` how long it has shown the same trouble,
    ``signals`` which were read again and are flat. ``boots`` is of a result, or of an
    image that is changed, which may be silent, restart and show a login.
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


def judge(signs: Signs, view: GuestView) -> Verdict:
    """Return the verdict on a guest; of what failed too with how far it came."""
    scan = Scan(signs, read_console(view.console))
    verdict = _judged(scan, view)
    if verdict.percent is None and scan.step:
        return dataclasses.replace(verdict, percent=min(scan.step[1], 99))
    return verdict


def _judged(scan: Scan, view: GuestView) -> Verdict:
    if view.reported or report.is_on_console(view.console):
        return Verdict(FINISHED, REPORTED, percent=99)
    first_trouble = _trouble(scan)
    hopeless = _failure(scan) or (None if view.boots else restarts.loop(scan))
    if hopeless:
        return Verdict(FAILED, _because(hopeless, first_trouble), hopeless.evidence)
    if over := _over(scan, view, first_trouble):
        return over
    if asked := _question(scan, view):
        because = f"{first_trouble.reason}; then " if first_trouble else ""
        return Verdict(FAILED, because + asked.reason, asked.evidence)
    up = view.boots and _UP.search(scan.text.body)
    if first_trouble and not up and _lasts(first_trouble, view):
        return Verdict(FAILED, first_trouble.reason, first_trouble.evidence)
    if view.live and _still(view) and (stuck := _stuck(scan)):
        return Verdict(FAILED, stuck.reason, stuck.evidence)
    if view.live and not view.boots and view.flat_s >= view.stall_s:
        return _stalled(scan, view)
    return _running(scan)


def trouble(signs: Signs, raw: str) -> Found | None:
    """Return the trouble that nothing has gone on after, None if there is none.

    What else there is is quoted behind it: it may be the cause.
    """
    return _trouble(Scan(signs, read_console(raw)))


def _trouble(scan: Scan) -> Found | None:
    first: Found | None = None
    signs = scan.signs
    for pattern, sentence in signs.causes + signs.troubles + signs.complaints:
        lasting = _lasting(scan, pattern, sentence)
        if lasting is None:
            continue
        explains = (pattern, sentence) not in signs.complaints
        if first is None:
            first = dataclasses.replace(lasting, explains=explains)
        elif explains and lasting.evidence != first.evidence:
            also = f"{first.reason}; see also: {lasting.evidence.strip(FRAMES)[:160]}"
            return dataclasses.replace(first, reason=also)
    return first


def _lasting(scan: Scan, pattern: str, sentence: str) -> Found | None:
    """Return a sign of trouble where nothing went on after it, told of its last place."""
    spots = [s for s in scan.troubles(pattern) if s.end > scan.last_activity]
    if not spots or scan.text.lines_after(spots[-1].end) > TROUBLE_LINES:
        return None
    return quote(sentence, spots[-1], scan.text, len(spots))


def _failure(scan: Scan) -> Found | None:
    for pattern, sentence in scan.signs.failures:
        if spot := scan.first(pattern):
            return quote(sentence, spot, scan.text)
    return None


def _because(failure: Found, first_trouble: Found | None) -> str:
    """Return why it failed, with what else went wrong there."""
    if first_trouble is None or first_trouble.evidence == failure.evidence:
        return failure.reason
    if first_trouble.explains:
        return f"{failure.reason}; likely because {first_trouble.reason}"
    return f"{failure.reason}; before that: {first_trouble.evidence[:200]}"


def _over(scan: Scan, view: GuestView, first_trouble: Found | None) -> Verdict | None:
    """Return the verdict on a guest that is off, or about to be, without a report."""
    ended = scan.any(scan.signs.ends)
    evidence = scan.text.shown[-1] if scan.text.shown else ""
    if view.live:
        if view.boots or not view.off:
            return None
        if first_trouble:
            reason = f"{NO_REPORT}: {first_trouble.reason}"
        elif ended:
            reason = f"{NO_REPORT}{MUST_REPORT}"
        else:
            reason = f"{NO_REPORT}{_how_far(scan)}"
        return Verdict(
            FAILED, reason, first_trouble.evidence if first_trouble else evidence
        )
    end = "\n".join(scan.text.shown[-6:])
    off, again = _OFF.search(end), _AGAIN.search(end)
    if (
        ended
        and not first_trouble
        and (off or again or waiting.LOGIN.search(scan.text.body))
    ):
        return Verdict(FINISHED, ENDED if off else ENDED_AGAIN, evidence, 99)
    if off or again:
        first_trouble = first_trouble or _last_words(scan)
        because = f": {first_trouble.reason}" if first_trouble else ""
        reason = f"{WENT_OFF}{_how_far(scan)}{because}"
        return Verdict(
            FAILED, reason, first_trouble.evidence if first_trouble else evidence
        )
    return None


def _how_far(scan: Scan) -> str:
    if scan.step is None:
        return ""
    if scan.step[1] < EARLY_PERCENT:
        return EARLY
    return f" ({scan.step[0]}, {scan.step[1]} %)"


def _last_words(scan: Scan) -> Found | None:
    """Return the last line near the end that complains of anything."""
    for line in reversed(scan.text.shown[-12:]):
        if _COMPLAINT.search(line):
            return Found(line.strip()[:200], line.strip()[:300])
    return None


def _question(scan: Scan, view: GuestView) -> Found | None:
    """Return what waits for an answer at the console's end, quoted."""
    waits = not view.live or view.quiet_s >= PROMPT_S
    if waits and (asked := waiting.question(scan.signs, scan.text)):
        return asked
    long = min(view.quiet_s, view.flat_s) >= QUESTION_S
    if view.live and long and not view.boots:
        return waiting.like_a_question(scan.text)
    return None


def _lasts(first_trouble: Found, view: GuestView) -> bool:
    """Whether a trouble is one that the guest does not overcome."""
    again = view.trouble_s >= TROUBLE_AGAIN_S and first_trouble.times >= TROUBLE_TIMES
    return not view.live or _still(view) or again


def _still(view: GuestView) -> bool:
    """Whether nothing moves: a console alone may be silent while much is fetched."""
    return view.flat_s >= (TROUBLE_S if len(view.signals) > 1 else QUESTION_S)


def _stuck(scan: Scan) -> Found | None:
    """Return the step that usually takes seconds and is the console's last line."""
    spots = ((scan.first(sign), sentence) for sign, sentence in scan.signs.stuck)
    return next(
        (quote(sentence, spot, scan.text) for spot, sentence in spots if spot), None
    )


def _stalled(scan: Scan, view: GuestView) -> Verdict:
    last = scan.text.shown[-1].strip() if scan.text.shown else ""
    ends = f"; its console ends with: {last[:200]}" if last else ""
    return Verdict(
        STALLED,
        NO_LIFE.format(view.flat_s / 60, ", ".join(view.signals)) + ends,
        last[:300],
    )


def _running(scan: Scan) -> Verdict:
    last = scan.text.shown[-1].strip()[:300] if scan.text.shown else ""
    if waiting.LOGIN.search(scan.text.body):
        return Verdict(RUNNING, UP, last)
    if scan.step:
        return Verdict(RUNNING, scan.step[0], last)
    return Verdict(RUNNING, NOTHING_WRONG, last)
