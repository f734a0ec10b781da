"""The signs of the families of installers, read from guests/signs."""

from __future__ import annotations

import dataclasses
import functools
import re
from pathlib import Path

from osc_imagebuild.model import Spec
from osc_imagebuild.monitors.signs import Signs, parse
from osc_imagebuild.monitors.text import read

DIRECTORY = Path(__file__).parent / "guests" / "signs"
COMMON, BOOT = "common", "boot"


def families() -> list[str]:
    """Return the families that have signs of their own."""
    found = {path.stem for path in DIRECTORY.glob("*.yaml")}
    return sorted(found - {COMMON, BOOT})


def of(family: str, own: Signs | None = None) -> Signs:
    """Return all signs for one OS: its ``own``, its family's, and the common ones.

    Own steps replace the family's: their percentages are on another scale.
    """
    own = own or Signs()
    shared = _read(family) if family in families() else Signs()
    found = own + shared + _read(COMMON)
    return _with_progress(found, own if own.progress else shared)


def of_boot() -> Signs:
    """Return the signs of an installed system that boots.

    It asks for a login and says many things that would be an installer's end:
    only its own questions count, and no mere complaint.
    """
    own, shared = _read(BOOT), _read(COMMON)
    return dataclasses.replace(
        own + shared,
        causes=(),
        troubles=own.troubles + shared.causes + shared.troubles,
        questions=own.questions,
        complaints=(),
    )


def of_role(spec: Spec, role: str) -> Signs:
    """Return all signs for the server of a build: 'install' or 'verify'."""
    if role == "verify":
        return of_boot()
    own = Signs(progress=spec.progress, failures=spec.failures, banners=spec.banners)
    return of(spec.family, own)


def of_unknown(text: str) -> Signs:
    """Return the signs of all families, for a console of unknown origin.

    The steps are those of the family that most of ``text`` speaks of.
    """
    found = functools.reduce(Signs.__add__, map(_read, families()))
    body = read(text).body  # its lines are short, as expressions need it

    def steps_in(family: str) -> int:
        steps = _read(family).progress
        return sum(bool(re.search(step[0], body, re.MULTILINE)) for step in steps)

    likely = max(families(), key=steps_in)
    return _with_progress(found + _read(COMMON), _read(likely))


def _with_progress(signs: Signs, steps: Signs) -> Signs:
    return dataclasses.replace(signs, progress=steps.progress)


@functools.cache
def _read(name: str) -> Signs:
    import yaml

    text = (DIRECTORY / f"{name}.yaml").read_text(encoding="utf-8")
    # libyaml's loader where there is one: these are many lines.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return parse(yaml.load(text, loader) or {})
