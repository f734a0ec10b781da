"""Ports, properties and volumes of servers, and what is said of images: whole builds."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import CloudError, InstallError, SpecError
from osc_imagebuild.planning.inputs import _NOT_OF_TEMPLATE
from tests.fakes.faults import answered, once
from tests.fakes.image import FakeImage
from tests.fakes.neutron import Item
from tests.unit.base import NAME, PARENT, CloudTestCase

PROPERTIES = {"owner": "me", "purpose": "build"}


class OptionsTestCase(CloudTestCase):
    """Builds that ask more of the cloud than others."""

    def built(self, **fields: Any) -> Record:
        """Build, and see that nothing is left but the result."""
        build = self.builder().create(self.request(**fields))
        self.assert_complete(build)
        return build

    def refused(self, **fields: Any) -> str:
        """Return why nothing is built; nothing was written."""
        request = self.request(**fields)
        error = self.assertRaises(SpecError, self.builder().create, request)
        self.assert_empty()
        return str(error)

    def image(self, build: Record) -> FakeImage:
        """Return the image that was made."""
        return self.cloud.glance.images[build.result_id]

    def bodies(self, kind: str) -> list[Any]:
        """Return what was asked for by all requests of a kind."""
        return [call.json for call in self.cloud.mutations if call.kind == kind]


class PortTest(OptionsTestCase):
    """A port of the user's, which one server has after the other."""

    def setUp(self) -> None:
        """Have a port."""
        super().setUp()
        self.port = self.cloud.neutron.add_port("fixed")

    def assert_free(self, port: Item) -> None:
        """The port is there, as it was, and nothing has it."""
        self.assertIn(port, self.cloud.neutron.ports)
        self.assertEqual(("", ""), (port["device_id"], port["device_owner"]))

    def test_each_output(self) -> None:
        """Both servers have it, and at its end nothing has."""
        for fields in (
            {},
            {"from_image": PARENT, "os": ""},
            {"disk_gib": 2},
            {"output": "volume"},
            {"output": "snapshot"},
            {"boot_method": "kernel"},
        ):
            with self.one_of_many(str(fields)):
                self.cloud.glance.images.clear()
                self.add_parent()
                before = len(self.cloud.mutations)
                build = self.built(ports=("fixed",), **fields)
                asked = [
                    call.json["server"]["networks"]
                    for call in self.cloud.mutations[before:]
                    if call.kind == "create server"
                ]
                self.assertEqual([[{"port": self.port["id"]}]] * 2, asked)
                self.assertEqual(("net-1",), build.spec.network.networks)
                self.assert_free(self.port)
                self.builder().delete(build.id, with_image=True)
                self.assert_free(self.port)

    def test_attempts(self) -> None:
        """The next server gets it once the one before is gone."""
        self.cloud.nova.first_faults = ["No valid host was found."]
        self.cloud.nova.plan.first_boots = ["", ""]
        build = self.built(ports=(self.port["id"],))
        self.assertEqual(1, len([a for a in build.attempts if "install" in a]))
        self.assert_free(self.port)

    def test_with_networks(self) -> None:
        """Ports come first, and none is chosen that nobody named."""
        self.cloud.neutron.add_network("second", "net-2")
        other = self.cloud.neutron.add_port("other", "net-2")
        for fields, networks, ports in (
            ({"ports": ("fixed",)}, ("net-1",), ("fixed",)),
            ({"ports": ("fixed",), "networks": ("second",)}, ("net-1", "net-2"), None),
            ({"ports": ("other", "fixed")}, ("net-2", "net-1"), ("other", "fixed")),
        ):
            plan = self.builder().plan(self.request(**fields))
            self.assertEqual(networks, plan.spec.network.networks)
            ids = {"fixed": self.port["id"], "other": other["id"]}
            wanted = tuple(ids[name] for name in ports or ("fixed",))
            self.assertEqual(wanted, plan.spec.network.ports)
            self.assertIn("its own security groups apply", "\n".join(plan.choices))

    def test_without_dhcp(self) -> None:
        """The installer is told the address of the port."""
        self.cloud.neutron.add_network("static", "n-s", dhcp=False)
        port = self.cloud.neutron.add_port("static", "n-s")
        build = self.built(ports=("static",))
        assert build.spec.network.address
        self.assertEqual("10.0.0.5", build.spec.network.address.ip)
        self.assert_free(port)
        port["fixed_ips"] = [{"ip_address": "fd00::5"}]
        self.assertIn("no address of IPv4", self.refused_beside(ports=("static",)))

    def refused_beside(self, **fields: Any) -> str:
        """Return why nothing is built, where something was before."""
        request = self.request(**fields)
        return str(self.assertRaises(SpecError, self.builder().create, request))

    def test_refused(self) -> None:
        """All that keeps a server from having it, at once."""
        neutron = self.cloud.neutron
        neutron.add_port("twins")
        neutron.add_port("twins")
        neutron.add_port("theirs", project_id="other")
        neutron.add_port("off", admin_state_up=False)
        neutron.add_port("bare", fixed_ips=[])
        neutron.add_port("hidden", network_id="net-of-others")
        told = self.refused(
            ports=("none", "twins", "theirs", "off", "bare", "fixed", self.port["id"])
        )
        for text in (
            "no port 'none'",
            "several ports are named 'twins'",
            "port 'theirs' is another project's",
            "is switched off",
            "has no address",
            "is given twice",
        ):
            self.assertIn(text, told)
        self.assertIn("cannot be seen", self.refused(ports=("hidden",)))
        both = self.refused(ports=("fixed",), security_groups=("web",))
        self.assertIn("leave out --security-group", both)

    def test_bound(self) -> None:
        """A second build cannot have it meanwhile, and says who has."""
        first = self.started(ports=("fixed",))
        told = self.refused_beside(name="second", ports=("fixed",))
        self.assertIn("is in use by compute:nova", told)
        self.assert_complete(self.resumed(first.id))

    def test_taken_meanwhile(self) -> None:
        """By somebody's server, after the plan was made."""
        builder = self.builder()
        plan = builder.plan(self.request(ports=("fixed",)))
        self.port |= {"device_id": "s-1", "device_owner": "network:dhcp"}
        error = self.assertRaises(InstallError, builder.start, plan)
        self.assertIn("was taken by another server meanwhile", str(error))
        self.assertEqual("s-1", self.port["device_id"])

    def test_gone_meanwhile(self) -> None:
        """Or deleted; the same for another project's, by an admin's session."""
        for change in ({"project_id": "other"}, None):
            builder = self.builder()
            plan = builder.plan(self.request(ports=("fixed",)))
            if change:
                self.port |= change
            else:
                self.cloud.neutron.ports.remove(self.port)
            error = self.assertRaises(InstallError, builder.start, plan)
            self.assertIn("is gone, or none of this project's", str(error))
            self.port["project_id"] = "demo"

    def test_retry(self) -> None:
        """It keeps the port."""
        self.cloud.nova.plan.install_fails = "FAILED: it broke"
        request = self.request(ports=("fixed",), server_properties=PROPERTIES)
        self.assertRaises(InstallError, self.builder().create, request)
        self.assert_free(self.port)
        self.cloud.nova.plan.install_fails = ""
        [build] = self.builder().list().builds
        done = self.builder().retry(build.id)
        self.assert_complete(done)
        self.assertEqual((self.port["id"],), done.spec.network.ports)
        self.assertEqual(PROPERTIES, done.spec.hardware.server_properties)


class ServerPropertyTest(OptionsTestCase):
    """Metadata of the build's servers."""

    def test_of_servers_alone(self) -> None:
        """Both have them, and the result has none."""
        for output in ("image", "volume", "snapshot"):
            before = len(self.cloud.mutations)
            build = self.built(server_properties=PROPERTIES, output=output)
            asked = [
                call.json["server"].get("metadata")
                for call in self.cloud.mutations[before:]
                if call.kind == "create server"
            ]
            self.assertEqual([PROPERTIES] * 2, asked)
            self.builder().delete(build.id, with_image=True)

    def test_too_many(self) -> None:
        """By the quota of the project."""
        self.cloud.nova.most_metadata = 1
        told = self.refused(server_properties=PROPERTIES)
        self.assertIn("Nova gives a server 1 properties here, not 2", told)

    def test_not_of_the_result(self) -> None:
        """So they, and ports, are no reason to build anew."""
        self.assertLessEqual({"ports", "server_properties"}, _NOT_OF_TEMPLATE)


class VolumeTypeTest(OptionsTestCase):
    """The type of the build's volumes."""

    def kinds(self) -> list[str | None]:
        """Return the types that volumes were asked for with."""
        return [b["volume"].get("volume_type") for b in self.bodies("create volume")]

    def test_each_output(self) -> None:
        """All that are made of images have it, and copies have it by themselves."""
        for name in ("fast", "t-fast"):
            for output in ("image", "volume", "snapshot"):
                build = self.built(output=output, volume_type=name, disk_gib=2)
                self.assertEqual("t-fast", build.spec.hardware.volume_type)
                left = {v.kind for v in self.cloud.cinder.volumes.values()}
                self.assertLessEqual(left, {"fast"})
                self.builder().delete(build.id, with_image=True)
        self.assertEqual({"t-fast", None}, set(self.kinds()))

    def test_cds(self) -> None:
        """The installer's CD too."""
        self.built(boot_method="cdrom", volume_type="fast")
        self.assertEqual({"t-fast"}, set(self.kinds()))

    def test_refused(self) -> None:
        """One that is not there, and one for nothing."""
        told = self.refused(volume_type="slow", disk_gib=2)
        self.assertIn("no volume type 'slow'", told)
        self.assertIn("there are: __DEFAULT__, fast", told)
        self.assertIn("this build makes none", self.refused(volume_type="fast"))
        self.assertIn("'slow'", self.refused(volume_type="slow", os="none"))

    def test_quota(self) -> None:
        """That of the type counts too."""
        cinder = self.cloud.cinder
        for limits, text in (
            ({"volumes_fast": 1}, "1 volumes of type fast left, the build needs 2"),
            ({"gigabytes_fast": 3}, "3 GiB of volumes of type fast left"),
            ({"snapshots_fast": 0}, "0 snapshots of type fast left"),
        ):
            cinder.type_limits = limits
            told = self.refused(volume_type="fast", disk_gib=2, output="snapshot")
            self.assertIn(text, told)
        cinder.type_limits = {"volumes_fast": 2, "gigabytes_fast": 4}
        self.built(volume_type="fast", disk_gib=2)

    def test_hidden_quota(self) -> None:
        """What a policy hides is not known, and keeps nobody from building."""
        self.cloud.hooks.append(
            once(lambda call: "os-quota-sets" in call.path, answered(403))
        )
        self.built(volume_type="fast", disk_gib=2)

    def test_zones(self) -> None:
        """A type may be for some zones alone."""
        cinder = self.cloud.cinder
        cinder.types[1]["extra_specs"] = {"RESKEY:availability_zones": "west, north"}
        fields = {"volume_type": "fast", "disk_gib": 2, "availability_zone": "nova"}
        self.assertIn("is for availability zone west and north", self.refused(**fields))
        cinder.types[1]["extra_specs"] = {"RESKEY:availability_zones": "nova,west"}
        self.built(**fields)

    def test_encrypted(self) -> None:
        """No image of it, where that is told before, and where it is only seen."""
        cinder = self.cloud.cinder
        cinder.encrypted, cinder.tells_encryption = {"t-fast"}, True
        told = self.refused(volume_type="fast", disk_gib=2)
        self.assertIn("volume type fast is encrypted", told)
        cinder.tells_encryption = False
        request = self.request(volume_type="fast", disk_gib=2)
        error = self.assertRaises(InstallError, self.builder().create, request)
        self.assertIn("the root volume is encrypted", str(error))
        self.assertEqual([], self.cloud.created("create server"))
        [build] = self.builder().list().builds
        self.builder().delete(build.id)
        self.built(volume_type="fast", output="volume")


class DeclaredTest(OptionsTestCase):
    """What servers of the image need, by the user's word."""

    def test_more_than_it_needs(self) -> None:
        """The server that proves it may have less."""
        for fields in ({}, {"disk_gib": 2}, {"verify": False}, {"from_image": PARENT}):
            self.cloud.glance.images.clear()
            self.add_parent()
            build = self.built(min_disk_gib=20, min_ram_mib=8192, **fields)
            image = self.image(build)
            self.assertEqual((20, 8192), (image.min_disk, image.min_ram))
            self.assertNotEqual("m1.small", build.spec.hardware.flavor_name)

    def test_less_than_it_needs(self) -> None:
        """Nova would start what cannot run."""
        told = self.refused(min_disk_gib=1, min_ram_mib=64, disk_gib=3)
        self.assertIn("the image is that of a disk of 3 GiB", told)
        self.assertIn("--min-ram 64 is too small", told)

    def test_retry_on_a_larger_flavor(self) -> None:
        """The disk counts where it became larger than what is declared."""
        self.cloud.nova.plan.install_fails = "FAILED: it broke"
        request = self.request(min_disk_gib=5)
        self.assertRaises(InstallError, self.builder().create, request)
        self.cloud.nova.plan.install_fails = ""
        [build] = self.builder().list().builds
        done = self.builder().retry(build.id, flavor="m1.small")
        self.assert_complete(done)
        self.assertEqual(10, self.image(done).min_disk)


class ProtectedTest(OptionsTestCase):
    """An image that nobody is to delete."""

    def test_delete(self) -> None:
        """Its build goes, and it stays, which is told."""
        build = self.built(protected=True)
        builder = self.builder()
        error = self.assertRaises(CloudError, builder.delete, build.id, with_image=True)
        self.assertIn("is protected", str(error))
        self.assertIn(
            f"openstack image set --unprotected {build.result_id}", str(error)
        )
        self.assert_empty(build.result_id)
        self.assertEqual(NAME, self.image(build).name)

    def test_delete_without_image(self) -> None:
        """Nothing is wrong then."""
        build = self.built(protected=True)
        self.builder().delete(build.id)
        self.assert_empty(build.result_id)

    def test_replace(self) -> None:
        """The older one stays as it is, and both builds are told so."""
        first = self.built(protected=True, replace=True, keep=0)
        self.cloud.world.sleep(60)
        plan = self.builder().plan(self.request(protected=True, replace=True))
        told = "\n".join(plan.warnings)
        self.assertIn("a protected image is never put away", told)
        self.assertIn(f"image {first.result_id} is named {NAME} too", told)
        second = self.builder().create(self.request(replace=True, keep=0))
        self.assertEqual("complete", second.status)
        old = self.image(first)
        self.assertEqual((NAME, False, True), (old.name, old.hidden, old.protected))

    def test_failed(self) -> None:
        """What did not pass is not protected, and goes with its build."""
        self.cloud.nova.plan.result_boots = False
        request = self.request(protected=True)
        self.assertRaises(InstallError, self.builder().create, request)
        [build] = self.builder().list().builds
        self.assertFalse(self.cloud.glance.images[build.made[0]].protected)
        self.builder().delete(build.id, with_image=True)
        self.assert_empty()
