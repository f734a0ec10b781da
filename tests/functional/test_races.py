"""Races for one build on a real Glance: exactly one client drives."""

from __future__ import annotations

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openstack
import testtools

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.engine.events import Event
from osc_imagebuild.errors import RecordError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.request import Request
from tests.e2e.base import CATALOG

# `make proof NAME=races` has a hundred.
RACES = 20
# Each race uses up a generation of the lease, which later ones have to pass.
RACES_PER_BUILD = 5
LIMIT_S = 120.0


class Race:
    """One `resume` by many clients, of whom the winner waits for the others."""

    def __init__(self, build_id: str, clients: list[Builder]) -> None:
        self._build_id = build_id
        self._clients = clients
        self._start = threading.Barrier(len(clients))
        self._losers = threading.Semaphore(0)
        self.drivers = 0

    def run(self, pool: ThreadPoolExecutor) -> list[BaseException | None]:
        """Return how it ended for each client."""
        ran = [pool.submit(self._resume, client) for client in self._clients]
        return [future.exception(LIMIT_S) for future in ran]

    def _resume(self, client: Builder) -> None:
        client.listener = self._drives
        self._start.wait(LIMIT_S)
        try:
            client.resume(self._build_id)
        except RecordError:
            self._losers.release()
            raise

    def _drives(self, event: Event) -> None:
        """The first event comes before the first change: hold the winner there."""
        self.drivers += 1
        for _ in self._clients[1:]:
            if not self._losers.acquire(timeout=LIMIT_S):
                break
        raise KeyboardInterrupt


class RaceTest(testtools.TestCase):
    """As clients on several machines would, each with its own session."""

    def setUp(self) -> None:
        """Plan once; a race needs only the record."""
        super().setUp()
        if not os.environ.get("OS_CLOUD"):
            self.skipTest("OS_CLOUD names no cloud to race on")
        self.clients = [
            Builder(openstack.connect(), catalog=Catalog([CATALOG])) for _ in range(5)
        ]
        self.plan = self.clients[0].plan(Request(name="race", os="mini"))

    def fresh(self) -> Record:
        """Write the record of a build that nobody drives."""
        api = self.clients[0].api
        build = record_store.create(
            api, str(uuid.uuid4()), self.plan.spec, self.plan.texts
        )
        self.addCleanup(self.clients[0].delete, build.id)
        return build

    def check(self, count: int) -> None:
        """Race many times."""
        clients = self.clients[:count]
        with ThreadPoolExecutor(count) as pool:
            for number in range(RACES):
                if number % RACES_PER_BUILD == 0:
                    build = self.fresh()
                race = Race(build.id, clients)
                self.check_race(build, race, race.run(pool), number)

    def check_race(self, build: Record, race: Race, ends: list[Any], n: int) -> None:
        """One was let go while it drove; the others say who drives, since when."""
        losers = [str(end) for end in ends if isinstance(end, RecordError)]
        winners = [end for end in ends if isinstance(end, KeyboardInterrupt)]
        where = f"race {n} of {len(ends)}: {ends}"
        self.assertEqual((1, 1), (race.drivers, len(winners)), where)
        self.assertEqual(len(ends) - 1, len(losers), where)
        for text in losers:
            self.assertRegex(text, r"is driven by .* pid \d+ since 20\d\d-.* UTC")
            self.assertIn(f"Builder.resume('{build.id}')", text)

    def test_of_two(self) -> None:
        """A colleague types the same."""
        self.check(2)

    def test_of_five(self) -> None:
        """Five hosts' cron jobs start in the same second."""
        self.check(5)
