"""Cinder, as far as builds lean on it."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import images, limits, paging, servers, volume_types, volumes
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.boot_sources import Device
from osc_imagebuild.model.names import VOLUME_MARK
from osc_imagebuild.model.resources import Image, Snapshot, Volume
from tests.contract.base import (
    BLANK,
    ContractTestCase,
    FakeBackend,
    RealBackend,
    smallest_flavor,
    usable_network,
)

KERNEL = {"os_command_line": "console=ttyS0", "hw_rng_model": "virtio"}


class VolumesContract(ContractTestCase):
    """Volumes and snapshots, and what becomes of them."""

    def setUp(self) -> None:
        """Stand for a build, whose volumes go at the end."""
        super().setUp()
        self.build_id = str(uuid.uuid4())
        self.addCleanup(self._remove_volumes)

    def _remove_volumes(self) -> None:
        for server in servers.tagged(self.api, self.tag):
            servers.delete(self.api, server.id)
        for snapshot in volumes.marked_snapshots(self.api, self.build_id):
            volumes.delete_snapshot(self.api, snapshot.id, self.build_id)
        self.wait(lambda: not volumes.marked_snapshots(self.api, self.build_id))
        self.wait(self._has_removed_volumes)

    def _has_removed_volumes(self) -> bool:
        left = volumes.marked(self.api, self.build_id)
        for volume in left:
            if volume.status in ("available", "error"):
                volumes.delete(self.api, volume.id, self.build_id)
        return not left

    def volume(self, **fields: Any) -> Volume:
        """Create a volume and wait until it can be used."""
        known = {"name": self.tag, "size": 1, "metadata": {VOLUME_MARK: self.build_id}}
        known["name"] = name = f"{self.tag}-{uuid.uuid4().hex[:4]}"
        volumes.create(self.api, known | fields)

        def found() -> Volume:
            marked = volumes.marked(self.api, self.build_id)
            return next(v for v in marked if v.name == name)

        self.wait(lambda: found().status == "available")
        return found()

    def read(self, volume: Volume) -> Volume:
        """Read a volume again."""
        found = volumes.find(self.api, volume.id)
        assert found is not None
        return found

    def refused(self, method: str, path: str, body: Any = None) -> int:
        """Return the status of a request that must not work."""
        try:
            self.api.send("volume", method, path, body)
        except CloudError as error:
            return error.status
        return 202

    def image_of_a_disk(self) -> Image:
        """An image as boot method kernel has it."""
        image = self.image(
            disk_format="qcow2", container_format="bare", properties=KERNEL
        )
        self.api.upload(f"/images/{image.id}/file", io.BytesIO(BLANK), len(BLANK))
        return image

    def test_what_is_refused(self) -> None:
        """What does not exist, and what is too small."""
        nobody = str(uuid.uuid4())
        mark = {VOLUME_MARK: self.build_id}
        for status, wrong in (
            (400, {"imageRef": nobody}),
            (404, {"source_volid": nobody}),
            (404, {"snapshot_id": nobody}),
            (400, {"metadata": {**mark, "": "x"}}),
        ):
            body = {"volume": {"name": self.tag, "size": 1, "metadata": mark} | wrong}
            self.assertEqual(status, self.refused("POST", "/volumes", body), str(wrong))
        self.assertIsNone(volumes.find(self.api, nobody))
        self.assertIsNone(volumes.find_snapshot(self.api, nobody))
        volumes.delete(self.api, nobody, self.build_id)
        volumes.delete_snapshot(self.api, nobody, self.build_id)

    def test_marks(self) -> None:
        """A build finds its own, and destroys nothing else."""
        mine = self.volume()
        self.assertEqual([], volumes.marked(self.api, str(uuid.uuid4())))
        self.assertIn(mine.id, [v.id for v in volumes.marked(self.api)])
        volumes.delete(self.api, mine.id, str(uuid.uuid4()))
        self.assertEqual("available", self.read(mine).status)
        self.assertLess(abs(mine.created_at - self.api.now()), 120)

    def test_pages(self) -> None:
        """Each is linked to the next, and all are read."""
        self.patch(paging, "PAGE", 1)
        made = [self.volume() for _ in range(3)]
        for volume in made[:2]:
            body = {
                "name": self.tag,
                "volume_id": volume.id,
                "metadata": {VOLUME_MARK: self.build_id},
            }
            volumes.create_snapshot(self.api, body)
        for build_id in (self.build_id, ""):
            found = {v.id for v in volumes.marked(self.api, build_id)}
            self.assertLessEqual({v.id for v in made}, found)

        def taken() -> list[Snapshot]:
            return volumes.marked_snapshots(self.api, self.build_id)

        self.wait(lambda: {s.status for s in taken()} == {"available"})
        self.assertEqual({v.id for v in made[:2]}, {s.volume_id for s in taken()})

    def test_zones(self) -> None:
        """A volume is where it was asked for; what does not exist is refused."""
        zone = limits.zones(self.api, "volume")[0]
        volume = self.volume(availability_zone=zone)
        shown = self.api.get("volume", f"/volumes/{volume.id}")["volume"]
        self.assertEqual(zone, shown["availability_zone"])
        body = {"size": 1, "availability_zone": "nowhere"}
        refused = self.refused("POST", "/volumes", {"volume": body})
        self.assertEqual(400, refused)

    def test_types(self) -> None:
        """There is one at least; copies have their source's, and quotas are told."""
        kind = volume_types.every(self.api)[0]
        volume = self.volume(volume_type=kind.id)
        copy = self.volume(source_volid=volume.id)
        for made in (volume, copy):
            shown = self.api.get("volume", f"/volumes/{made.id}")["volume"]
            self.assertEqual(kind.name, shown["volume_type"])
            self.assertFalse(self.read(made).encrypted)
        # By default for administrators alone: it is not known then.
        self.assertFalse(volume_types.is_encrypted(self.api, kind.id))
        room = volume_types.room(self.api, kind)
        for left in (room.volumes, room.snapshots, room.gigabytes):
            self.assertTrue(left is None or left >= 0, left)
        body = {"size": 1, "volume_type": str(uuid.uuid4())}
        self.assertEqual(404, self.refused("POST", "/volumes", {"volume": body}))

    def test_image_metadata(self) -> None:
        """They come from the image; what is set is added, what is unset goes."""
        volume = self.volume(imageRef=self.image_of_a_disk().id)
        found = dict(volume.image_metadata)
        self.assertEqual(KERNEL, {key: found.get(key) for key in KERNEL})
        self.assertIn("image_id", found)
        wanted = {"os_distro": "mini", "min_ram": "128", "hw_rng_model": "none"}
        volumes.set_image_metadata(self.api, volume, wanted)
        self.assertEqual(wanted, dict(self.read(volume).image_metadata))
        # Again, as after a crash in the midst of it.
        volumes.set_image_metadata(self.api, volume, wanted)
        self.assertEqual(wanted, dict(self.read(volume).image_metadata))
        clone = self.volume(source_volid=volume.id)
        self.assertEqual(wanted, dict(clone.image_metadata))
        self.assertEqual(volume.id, clone.source_id)

    def change(
        self, kind: str, item_id: str, name: str, metadata: Mapping[str, str]
    ) -> None:
        """Give a volume or snapshot a name and metadata."""
        volumes.set_name(self.api, kind, item_id, name)
        volumes.set_metadata(self.api, kind, item_id, metadata)

    def test_cascade(self) -> None:
        """A volume goes with its snapshots, by one request."""
        volume = self.volume()
        mark = {VOLUME_MARK: self.build_id}
        body = {"name": self.tag, "volume_id": volume.id, "metadata": mark}
        made = volumes.create_snapshot(self.api, body)

        def status() -> str:
            snapshot = volumes.find_snapshot(self.api, made)
            return snapshot.status if snapshot else "gone"

        self.wait(lambda: status() == "available")
        self.assertEqual([made], volumes.snapshots_of(self.api, volume.id))
        self.assertEqual([], volumes.snapshots_of(self.api, str(uuid.uuid4())))
        volumes.remove(self.api, "volume", volume.id, cascade=True)
        self.wait(lambda: status() == "gone")
        self.wait(lambda: volumes.find(self.api, volume.id) is None)
        volumes.remove(self.api, "volume", volume.id)

    def test_rename(self) -> None:
        """With the mark goes the right to delete it."""
        volume = self.volume()
        mine = {"golden": "true", "imagebuild_build_id": self.build_id}
        self.change("volume", volume.id, "ü☃", mine)
        found = self.read(volume)
        self.assertEqual(("ü☃", mine), (found.name, dict(found.metadata)))
        self.assertEqual([], volumes.marked(self.api, self.build_id))
        back = {VOLUME_MARK: self.build_id}
        self.change("volume", volume.id, self.tag, back)

    def test_snapshot(self) -> None:
        """It keeps its volume from going."""
        volume = self.volume()
        body = {
            "name": self.tag,
            "volume_id": volume.id,
            "metadata": {VOLUME_MARK: self.build_id},
        }
        volumes.create_snapshot(self.api, body)

        def found() -> Snapshot:
            return volumes.marked_snapshots(self.api, self.build_id)[0]

        self.wait(lambda: found().status == "available")
        self.assertEqual((volume.id, self.tag), (found().volume_id, found().name))
        self.assertEqual([], volumes.marked_snapshots(self.api, str(uuid.uuid4())))
        self.assertEqual(400, self.refused("DELETE", f"/volumes/{volume.id}"))
        self.assertEqual("available", self.read(volume).status)
        both = {"golden": "true", VOLUME_MARK: self.build_id}
        self.change("snapshot", found().id, "other", both)
        self.assertEqual(("other", both), (found().name, dict(found().metadata)))
        clone = self.volume(snapshot_id=found().id)
        self.assertEqual((1, found().id), (clone.size_gib, clone.source_id))
        self.assertIn(clone.id, [v.id for v in volumes.every(self.api)])

    def test_upload(self) -> None:
        """A private image of the name, with the image metadata but the core ones."""
        volume = self.volume(imageRef=self.image_of_a_disk().id)
        volumes.upload(self.api, volume.id, self.tag, "qcow2")

        def found() -> Image:
            named = images.named(self.api, self.tag)
            return next(i for i in named if i.id != volume.image_metadata["image_id"])

        self.assertIn(found().status, ("queued", "saving", "active"))
        self.wait(lambda: found().status == "active")
        self.wait(lambda: self.read(volume).status == "available")
        self.assertEqual(KERNEL, dict(found().properties))
        self.assertEqual((False, "qcow2"), (found().hidden, found().disk_format))

    def test_upload_as_raw(self) -> None:
        """What needs no conversion."""
        volume = self.volume()
        made = volumes.upload(self.api, volume.id, self.tag, "raw")
        self.wait(lambda: self.read(volume).status == "available")
        image = images.find(self.api, made)
        assert image is not None
        self.assertEqual(("active", "raw"), (image.status, image.disk_format))

    def test_of_nothing(self) -> None:
        """Servers boot from it once it is said to be bootable; it says what it is told."""
        volume = self.volume()
        self.assertEqual((False, {}), (volume.bootable, dict(volume.image_metadata)))
        body = {
            "name": self.tag,
            "flavorRef": smallest_flavor(self.api).id,
            "networks": [{"uuid": usable_network(self.api)}],
            "tags": [self.tag],
            "block_device_mapping_v2": [servers.device(Device(volume.id))],
        }
        error = self.assertRaises(CloudError, servers.create, self.api, body, {})
        self.assertEqual(400, error.status)
        volumes.set_image_metadata(self.api, volume, {"hw_disk_bus": "scsi"})
        volumes.set_bootable(self.api, volume.id)
        volumes.set_bootable(self.api, volume.id)
        found = self.read(volume)
        self.assertEqual({"hw_disk_bus": "scsi"}, dict(found.image_metadata))
        self.assertTrue(found.bootable)
        server_id = servers.create(self.api, body, {})

        def status() -> str:
            server = servers.find(self.api, server_id)
            return server.status if server else "gone"

        self.wait(lambda: status() == "ACTIVE")
        servers.delete(self.api, server_id)
        self.wait(lambda: status() == "gone")
        self.wait(lambda: self.read(volume).status == "available")

    def test_a_volume_beside_a_local_disk(self) -> None:
        """Nova takes it where the image's disk is named too, and keeps it apart."""
        disk, disc = self.image_of_a_disk(), self.volume()
        device = servers.device(Device(disc.id, boot_index=None))
        body = {
            "name": self.tag,
            "imageRef": disk.id,
            "flavorRef": smallest_flavor(self.api).id,
            "networks": [{"uuid": usable_network(self.api)}],
            "tags": [self.tag],
            "block_device_mapping_v2": [servers.local_disk(disk.id), device],
        }
        server_id = servers.create(self.api, body, {})

        def status() -> str:
            server = servers.find(self.api, server_id)
            return server.status if server else "gone"

        self.wait(lambda: status() == "ACTIVE")
        [listed] = [s for s in servers.every(self.api) if s.id == server_id]
        self.assertEqual((disk.id, (disc.id,)), (listed.image_id, listed.volume_ids))
        servers.delete(self.api, server_id)
        self.wait(lambda: status() == "gone")
        self.wait(lambda: self.read(disc).status == "available")

    def test_servers(self) -> None:
        """One has its volumes for itself, and lets go of them with its end."""
        disk, cd = self.volume(imageRef=self.image_of_a_disk().id), self.volume()
        devices = (Device(disk.id), Device(cd.id, cdrom=True, boot_index=1))
        body = {
            "name": self.tag,
            "flavorRef": smallest_flavor(self.api).id,
            "networks": [{"uuid": usable_network(self.api)}],
            "tags": [self.tag],
            "block_device_mapping_v2": [servers.device(d) for d in devices],
        }
        server_id = servers.create(self.api, body, {})

        def status() -> str:
            server = servers.find(self.api, server_id)
            return server.status if server else "gone"

        self.wait(lambda: status() == "ACTIVE")
        for volume in (disk, cd):
            self.assertEqual("in-use", self.read(volume).status)
        [listed] = [s for s in servers.every(self.api) if s.id == server_id]
        self.assertEqual({disk.id, cd.id}, set(listed.volume_ids))
        self.assertEqual(400, self.refused("DELETE", f"/volumes/{disk.id}"))
        upload = {"os-volume_upload_image": {"image_name": self.tag}}
        path = f"/volumes/{disk.id}/action"
        self.assertEqual(400, self.refused("POST", path, upload))
        twice = body | {"name": f"{self.tag}-2"}
        try:
            servers.create(self.api, twice, {})
        except CloudError as error:
            self.assertEqual(400, error.status)
        servers.delete(self.api, server_id)
        self.wait(lambda: status() == "gone")
        self.wait(lambda: self.read(disk).status == "available")
        self.wait(lambda: self.read(cd).status == "available")

    def test_quota_is_told(self) -> None:
        """As numbers, or not at all."""
        room = limits.volume_room(self.api)
        for left in (room.volumes, room.snapshots, room.gigabytes):
            self.assertTrue(left is None or left > 0, left)
        self.assertIn("web-download", limits.import_methods(self.api))


class FakeVolumesTest(VolumesContract, FakeBackend):
    """On the fake cloud."""


class RealVolumesTest(VolumesContract, RealBackend):
    """On the real one."""


del VolumesContract
