"""Guests' network devices, and what the cloud's agents leave on the machine."""

from __future__ import annotations

import time
from pathlib import Path

from devcloud import settings
from tests.devcloud.functional.test_devcloud import DevcloudTest

DEVICES = Path("/sys/class/net")
UP, PROMISCUOUS = 0x1, 0x100


class DeviceTest(DevcloudTest):
    def test_it_is_whole_before_the_switch_hears_of_it(self) -> None:
        """Else the switch may switch it off for good: see devcloud/agent/taps.py."""
        server = self.server("private", "sleep 600\n", image_id=self.installer().id)
        [port] = self.demo.network.ports(device_id=server.id)
        device = DEVICES / f"tap{port.id[:11]}"
        flags = int((device / "flags").read_text(), 16)
        self.assertEqual(UP | PROMISCUOUS, flags & (UP | PROMISCUOUS))
        self.assertEqual(str(settings.HOME), (device / "ifalias").read_text().strip())
        log = (settings.LOG / "ovs-vswitchd.log").read_text(errors="replace")
        self.assertIn(f"added interface {device.name} ", log)
        self.assertNotIn(f"could not open network device {device.name}", log)
        self.demo.compute.delete_server(server)
        self.demo.compute.wait_for_delete(server, wait=120)
        self.assertFalse(device.exists())

    def test_volumes_leave_no_names_for_nvme(self) -> None:
        """os-brick makes /etc/nvme when Cinder fills a volume: see agent/brick.py."""
        names = Path("/etc/nvme")
        before = names.exists() and names.stat().st_mtime
        began = time.time()
        image = self.image("disk", self.blank_disk())
        storage = self.demo.block_storage
        volume = storage.create_volume(
            name=f"{self.prefix}-disk", size=1, image_id=image.id
        )
        self.addCleanup(self.remove_volume, volume)
        storage.wait_for_status(volume, "available", ["error"], wait=120)
        self.assertEqual(before, names.exists() and names.stat().st_mtime)
        log = (settings.LOG / "cinder-volume.log").stat()
        self.assertGreater(log.st_mtime, began)

    def remove_volume(self, volume: object) -> None:
        self.demo.block_storage.delete_volume(volume)
        self.demo.block_storage.wait_for_delete(volume, wait=120)
