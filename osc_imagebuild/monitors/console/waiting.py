"""Find what waits for an answer at the end of a console. Pure."""

from __future__ import annotations

import re

from osc_imagebuild.monitors.console.scan import Scan, compiled
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.text import FRAMES, Found, Text

# A login prompt asks for nothing that an installer needs.
LOGIN = re.compile(r"^\S+ login: *\Z", re.M)
WAITS = "the installer asks and waits, give the answer in the answer file: {line}"
_FRAME = re.compile(f"[{re.escape(FRAMES)}]*")
_IN_BOX = re.compile("[│┃┤]")
# Not where a tool names a step that has no description, as subiquity does, and not what
# the kernel says: its dumps have "Call Trace:" and "</TASK>".
_LIKE_A_QUESTION = re.compile(
    r"^(?!\w+: +[\w.-]+/\S+:$|\[ *\d+\.\d+\] |\s*</?[A-Z]+>$).*[:?>]$"
)
_MARKED = re.compile(r"[?:]$|^(?:\[!+\]|!! )")


def question(signs: Signs, text: Text) -> Found | None:
    """Return what one of the signs of a question finds, None where none does."""
    if not text.shown or LOGIN.search(text.body):
        return None
    scan = Scan(signs, text.last_screen())
    for pattern, sentence in signs.questions:
        match = compiled(pattern).search(scan.text.body)
        if match and match.end() > scan.last_activity:
            return _quoted(text, sentence, _items(signs, scan.text))
    return None


def like_a_question(text: Text) -> Found | None:
    """Return the last line where it only ends like a prompt."""
    if not text.shown or LOGIN.search(text.body):
        return None
    return _quoted(text) if _LIKE_A_QUESTION.search(text.shown[-1]) else None


def _items(signs: Signs, screen: Text) -> str:
    """What the screen marks as lacking, each with the hint for it."""
    items: dict[str, str] = {}
    for pattern, hint in signs.items:
        for match in compiled(pattern).finditer(screen.body):
            name = " ".join(match.group(1).split())
            items.setdefault(name, f"{name} ({hint})" if hint else name)
    return ", ".join(items.values())[:300]


def _quoted(text: Text, sentence: str = "", items: str = "") -> Found:
    """The prompt, with the question before it where that can be told."""
    shown = [line for line in text.shown[-14:] if not _FRAME.fullmatch(line)]
    last = shown[-1].strip(FRAMES) if shown else text.shown[-1].strip()
    if sentence:
        reason = sentence.replace("{items}", items or last[:200])
        return Found(reason.replace("{line}", last[:200]), last[:300])
    box = " ".join(line.strip(FRAMES) for line in shown[:-1] if _IN_BOX.search(line))
    asked = f"{box[:160]} ... " if box else ""
    for line in reversed(shown[:-1]):
        words = line.strip(FRAMES)
        if _MARKED.search(words):
            # A title alone does not say what is wrong, its box does.
            asked = asked if box and words.startswith("[!") else f"{words[:160]} ... "
            break
    return Found(WAITS.replace("{line}", f"{asked}{last[:200]}"), last[:300])
