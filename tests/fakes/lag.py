"""Lists that are behind: replicas that show a cloud as it was some seconds ago."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

KINDS = ("images", "servers", "volumes", "snapshots")
_Kept = dict[str, Any]


class Lag:
    """Keeps what there was; ``seconds`` is how far each kind of list is behind.

    With ``by_id`` what is shown of one thing by its ID is behind as well.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(KINDS, 0.0)
        self.by_id = False
        self._past: dict[str, list[tuple[float, _Kept]]] = {k: [] for k in KINDS}

    def set(self, seconds: float, *kinds: str) -> None:
        """Let lists of ``kinds``, or of all, be behind from now on."""
        self.seconds |= dict.fromkeys(kinds or KINDS, seconds)

    def note(self, now: float, present: Mapping[str, _Kept]) -> None:
        """Remember what there is."""
        for kind, items in present.items():
            if self.seconds[kind]:
                kept = {key: _copy(item) for key, item in items.items()}
                self._past[kind].append((now, kept))

    def was(self, kind: str, now: float) -> _Kept:
        """Return what a list that is asked now shows."""
        then = now - self.seconds[kind]
        past = self._past[kind]
        while len(past) > 1 and past[1][0] <= then:
            past.pop(0)
        return past[0][1] if past and past[0][0] <= then else {}

    @contextmanager
    def behind(
        self, kind: str, now: float, swap: Callable[[_Kept], _Kept]
    ) -> Iterator[None]:
        """Put the past where the present is; ``swap`` returns what was there."""
        if not self.seconds.get(kind):
            yield
            return
        present = swap(self.was(kind, now))
        try:
            yield
        finally:
            swap(present)


def _copy(item: Any) -> Any:
    """A copy that later changes do not touch; data and guests are left as they are."""
    found = copy.copy(item)
    for name in ("tags", "properties", "metadata"):
        if hasattr(found, name):
            setattr(found, name, copy.copy(getattr(found, name)))
    return found
