"""Signs: what on a console tells how an installation goes. Data, no rules.

The rules that use them are in `verdict`; the data are in guests/signs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Signs:
    """Regular expressions, all of them for text with ^ and $ at line ends.

    ``progress`` are (expression, label, per cent) in rising order; ``failures``,
    ``causes``, ``troubles``, ``complaints``, ``stuck`` and ``questions`` (expression,
    sentence), in the order they are told, an empty sentence being the usual one;
    ``items`` (expression, hint); the others are expressions. Those in ``own`` are of a
    user's catalogue, and are searched for as `own_signs` does.
    guests/signs/common.yaml says what each is.
    """

    progress: tuple[tuple[str, str, int], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    causes: tuple[tuple[str, str], ...] = ()
    troubles: tuple[tuple[str, str], ...] = ()
    complaints: tuple[tuple[str, str], ...] = ()
    stuck: tuple[tuple[str, str], ...] = ()
    questions: tuple[tuple[str, str], ...] = ()
    items: tuple[tuple[str, str], ...] = ()
    activity: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    banners: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    known_by: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    def __add__(self, other: Signs) -> Signs:
        """Both, with these first."""
        names = [field.name for field in fields(self)]
        return Signs(**{n: getattr(self, n) + getattr(other, n) for n in names})


def of_catalogue(
    progress: tuple[tuple[str, str, int], ...],
    failures: tuple[tuple[str, str], ...],
    banners: tuple[str, ...],
) -> Signs:
    """Return the signs that an entry of a user's catalogue has."""
    own = (*(p[0] for p in progress), *(f[0] for f in failures), *banners)
    return Signs(progress=progress, failures=failures, banners=banners, own=own)


def parse(data: Mapping[str, Any]) -> Signs:
    """Return the signs in the YAML of one file.

    :raises: TypeError where it has another key
    """
    given: dict[str, Any] = {
        key: tuple(tuple(i) if isinstance(i, list) else i for i in value)
        for key, value in data.items()
    }
    for key in ("questions", "items"):
        pairs = given.get(key, ())
        given[key] = tuple((i, "") if isinstance(i, str) else i for i in pairs)
    return Signs(**given)
