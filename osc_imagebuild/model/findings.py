"""What was found of a cloud: what works, what does not, and why. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Works(StrEnum):
    """Whether something works."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it works, and why not, or how.

    ``area`` is a service or what of it.
    """

    area: str
    what: str
    works: Works
    reason: str = ""
