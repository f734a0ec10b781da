"""What became of each part of the media, written down for people and tests."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from devcloud import settings
from devcloud.media.parts import STAMP

NAMES = ("mini", "debian")
# Where each part is, below the state directory; Debian's base system is part of its tree.
PLACES = {"mini": "media/mini", "base": "media-cache/base", "debian": "media/debian"}


@dataclass(frozen=True)
class Outcome:
    """How the last attempt at a part ended: when (seconds since 1970), and why so."""

    at: float
    why: str = ""  # it could not be made; empty where it was


def _file(home: Path | None) -> Path:
    return (home or settings.HOME) / "media-cache" / "outcomes.json"


def _place(part: str, home: Path | None) -> Path:
    return (home or settings.HOME) / PLACES[part]


def read(home: Path | None = None) -> dict[str, Outcome]:
    """The outcomes by part; those that nobody wrote down are missing."""
    try:
        known = json.loads(_file(home).read_text())
        return {name: Outcome(**fields) for name, fields in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(home: Path, part: str, why: str = "") -> None:
    """Note how it went just now. Only who holds the media's lock may."""
    known = {**read(home), part: Outcome(time.time(), why)}
    file = _file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({n: asdict(o) for n, o in known.items()}, indent=1))
    draft.replace(file)


def is_there(part: str, home: Path | None = None) -> bool:
    """Whether guests find this part, be it made just now or long ago."""
    return (_place(part, home) / STAMP).exists()


def missing(part: str, home: Path | None = None) -> str:
    """Why this part is not there, with what to do next; empty where it is."""
    if is_there(part, home):
        return ""
    known = read(home).get(part)
    if known is None or not known.why:
        return f"the installer media have no {part} yet: run `make devcloud`"
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(known.at))
    return (
        f"the installer media have no {part}: it could not be made at {at}: "
        f"{known.why}. To try again: `make devcloud`"
    )


def line(part: str, home: Path | None = None) -> tuple[str, str]:
    """A word for its state, and the rest that is known: when, and why."""
    known = read(home).get(part)
    there = is_there(part, home)
    at = known.at if known else _place(part, home).stat().st_mtime if there else 0
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at else ""
    why = known.why if known else ""
    if there and why:
        return "old", f"could not be made anew at {when}: {why}"
    return ("made" if there else "missing"), f"{when} {why}".strip()
