"""Glance, as far as builds lean on it."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.builds import copier, copies, families
from osc_imagebuild.builds.filling import Listeners
from osc_imagebuild.cloud import image_schema, images, limits, transfers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import Body
from osc_imagebuild.errors import CloudError, ConflictError, NotFoundError
from osc_imagebuild.media.http_range import RangeFile
from osc_imagebuild.model.resources import Image
from tests.contract.base import (
    BLANK,
    ContractTestCase,
    FakeBackend,
    RealBackend,
)
from tests.fakes.mirror import KERNEL

_PATCH = "application/openstack-images-v2.1-json-patch"


class ImagesContract(ContractTestCase):
    """Images, their properties and their data."""

    def patch_status(self, image: Image, *operations: Mapping[str, object]) -> int:
        """Send a PATCH and return its status."""
        path = f"/images/{image.id}"
        return self.send("PATCH", path, list(operations), Content_Type=_PATCH)

    def read(self, image: Image) -> Image:
        """Read an image again."""
        found = images.find(self.api, image.id)
        assert found is not None
        return found

    def upload(self, image: Image, data: bytes) -> int:
        """Upload and return the status."""
        try:
            self.api.upload(f"/images/{image.id}/file", io.BytesIO(data), len(data))
        except CloudError as error:
            return error.status
        return 204

    def test_id_is_used_once(self) -> None:
        """An ID of our own is taken once, and for ever."""
        chosen = str(uuid.uuid4())
        created = self.image(image_id=chosen)
        self.assertEqual(chosen, created.id)
        self.assertRaises(ConflictError, self.image, image_id=chosen)
        images.delete(self.api, chosen)
        self.assertRaises(ConflictError, self.image, image_id=chosen)

    def test_created_as_asked(self) -> None:
        """One request makes a private hidden queued image with all it needs."""
        made = self.read(self.image(properties={"one": "1", "other": "ä ☃"}))
        self.assertEqual(("queued", True, 0), (made.status, made.hidden, made.size))
        self.assertEqual({"one": "1", "other": "ä ☃"}, dict(made.properties))
        self.assertEqual({self.tag}, made.tags)
        self.assertLess(abs(made.created_at - self.api.now()), 30)

    def test_what_is_refused(self) -> None:
        """Bad IDs, names, properties and formats."""
        body = {"name": self.tag, "visibility": "private", "tags": [self.tag]}
        for status, wrong in (
            (400, {"id": "no-uuid"}),
            (400, {"name": "x" * 256}),
            (400, {"an_object": {"a": 1}}),
            (400, {"disk_format": "floppy"}),
            (400, {"tags": ["x" * 256]}),
            (403, {"os_glance_stuff": "x"}),
            (403, {"status": "active"}),
        ):
            found = self.send("POST", "/images", body | wrong)
            self.assertEqual(status, found, str(wrong))

    def test_hidden_are_listed_apart(self) -> None:
        """Listings show hidden images or the others, never both."""
        hidden, shown = self.image(), self.image(hidden=False)
        for what, flag in ((hidden, True), (shown, False)):
            tagged = images.tagged(self.api, self.tag, hidden=flag)
            self.assertEqual([what.id], [i.id for i in tagged])
            named = images.named(self.api, self.tag, hidden=flag)
            self.assertEqual([what.id], [i.id for i in named])
        self.assertEqual([], images.tagged(self.api, "no-such-tag", hidden=True))

    def test_pages(self) -> None:
        """A marker leads through a listing of any length."""
        made = {self.image().id for _ in range(3)}
        query = [("tag", self.tag), ("os_hidden", "true"), ("limit", "1")]
        seen: list[str] = []
        while page := self.api.get("image", "/images", query)["images"]:
            seen += [i["id"] for i in page]
            query = [*query[:3], ("marker", seen[-1])]
        self.assertEqual((made, 3), (set(seen), len(seen)))

    def active(self, **fields: Any) -> Image:
        """Create an image with data."""
        image = self.image(disk_format="qcow2", container_format="bare", **fields)
        self.assertEqual(204, self.upload(image, BLANK))
        return self.read(image)

    def share(self, image: Image) -> None:
        """Let it have members."""
        core = {"visibility": "shared"}
        operations = images.set_operations(image, image.properties, core)
        images.patch(self.api, image.id, operations)

    def test_members(self) -> None:
        """A shared image is used by ID at once, and listed once it is accepted."""
        image, other = self.active(hidden=False), self.connect_other_project()
        project_id = other.project_id()
        error = self.assertRaises(
            CloudError, images.share, self.api, image.id, project_id
        )
        self.assertEqual(403, error.status)
        error = self.assertRaises(CloudError, images.members, self.api, image.id)
        self.assertEqual(403, error.status)
        self.share(image)
        self.assertEqual({}, images.members(self.api, image.id))
        for _ in range(2):
            images.share(self.api, image.id, project_id)
        self.assertEqual({project_id: "pending"}, images.members(self.api, image.id))
        self.assertIsNotNone(images.find(other, image.id))
        self.assertEqual([], images.visible(other, self.tag))
        images.accept(other, image.id)
        self.assertEqual({project_id: "accepted"}, images.members(self.api, image.id))
        self.assertEqual([image.id], [i.id for i in images.visible(other, self.tag)])
        error = self.assertRaises(CloudError, images.delete, other, image.id)
        self.assertEqual(403, error.status)

    def test_hidden_while_it_gets_members(self) -> None:
        """Members are added before anybody lists the image."""
        image, other = self.active(), self.connect_other_project()
        self.share(image)
        images.share(self.api, image.id, other.project_id())
        images.accept(other, image.id)
        self.assertEqual([], images.visible(other, self.tag))

    def test_deactivate(self) -> None:
        """Nobody gets its data any more; again is fine; it can be deleted."""
        image = self.active()
        for _ in range(2):
            images.deactivate(self.api, image.id)
        self.assertEqual("deactivated", self.read(image).status)
        queued = self.image()
        error = self.assertRaises(CloudError, images.deactivate, self.api, queued.id)
        self.assertEqual(403, error.status)
        images.delete(self.api, image.id)

    def test_by_property(self) -> None:
        """The project's images with a property, hidden or not."""
        said = {"imagebuild_family": self.tag}
        made = [self.image(properties=said, hidden=hidden) for hidden in (True, False)]
        self.image(properties={"imagebuild_family": "another"})
        found = images.with_property(self.api, "imagebuild_family", self.tag)
        self.assertEqual({i.id for i in made}, {i.id for i in found})

    def test_patch(self) -> None:
        """add sets or replaces; what is not there cannot be replaced or removed."""
        image = self.image(properties={"a": "1", "b": "2", "x/y~z": "3"})
        wanted = {"a": "9", "c": "4"}
        core = {"name": self.tag, "tags": [self.tag, "more"], "min_disk": 3}
        images.patch(self.api, image.id, images.set_operations(image, wanted, core))
        changed = self.read(image)
        self.assertEqual(wanted, dict(changed.properties))
        self.assertEqual(({self.tag, "more"}, 3), (changed.tags, changed.min_disk_gib))
        for operation in ("replace", "remove"):
            body = {"op": operation, "path": "/nothing", "value": "x"}
            self.assertEqual(409, self.patch_status(image, body))
        core_attribute = {"op": "remove", "path": "/name"}
        self.assertEqual(403, self.patch_status(image, core_attribute))

    def test_patch_is_all_or_nothing(self) -> None:
        """A wrong operation undoes those before it."""
        image = self.image()
        good = {"op": "add", "path": "/good", "value": "1"}
        bad = {"op": "remove", "path": "/nothing"}
        self.assertEqual(409, self.patch_status(image, good, bad))
        self.assertEqual({}, dict(self.read(image).properties))
        path = f"/images/{image.id}"
        self.assertEqual(415, self.send("PATCH", path, [good]))

    def test_patch_during_upload_is_lost(self) -> None:
        """The end of an upload brings back the properties from its begin."""
        image = self.image(disk_format="qcow2", container_format="bare")
        test = self

        class Slow(io.BytesIO):
            """Data in whose midst somebody changes the image."""

            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell() == len(BLANK) // 2:
                    test.wait(lambda: test.read(image).status == "saving")
                    add = {"op": "add", "path": "/lost", "value": "1"}
                    test.assertEqual(200, test.patch_status(image, add))
                    test.assertIn("lost", test.read(image).properties)
                return super().read(len(BLANK) // 2)

        self.api.upload(f"/images/{image.id}/file", Slow(BLANK), len(BLANK))
        after = self.read(image)
        self.assertEqual(("active", len(BLANK)), (after.status, after.size))
        self.assertNotIn("lost", after.properties)

    def test_upload(self) -> None:
        """Once, with formats, and the kernel of a system only as what it is."""
        blank = self.image(disk_format="qcow2", container_format="bare")
        self.assertEqual(204, self.upload(blank, BLANK))
        self.assertEqual(409, self.upload(blank, BLANK))
        self.assertEqual(400, self.upload(self.image(), BLANK))
        raw = self.image(disk_format="raw", container_format="bare")
        self.assertEqual(415, self.upload(raw, KERNEL))
        self.assertNotEqual("active", self.read(raw).status)
        for kind in ("aki", "ari"):
            kernel = self.image(disk_format=kind, container_format=kind)
            self.assertEqual(204, self.upload(kernel, KERNEL))
            self.assertEqual(len(KERNEL), self.read(kernel).size)

    def test_body_is_sent_whole_twice(self) -> None:
        """What keystoneauth sends again after a 401 is all there."""
        body = Body(io.BytesIO(BLANK), len(BLANK))
        self.assertEqual(b"".join(body), b"".join(body))
        self.assertEqual(len(BLANK), len(body))

    def test_parts_of_the_data(self) -> None:
        """An image can be read like a file, of which only what is read comes."""
        data = bytes(range(256)) * 2000
        image = self.image(disk_format="ari", container_format="ari")
        self.assertEqual(204, self.upload(image, data))
        file = RangeFile("it", images.reader(self.api, image.id))
        self.assertEqual(len(data), file.size)
        for at, count in ((0, 8), (70_000, 200_000), (len(data) - 3, 9), (300, 5)):
            file.seek(at)
            self.assertEqual(data[at : at + count], file.read(count))
        self.assertLess(file.received, len(data))

    def test_tags(self) -> None:
        """One at a time; what is not there can't be taken away."""
        image = self.image()
        images.tag(self.api, image.id, "another")
        images.tag(self.api, image.id, "another")
        self.assertEqual({self.tag, "another"}, self.read(image).tags)
        images.untag(self.api, image.id, "another")
        images.untag(self.api, image.id, "another")
        self.assertEqual({self.tag}, self.read(image).tags)
        path = f"/images/{image.id}/tags/another"
        self.assertEqual(404, self.send("DELETE", path))

    def test_deleted_is_gone(self) -> None:
        """Everything about it answers 404 from then on."""
        image = self.image()
        images.delete(self.api, image.id)
        images.delete(self.api, image.id)
        self.assertIsNone(images.find(self.api, image.id))
        self.assertEqual(404, self.send("DELETE", f"/images/{image.id}"))
        self.assertRaises(NotFoundError, images.tag, self.api, image.id, "late")
        add = {"op": "add", "path": "/late", "value": "1"}
        self.assertEqual(404, self.patch_status(image, add))

    def test_protected(self) -> None:
        """It can't be deleted until that is taken back."""
        image = self.image()
        on: dict[str, object] = {"op": "replace", "path": "/protected", "value": True}
        self.assertEqual(200, self.patch_status(image, on))
        self.assertTrue(self.read(image).protected)
        self.assertRaises(CloudError, images.delete, self.api, image.id)
        self.assertEqual(200, self.patch_status(image, {**on, "value": False}))
        images.delete(self.api, image.id)
        self.assertIsNone(images.find(self.api, image.id))

    def test_what_glance_tells_of_itself(self) -> None:
        """Its stores, where there are several, and the formats that it takes."""
        self.assertIsInstance(limits.stores(self.api), list)
        schema = image_schema.read(self.api)
        self.assertTrue(schema.takes("qcow2", "raw", "iso", "aki", "ari"))
        self.assertFalse(schema.takes("floppy"))
        self.assertIn("bare", schema.container_formats)
        self.assertEqual({}, schema.required)
        self.assertTrue(image_schema.lets_change(self.api))
        self.assertIn(image_schema.prefers_raw(self.api), (True, False))
        self.assertTrue(all(limits.import_methods(self.api)))
        region, address = self.api.place("image")
        self.assertTrue(region and address.startswith("http"), (region, address))
        self.assertTrue(self.api.identity_url().startswith("http"))

    def test_copies_in_stores(self) -> None:
        """Glance copies data to another store, or says why it does not."""
        image = self.active()
        stores = limits.stores(self.api)
        others = [store for store in stores if store not in image.stores]
        try:
            images.copy_to_stores(self.api, image.id, others or ["none"])
        except CloudError as error:
            self.assertIn(error.status, (400, 403, 409))
            return
        self.wait(lambda: set(others) <= self.read(image).stores)

    def test_download(self) -> None:
        """The data of an image come as a stream, and again from the begin."""
        image = self.active()
        stream = transfers.Download(self.api, image.id, image.size)
        for _ in range(2):
            stream.seek(0)
            data = b"".join(iter(lambda: stream.read(70_000), b""))
            self.assertEqual(BLANK, data)
        self.assertRaises(ValueError, stream.seek, 1)

    def finished(self) -> Image:
        """Return an image as a build leaves it."""
        build_id = str(uuid.uuid4())
        said = {
            "imagebuild_build_id": build_id,
            "imagebuild_family": self.tag,
            "imagebuild_kind": "image",
            "imagebuild_built_at": "2026-03-01T12:00:00Z",
            "hw_disk_bus": "virtio",
        }
        image = self.active(properties=said)
        own = {**said, "imagebuild_result_id": image.id}
        operations = images.set_operations(image, own, {"min_disk": 1})
        images.patch(self.api, image.id, operations)
        return self.read(image)

    def test_copies_elsewhere(self) -> None:
        """A copy in another cloud is what the image is, and is made once."""
        source, second = self.finished(), self.connect_second()
        order = copies.order(source)
        for _ in range(2):
            made = copier.Copier(self.api, second, order).make()
            self.addCleanup(images.delete, second, made.id)
            self.assertEqual(copier.copy_id(source.id, second.project_id(), 0), made.id)
        self.assertEqual(source.sha512, made.sha512)
        own = {**source.properties, "imagebuild_result_id": made.id}
        told = {k: v for k, v in made.properties.items() if "os_glance" not in k}
        self.assertEqual(own, told)
        self.assertEqual((self.tag, 1), (made.name, made.min_disk_gib))
        self.assertEqual(source.tags, made.tags)
        (member,) = families.members(second, self.tag)
        self.assertEqual(made.id, member.id)
        copier.remove(second, order.build_id, finished=True)
        self.assertIsNone(images.find(second, made.id))

    def test_copy_that_dies(self) -> None:
        """What was half made is mended by another client, streamed or fetched."""
        second = self.connect_second()

        def die(text: str) -> None:
            raise KeyboardInterrupt

        for streamed in (False, True):
            source = self.finished()
            order = copies.order(source)
            self.addCleanup(copier.remove, second, order.build_id, finished=True)
            if streamed:
                # As where another Keystone is that region's.
                self.patch(self.api, "identity_url", lambda: "")
            listeners = Listeners(progress=die)
            dying = copier.Copier(self.api, second, order, listeners)
            self.assertRaises(KeyboardInterrupt, dying.make)
            made = copier.Copier(self.api, second, order).make()
            self.assertEqual(("active", source.sha512), (made.status, made.sha512))
            said = images.with_property(second, "imagebuild_build_id", order.build_id)
            self.assertEqual([made.id], [image.id for image in said])

    def test_named_and_protected(self) -> None:
        """By the change that names it; then it is not deleted until that is taken back."""
        image = self.image()
        core = {"name": f"{self.tag}-named", "protected": True, "min_disk": 3}
        images.patch(self.api, image.id, images.set_operations(image, {}, core))
        made = images.find(self.api, image.id)
        assert made is not None
        self.assertEqual((True, 3), (made.protected, made.min_disk_gib))
        refused = self.assertRaises(CloudError, images.delete, self.api, image.id)
        self.assertEqual(403, refused.status)
        images.unprotect(self.api, made)
        images.delete(self.api, image.id)
        self.assertIsNone(images.find(self.api, image.id))

    def test_quota_is_told(self) -> None:
        """As numbers, or not at all."""
        for left in limits.image_room(self.api):
            self.assertTrue(left is None or left >= 0, left)


class FakeImagesTest(ImagesContract, FakeBackend):
    """On the fake cloud."""

    def test_other_projects_see_nothing(self) -> None:
        """A private image is its project's own."""
        image, other = self.image(), self.connect_other_project()
        self.assertIsNone(images.find(other, image.id))
        self.assertEqual([], images.tagged(other, self.tag, hidden=True))
        self.assertRaises(
            ConflictError,
            images.create,
            other,
            name="x",
            tags=(),
            properties={},
            image_id=image.id,
        )


class FakeStoresTest(FakeImagesTest):
    """On one with several stores, whose second region fetches by itself."""

    def connect(self) -> Api:
        """Give it stores."""
        api = super().connect()
        self.cloud.glance.stores = ["fast", "slow"]
        self.cloud.glance.methods.append("copy-image")
        return api

    def connect_second(self) -> Api:
        """Let it fetch."""
        api = super().connect_second()
        self.two.glance.methods = ["glance-download"]
        return api


class RealImagesTest(ImagesContract, RealBackend):
    """On the real one."""


# The contracts themselves have no cloud to be tried on.
del ImagesContract
