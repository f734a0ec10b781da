"""The real debian-installer divides a disk as the CIS benchmarks want it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import fixtures

from devcloud import login
from osc_imagebuild.builder import Builder
from osc_imagebuild.model.disk_layout import CIS, Volume
from osc_imagebuild.model.request import Request
from tests import paths
from tests.e2e.base import EndToEndTest

# As small as they may be, but for what apt fills.
SMALL = {"/var": 1024}
LEAST_MIB = 320
OWN = Volume(mount="/srv/data", size_mib=LEAST_MIB, options=("nodev", "noatime"))
# What the benchmarks ask of each place, as the kernel tells it, and of /dev/shm.
STRICT = {"nosuid", "nodev", "noexec"}
WANTED = {
    "/home": STRICT - {"noexec"},
    "/tmp": STRICT,
    "/var": STRICT - {"noexec"},
    "/var/log": STRICT,
    "/var/log/audit": STRICT,
    "/var/tmp": STRICT,
    "/srv/data": {"nodev", "noatime"},
    "/dev/shm": STRICT,
}
GROWN_GIB = 10


class TestDisks(EndToEndTest):
    """Debian 13 on logical volumes."""

    MEDIA = ("debian",)

    def setUp(self) -> None:
        super().setUp()
        # Whose installer has components for LVM.
        named = os.environ.get("OSC_IMAGEBUILD_CATALOG", "")
        here = str(paths.DEVCLOUD_CATALOG / "lvm")
        catalogs = ":".join(filter(None, (named, here)))
        self.useFixture(
            fixtures.EnvironmentVariable("OSC_IMAGEBUILD_CATALOG", catalogs)
        )

    def test_cis(self) -> None:
        """All is mounted as it should be, and the root grows with the disk."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        key = login.key_pair(Path(directory.name))
        volumes = [
            Volume(mount=v.mount, size_mib=SMALL.get(v.mount, LEAST_MIB)) for v in CIS
        ]
        request = Request(
            name=self.name,
            os="debian-13",
            ssh_public_keys=(Path(f"{key}.pub").read_text(encoding="utf-8"),),
            disk_layout="cis",
            disk_volumes=(*volumes, OWN),
            disk_gib=7,
        )
        Builder(self.cloud).create(request)
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("complete", build["status"])
        self.check_guest(build, key)

    def check_guest(self, build: dict[str, str], key: Path) -> None:
        """A server with a larger disk than the image's."""
        server = self.cloud.create_server(
            f"{self.name}-guest",
            image=build["image_id"],
            flavor="m1.medium",
            network=build["networks"][0],
            wait=True,
            timeout=300,
        )
        self.addCleanup(self.cloud.delete_server, server.id, wait=True, timeout=120)
        address = next(iter(server.addresses.values()))[0]["addr"]
        ssh = login.ssh(self.cloud, build["networks"][0], address, key)
        done = login.run(ssh, "cloud-init status --wait").strip()
        self.assertEqual("status: done", done)
        mounted = login.run(ssh, "findmnt -rno TARGET,OPTIONS").splitlines()
        found = {
            place: set(options.split(",")) for place, options in map(str.split, mounted)
        }
        for place, wanted in WANTED.items():
            self.assertLessEqual(wanted, found.get(place, set()), place)
        for command, expected in (
            ("stat -c %a /tmp /var/tmp /var/log/audit", "1777\n1777\n700"),
            ("systemctl is-active grow-root-volume", "active"),
            ("systemctl --failed --no-legend", ""),
            (
                "printf '#!/bin/sh\\n' > /tmp/x; chmod +x /tmp/x; /tmp/x || echo $?",
                "126",
            ),
            ("vgs --noheadings -o vg_free_count system | tr -d ' '", "0"),
        ):
            self.assertEqual(expected, login.run(ssh, command).strip(), command)
        # All but the boot partition and the volumes is the root's.
        size = int(
            login.run(
                ssh,
                "lvs --noheadings --units m --nosuffix -o lv_size system/root | cut -d. -f1",
            )
        )
        least = GROWN_GIB * 1024 - 1024 - 6 * LEAST_MIB - 600
        self.assertGreaterEqual(size, least)
        mib = int(login.run(ssh, "df -m --output=size / | tail -n 1"))
        self.assertGreaterEqual(mib, size * 9 // 10)
