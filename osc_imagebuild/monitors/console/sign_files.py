"""Read the signs of the families of installers from guests/signs."""

from __future__ import annotations

import dataclasses
import functools
import re
from pathlib import Path

from osc_imagebuild.model.names import Role, boot_number
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.monitors.console import text as texts
from osc_imagebuild.monitors.console.scan import KEPT_LINES
from osc_imagebuild.monitors.console.signs import Signs, of_catalogue, parse

DIRECTORY = Path(__file__).parents[2] / "guests" / "signs"
COMMON, BOOT = "common", "boot"
# So many times more lines must speak for one family than for the next.
CLEARLY = 2


def families() -> list[str]:
    """Return the families that have signs of their own."""
    return list(_families())


@functools.cache
def _families() -> tuple[str, ...]:
    """They are asked for at each look, and are files of this package."""
    stems = {path.stem for path in DIRECTORY.glob("*.yaml")}
    return tuple(sorted(stems - {COMMON, BOOT}))


def of(family: str, own: Signs | None = None) -> Signs:
    """Return all signs for one OS: its ``own``, its family's, and the common ones.

    Own steps replace the family's: their percentages are on another scale.
    """
    own = own or Signs()
    shared = read(family) if family in _families() else Signs()
    signs = own + shared + read(COMMON)
    return _with_progress(signs, own if own.progress else shared)


def of_boot() -> Signs:
    """Return the signs of an installed system that boots.

    It asks for a login and says many things that would be an installer's end:
    only its own questions count, and no mere complaint.
    """
    own, shared = read(BOOT), read(COMMON)
    return dataclasses.replace(
        own + shared,
        causes=(),
        troubles=own.troubles + shared.causes + shared.troubles,
        questions=own.questions,
        complaints=(),
    )


def of_role(spec: Spec, role: str) -> Signs:
    """Return all signs for the server of a build: 'install', or one of the boot test.

    What is installed already boots in both where an image is changed.
    """
    if boot_number(role, Role.VERIFY) or spec.media.parent:
        return of_boot()
    installer = spec.installer
    own = of_catalogue(installer.progress, installer.failures, installer.banners)
    return of(installer.family, own)


def guess(text: str) -> dict[str, str]:
    """Return the families that a console may be of, likeliest first.

    Each with the first line that speaks for it; one alone where it is clear, and
    none where nothing speaks for any.
    """
    lines, shown = texts.read_console(text).plain, texts.read_console(text).shown
    spoke: dict[str, list[int]] = {family: [] for family in families()}
    for number, line in enumerate(lines):
        for family in _spoken_of(line):
            spoke[family].append(number)
    likely = sorted(spoke, key=lambda family: len(spoke[family]), reverse=True)
    first, second = likely[:2]
    if len(spoke[first]) > CLEARLY * len(spoke[second]):
        likely = [first]
    return {f: shown[spoke[f][0]].strip() for f in likely if spoke[f]}


@functools.lru_cache(maxsize=KEPT_LINES)
def _spoken_of(line: str) -> tuple[str, ...]:
    """The families that a line speaks for; most lines come again at the next look."""
    return tuple(f for f in families() if _known_by(f).search(line))


@functools.cache
def _known_by(family: str) -> re.Pattern[str]:
    """Return what finds the lines that a family alone writes.

    Kept, as re forgets what it compiled before where there is as much as here.
    """
    return re.compile("|".join(f"(?:{sign})" for sign in read(family).known_by))


def of_unknown(text: str) -> Signs:
    """Return the signs for a console of unknown origin.

    They are those of the families that ``guess`` finds, or of all where it finds none.
    """
    likely = list(guess(text)) or families()
    signs = functools.reduce(Signs.__add__, map(read, likely))
    return _with_progress(signs + read(COMMON), read(likely[0]))


def _with_progress(signs: Signs, steps: Signs) -> Signs:
    return dataclasses.replace(signs, progress=steps.progress)


@functools.cache
def read(name: str) -> Signs:
    """Return the signs in one file: a family's, or those that several share."""
    import yaml

    text = (DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")
    # libyaml's loader where there is one: these are many lines.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return parse(yaml.load(text, loader) or {})
