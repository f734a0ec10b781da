"""Builds from the installer's CD, and results that are no images."""

from __future__ import annotations

from devcloud import settings
from tests.e2e.base import EndToEndTest
from tests.e2e.test_create import DECLARED, PROVENANCE

# A network without a router: nothing can be fetched, and nobody be told.
ISOLATED = ("--network", "isolated")


class TestVolumes(EndToEndTest):
    """Cinder's part: CDs, root disks, results."""

    def test_cd_on_an_isolated_network(self) -> None:
        """The installer and its answers come on CDs, the report by the console."""
        build = self.create("--boot-method", "cdrom", *ISOLATED)
        self.assertEqual("complete", build["status"])
        image = self.cloud.image.get(f"/images/{build['image_id']}").json()
        self.assertEqual(
            (self.name, "active", 1),
            (image["name"], image["status"], image["min_disk"]),
        )
        self.assertEqual(PROVENANCE | DECLARED, set(self.properties(image["id"])))
        self.assert_left(images=1, hidden_images=1)  # the record
        self.delete(build["id"])
        self.assert_left()

    def test_kernel_of_an_iso(self) -> None:
        """Kernel and ramdisk are read out of it, the system comes from its CD."""
        source = f"{settings.MEDIA_URL}/mini/mini.iso"
        words = ("--boot-method", "kernel", "--source", source)
        build = self.create(*words)
        self.assertEqual("complete", build["status"])
        self.assertEqual(PROVENANCE | DECLARED, set(self.properties(build["image_id"])))
        # The record, kernel, ramdisk and ISO: the last three for later builds.
        self.assert_left(images=1, hidden_images=1)
        self.delete(build["id"])
        self.assert_left()

    def test_snapshot(self) -> None:
        """Killed while it is made, the build still ends well."""
        words = ("--boot-method", "cdrom", "--output", "snapshot")
        self.assertEqual(["snapshot"], self.killed_in("snapshot$", *words))
        check_snapshot(self)

    def test_cancelled_volume(self) -> None:
        """Nothing stays of a build that is cancelled, whatever is on the volume."""
        build = self.create("--output", "volume", "--disk", "2", "--no-wait")
        self.assert_left(servers=1, ports=1, hidden_images=2, volumes=1)
        done = self.run_command("image", "build", "cancel", build["id"])
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_left(hidden_images=1)
        self.delete(build["id"])
        self.assert_left()

    def test_volume(self) -> None:
        """By direct kernel boot of a volume; it boots, and keeps its own data."""
        build = self.create("--boot-method", "kernel", "--output", "volume")
        self.assertEqual("complete", build["status"])
        volume = self.cloud.block_storage.get_volume(build["volume_id"])
        self.assertEqual((self.name, "available"), (volume.name, volume.status))
        self.assertTrue(volume.is_bootable)
        declared = PROVENANCE | DECLARED | {"min_ram"}
        self.assertEqual(declared, set(volume.volume_image_metadata))
        self.delete(build["id"])
        self.assert_left()


def check_snapshot(test: EndToEndTest) -> None:
    """What a test's build has made is a snapshot, of a volume that says all about it."""
    test.assert_left(hidden_images=1, volumes=1, snapshots=1)
    build = test.openstack("image", "build", "show", test.name)
    cinder = test.cloud.block_storage
    snapshot = cinder.get_snapshot(build["snapshot_id"])
    test.assertEqual((test.name, "available"), (snapshot.name, snapshot.status))
    volume = cinder.get_volume(snapshot.volume_id)
    test.assertEqual({"imagebuild_build_id": build["id"]}, volume.metadata)
    declared = PROVENANCE | DECLARED | {"min_ram"}
    test.assertEqual(declared, set(volume.volume_image_metadata))
    test.delete(build["id"])
    test.assert_left()
