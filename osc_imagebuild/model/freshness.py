"""Whether the newest result of a family is still what a build would make. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osc_imagebuild.model.family import Member
from osc_imagebuild.model.inputs import UNKNOWN, Inputs

_WORDS = {
    "answers": "the answer file",
    "media": "the install media",
    "mirror": "the mirror",
    "updates": "the package indexes",
    "template": "the template",
    "catalogue": "the catalogue's entry",
    "name": "the name",
    "parent": "the parent image",
}
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """What became of a family since its newest result was built.

    ``current`` is that result, None where there is none, and ``inputs`` are what a
    build would be made of now. ``changed`` are the names of those that differ; ``is_told``
    is whether the result says what it was made of. ``age_s`` is its age in seconds by the
    cloud's clock, ``max_age_s`` how old it may be, None for any age. ``parent_anew`` is
    whether the image that it changes is to be built anew. ``warnings`` are lines on what
    could not be found out.
    """

    family: str
    kind: str = "image"
    current: Member | None = None
    inputs: Inputs = UNKNOWN
    changed: tuple[str, ...] = ()
    is_told: bool = True
    age_s: int = 0
    max_age_s: int | None = None
    parent_anew: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def is_outdated(self) -> bool:
        """Whether a build would make something else, or is due by its age."""
        return not self.current or bool(self._reasons())

    @property
    def state(self) -> str:
        """Return 'current', 'outdated' or 'missing'."""
        if not self.current:
            return "missing"
        return "outdated" if self.is_outdated else "current"

    @property
    def reason(self) -> str:
        """Return why it is in its state, in words."""
        if not self.current:
            return f"no {self.kind} of the family"
        return "; ".join(self._reasons()) or "nothing changed"

    def _reasons(self) -> list[str]:
        reasons = []
        if not self.is_told:
            reasons.append("it does not say what it was built from")
        if self.changed:
            reasons.append(f"{_listed([_WORDS[n] for n in self.changed])} changed")
        if self.parent_anew:
            reasons.append("its parent is built anew")
        if self.max_age_s is not None and self.age_s > self.max_age_s:
            reasons.append(f"older than {span(self.max_age_s)}")
        return reasons


def _listed(words: Sequence[str]) -> str:
    """Return words as a sentence lists them."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def span(seconds: int) -> str:
    """Return a time in its largest whole unit, such as '30 days'."""
    size, word = next(unit for unit in _UNITS if seconds % unit[0] == 0)
    count = seconds // size
    return f"{count} {word}" + ("" if count == 1 else "s")
