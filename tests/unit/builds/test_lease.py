"""One client drives a build, and the others know who."""

from __future__ import annotations

from osc_imagebuild.builds import lease, record_store
from osc_imagebuild.engine.events import Event
from osc_imagebuild.errors import DrivenError, RecordError
from tests.fakes import glance
from tests.unit.base import CloudTestCase

SKEWS = (0.0, 600.0, -600.0, 300.0, -1.0)


class LeaseTest(CloudTestCase):
    """Who may drive, and since when."""

    def setUp(self) -> None:
        """Have a build that waits for its installer."""
        super().setUp()
        self.build = self.started()

    def take(self, client: str, skew: float = 0.0) -> lease.Lease:
        """Take the lease as ``client``."""
        return lease.take(self.builder(client, skew=skew).api, self.build.id)

    def test_an_owner_that_is_not_listed_yet(self) -> None:
        """The record names its lease before Glance lists it by its tags."""
        self.patch(glance, "TAGS_LATE_S", 5.0)
        held = self.take("owner")
        api = self.builder("owner").api
        record_store.update(api, self.build.id, lease=held.generation)
        self.cloud.world.advance(1)
        self.assertRaises(DrivenError, self.take, "rival")
        self.cloud.world.advance(5)
        held.verify_held()

    def test_life(self) -> None:
        """Silence ends a lease, whatever the clocks of the clients say."""
        for skew in SKEWS:
            held = self.take("owner", -skew)
            self.cloud.world.advance(lease.LIFE_S - 5)
            self.assertRaises(RecordError, self.take, "too early", skew)
            self.cloud.world.advance(10)
            heir = self.take("heir", skew)
            error = self.assertRaises(RecordError, held.verify_held)
            self.assertIn("taken over by", str(error))
            heir.release()

    def test_release(self) -> None:
        """Let go, it can be taken at once, and never under the same ID."""
        used = set()
        for _ in range(3):
            held = self.take("owner")
            used.add(held.image_id)
            held.release()
        self.assertEqual(3, len(used))

    def test_release_where_a_listener_fails(self) -> None:
        """A service's own error, or a terminal that went away, keeps no build."""
        for error in (OSError("stderr is gone"), SystemExit(1)):
            builder = self.builder("listens")

            def fail(event: Event, error: BaseException = error) -> None:
                raise error

            builder.listener = fail
            self.assertRaises(type(error), builder.resume, self.build.id)
            self.assertEqual([], lease.leases(builder.api, self.build.id))
        self.assert_complete(self.builder("another").resume(self.build.id))

    def test_force(self) -> None:
        """A cancel does not wait."""
        held = self.take("owner")
        lease.take(self.builder("boss").api, self.build.id, force=True)
        self.assertRaises(RecordError, held.verify_held)

    def test_died_here(self) -> None:
        """An owner that died on this machine is not waited for."""
        self.patch(lease, "_life", lambda: "boot pid:[1] 4194300 123")
        self.patch(lease, "_identity", lambda pid: "boot pid:[1] 4194300 999")
        self.take("dead")
        self.take("heir").verify_held()
        self.patch(lease, "_identity", lambda pid: "boot pid:[1] 4194300 123")
        self.assertRaises(RecordError, self.take, "third")
