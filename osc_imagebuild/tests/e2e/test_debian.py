"""The real debian-installer, and a login to what it made."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from devcloud import login
from osc_imagebuild.tests.e2e.base import EndToEndTest

# Long enough for a loaded machine without KVM.
BUILD_LIMIT_S = 45 * 60


class TestDebian(EndToEndTest):
    """Debian 13 with a package and a key, as a cloud image."""

    def setUp(self) -> None:
        super().setUp()
        self.environment["OSC_IMAGEBUILD_CATALOG"] = os.environ.get(
            "OSC_IMAGEBUILD_CATALOG", ""
        )

    def test_debian_13(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        key = login.key_pair(Path(directory.name))
        done = self.run_command(
            *("image", "build", "create", "--os", "debian-13", "--package", "tree"),
            *("--ssh-public-key", f"{key}.pub", self.name),
            limit_s=BUILD_LIMIT_S,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        build = self.openstack("image", "build", "show", self.name)
        properties = self.properties(build["image_id"])
        self.assertEqual("13", properties["os_version"])
        self.assertIn("imagebuild_source_sha256", properties)
        self.check_guest(build, key)

    def check_guest(self, build: dict[str, str], key: Path) -> None:
        """A server of the image is a machine of its own, with what was asked for."""
        server = self.cloud.create_server(
            f"{self.name}-guest",
            image=build["image_id"],
            flavor=build["flavor"],
            network=build["networks"][0],
            wait=True,
            timeout=300,
        )
        self.addCleanup(self.cloud.delete_server, server.id, wait=True, timeout=120)
        address = next(iter(server.addresses.values()))[0]["addr"]
        ssh = login.ssh(self.cloud, build["networks"][0], address, key)
        said = login.run(
            ssh,
            "cloud-init status --wait; hostname; wc -c < /etc/machine-id;"
            "dpkg-query -W -f '${Status}\\n' tree; ls /etc/ssh/ssh_host_ed25519_key;"
            "ls -A /var/lib/apt/lists /var/log/installer 2>/dev/null | grep -c deb;"
            "awk '$2 == \"/\" {print $3}' /proc/mounts",
        ).split("\n")
        self.assertIn("status: done", said)
        self.assertIn(f"{self.name}-guest", said)
        self.assertIn("33", said)
        self.assertIn("install ok installed", said)
        self.assertIn("/etc/ssh/ssh_host_ed25519_key", said)
        self.assertIn("0", said)
        self.assertIn("ext4", said)
