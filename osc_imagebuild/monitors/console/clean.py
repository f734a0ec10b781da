"""Make the text of a console readable: no terminal control, whole lines. Pure."""

from __future__ import annotations

import re

# Serial consoles carry cursor movement and colours; Nova strips the escape
# byte itself, so what follows it is removed with or without it.
_ANSI = re.compile(
    r"\x1b\[[0-9;?]{0,12}[A-Za-z]|\[[0-9;?]{1,12}[A-Za-z]|\x1b[()][A-Z0-9]"
    r"|\x1b\][^\x07\x1b\n]{0,80}(?:\x07|\x1b\\)|\[[JKm](?!\w)|\x1b[=>78cM]"
)
# A text placed somewhere on the screen begins a line of its own.
_MOVE = re.compile(r"\x1b?\[\d{1,3};\d{1,3}H|\x1b\[[HE]|\[H(?=\[\d)")
_MOVED = "\x00"
_CONTROL = re.compile(r"[\x01-\x08\x0b-\x1f\x7f-\x9f]")
# GNU screen repaints its status line every minute: not a sign of life. Then
# the cursor goes back to where it was.
_STATUS_LINE = re.compile(
    r"\x00?\[ *(?:\d\S{0,2} \w{1,20} +){0,9}\(\d\*?\w{1,20}\)[^\]\n]{0,90}\]"
    r"\[ ?\w{3} +\d+ +\d+:\d\d \][\n\x00]*"
)


def clean(text: str) -> str:
    """Return ``text`` without terminal control, safe to print."""
    text = text.replace(_MOVED, "").replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", _ANSI.sub("", _MOVE.sub(_MOVED, text)))
    return _STATUS_LINE.sub("", text).replace(_MOVED, "\n")


def lines(text: str) -> list[str]:
    """Return the lines of ``text`` that are not blank, cleaned."""
    return [line.rstrip() for line in clean(text).split("\n") if line.strip()]


def tail(text: str, count: int) -> str:
    """Return the last ``count`` lines that are not blank, cleaned."""
    return "\n".join(lines(text)[-count:])
