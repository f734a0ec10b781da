"""Clients that die in the middle of attempts, and while a build is tried again.

What comes before the first attempt that fails is swept by `test_sweep`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import CloudError, RecordError
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import LOST, answered, on_mutation
from tests.fakes.wire import Call
from tests.scenarios.test_retry import (
    NO_METADATA,
    AttemptsTestCase,
    unlucky,
)

LINES = tuple(NO_METADATA.format(n) for n in range(2))


class SweepTest(AttemptsTestCase):
    """Every place in attempts where a client can die."""

    def wrecks(
        self, cloud: FakeCloud, work: Callable[[], Any], first: str = "again"
    ) -> list[tuple[str, FakeCloud]]:
        """Return the cloud as it was around each mutation of ``work``.

        From the first event of kind ``first`` to the end of the attempts, before a
        mutation only where time has passed since the last.
        """
        found: list[tuple[str, FakeCloud]] = []
        last = 0.0

        def observe(when: str, call: Call) -> None:
            nonlocal last
            kinds = [e.kind for e in self.events if e.kind == first]
            over = any(e.step == "remove-verify-server" for e in self.events)
            new = when == "after" or cloud.world.now - last > 2
            last = cloud.world.now
            if new and (kinds or not first) and not over:
                found.append((f"{when} {call.number} {call.kind}", cloud.fork()))

        self.events.clear()
        cloud.observers.append(observe)
        work()
        cloud.observers.clear()
        return found

    def begun(self, cloud: FakeCloud) -> list[str]:
        """Return the IDs of the records in a cloud."""
        self.cloud = cloud
        return [i.id for i in self.images() if "imagebuild" in i.tags]

    def test_attempts(self) -> None:
        """A build with three attempts in each phase is resumed from each wreck."""
        for fields in ({}, {"output": "volume"}):
            cloud = self.cloud = unlucky(FakeCloud(), *LINES)
            asked = self.request(attempts=3, **fields)
            create = functools.partial(self.builder().create, asked)
            wrecks = self.wrecks(cloud, create)
            for where, wreck in wrecks:
                for build_id in self.begun(wreck):
                    with self.one_of_many(f"{fields} {where}"):
                        self.assert_complete(self.resumed(build_id))

    def test_attempts_deleted(self) -> None:
        """From each wreck of them nothing stays."""
        cloud = self.cloud = unlucky(FakeCloud(), *LINES)
        asked = self.request(attempts=3, output="volume")
        for where, wreck in self.wrecks(cloud, lambda: self.builder().create(asked)):
            for build_id in self.begun(wreck):
                with self.one_of_many(where):
                    self.builder("remover").delete(build_id, with_image=True)
                    self.assert_empty()

    def test_retry(self) -> None:
        """A client that dies while it tries again leaves a build that can go on."""
        for start, fields in (
            ("verify", {}),
            ("verify", {"output": "volume"}),
            ("install", {}),
            ("install", {"output": "snapshot"}),
        ):
            cloud = self.cloud = FakeCloud()
            cloud.nova.plan.result_boots = False
            build = self.failed(**fields)
            cloud.nova.plan.result_boots = True
            retry = functools.partial(self.builder().retry, build.id, start)
            wrecks = self.wrecks(cloud, retry, first="")
            for where, wreck in wrecks:
                self.cloud = wreck
                with self.one_of_many(f"{start} {fields} {where}"):
                    self.assert_complete(self.gone_on(build.id))

    def gone_on(self, build_id: str) -> Record:
        """Do what the errors say until the build is complete."""
        for _ in range(9):
            builder = self.builder("third")
            try:
                if builder.find(build_id).status == "failed":
                    return builder.retry(build_id)
                return builder.resume(build_id)
            except RecordError:  # the dead client's lease still counts
                self.cloud.world.sleep(60)
        raise AssertionError("the build never goes on")

    def test_replies_lost(self) -> None:
        """The reply of each mutation of an unlucky build is lost in turn."""
        cloud = self.cloud = unlucky(FakeCloud(), *LINES)
        self.builder().create(self.request(attempts=3))
        for number in range(1, len(cloud.mutations) + 1):
            self.cloud = unlucky(FakeCloud(), *LINES)
            self.cloud.hooks.append(on_mutation(number, LOST))
            with self.one_of_many(f"{number} {cloud.mutations[number - 1].kind}"):
                try:
                    build = self.builder().create(self.request(attempts=3))
                except CloudError:
                    build = self.resumed(self.begun(self.cloud)[0])
                self.assert_complete(build)

    def in_attempts(self) -> list[int]:
        """Return the numbers of the mutations of an unlucky build's attempts."""
        cloud = self.cloud = unlucky(FakeCloud(), *LINES)
        found: list[int] = []

        def observe(when: str, call: Call) -> None:
            begun = any(e.kind == "again" for e in self.events)
            over = any(e.step == "remove-verify-server" for e in self.events)
            if when == "before" and begun and not over:
                found.append(call.number)

        self.events.clear()
        cloud.observers.append(observe)
        self.builder().create(self.request(attempts=3))
        return found

    def test_faults(self) -> None:
        """A service that breaks or has a conflict costs no more than a retry."""
        for number in self.in_attempts():
            for fault in (answered(503), answered(409), answered(404)):
                self.cloud = unlucky(FakeCloud(), *LINES)
                self.cloud.hooks.append(on_mutation(number, fault))
                with self.one_of_many(f"{fault.name} for {number}"):
                    self.assert_complete(
                        self.builder().create(self.request(attempts=3))
                    )

    def test_twins(self) -> None:
        """Of two servers that an unsure creation left, the newer one goes."""
        for role in ("install", "verify"):
            with self.one_of_many(role):
                cloud = self.cloud = unlucky(FakeCloud(), *LINES)
                made: list[str] = []

                def twin(
                    when: str,
                    call: Call,
                    cloud: FakeCloud = cloud,
                    role: str = role,
                    made: list[str] = made,
                ) -> None:
                    """Let the second server of the role be made twice."""
                    if when != "after" or call.kind != "create server":
                        return
                    name = call.json["server"]["name"]
                    if name.endswith(role):
                        made.append(name)
                        if len(made) == 2:
                            cloud.nova.create(call)

                cloud.observers.append(twin)
                build = self.builder().create(self.request(attempts=3))
                self.assert_complete(build)
