"""Judge a saved console by the rules of a watched build, without a cloud."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import BinaryIO

from osc_imagebuild.errors import Message, NextStep, SpecError, Verb, unread
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.monitors.console import clean, sign_files
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.monitors.console.text import SCREEN_LINES
from osc_imagebuild.monitors.console.verdict import GuestView, Verdict, judge

# More than Nova keeps of a console, by far; what is older is not read.
LIMIT = 1024 * 1024
STDIN = "-"


@dataclass(frozen=True)
class Diagnosis:
    """A verdict and the last screenful of the console that it is on.

    ``os`` says whose signs were looked for where that was guessed, and by what.
    """

    verdict: Verdict
    screen: str
    os: str = ""


def diagnose(text: str, signs: Signs) -> Diagnosis:
    """Judge the text of a console."""
    verdict = judge(signs, GuestView(console=text, live=False))
    return Diagnosis(verdict, clean.tail(text, SCREEN_LINES))


def diagnose_file(
    path: str,
    os_name: str | None,
    catalog: Catalog | None = None,
    stdin: BinaryIO | None = None,
) -> Diagnosis:
    """Judge a saved console as that of ``os_name``, or of the OS that it speaks of.

    A ``path`` of ``-`` is ``stdin``.

    :raises: SpecError where the file cannot be read or is empty, or the OS is unknown
    """
    signs = signs_of(catalog or Catalog(), os_name) if os_name else None
    try:
        data = _last(stdin) if path == STDIN and stdin else _last_of(path)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {unread(error)}") from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = data.decode(encoding, "replace")
    if not text.strip("\0 \t\r\n"):
        where = "the standard input" if path == STDIN else path
        why = (
            f"there is nothing in {where}: a guest that writes to its screen alone, or a "
            "console that was saved too early; see: "
        )
        raise SpecError(Message(why, NextStep(Verb.SCREENSHOT)))
    if signs:
        return diagnose(text, signs)
    diagnosis = diagnose(text, sign_files.of_unknown(text))
    return dataclasses.replace(diagnosis, os=_guessed(sign_files.guess(text)))


def _guessed(likely: dict[str, str]) -> str:
    """Name the families whose signs were looked for."""
    if not likely:
        return "unknown: the signs of all families; name it with --os"
    first, line = next(iter(likely.items()))
    if len(likely) == 1:
        return f"{first}, guessed by: {line[:120]}"
    others = " or ".join(list(likely)[1:])
    return f"{first}, guessed by: {line[:120]}; or {others}: name it with --os"


def _last_of(path: str) -> bytes:
    with open(os.path.expanduser(path), "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LIMIT))
        return file.read(LIMIT)


def _last(stream: BinaryIO) -> bytes:
    """Return the end of what cannot be read twice, such as a pipe."""
    data = b""
    while piece := stream.read(LIMIT):
        data = (data + piece)[-LIMIT:]
    return data


def signs_of(catalog: Catalog, os_name: str) -> Signs:
    """Return the signs of an entry of the catalogue, or of a family.

    :raises: SpecError where there is neither
    """
    if os_name not in catalog.names() and os_name in sign_files.families():
        return sign_files.of(os_name)
    entry = catalog.entry(os_name)
    return sign_files.of(entry.family, entry.signs)
