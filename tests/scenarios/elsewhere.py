"""What tests of copies share: a second cloud, which the first one's users can log in to."""

from __future__ import annotations

from typing import Any

from openstack.connection import Connection

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds.record import Record
from osc_imagebuild.model.copies import Copy
from tests.fakes.cloud import FakeCloud, fork_all
from tests.fakes.image import FakeImage
from tests.unit.base import ENTRIES, NAME, CloudTestCase

TWO = Copy("two", "RegionTwo")
DAY = 86_400.0


class ElsewhereTestCase(CloudTestCase):
    """A test with two clouds in one world: ``cloud`` and ``two``."""

    def setUp(self) -> None:
        """Make the second cloud."""
        super().setUp()
        self.begin()

    def begin(self) -> None:
        """Take new clouds."""
        self.cloud = FakeCloud()
        self.two = FakeCloud(self.cloud.world, "RegionTwo")
        self.logins: list[str] = []

    def connect(self, cloud: str, region: str | None) -> Connection:
        """Log in to the second cloud."""
        self.logins.append(cloud)
        if cloud != "two":
            raise LookupError(f"Cloud {cloud} was not found.")
        return self.two.connect("elsewhere")

    def builder(self, client: str = "first", *, skew: float = 0.0) -> Builder:
        """One that knows both."""
        return Builder(
            self.cloud.connect(client),
            catalog=ENTRIES,
            clock=self.cloud.clock(skew),
            listener=self.events.append,
            connect=lambda cloud, region: self.connect(cloud, region),
            signing_key=self.signing_key,
        )

    def fetching(self) -> None:
        """Let the second Glance fetch from the first one by itself."""
        self.two.glance.methods = ["glance-download"]
        self.two.glance.regions = {"RegionOne": self.cloud.glance}

    def fork(self) -> tuple[FakeCloud, FakeCloud]:
        """Return copies of both clouds, as if all clients died here."""
        one, two = fork_all((self.cloud, self.two))
        return one, two

    def take(self, clouds: tuple[FakeCloud, FakeCloud]) -> None:
        """Go on with these."""
        self.cloud, self.two = fork_all(clouds)

    def built(self, **fields: Any) -> Record:
        """Build an image that is copied, a day after the one before."""
        self.cloud.world.sleep(DAY)
        return self.builder().create(self.request(**({"copies": (TWO,)} | fields)))

    def there(self) -> list[FakeImage]:
        """All images of the second cloud, newest first."""
        self.two.tick()
        return sorted(self.two.glance.images.values(), key=lambda i: -i.created)

    def told(self) -> str:
        """All that listeners were told."""
        return "\n".join(event.text for event in self.events)

    def assert_copied(self, build: Record) -> FakeImage:
        """There is one copy, and nothing else but older ones; it is what the image is."""
        image = self.cloud.glance.images[build.result_id]
        copies = [i for i in self.there() if i.name == NAME]
        self.assertEqual(1, len(copies), str([i.name for i in self.there()]))
        copy = copies[0]
        self.assertEqual("active", copy.status)
        self.assertEqual(image.data, copy.data)
        self.assertFalse(copy.hidden)
        said = {**image.properties, "imagebuild_result_id": copy.id}
        self.assertEqual(
            {k: v for k, v in said.items() if not k.startswith("os_glance")},
            {k: v for k, v in copy.properties.items() if not k.startswith("os_glance")},
        )
        self.assertEqual(
            (image.tags, image.min_disk, image.min_ram, image.visibility),
            (copy.tags, copy.min_disk, copy.min_ram, copy.visibility),
        )
        self.assertEqual(image.disk_format, copy.disk_format)
        parts = [i.name for i in self.there() if "imagebuild-part" in i.tags]
        self.assertEqual([], parts)
        self.assertEqual({}, self.two.nova.servers)
        return copy
