"""The real debian-installer, and a login to what it made."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from devcloud import login
from osc_imagebuild.builder import Builder
from osc_imagebuild.model import family
from osc_imagebuild.model.request import File, Repository, Request, User
from tests.e2e.apt_repository import PACKAGE, VERSION, AptRepository
from tests.e2e.base import EndToEndTest

# Nothing that a shell, a preseed file or a here-document may take for its own.
TEXT = 'it\'s "quoted" $HOME `id` ü☃ \\\n%end\nEND\n#| ]]>\n'
# What a guest's command leaves, in the order of the requests.
COMMANDS = (
    "echo \"it's $(id -un) in $(stat -c %a '/etc/image build/text')\" > /root/said",
    "for word in one two; do\n    echo $word >> /root/said\ndone",
)


class TestDebian(EndToEndTest):
    """Debian 13 with everything that may be wanted in it, as a cloud image."""

    MEDIA = ("debian",)

    def request(self, key: str, extra: Repository) -> Request:
        """What is asked for."""
        return Request(
            name=self.name,
            os="debian-13",
            ssh_public_keys=(key,),
            packages=("sudo", "tree"),
            repositories=(extra,),
            users=(User(name="worker", groups=("ci",), sudo=True),),
            files=(
                File(
                    path="/etc/image build/text",
                    content=TEXT.encode(),
                    mode="0640",
                    owner="worker:ci",
                ),
            ),
            commands=COMMANDS,
            timezone="Europe/Berlin",
            swap_mib=64,
        )

    def test_debian_13(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        key = login.key_pair(Path(directory.name))
        public = Path(f"{key}.pub").read_text(encoding="utf-8")
        made_at = int(time.time()) - 600
        repository = AptRepository(self.name, Path(directory.name, "apt"), made_at)
        self.addCleanup(repository.remove)
        Builder(self.cloud).create(self.request(public, repository.make()))
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("complete", build["status"])
        properties = self.properties(build["image_id"])
        self.assertEqual("13", properties["os_version"])
        self.assertIn("imagebuild_source_sha256", properties)
        self.assertIn("imagebuild_patched_at", properties)
        newest = properties["imagebuild_newest_package_at"]
        self.assertEqual(family.iso(made_at), newest)
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
        for command, expected in (
            ("cloud-init status --wait", "status: done"),
            ("hostname", f"{self.name}-guest"),
            ("wc -c < /etc/machine-id", "33"),
            ("ls /etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key"),
            ("dpkg-query -W -f '${Status}' tree", "install ok installed"),
            # Newer than Debian's, from the repository that was asked for.
            (f"dpkg-query -W -f '${{Version}}' {PACKAGE}", VERSION),
            (
                "ls -A /var/lib/apt/lists /var/log/installer /root/imagebuild-finish"
                " 2>/dev/null | grep -c -e deb -e imagebuild || true",
                "0",
            ),
            ("awk '$2 == \"/\" {print $3}' /proc/mounts", "ext4"),
            ("cat '/etc/image build/text'", TEXT.rstrip()),
            ("stat -c '%U %G %a' '/etc/image build/text'", "worker ci 640"),
            ("cat /root/said", "it's root in 640\none\ntwo"),
            ("id -Gn worker", "worker ci"),
            ("sudo -u worker sudo -n id -un", "root"),
            ("date +%Z", login.run(ssh, "TZ=Europe/Berlin date +%Z").strip()),
            ("swapon --show=NAME --noheadings", "/swapfile"),
        ):
            self.assertEqual(expected, login.run(ssh, command).strip(), command)
