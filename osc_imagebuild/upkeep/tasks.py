"""The nouns of upkeep: what is wanted, what is to be done for it, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.request import Request


@dataclass(frozen=True)
class Wish:
    """A template's image: ``label`` is how people know the template, a path as a rule.

    ``catalog`` is the one that knows its system, None for the library's own.
    """

    label: str
    request: Request
    catalog: Catalog | None = None


@dataclass(frozen=True)
class Looked:
    """What a look at a template's image has shown: how fresh it is, or what is wrong.

    One of ``freshness`` and ``error`` is None.
    """

    wish: Wish
    freshness: Freshness | None = None
    error: SpecError | None = None


class ToDo(StrEnum):
    """What is to be done for a template."""

    BUILD = "build"
    RESUME = "resume"  # a build of the family is under way
    COPY = "copy"  # the image is fresh, and is not everywhere where it is to be
    NOTHING = "nothing"
    UNKNOWN = "unknown"  # the cloud does not tell


@dataclass(frozen=True)
class Task:
    """What is to be done for a template, and why.

    ``build_id`` is of the build that is resumed, or whose image is copied. ``warnings``
    are lines on what could not be found out. ``max_age_s`` is how old an image may be.
    ``after`` is the label of the template whose new image this one changes, '' where it
    changes none, or one that stays as it is.
    """

    wish: Wish
    family: str
    to_do: ToDo
    reason: str
    image_id: str = ""
    build_id: str = ""
    warnings: tuple[str, ...] = ()
    max_age_s: int | None = None
    after: str = ""


class End(StrEnum):
    """What became of a task."""

    UNCHANGED = "unchanged"
    COPIED = "copied"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WAITING = "waiting"  # its installer runs, and nobody waits for it
    POSTPONED = "postponed"  # it was not begun


@dataclass(frozen=True)
class Applied:
    """What became of a template's image.

    ``reason`` is why it failed, or why nothing was done; of what is complete, which copy
    is missing. It may be a `Message`.
    """

    task: Task
    end: End
    build_id: str = ""
    image_id: str = ""
    reason: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether the template has not got all that it was to have."""
        lacks = self.end == End.COMPLETE and bool(self.reason)
        return lacks or self.end in (End.FAILED, End.CANCELLED)
