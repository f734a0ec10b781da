"""The signs of the families of installers, read from guests/signs."""

from __future__ import annotations

import dataclasses
import functools
import re
from pathlib import Path

from osc_imagebuild.model import Spec
from osc_imagebuild.monitors.signs import Signs, parse

DIRECTORY = Path(__file__).parent / "guests" / "signs"
COMMON = "common"


def families() -> list[str]:
    """Return the families that have signs of their own."""
    return sorted(p.stem for p in DIRECTORY.glob("*.yaml") if p.stem != COMMON)


def of(family: str, own: Signs | None = None) -> Signs:
    """Return all signs for one OS: its ``own``, its family's, and the common ones.

    Own steps replace the family's: their percentages are on another scale.
    """
    own = own or Signs()
    shared = _read(family) if family in families() else Signs()
    found = own + shared + _read(COMMON)
    return _with_progress(found, own if own.progress else shared)


def of_spec(spec: Spec) -> Signs:
    """Return all signs for a build."""
    own = Signs(progress=spec.progress, failures=spec.failures, banners=spec.banners)
    return of(spec.family, own)


def of_unknown(text: str) -> Signs:
    """Return the signs of all families, for a console of unknown origin.

    The steps are those of the family that most of ``text`` speaks of.
    """
    found = functools.reduce(Signs.__add__, map(_read, families()))

    def steps_in(family: str) -> int:
        steps = _read(family).progress
        return sum(bool(re.search(step[0], text, re.MULTILINE)) for step in steps)

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
