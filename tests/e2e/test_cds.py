"""CDs that other systems' installers want, with the mini installer in their place."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import requests
import yaml

from osc_imagebuild.media import answer_cd
from tests.e2e.base import CATALOG, EndToEndTest

# The CD is all that such a server has: nothing can be fetched, and nobody be told.
ALONE = ("--network", "isolated", "--no-config-drive", "--no-verify")
MEDIA = "http://10.99.0.1:8099/mini/mini.iso"
SECTOR = 2048
# A boot record that waits 30 s for a key, and then starts the next CD's sector as the
# firmware would have. It is 16-bit code: copy yourself to 0x600; wait with int 16h; read
# one sector to 0x7c00 with int 13h, function 42h, of the address at its end; jump there.
WAITS_FOR_A_KEY = bytes.fromhex(
    "fc31c08ed88ec08ed0bc007cbe007cbf0006b90001f3a5ea1c060000"
    "fb8b1e6c04b401cd16750da16c0429d83d220272f0f4ebfd"
    "b400cd16b442be4406cd13ea007c000010000100007c0000"
)


def asking_for_a_key(iso: bytes) -> bytes:
    """The ISO with such a boot record before its own.

    Source: El Torito 1.0, the boot record's volume descriptor and the catalogue.
    """
    found = bytearray(iso.ljust(-(-len(iso) // SECTOR) * SECTOR, b"\0"))
    (catalogue,) = struct.unpack_from("<I", found, 17 * SECTOR + 0x47)
    entry = catalogue * SECTOR + 32
    own = bytes(found[entry + 8 : entry + 12])
    struct.pack_into("<I", found, entry + 8, len(found) // SECTOR)
    return bytes(found + (WAITS_FOR_A_KEY + own).ljust(SECTOR, b"\0"))


class TestCds(EndToEndTest):
    """As FreeBSD's, with answers on it, and as Windows', with drivers and a question."""

    def entry(self, name: str, **changes: Any) -> None:
        """Have an entry that is the mini installer's with changes."""
        text = (CATALOG / "mini.yaml").read_text(encoding="utf-8")
        path = Path(self.directory, f"{name}.yaml")
        path.write_text(yaml.safe_dump(yaml.safe_load(text) | changes))
        known = self.environment["OSC_IMAGEBUILD_CATALOG"]
        self.environment["OSC_IMAGEBUILD_CATALOG"] = f"{known}:{self.directory}"

    def test_answers_in_the_iso(self) -> None:
        """The ISO with answers in it boots, and its installer finds them."""
        cd = {"file": "answer.sh", "remaster": True}
        self.entry("mini-own-cd", answer_cd=cd, boot_methods=["cdrom"])
        build = self.create("--os", "mini-own-cd", *ALONE)
        self.assertEqual("complete", build["status"])
        self.delete(build["id"])

    def test_a_key_and_drivers(self) -> None:
        """The CD boots because a key is pressed; a third one is there."""
        disk = {"hw_disk_bus": "virtio"}
        self.entry("mini-asks", press_key=["bios"], driver_properties=disk)
        iso = requests.get(MEDIA, timeout=60).content
        source, drivers = Path(self.directory, "x.iso"), Path(self.directory, "y.iso")
        source.write_bytes(asking_for_a_key(iso))
        drivers.write_bytes(
            answer_cd.answer_cd("virtio-win", {"virtio-win_license.txt": ""})
        )
        words = ("--os", "mini-asks", "--boot-method", "cdrom", "--source", str(source))
        build = self.create(*words, "--driver-iso", str(drivers), *ALONE)
        self.assertEqual("complete", build["status"])
        found = self.properties(build["image_id"])
        self.assertEqual("virtio", found["hw_disk_bus"])
        self.delete(build["id"])
