"""Several clients at once: one runs at a time, and a seed says which.

Every request and every sleep is a place where another client may get its
turn, so one seed is one interleaving, and always the same.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.fakes.clock import World

Work = Callable[[], Any]


class Turns:
    """A scheduler for clients of one world."""

    def __init__(self, world: World, seed: int = 0) -> None:
        self._world = world
        self._random = random.Random(seed)
        self._changed = threading.Condition()
        self._wake: dict[int, float] = {}
        self._awake = 0
        self._turn = 0

    def run(self, works: Sequence[Work]) -> list[Any]:
        """Do all of ``works``; return what each returned, or raised."""
        results: list[Any] = [None] * len(works)

        def live(number: int) -> None:
            self._sleep(0)
            try:
                results[number] = works[number]()
            except BaseException as error:
                results[number] = error
            finally:
                self._leave()

        threads = [
            threading.Thread(target=live, args=(n,), daemon=True)
            for n in range(len(works))
        ]
        self._awake = len(threads)
        alone, self._world.sleep = self._world.sleep, self._sleep
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
        finally:
            self._world.sleep = alone
        return results

    def _sleep(self, seconds: float) -> None:
        me = threading.get_ident()
        with self._changed:
            # No two waits are of the same length, as in life.
            late = 1 + self._random.random() / 2
            self._wake[me] = self._world.now + seconds * late
            self._awake -= 1
            self._choose()
            self._changed.wait_for(lambda: self._turn == me)

    def _leave(self) -> None:
        with self._changed:
            self._awake -= 1
            self._choose()

    def _choose(self) -> None:
        """When all sleep, wake the one whose time comes first."""
        if self._awake or not self._wake:
            return
        order = sorted(self._wake.items(), key=lambda item: item[1])
        soonest = [who for who, at in order if at == order[0][1]]
        self._turn = self._random.choice(soonest)
        self._world.now = max(self._world.now, self._wake.pop(self._turn))
        self._awake = 1
        self._changed.notify_all()
