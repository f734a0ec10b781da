"""A whole life of a build with credentials that allow what the plugin asks, and no more."""

from __future__ import annotations

import dataclasses
from typing import Any

from openstack.connection import Connection

from osc_imagebuild.cloud import servers
from osc_imagebuild.cloud.access_rules import AccessRule
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, InstallError
from osc_imagebuild.model.names import build_tag
from osc_imagebuild.model.request import Request
from tests.fakes.access_rules import matching
from tests.scenarios.elsewhere import TWO, ElsewhereTestCase
from tests.scenarios.test_sweep import PORT, WAYS
from tests.unit.base import PARENT, access_rules
from tests.unit.shell import ShellTestCase

ISO = "http://mirror.fake/isos/mini.iso"


class RestrictedTest(ElsewhereTestCase):
    """Every request of these clients is held against the rules."""

    def setUp(self) -> None:
        """Allow what the rules say."""
        super().setUp()
        self.used: set[AccessRule] = set()
        self.renew()

    def renew(self) -> None:
        """Take new clouds with such credentials."""
        self.begin()
        for cloud in (self.cloud, self.two):
            cloud.allowed = list(access_rules())
        self.cloud.neutron.add_port(PORT)
        self.add_parent()

    def request(self, **fields: Any) -> Request:
        """Return a request, and have Glance take what it says."""
        if takes := fields.pop("takes", ()):
            self.cloud.glance.formats = list(takes)
        return super().request(**fields)

    def connect(self, cloud: str, region: str | None) -> Connection:
        """Log in to the second cloud, or to another project of the first one."""
        if cloud == "friend":
            return self.cloud.connect("friend", project="other")
        return super().connect(cloud, region)

    def note(self) -> None:
        """Note which rules were of use; none may have been missed."""
        for cloud in (self.cloud, self.two):
            for call in cloud.log:
                if call.project:
                    found = matching(access_rules(), call)
                    self.assertEqual(1, len(found[:1]), f"{call.method} {call.path}")
                    self.used |= set(found)

    def live(self, way: dict[str, Any]) -> None:
        """Begin, leave, resume, report and delete a build."""
        self.renew()
        build = self.started(**way)
        build = self.builder("second").resume(build.id)
        self.assert_complete(build)
        builder = self.builder("third")
        builder.list()
        builder.report(build.id)
        builder.orphans()
        for image in self.cloud.glance.images.values():
            image.protected = False
        builder.delete(build.id, with_image=True)
        self.assert_empty()
        self.note()

    def test_whole_lives(self) -> None:
        """Of builds of every kind: nothing is refused for want of a rule."""
        for way in ({}, {"boot_method": "cdrom", "source": ISO}, WAYS[-1]):
            with self.one_of_many(str(way)):
                self.live(way)

    def test_no_rule_is_for_nothing(self) -> None:
        """Each is of use to some command."""
        self.live({"output": "snapshot", "disk_gib": 2, "availability_zone": "nova"})
        self.live({"output": "volume", "volume_type": "fast"})
        self.live({"boot_method": "kernel", "security_groups": ("default",)})
        self.live({"boot_method": "cdrom", "source": ISO})
        self.live({"from_image": PARENT})
        self.renew()
        glance = self.cloud.glance
        glance.stores, glance.methods = ["a", "b"], ["copy-image", "web-download"]
        rotating = {"replace": True, "old": "deactivate", "visibility": "shared"}
        shared = {"members": ("other",), "member_clouds": ("friend",)}
        for number in range(2):
            request = self.request(
                copies=(TWO,), stores=("b",) if number else (), **rotating, **shared
            )
            self.builder().create(request)
            self.cloud.world.sleep(60)
        self.note()
        self.renew()
        for kind in ("volume", "snapshot"):
            for _ in range(2):
                asked = self.request(output=kind, replace=True, name=kind, keep=0)
                self.builder().create(asked)
        for name in ("one", "two"):  # which share a kernel
            self.builder().create(self.request(boot_method="kernel", name=name))
        self.builder().check(("mini",))
        # What is asked of a guest that hangs, or whose screen somebody looks at.
        build = self.started()
        api = Api(self.cloud.connect(), self.cloud.clock())
        [server] = servers.tagged(api, build_tag(build.id))
        servers.diagnostics(api, server.id)
        servers.screen_url(api, server.id)
        for record in self.builder().list().builds:
            self.builder().delete(record.id)
        self.note()
        unused = [r for r in access_rules() if r not in self.used]
        self.assertEqual([], unused)

    def test_nothing_else(self) -> None:
        """What a build never asks is refused, whoever sends it."""
        api = Api(self.cloud.connect(), self.cloud.clock())
        for service, method, path in (
            ("compute", "GET", "/os-keypairs"),
            ("compute", "POST", "/os-keypairs"),
            ("compute", "PUT", "/servers/x"),
            ("compute", "GET", "/servers/x/os-security-groups"),
            ("network", "POST", "/networks"),
            ("network", "DELETE", "/ports/x"),
            ("image", "DELETE", "/images/x/members/y"),
            ("volume", "GET", "/backups"),
            ("identity", "GET", "/users"),
            ("identity", "POST", "/users/x/application_credentials"),
        ):
            with self.one_of_many(f"{method} {path}"):
                error = self.assertRaises(CloudError, api.send, service, method, path)
                self.assertEqual(401, error.status, str(error))
        self.cloud.log.clear()

    def test_without_a_rule(self) -> None:
        """The rules are what lets a build through."""
        lacking = AccessRule("compute", "POST", "/v2.1/servers")
        assert self.cloud.allowed is not None
        self.cloud.allowed.remove(lacking)
        error = self.assertRaises(InstallError, self.builder().create, self.request())
        self.assertIn("POST /servers", str(error))


class PrefixesTest(ElsewhereTestCase):
    """Where services are below paths of a web server."""

    def test_endpoints(self) -> None:
        """There are rules for what the service sees, with the path and without."""
        services = self.cloud.keystone.services
        services["compute"] = "http://nova.fake/compute/v2.1"
        paths = {
            r.path for r in self.builder().access_rules() if r.service == "compute"
        }
        self.assertIn("/v2.1/servers", paths)
        self.assertIn("/compute/v2.1/servers", paths)

    def test_missing_services(self) -> None:
        """What is not there needs no rule; Keystone refuses one for it."""
        del self.cloud.keystone.services["block-storage"]
        kinds = {rule.service for rule in self.builder().access_rules()}
        self.assertEqual(
            {"image", "compute", "network", "identity", "placement"}, kinds
        )


class CommandTest(ShellTestCase):
    """As it is typed."""

    def test_json(self) -> None:
        """What the client's own command takes."""
        ran = self.build("access-rules")
        self.assertEqual(0, ran.code, ran.err)
        wanted = [dataclasses.asdict(rule) for rule in access_rules()]
        self.assertEqual(wanted, ran.json)
        self.assertEqual([], self.cloud.mutations)
