"""What the devcloud must give its users, tried as the plain member `demo`.

Needs a running cloud (`make devcloud`). Everything a test makes carries the
test's own prefix and is removed by its clean-ups.
"""

from __future__ import annotations

import base64
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import openstack
import testtools
from openstack import exceptions

from devcloud import settings
from devcloud.media import outcome
from tests import paths

MINI = f"{settings.MEDIA_URL}/mini"
REPOSITORY = paths.ROOT
# A guest's console can be read only while it runs: after its last line it stays for a moment.
LINGER = "poweroff() { sleep 15; busybox poweroff -f; }\n"
INSTALL = f"rootfs={MINI}/rootfs.tar.gz\nhostname=functional\n{LINGER}"
KERNEL_PROPERTIES = ("kernel_id", "ramdisk_id", "os_command_line")


def mini(file: str) -> str:
    """The URL of a file of the mini installer; an error where it could not be made."""
    if reason := outcome.missing("mini"):
        raise AssertionError(reason)
    return f"{MINI}/{file}"


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        data: bytes = answer.read()
    return data


def connect(name: str) -> Any:
    config = openstack.config.OpenStackConfig(config_files=[str(settings.CLOUDS)])
    return openstack.connection.Connection(config=config.get_one(cloud=name))


class DevcloudTest(testtools.TestCase):
    """Makes images, volumes and servers that go away with the test."""

    demo: Any
    admin: Any

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if not settings.CLOUDS.exists():
            raise RuntimeError("there is no devcloud: run `make devcloud` first")
        cls.demo = connect("demo")
        cls.admin = connect("devcloud-admin")

    def setUp(self) -> None:
        super().setUp()
        self.prefix = f"functional-{uuid.uuid4().hex[:8]}"

    def image(self, role: str, data: bytes | None = None, **attributes: Any) -> Any:
        attributes.setdefault("container_format", "bare")
        image = self.demo.image.create_image(
            name=f"{self.prefix}-{role}",
            disk_format=attributes.pop("disk_format", "qcow2"),
            allow_duplicates=True,
            **attributes,
        )
        self.addCleanup(self.demo.image.delete_image, image.id)
        if data is not None:
            image.data = data
            image.upload(self.demo.image)
        return self.demo.image.get_image(image.id)

    def blank_disk(self) -> bytes:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "blank.qcow2"
            command = ["qemu-img", "create", "-q", "-f", "qcow2", str(path), "1G"]
            subprocess.run(command, check=True, timeout=30)
            return path.read_bytes()

    def installer(self, command_line: str = "") -> Any:
        """An image that boots the mini installer's kernel over a blank disk."""
        parts = {}
        for role, kind, file in (
            ("kernel", "aki", "linux"),
            ("ramdisk", "ari", "initrd"),
        ):
            data = fetch(mini(file))
            parts[role] = self.image(
                role, data, container_format=kind, disk_format=kind
            ).id
        properties = {"kernel_id": parts["kernel"], "ramdisk_id": parts["ramdisk"]}
        properties["os_command_line"] = f"console=ttyS0,115200 {command_line}"
        return self.image("blank", self.blank_disk(), **properties)

    def server(self, network: str, answer: str = "", **attributes: Any) -> Any:
        """Create a server on a network, with an answer file as its user data."""
        compute = self.demo.compute
        server = compute.create_server(
            name=self.prefix,
            flavor_id=compute.find_flavor("m1.mini").id,
            networks=[{"uuid": self.demo.network.find_network(network).id}],
            user_data=base64.b64encode(answer.encode()).decode(),
            **attributes,
        )
        self.addCleanup(self.remove, server)
        return compute.wait_for_server(server, wait=120)

    def remove(self, server: Any) -> None:
        self.demo.compute.delete_server(server)
        self.demo.compute.wait_for_delete(server, wait=120)

    def console(self, server: Any) -> str:
        try:
            output = self.demo.compute.get_server_console_output(server)["output"]
        except exceptions.NotFoundException:
            self.fail("the guest is off, and its console with it")
        return str(output)

    def see(self, server: Any, pattern: str, seconds: float = 180) -> str:
        """Wait for a line on the console; an installer's failure ends the wait."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, text := self.console(server)):
            if "FAILED" in text or time.monotonic() > deadline:
                self.fail(f"no {pattern} on the console:\n{text[-1500:]}")
            time.sleep(1)
        return text

    def see_off(self, server: Any) -> None:
        self.demo.compute.wait_for_server(server, status="SHUTOFF", wait=120)


class InstallTest(DevcloudTest):
    def test_kernel_install_snapshot_and_boot(self) -> None:
        """Direct kernel boot installs; a snapshot of the result boots to its login."""
        server = self.server("private", INSTALL, image_id=self.installer().id)
        self.see(server, "INSTALLER.*FINISHED 100%")
        self.see_off(server)
        snapshot = self.demo.compute.create_server_image(
            server, f"{self.prefix}-snapshot"
        )
        self.addCleanup(self.demo.image.delete_image, snapshot.id)
        self.demo.image.wait_for_status(snapshot, "active", wait=120)
        self.forget_installer(snapshot.id)
        installed = self.server("private", image_id=snapshot.id)
        self.see(installed, "host functional[^$]*login:")

    def forget_installer(self, image_id: str) -> None:
        """Else the snapshot, too, would start the installer's kernel."""
        image = self.demo.image.get_image(image_id)
        patch = [
            {"op": "remove", "path": f"/{name}"}
            for name in KERNEL_PROPERTIES
            if getattr(image, name, None) or name in image.properties
        ]
        answer = self.demo.image.patch(
            f"/images/{image_id}",
            json=patch,
            headers={"Content-Type": "application/openstack-images-v2.1-json-patch"},
        )
        exceptions.raise_from_response(answer)

    def test_iso_volume(self) -> None:
        """A volume from an ISO, attached as a CD, installs a blank boot volume."""
        iso = self.image("iso", fetch(mini("mini.iso")), disk_format="iso")
        cd, disk = self.volume("cd", image_id=iso.id), self.volume("disk")
        self.demo.block_storage.set_volume_bootable_status(disk, True)
        mapping = {"source_type": "volume", "destination_type": "volume"}
        server = self.server(
            "private",
            f"hostname=functional\n{LINGER}",
            block_device_mapping=[
                {**mapping, "uuid": disk.id, "boot_index": 0},
                {**mapping, "uuid": cd.id, "boot_index": 1, "device_type": "cdrom"},
            ],
        )
        self.see(server, "INSTALLER.*FINISHED 100%")
        self.see_off(server)

    def volume(self, role: str, **attributes: Any) -> Any:
        storage = self.demo.block_storage
        volume = storage.create_volume(
            name=f"{self.prefix}-{role}", size=1, **attributes
        )
        self.addCleanup(self.remove_volume, volume)
        return storage.wait_for_status(volume, "available", ["error"], wait=120)

    def remove_volume(self, volume: Any) -> None:
        self.demo.block_storage.delete_volume(volume)
        self.demo.block_storage.wait_for_delete(volume, wait=120)


class GuestTest(DevcloudTest):
    def test_console_and_diagnostics(self) -> None:
        server = self.server("public", "sleep 600\n", image_id=self.installer().id)
        console = self.demo.compute.create_console(server, "novnc")
        self.assertEqual(b"RFB 003.008\n", rfb_banner(console["url"]))
        figures = self.admin.compute.get_server_diagnostics(server)
        self.assertEqual("running", figures.state)
        self.assertEqual(1, figures.num_cpus)
        self.assertRaises(
            exceptions.ForbiddenException,
            self.demo.compute.get_server_diagnostics,
            server,
        )

    def test_processor_and_download(self) -> None:
        """No cmpxchg16b below QEMU's own emulation, and fast TCP through the router."""
        answer = (
            "cat /proc/cpuinfo\n"
            f"time timeout 100 wget -q -O /dev/null {settings.MEDIA_URL}/blob/50M\n"
            "echo DONE with $?\nsleep 600\n"
        )
        server = self.server("private", answer, image_id=self.installer().id)
        text = self.see(server, "DONE with 0")
        flags = re.search(r"flags\s*:(.*)", text)
        assert flags is not None
        if "hypervisor" in flags[1].split() and "QEMU Virtual CPU" in text:
            self.assertNotIn("cx16", flags[1].split())
        taken = re.search(r"real\s+(\d+)m ([\d.]+)s", text)
        assert taken is not None
        self.assertLess(int(taken[1]) * 60 + float(taken[2]), 20)

    def test_isolated_network(self) -> None:
        """It has DHCP, but neither the metadata service nor the gateway."""
        answer = mini("rootfs.tar.gz")
        image = self.installer(f"answer={answer} onfail=hang")
        server = self.server("isolated", image_id=image.id)
        deadline = time.monotonic() + 120
        while "FAILED" not in (text := self.console(server)):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(1)
        self.assertIn("NETWORK 10% 10.97.0.", text)
        self.assertIn(f"cannot fetch answer file {answer}", text)


class CloudTest(DevcloudTest):
    def test_web_download(self) -> None:
        url = mini("mini.iso")
        image = self.image("web", disk_format="iso")
        self.demo.image.import_image(image, method="web-download", uri=url)
        image = self.demo.image.wait_for_status(image, "active", wait=120)
        self.assertEqual(len(fetch(url)), image.size)

    def test_demo_is_a_plain_member(self) -> None:
        names = set(self.demo.session.auth.get_access(self.demo.session).role_names)
        self.assertEqual({"member", "reader"}, names)

    def test_up_again_is_quick_and_all_is_up(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can bring the cloud up")
        for verb, seconds in (("up", 10), ("status", 10)):
            command = ["/usr/bin/python3", "-m", "devcloud", verb]
            began = time.monotonic()
            done = subprocess.run(
                command,
                cwd=REPOSITORY,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertLess(time.monotonic() - began, seconds)


def rfb_banner(url: str) -> bytes:
    """The first message of the VNC server behind a noVNC URL.

    Spoken by hand: the token is in the query of the URL's `path` parameter, and
    common websocket clients drop the query.
    """
    parts = urllib.parse.urlsplit(url)
    path = "/" + urllib.parse.parse_qs(parts.query)["path"][0]
    address = (parts.hostname or "", parts.port or 80)
    with socket.create_connection(address, timeout=20) as link:
        key = base64.b64encode(os.urandom(16)).decode()
        request = [
            f"GET {path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: binary",
            f"Origin: http://{parts.netloc}",
        ]
        link.sendall("\r\n".join([*request, "", ""]).encode())
        with link.makefile("rb") as stream:
            if b" 101 " not in stream.readline():
                return b"no websocket"
            while stream.readline() not in (b"\r\n", b""):
                pass
            _, length = stream.read(2)
            return stream.read(length & 127)
