"""Where copies of an image can be: another project, a second store, a second region."""

from __future__ import annotations

import os
import time
from typing import Any

from openstack import exceptions

from devcloud import settings
from tests.devcloud.functional.test_devcloud import DevcloudTest, connect

DATA = os.urandom(1 << 20)
KERNEL = {"disk_format": "aki", "container_format": "aki"}  # may hold any bytes
LIMIT_S = 60


def stores(image: Any) -> str:
    """The names of the stores that hold it; the SDK knows no such attribute."""
    return str(image.properties["stores"])


class CopyTest(DevcloudTest):
    """Makes small images in any of the clouds, which go away with the test."""

    other: Any
    two: Any

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.other = connect("devcloud-other")
        cls.two = connect("devcloud-two")

    def queued(self, cloud: Any, **attributes: Any) -> Any:
        """An image without data."""
        image = cloud.image.create_image(
            name=self.prefix,
            allow_duplicates=True,
            **(KERNEL | {"visibility": "private"} | attributes),
        )
        self.addCleanup(cloud.image.delete_image, image.id)
        return image

    def filled(self, cloud: Any, data: bytes = DATA, **attributes: Any) -> Any:
        """An image with data."""
        image = self.queued(cloud, **attributes)
        image.data = data
        image.upload(cloud.image)
        return cloud.image.get_image(image.id)

    def start_import(self, cloud: Any, image: Any, method: Any, **more: Any) -> None:
        """By hand: the SDK says nothing of a refusal, and leaves a region out."""
        answer = cloud.image.post(
            f"/images/{image.id}/import", json={"method": method, **more}
        )
        exceptions.raise_from_response(answer)

    def imported(self, cloud: Any, image: Any) -> Any:
        """The image once its import is over: its own attributes say that too early."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            answer = cloud.image.get(f"/images/{image.id}/tasks")
            exceptions.raise_from_response(answer)
            states = [task["status"] for task in answer.json()["tasks"]]
            if states and set(states) <= {"success", "failure"}:
                return cloud.image.get_image(image.id)
            self.assertLess(time.monotonic(), deadline, states)
            time.sleep(0.2)

    def endpoint(self, cloud: Any, service: str = "image") -> str | None:
        """Where that cloud's user finds a service."""
        found: str | None = cloud.config.get_session_endpoint(service)
        return found

    def assert_at(self, port: str, endpoint: str | None) -> None:
        """That endpoint is where this service of ours listens."""
        address = f"http://{settings.LOCAL}:{settings.PORTS[port]}"
        self.assertEqual(address, str(endpoint)[: len(address)])


class OtherProjectTest(CopyTest):
    def test_is_a_plain_member_of_another_project(self) -> None:
        session = self.other.session
        names = set(session.auth.get_access(session).role_names)
        self.assertEqual({"member", "reader"}, names)
        self.assertNotEqual(self.demo.current_project_id, self.other.current_project_id)

    def test_accepts_a_shared_image(self) -> None:
        image = self.filled(self.demo, visibility="shared")
        get = self.other.image.get_image
        self.assertRaises(exceptions.NotFoundException, get, image.id)
        project = self.other.current_project_id
        self.demo.image.add_member(image, member_id=project)
        self.assertEqual([], list(self.other.image.images(name=self.prefix)))
        self.other.image.update_member(project, image, status="accepted")
        [seen] = self.other.image.images(name=self.prefix)
        self.assertEqual(image.id, seen.id)
        self.assertEqual(DATA, self.other.image.download_image(seen).content)


class StoreTest(CopyTest):
    def test_names(self) -> None:
        [one, two] = self.demo.image.stores()
        self.assertEqual(("file1", True), (one.id, one.is_default))
        self.assertEqual(("file2", None), (two.id, two.is_default))

    def test_member_copies_own_image(self) -> None:
        image = self.filled(self.demo)
        self.assertEqual("file1", stores(image))
        self.copy(self.demo, image)
        copied = self.imported(self.demo, image)
        self.assertEqual("file1,file2", stores(copied))
        self.assertEqual("active", copied.status)
        for directory in ("images", "images-2"):
            path = settings.STATE / "glance" / directory / image.id
            self.assertEqual(DATA, path.read_bytes())

    def test_member_does_not_copy_that_of_another(self) -> None:
        image = self.filled(self.demo, visibility="community")
        self.assertRaises(exceptions.ForbiddenException, self.copy, self.other, image)

    def copy(self, cloud: Any, image: Any) -> None:
        self.start_import(cloud, image, {"name": "copy-image"}, stores=["file2"])

    def test_volume_of_an_image_in_the_second_store(self) -> None:
        image = self.queued(self.demo, disk_format="qcow2", container_format="bare")
        answer = self.demo.image.put(
            f"/images/{image.id}/file",
            data=self.blank_disk(),
            headers={
                "Content-Type": "application/octet-stream",
                "X-Image-Meta-Store": "file2",
            },
        )
        exceptions.raise_from_response(answer)
        self.assertEqual("file2", stores(self.demo.image.get_image(image.id)))
        storage = self.demo.block_storage
        volume = storage.create_volume(name=self.prefix, size=1, image_id=image.id)
        self.addCleanup(storage.wait_for_delete, volume, wait=LIMIT_S)
        self.addCleanup(storage.delete_volume, volume)
        storage.wait_for_status(volume, "available", ["error"], wait=LIMIT_S)


class SecondRegionTest(CopyTest):
    def test_the_first_is_meant_where_none_is_named(self) -> None:
        for cloud in (self.demo, self.admin, self.other):
            self.assert_at("glance", self.endpoint(cloud))
        self.assert_at("glance-two", self.endpoint(self.two))
        self.assert_at("keystone", self.endpoint(self.two, "identity"))
        for service, port in (("compute", "nova"), ("network", "neutron")):
            self.assert_at(port, self.endpoint(self.demo, service))
            self.assertIsNone(self.endpoint(self.two, service))

    def test_images_are_its_own(self) -> None:
        for here, there in ((self.demo, self.two), (self.two, self.demo)):
            image = self.filled(here)
            self.assertEqual("active", image.status)
            self.assertRaises(
                exceptions.NotFoundException, there.image.get_image, image.id
            )
        self.assertEqual(["file3"], [store.id for store in self.two.image.stores()])
        self.assertEqual("file3", stores(self.filled(self.two)))

    def test_fetches_an_image_of_the_first(self) -> None:
        """Of its properties it takes those that the configuration names."""
        source = self.filled(
            self.demo,
            min_disk=1,
            tags=["mine"],
            hw_disk_bus="virtio",
            os_distro="debian",
            own="mine",
        )
        image = self.fetched(source.id)
        self.assertEqual("active", image.status)
        self.assertEqual(source.hash_value, image.hash_value)
        self.assertEqual(("virtio", "debian"), (image.hw_disk_bus, image.os_distro))
        self.assertNotIn("own", image.properties)
        self.assertEqual((0, []), (image.min_disk, image.tags))
        self.assertEqual(DATA, self.two.image.download_image(image).content)

    def test_fetches_none_that_its_user_may_not_see(self) -> None:
        source = self.filled(self.other)
        image = self.fetched(source.id)
        self.assertEqual("queued", image.status)

    def fetched(self, image_id: str) -> Any:
        """An image of the second region, once the import of another has ended."""
        image = self.queued(self.two)
        self.start_import(
            self.two,
            image,
            {
                "name": "glance-download",
                "glance_region": "RegionOne",
                "glance_image_id": image_id,
            },
        )
        return self.imported(self.two, image)
