"""Cancel and delete where Glance makes no image: they need none."""

from __future__ import annotations

from collections.abc import Callable

from osc_imagebuild.builds import lease, record
from osc_imagebuild.errors import NextStep, RecordError, Verb
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import Fault, answered
from tests.fakes.turns import Turns
from tests.fakes.wire import Call
from tests.unit.base import CloudTestCase


class NoRoomTestCase(CloudTestCase):
    """A build whose cloud is full, read-only, or full of forged leases."""

    def fill(self) -> None:
        """Use up the quota of images."""
        self.cloud.glance.limits = {
            "image_count_total": len(self.cloud.glance.images),
            "image_size_total": -1,
        }

    def close(self) -> None:
        """Refuse every new image by policy."""
        self.cloud.hooks.append(
            lambda call: answered(403) if call.kind == "create image" else None
        )

    def forge(self) -> None:
        """Use up the numbers of leases, with right IDs and with wrong ones."""
        for build in self.builder().list().builds:
            for number in ("999999", "²", "9" * 500):
                self.forged(build.id, number)
            genuine = self.forged(build.id, "999999")
            images = self.cloud.glance.images
            right = lease._lease_id(build.id, 999_999)
            images[right] = images.pop(genuine)
            images[right].id = right
            record_of = images[build.id].properties
            record_of["imagebuild_lease"] = "999999"

    def forged(self, build_id: str, number: str) -> str:
        """Add an image that looks like a lease."""
        return self.cloud.glance.add(
            "demo",
            name=f"imagebuild-{build_id}-lease-{number}",
            hidden=True,
            visibility="private",
            tags=[f"imagebuild-{build_id}", "imagebuild-part"],
        ).id

    def troubles(self) -> dict[str, Callable[[], None]]:
        """What may be wrong, by name."""
        return {"full": self.fill, "closed": self.close, "forged": self.forge}


class CancelDeleteTest(NoRoomTestCase):
    """Whatever keeps them from a lease."""

    def test_cancel(self) -> None:
        """Nothing is left but the record, which says so."""
        for name, trouble in self.troubles().items():
            self.cloud = FakeCloud()
            build = self.started()
            with self.one_of_many(name):
                trouble()
                found = self.builder("boss").cancel(build.id)
                self.assertEqual("cancelled", found.status)
                self.assert_empty(build.id)

    def test_delete(self) -> None:
        """Nothing is left at all, whether the record can be read or not."""
        for damaged in (False, True):
            for name, trouble in self.troubles().items():
                self.cloud = FakeCloud()
                build = self.started()
                with self.one_of_many(f"{name} {damaged}"):
                    trouble()
                    if damaged:
                        kept = self.cloud.glance.images[build.id].properties
                        kept["imagebuild_spec"] = "{"
                    self.builder("boss").delete(build.id)
                    self.assert_empty()

    def test_a_driver_is_put_aside(self) -> None:
        """It stops before its next change, and what it made goes."""
        for name in self.troubles():
            for seed, delay in enumerate((1, 9, 30, 70)):
                self.cloud = FakeCloud()
                build = self.started()
                with self.one_of_many(f"{name} after {delay} s"):
                    self.check_driver(build.id, name, delay, seed)

    def check_driver(self, build_id: str, name: str, delay: float, seed: int) -> None:
        """Cancel while another client drives."""

        def cancel() -> record.Record:
            self.cloud.world.sleep(delay)
            self.troubles()[name]()
            return self.builder("boss").cancel(build_id)

        driver = self.builder("driver")
        works = [lambda: driver.resume(build_id), cancel]
        was, found = Turns(self.cloud.world, seed).run(works)
        self.assertEqual("cancelled", getattr(found, "status", found), str(found))
        self.assertIsInstance(was, RecordError, str(was))
        self.assert_empty(build_id)

    def test_nobody_begins_to_drive_meanwhile(self) -> None:
        """Who takes a lease after the mark sees it, though it saw a build at work."""
        build = self.started()
        self.close()
        shut = self.cloud.hooks.pop()
        calls: list[Call] = []

        def late(call: Call) -> Fault | None:
            """Cancel between the resume's first look and its lease."""
            if call.client == "late" and call.kind == "create image" and not calls:
                calls.append(call)
                self.cloud.hooks.append(
                    lambda c: shut(c) if c.client == "boss" else None
                )
                self.builder("boss").cancel(build.id)
            return None

        self.cloud.hooks.append(late)
        found = self.builder("late").resume(build.id)
        self.assertEqual("cancelled", found.status)
        self.assert_empty(build.id)


class ForgedTest(NoRoomTestCase):
    """Forged names of leases count for nothing; used numbers only stop who drives."""

    def test_names_alone(self) -> None:
        """A build goes on."""
        build = self.started()
        for number in ("999999", "²", "7"):
            self.forged(build.id, number)
        self.assertEqual("complete", self.builder("next").resume(build.id).status)

    def test_numbers_used_up(self) -> None:
        """Who would drive is told how to remove the build."""
        build = self.started()
        self.forge()
        self.cloud.world.advance(lease.LIFE_S + 1)
        error = self.assertRaises(RecordError, self.builder().resume, build.id)
        self.assertIn(NextStep(Verb.DELETE, build.id), error.next_steps)
