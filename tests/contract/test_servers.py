"""Nova, as far as builds lean on it."""

from __future__ import annotations

import io
import uuid
from typing import Any

from osc_imagebuild.cloud import images, limits, networks, servers
from osc_imagebuild.errors import CloudError, ConflictError, NotFoundError
from osc_imagebuild.model.resources import Image, Port, Server
from tests.contract.base import (
    BLANK,
    ContractTestCase,
    FakeBackend,
    RealBackend,
    smallest_flavor,
    usable_network,
)

INHERITED = {"mine": "1", "hw_rng_model": "virtio"}
MARK = {"imagebuild_test_part": "result"}


class ServersContract(ContractTestCase):
    """Servers, from what is refused to what createImage leaves."""

    def bootable(self) -> Image:
        """Upload an image that Nova starts, though nothing boots from it."""
        image = self.image(
            disk_format="qcow2", container_format="bare", properties=INHERITED
        )
        path = f"/images/{image.id}/file"
        self.api.upload(path, io.BytesIO(BLANK), len(BLANK))
        return image

    def body(self, image: Image) -> dict[str, Any]:
        """Return the body of a request that works."""
        return {
            "name": self.tag,
            "imageRef": image.id,
            "flavorRef": smallest_flavor(self.api).id,
            "networks": [{"uuid": usable_network(self.api)}],
            "tags": [self.tag],
        }

    def refused(self, body: dict[str, Any]) -> int:
        """Return the status of a creation that must not work."""
        try:
            servers.create(self.api, body, {})
        except CloudError as error:
            return error.status
        return 202

    def read(self, server_id: str) -> Server:
        """Read a server again."""
        found = servers.find(self.api, server_id)
        assert found is not None
        return found

    def test_what_is_refused(self) -> None:
        """Everything that does not exist or is too long, at once."""
        image, nobody = self.bootable(), str(uuid.uuid4())
        long_text = "x" * 49_200
        wrongs: tuple[dict[str, Any], ...] = (
            {"flavorRef": nobody},
            {"imageRef": nobody},
            {"imageRef": self.image().id},
            {"networks": [{"uuid": nobody}]},
            {"tags": ["x" * 61]},
            {"tags": ["a,b"]},
            {"user_data": servers.encode(long_text)},
            {"user_data": "not base64!"},
            {"availability_zone": "nowhere"},
        )
        for wrong in wrongs:
            body = self.body(image) | wrong
            self.assertEqual(400, self.refused(body), str(wrong)[:99])
        without = self.body(image)
        del without["networks"]
        self.assertEqual(400, self.refused(without))
        self.assertEqual([], servers.tagged(self.api, self.tag))

    def test_who_is_nobody(self) -> None:
        """All about a server that does not exist."""
        nobody = str(uuid.uuid4())
        self.assertIsNone(servers.find(self.api, nobody))
        self.assertIsNone(servers.console(self.api, nobody))
        self.assertEqual("", servers.password(self.api, nobody))
        self.assertEqual((), servers.actions(self.api, nobody))
        servers.delete(self.api, nobody)
        self.assertRaises(
            NotFoundError, servers.create_image, self.api, nobody, "x", {}
        )
        self.assertRaises(NotFoundError, servers.reboot, self.api, nobody)
        self.assertEqual([], servers.tagged(self.api, self.tag))

    def test_life(self) -> None:
        """From creation with tags to an image of the disk, and gone twice."""
        image = self.bootable()
        server_id = servers.create(self.api, self.body(image), {})
        listed = servers.tagged(self.api, self.tag)
        self.assertEqual([(server_id, self.tag)], [(s.id, s.name) for s in listed])
        self.wait(lambda: self.read(server_id).status == "ACTIVE")
        self.assertEqual(1, self.read(server_id).power_state)
        self.assertEqual(image.id, self.read(server_id).image_id)
        self.assertEqual("", servers.password(self.api, server_id))
        self.check_sight(server_id)
        self.check_reboot(server_id)
        self.check_console(server_id)
        result = self.harvested(server_id)
        self.check_inheritance(image, server_id, result)
        self.check_actions(server_id)
        self.check_deletion(server_id)

    def check_sight(self, server_id: str) -> None:
        """A member sees no counters; the screen, where the cloud offers one."""
        self.assertIsNone(servers.diagnostics(self.api, server_id))
        url = servers.screen_url(self.api, server_id)
        self.assertTrue(url is None or "token" in url, url)

    def check_reboot(self, server_id: str) -> None:
        """A member may switch it off and on; Nova takes it as busy meanwhile."""
        before = self.read(server_id)
        servers.reboot(self.api, server_id)

        def again() -> bool:
            found = self.read(server_id)
            return found.status == "ACTIVE" and found.task_state is None

        self.assertFalse(before.is_off)
        self.wait(again)
        self.assertEqual(1, self.read(server_id).power_state)

    def check_console(self, server_id: str) -> None:
        """It can be read while the server runs, and not after."""
        # The firmware's words are on the screen, not on the serial line.
        self.assertEqual("", servers.console(self.api, server_id))
        servers.stop(self.api, server_id)
        self.wait(lambda: self.read(server_id).status == "SHUTOFF")
        self.assertTrue(self.read(server_id).is_off)
        self.assertIsNone(servers.console(self.api, server_id))
        servers.stop(self.api, server_id)

    def harvested(self, server_id: str) -> Image:
        """Make an image of the disk; a second one is refused meanwhile."""
        path, body = f"/servers/{server_id}/action", {"createImage": {"name": "2nd"}}
        servers.create_image(self.api, server_id, self.tag, MARK)
        try:
            self.api.send("compute", "POST", path, body)
        except ConflictError:
            self.assertEqual([], images.named(self.api, "2nd"))
        else:
            # The first one was quick: only then may there be another.
            self.assertEqual("active", images.named(self.api, self.tag)[0].status)
        begun = images.named(self.api, self.tag)
        self.assertEqual([self.tag], [i.name for i in begun])
        self.assertIn(begun[0].status, ("queued", "saving", "active"))

        def active() -> bool:
            return images.named(self.api, self.tag)[0].status == "active"

        self.wait(active)
        self.wait(lambda: self.read(server_id).task_state is None)
        for second in images.named(self.api, "2nd"):
            images.delete(self.api, second.id)
        return images.named(self.api, self.tag)[0]

    def check_inheritance(self, base: Image, server_id: str, made: Image) -> None:
        """The result carries what was on the boot image, and where it is from."""
        listed = images.unhidden(self.api, MARK)
        self.assertIn(made.id, [image.id for image in listed])
        self.assertNotIn(base.id, [image.id for image in listed])
        expected = {
            **INHERITED,
            **MARK,
            "base_image_ref": base.id,
            "image_type": "snapshot",
            "instance_uuid": server_id,
            "image_location": "snapshot",
            "image_state": "available",
        }
        found = dict(made.properties)
        self.assertEqual(expected, {key: found.get(key) for key in expected})
        for key in ("boot_roles", "user_id", "owner_user_name", "owner_project_name"):
            self.assertIn(key, found)
        self.assertEqual((False, frozenset()), (made.hidden, made.tags))
        self.assertEqual(smallest_flavor(self.api).disk_gib, made.min_disk_gib)
        images.delete(self.api, made.id)

    def check_actions(self, server_id: str) -> None:
        """Nova tells a member who asked what of a server, and from what it is."""
        found = servers.actions(self.api, server_id)
        self.assertEqual(
            ["create", "reboot", "stop", "createImage"], [a.name for a in found]
        )
        self.assertTrue(all(action.user_id for action in found))
        age = self.api.now() - found[0].at
        self.assertTrue(-5 < age < self.patience_s, age)

    def check_deletion(self, server_id: str) -> None:
        """Again while it goes, and again when it is gone."""
        servers.delete(self.api, server_id)
        servers.delete(self.api, server_id)
        self.wait(lambda: servers.find(self.api, server_id) is None)
        servers.delete(self.api, server_id)
        ports = self.api.get("network", "/ports", {"device_id": server_id})["ports"]
        self.assertEqual([], ports)

    def port(self) -> Port:
        """Make a port, as a user would, and have it removed at the end."""
        body = {"port": {"name": self.tag, "network_id": usable_network(self.api)}}
        self.api.send("network", "POST", "/ports", body)
        [port] = networks.ports_named(self.api, self.tag)
        self.addCleanup(self.api.send, "network", "DELETE", f"/ports/{port.id}")
        return port

    def test_port(self) -> None:
        """One server has it, no second one, and it outlives the first."""
        image, port = self.bootable(), self.port()
        self.assertEqual(
            (self.api.project_id(), "", True), (port.owner, port.device, port.is_up)
        )
        self.assertEqual(usable_network(self.api), port.network_id)
        self.assertEqual([port], networks.ports_named(self.api, port.id))
        self.assertEqual([], networks.ports_named(self.api, str(uuid.uuid4())))
        body = self.body(image) | {
            "networks": [{"port": port.id}],
            "metadata": {"a": "b"},
        }
        self.assertEqual(400, self.refused(body | {"metadata": {"a/b": ""}}))
        nobody = {"networks": [{"port": str(uuid.uuid4())}]}
        self.assertEqual(400, self.refused(body | nobody))
        server_id = servers.create(self.api, body, {})
        self.wait(lambda: self.read(server_id).status == "ACTIVE")
        shown = self.api.get("compute", f"/servers/{server_id}")["server"]
        self.assertEqual({"a": "b"}, shown["metadata"])
        [bound] = networks.ports_named(self.api, port.id)
        self.assertIn(server_id, bound.device)
        self.assertEqual(409, self.refused(body | {"name": f"{self.tag}-2"}))
        result = self.harvested(server_id)
        self.assertNotIn("a", result.properties)
        images.delete(self.api, result.id)
        servers.delete(self.api, server_id)
        self.wait(lambda: servers.find(self.api, server_id) is None)
        self.assertEqual([port], networks.ports_named(self.api, port.id))

    def test_inventory(self) -> None:
        """What planning asks has the shape that it expects."""
        self.assertGreater(smallest_flavor(self.api).disk_gib, 0)
        self.assertTrue(usable_network(self.api))
        room = limits.room(self.api)
        for left in (room.servers, room.cores, room.ram_mib):
            self.assertTrue(left is None or left > 0, left)
        self.assertTrue(limits.zones(self.api))
        most = limits.most_server_properties(self.api)
        self.assertTrue(most is None or most > 0, most)
        groups = networks.security_groups(self.api)
        self.assertIn(("default", True), [(group.name, group.own) for group in groups])
        self.assertEqual([], limits.container_hypervisors(self.api))


class FakeServersTest(ServersContract, FakeBackend):
    """On the fake cloud."""


class RealServersTest(ServersContract, RealBackend):
    """On the real one."""


del ServersContract
