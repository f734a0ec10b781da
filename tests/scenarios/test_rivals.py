"""Two clients on one build: the lease decides, whatever either of them is at."""

from __future__ import annotations

import itertools
import random
from typing import Any

from osc_imagebuild.builds import lease
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import NextStep, RecordError, Verb
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import Fault
from tests.fakes.turns import Turns
from tests.fakes.wire import Call
from tests.unit.base import CloudTestCase

SKEWS = (0.0, 600.0, -600.0, 300.0, -1.0)


class RacesTest(CloudTestCase):
    """Several clients take the lease of one build at once."""

    def setUp(self) -> None:
        """Have a build that waits for its installer."""
        super().setUp()
        self.build = self.started()

    def take(self, client: str, skew: float = 0.0) -> lease.Lease:
        """Take the lease as ``client``."""
        return lease.take(self.builder(client, skew=skew).api, self.build.id)

    def race(self, count: int, seed: int) -> list[Any]:
        """Let ``count`` clients take the lease at once, clocks apart."""
        jitter = random.Random(seed)
        self.cloud.latency = lambda: jitter.uniform(0.01, 0.09)
        takers = [lambda n=n: self.take(f"client {n}", SKEWS[n]) for n in range(count)]
        return Turns(self.cloud.world, seed).run(takers)

    def test_races(self) -> None:
        """Of two and of five, one wins; the others say who and since when."""
        fresh = self.cloud
        for count in (2, 5):
            for seed in range(30):
                self.cloud = fresh.fork()
                with self.one_of_many(f"{count} takers, seed {seed}"):
                    self.check_race(self.race(count, seed))

    def check_race(self, results: list[Any]) -> None:
        """Exactly one holds the lease, and only its lease is left."""
        winners = [r for r in results if isinstance(r, lease.Lease)]
        losers = [r for r in results if isinstance(r, RecordError)]
        self.assertEqual((1, len(results) - 1), (len(winners), len(losers)))
        for error in losers:
            self.assertRegex(error.brief, r"driven by .* pid \d+ since 20\d\d-.* UTC")
            self.assertEqual((NextStep(Verb.RESUME, self.build.id),), error.next_steps)
        winners[0].verify_held()
        left = lease.leases(self.builder().api, self.build.id)
        self.assertEqual([winners[0].image_id], [i.id for i in left])

    def test_races_for_a_dead_owner(self) -> None:
        """Also where a dead owner is to be put aside."""
        self.take("dead")
        self.cloud.world.advance(lease.LIFE_S + 1)
        fresh = self.cloud
        for seed in range(30):
            self.cloud = fresh.fork()
            with self.one_of_many(f"seed {seed}"):
                self.check_race(self.race(5, seed))


class RivalsTest(CloudTestCase):
    """Two clients on one build."""

    def rivals(self, first: Any, second: Any, seed: int) -> list[Any]:
        """Let two clients work on the cloud at once."""
        return Turns(self.cloud.world, seed).run([first, second])

    def test_slow_owner_is_fenced(self) -> None:
        """A client that slept for long changes nothing when it wakes up."""
        fenced = 0
        for number in range(4, 150, 11):
            self.cloud = FakeCloud()
            build = self.started()
            with self.one_of_many(f"asleep at call {number}"):
                fenced += self.check_fence(build, number)
        self.assertGreater(fenced, 7)

    def check_fence(self, build: Record, number: int) -> bool:
        """Let the owner fall asleep at its call ``number``, and another drive.

        Return whether it woke up as one that was put aside.
        """
        begun = len(self.cloud.log)
        slept: list[float] = []

        def nap(call: Call) -> Fault | None:
            mine = call.client == "slow" and len(self.cloud.log) - begun >= number
            if mine and not call.mutating and not slept:
                slept.append(call.at)
                self.cloud.world.sleep(4000)
            return None

        def heir() -> Record:
            self.cloud.world.sleep(5)
            return self.resumed(build.id, "heir")

        self.cloud.hooks.append(nap)
        slow = self.builder("slow")
        was, found = self.rivals(lambda: slow.resume(build.id), heir, number)
        self.assertIsInstance(found, Record, str(found))
        self.assert_complete(found)
        fenced = bool(slept) and isinstance(was, RecordError)
        if fenced:
            late = [
                call.kind
                for call in self.cloud.mutations
                if call.client == "slow" and call.at > slept[0] + 300
            ]
            self.assertEqual([], late)
            self.assertEqual(found.marks, self.builder().find(build.id).marks)
        return fenced

    def test_cancel_while_another_drives(self) -> None:
        """The driver stops, and nothing is left but the record."""
        for seed, delay in enumerate(range(1, 90, 8)):
            self.cloud = FakeCloud()
            with self.one_of_many(f"cancelled after {delay} s"):
                self.check_cancel(delay, seed)

    def check_cancel(self, delay: float, seed: int) -> None:
        """Cancel ``delay`` seconds after the beginning."""
        build = self.started()

        def cancel() -> Record:
            self.cloud.world.sleep(delay)
            return self.builder("boss").cancel(build.id)

        driver = self.builder("driver")
        was, found = self.rivals(lambda: driver.resume(build.id), cancel, seed)
        self.assertEqual("cancelled", found.status, str(found))
        self.assertIsInstance(was, RecordError, str(was))
        self.assertIn("taken over by", str(was))
        self.assert_empty(build.id)

    def test_delete_while_another_drives(self) -> None:
        """Not even the record is left."""
        for seed, delay in enumerate(range(1, 90, 12)):
            self.cloud = FakeCloud()
            with self.one_of_many(f"deleted after {delay} s"):
                self.check_delete(delay, seed)

    def check_delete(self, delay: float, seed: int) -> None:
        """Delete ``delay`` seconds after the beginning, from two clients."""
        build = self.started()

        def delete() -> None:
            self.cloud.world.sleep(delay)
            self.builder("boss").delete(build.id)

        driver = self.builder("driver")
        works = [lambda: driver.resume(build.id), delete, delete]
        was, *errors = Turns(self.cloud.world, seed).run(works)
        self.assertIsInstance(was, RecordError, str(was))
        for error in errors:
            self.assertIsInstance(error, (RecordError, type(None)), str(error))
        self.assert_empty()

    def test_cancel_while_another_deletes(self) -> None:
        """Between any two changes of it: nothing is left, not even its lease."""
        numbers = itertools.takewhile(self.deleted_before, itertools.count(1))
        self.assertGreater(len(list(numbers)), 4)

    def deleted_before(self, number: int) -> bool:
        """Delete a build before mutation ``number`` of its cancel, if it has so many."""
        self.cloud = FakeCloud()
        build = self.started()
        place = len(self.cloud.mutations) + number
        deleted: list[Call] = []

        def delete(when: str, call: Call) -> None:
            if call.number == place and when == "before" and not deleted:
                deleted.append(call)
                self.builder("other").delete(build.id)

        self.cloud.observers.append(delete)
        try:
            self.builder("boss").cancel(build.id)
        except RecordError as error:
            self.assertIn(build.id, str(error))
        self.assert_empty(*(() if deleted else (build.id,)))
        return bool(deleted)
