"""One clock: the cloud's. Nobody's wall clock and no suspended machine harms a build."""

from __future__ import annotations

import email.utils
import itertools
from typing import Any

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds import lease
from osc_imagebuild.builds.record import Record
from osc_imagebuild.clock import Patience
from osc_imagebuild.errors import DrivenError
from tests.fakes.clock import FakeClock, TroubledClock
from tests.fakes.cloud import FakeCloud
from tests.fakes.wire import Call, Found, Reply, Service
from tests.unit.base import ENTRIES, CloudTestCase

HOUR, NAP = 3600.0, 36_000.0
TROUBLES: tuple[dict[str, Any], ...] = (
    {"step_s": HOUR},
    {"step_s": -HOUR},
    {"nap_s": NAP},
    {"nap_s": NAP, "counts": False},
)


class ClockTestCase(CloudTestCase):
    """A build of a client whose clock has troubles."""

    def build(self, place: int, *, way: dict[str, str], **trouble: Any) -> int:
        """Build, with a trouble in one sleep; return how many there were."""
        self.cloud = FakeCloud()
        clock = TroubledClock(self.cloud.world, place, **trouble)
        self.assert_complete(self.with_clock(clock).create(self.request(**way)))
        return clock.sleeps

    def with_clock(self, clock: FakeClock, client: str = "first") -> Builder:
        """A client with this clock."""
        return Builder(
            self.cloud.connect(client),
            catalog=ENTRIES,
            clock=clock,
            listener=self.events.append,
        )

    def trouble(self, way: dict[str, str], place: int, number: int) -> None:
        """Build, with a trouble of `TROUBLES` in a sleep."""
        trouble = TROUBLES[number % len(TROUBLES)]
        with self.one_of_many(f"{way} {trouble} in sleep {place}"):
            self.build(place, way=way, **trouble)


class StepsAndSuspendsTest(ClockTestCase):
    """Some places; the sweep has all."""

    def test_some_places(self) -> None:
        """Nothing is torn down, and nothing is waited for that is over."""
        sleeps = self.build(0, way={})
        self.assertGreater(sleeps, 15)
        for number in range(len(TROUBLES)):
            for place in range(1 + number, sleeps + 1, 21):
                self.trouble({}, place, number)

    def test_the_wall_clock_is_not_read(self) -> None:
        """Not once, where services tell the time."""
        clock = self.cloud.clock()
        self.patch(clock, "time", lambda: self.fail("somebody reads the wall clock"))
        self.assert_complete(self.with_clock(clock).create(self.request()))

    def test_the_cloud_time_goes_on(self) -> None:
        """By the steady clock, and is put right by the next two answers."""
        clock = TroubledClock(self.cloud.world, 1, nap_s=NAP, counts=False)
        api = self.with_clock(clock).api
        lease.leases(api, "6f1ed002-ab59-4c42-8ea0-00000000000a")
        begun = api.now()
        clock.sleep(10)
        self.assertAlmostEqual(begun + 10, api.now(), delta=1)
        lease.leases(api, "6f1ed002-ab59-4c42-8ea0-00000000000a")
        self.assertAlmostEqual(begun + NAP + 10, api.latest(), delta=2)
        lease.leases(api, "6f1ed002-ab59-4c42-8ea0-00000000000a")
        self.assertAlmostEqual(begun + NAP + 10, api.now(), delta=2)

    def test_patience(self) -> None:
        """What nobody watched counts for little."""
        world = self.cloud.world
        patience = Patience(self.cloud.clock(), 60.0)
        for seconds, spent in ((10, 10), (50, 60), (NAP, 120), (5, 125)):
            world.advance(seconds)
            self.assertEqual(spent, patience.look())


class LeaseTest(ClockTestCase):
    """A lease that another client took while its owner was suspended."""

    def test_owner_wakes_up(self) -> None:
        """It changes nothing any more, whatever its clock counted."""
        for counts in (True, False):
            for place in range(2, 30, 7):
                self.cloud = FakeCloud()
                build = self.started()
                with self.one_of_many(f"counts {counts}, sleep {place}"):
                    self.check_owner(build, place, counts)

    def check_owner(self, build: Record, place: int, counts: bool) -> None:
        """Let another client end the build while its owner sleeps."""
        clock = TroubledClock(self.cloud.world, place, nap_s=NAP, counts=counts)
        owner, world = self.with_clock(clock, "owner"), self.cloud.world
        plain = world.sleep
        done: list[Record] = []

        def sleep(seconds: float) -> None:
            plain(seconds)
            if seconds == NAP and not done:
                done.append(build)
                done.append(self.resumed(build.id, "heir"))

        world.sleep = sleep
        try:
            found = owner.resume(build.id)
        except DrivenError:
            found = done[-1]
        self.assert_complete(self.builder("reader").resume(build.id))
        self.assertEqual(build.id, found.id)
        if done:
            self.assert_complete(done[-1])


class ServicesTest(ClockTestCase):
    """Services whose clocks are not the same, or which tell what is no time."""

    def test_apart(self) -> None:
        """By hours, by years, now and then, not at all: no build runs out of time."""
        for service in ("compute", "volume"):
            way = {"output": "volume"} if service == "volume" else {}
            for date in (HOUR, -HOUR, 10 * HOUR, -10 * HOUR, None):
                with self.one_of_many(f"{service} {date}"):
                    self.told([service], date, way, every=1 + (date == HOUR))

    def test_garbled(self) -> None:
        """Glance too, now and then."""
        for date in (
            *("", "0", "Fri, 31 Dec 9999 23:59:59 GMT", HOUR, -HOUR),
            *(f"Fri, 31 Dec {'9' * 30} 23:59:59 GMT", "Thu, 99 Foo 2026 99:99:99 GMT"),
            *("Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 2099 00:00:00 +9999"),
        ):
            with self.one_of_many(str(date)):
                self.told(["image", "compute"], date, {}, every=7)

    def told(
        self, services: list[str], date: Any, way: dict[str, str], every: int
    ) -> None:
        """Build, with that in one of ``every`` answers of ``services``."""
        self.cloud = FakeCloud()
        plain, count = self.cloud._pass, itertools.count(1)

        def _pass(service: Service, call: Call, found: Found | None) -> Reply:
            reply = plain(service, call, found)
            if service.name in services and not next(count) % every:
                reply.headers.pop("Date")
                if isinstance(date, float):
                    at = self.cloud.world.now + date
                    reply.headers["Date"] = email.utils.formatdate(at, usegmt=True)
                elif date is not None:
                    reply.headers["Date"] = date
            return reply

        self.patch(self.cloud, "_pass", _pass)
        build = self.builder().create(self.request(**way))
        self.cloud.world.advance(200)
        self.assert_complete(build)
