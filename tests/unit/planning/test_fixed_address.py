"""Fixed addresses: chosen, told to every part of an installation, and taken."""

from __future__ import annotations

from typing import Any

import testtools
import yaml

from osc_imagebuild.boot import ipxe
from osc_imagebuild.errors import InstallError, SpecError
from osc_imagebuild.guests import answers
from osc_imagebuild.guests.answers import AnswerDelivery
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.model.boot_sources import EfiStubDisk, StubDisk
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Address, Spec
from osc_imagebuild.planning import fixed_address
from tests.unit.base import CATALOG as MINI
from tests.unit.base import CloudTestCase
from tests.unit.samples import spec

ADDRESS = fixed_address.of_subnet(
    "10.0.4.0/24", "10.0.4.1", ["10.0.4.2", "fd00::1", "9.9.9.9"], "10.0.4.7"
)
BARE = fixed_address.of_subnet("10.0.4.0/24", "", [], "10.0.4.7")
CATALOG = Catalog([BUILT_IN])


def address_of(spec: Spec) -> Address:
    """Return the address in a spec that must have one."""
    assert spec.network.address is not None
    return spec.network.address


class FreeTest(testtools.TestCase):
    """One that nobody has."""

    def test_free(self) -> None:
        """Of any pool, while there are any; never one that is used."""
        pools = [("10.0.0.1", "10.0.0.2"), ("10.0.0.9", "10.0.0.9")]
        used: set[str] = {"10.0.0.77"}
        for _ in range(3):
            found = fixed_address.free(pools, used)
            assert found is not None
            self.assertNotIn(found, used)
            used.add(found)
        self.assertEqual({"10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.0.77"}, used)
        self.assertIsNone(fixed_address.free(pools, used))
        self.assertIsNone(fixed_address.free([], used))

    def test_large_pools(self) -> None:
        """Not all of a large pool is looked at, and not always the same."""
        pools = [("10.0.0.1", "10.255.255.254")]
        self.assertNotEqual(
            fixed_address.free(pools, ()), fixed_address.free(pools, ())
        )

    def test_is_in(self) -> None:
        """Of IPv4 only; what is no address is in no subnet."""
        for cidr, address, expected in (
            ("10.0.4.0/24", "10.0.4.7", True),
            ("10.0.4.0/24", "10.0.5.7", False),
            ("10.0.4.0/24", "fd00::1", False),
            ("fd00::/64", "fd00::1", False),
            ("10.0.4.0/24", "", False),
            ("", "10.0.4.7", False),
        ):
            self.assertIs(
                expected, fixed_address.is_in(cidr, address), f"{cidr} {address}"
            )

    def test_subnet_of_another_kind(self) -> None:
        """An installer is told an IPv4 address, or none."""
        for cidr in ("fd00::/64", "10.0.4.1/24", ""):
            error = self.assertRaises(
                SpecError, fixed_address.of_subnet, cidr, "", [], "10.0.4.7"
            )
            self.assertEqual(f"this subnet is none of IPv4: {cidr}", str(error))


class WordsTest(testtools.TestCase):
    """The same address in the words of each program."""

    def test_stubs(self) -> None:
        """iPXE and GRUB ask no DHCP server."""
        [image] = ipxe.METHOD.images(spec(address=ADDRESS))
        assert isinstance(image.content, StubDisk)
        script = image.content.script
        self.assertIn("set net0/ip 10.0.4.7\nset net0/netmask 255.255.255.0\n", script)
        self.assertIn("gateway 10.0.4.1\nset dns 10.0.4.2\nifopen net0 ||", script)
        self.assertNotIn("dhcp", script)
        there = {"kernel_url": "http://10.9.0.1:80/k", "firmware": "uefi"}
        [image] = ipxe.METHOD.images(spec(address=ADDRESS, **there))
        assert isinstance(image.content, EfiStubDisk)
        script = image.content.script
        for line in (
            "net_add_addr fixed efinet0 10.0.4.7",
            "net_add_route subnet 10.0.4.0/24 fixed",
            "net_add_route out0 0.0.0.0/0 gw 10.0.4.1",
            "net_add_route out1 10.0.0.0/9 gw 10.0.4.1",
            "net_add_route out2 10.128.0.0/9 gw 10.0.4.1",
            "net_add_dns 10.0.4.2",
        ):
            self.assertIn(f"\n{line}\n", script)
        self.assertNotIn("net_bootp", script)
        for cidr, outside in (
            ("10.0.0.0/8", []),
            ("10.0.0.0/9", ["10.128.0.0/9"]),
            ("172.16.3.0/31", ["172.16.0.0/17", "172.16.128.0/17"]),
            ("192.168.7.128/25", ["192.168.7.0/25"]),
        ):
            found = fixed_address.of_subnet(cidr, "10.0.0.1", [], "10.0.0.2")
            routes = [line.split()[2] for line in ipxe.grub_commands(found)[1:]]
            self.assertEqual([cidr, "0.0.0.0/0", *outside], routes)

    def test_without_gateway(self) -> None:
        """Nothing is said of what there is not."""
        text = "\n".join([*ipxe.ipxe_commands(BARE), *ipxe.grub_commands(BARE)])
        for word in ("gateway", "gw", "dns"):
            self.assertNotIn(word, text)

    def test_command_lines(self) -> None:
        """Each installer that takes a command line is told."""
        dracut = "ip=10.0.4.7::10.0.4.1:255.255.255.0:::none"
        for name, words in (
            ("debian-13", "netcfg/get_ipaddress=10.0.4.7 netcfg/get_netmask=255.255."),
            ("debian-13", "netcfg/get_nameservers=10.0.4.2 netcfg/confirm_static=true"),
            ("rocky-10", f"{dracut} nameserver=10.0.4.2 nameserver=9.9.9.9 "),
            ("ubuntu-24.04", f"{dracut}:10.0.4.2:9.9.9.9 "),
            ("opensuse-leap-16", dracut),
            (
                "opensuse-leap-15.6",
                "hostip=10.0.4.7/24 gateway=10.0.4.1 nameserver=10.0.4.2,9.9.9.9 ",
            ),
        ):
            found = self.render(name, ADDRESS)
            self.assertIn(words, found.kernel_args)
            for wrong in ("ip=dhcp", "netsetup=dhcp", "  "):
                self.assertNotIn(wrong, found.kernel_args)
            self.assertNotIn("None", self.render(name, BARE).kernel_args)

    def render(
        self, name: str, address: Address | None, metadata: bool = True
    ) -> answers.Answers:
        """Return what an installer is told."""
        entry = CATALOG.entry(name)
        way = AnswerDelivery("ipxe", address, metadata)
        return answers.render(entry, Request(name="x", os=name), "id", "http://m", way)

    def test_kickstart(self) -> None:
        """It goes over the command line once Anaconda has read it."""
        found = self.render("rocky-10", ADDRESS).answer
        self.assertIn(
            "--bootproto=static --device=link --activate --ip=10.0.4.7 ", found
        )
        self.assertIn("--gateway=10.0.4.1 --nameserver=10.0.4.2,9.9.9.9\n", found)
        self.assertIn("--netmask=255.255.255.0\n", self.render("rocky-10", BARE).answer)

    def test_nothing_stays(self) -> None:
        """YaST copies its route and name servers into the new system."""
        for name in ("opensuse-leap-15.6", "opensuse-leap-16"):
            for address in (ADDRESS, None):
                found = self.render(name, address).answer
                for words in ("/etc/sysconfig/network/routes", "NETCONFIG_DNS_STATIC"):
                    self.assertEqual(bool(address), words in found)

    def test_config_drive(self) -> None:
        """Where no metadata service is reached."""
        found = self.render("rocky-10", ADDRESS, metadata=False).kernel_args
        drive = "inst.ks=hd:LABEL=config-2:/openstack/latest/user_data "
        self.assertIn(drive, found)
        # debian-installer reads it nowhere else.
        found = self.render("debian-13", None, metadata=False).kernel_args
        self.assertIn("url=http://169.254.169.254/", found)


class BuildTest(CloudTestCase):
    """On a cloud."""

    def setUp(self) -> None:
        """Have a network without DHCP, with two addresses in use."""
        super().setUp()
        self.cloud.neutron.add_network("static", "n-s", dhcp=False)
        for device, address in (("a", "10.0.0.2"), ("b", "10.0.0.3")):
            self.cloud.neutron.plug(device, "n-s", "other", address)

    def planned(self, **fields: Any) -> Spec:
        """Return the spec of a build on that network."""
        request = self.request(**{"networks": ("static",), **fields})
        return self.builder().plan(request).spec

    def test_build(self) -> None:
        """The installer has its address and its config drive, the result any."""
        build = self.builder().create(self.request(networks=("static",)))
        self.assert_complete(build)
        ip = address_of(build.spec).ip
        self.assertIn(ip, ("10.0.0.4", "10.0.0.5", "10.0.0.6"))
        calls = [c for c in self.cloud.mutations if c.kind == "create server"]
        bodies = [call.json["server"] for call in calls]
        nics = [{"uuid": "n-s", "fixed_ip": ip}], [{"uuid": "n-s"}]
        self.assertEqual(list(nics), [body["networks"] for body in bodies])
        self.assertEqual([True, True], [body["config_drive"] for body in bodies])

    def test_choices(self) -> None:
        """Told: the address, where the answer file is, the config drive."""
        for router, way in (
            (True, "metadata service, through"),
            (False, "config drive"),
        ):
            if not router:
                self.cloud.neutron.unplug("router-n-s")
            plan = self.builder().plan(self.request(networks=("static",)))
            said = "\n".join(plan.choices)
            self.assertIn(f"address {address_of(plan.spec).ip} for the installer", said)
            self.assertIn(f"reads its answer file from the {way}", said)
            self.assertEqual(router, "169.254" in plan.spec.installer.command_line)

    def test_config_drive(self) -> None:
        """With DHCP too, for those who ask for it."""
        for wanted in (None, True, False):
            request = self.request(networks=("private",), config_drive=wanted)
            spec = self.builder().plan(request).spec
            self.assertEqual(not wanted, "169.254" in spec.installer.command_line)
            self.assertEqual(bool(wanted), spec.network.config_drive)

    def test_taken(self) -> None:
        """Told with the way on: by Nova at once, or by the server's fault."""
        builder = self.builder()
        plan = builder.plan(self.request(networks=("static",)))
        ip = address_of(plan.spec).ip
        self.cloud.neutron.plug("thief", "n-s", "other", ip)
        error = self.assertRaises(InstallError, builder.start, plan)
        self.assertIn(f"the address {ip}, which was free when", str(error))
        self.assertIn("(compute, HTTP ", str(error))
        self.assertIn("create the build again", str(error))
        self.cloud.neutron.unplug("thief")
        self.cloud.nova.server_fault = f"Fixed IP {ip} is already in use"
        error = self.assertRaises(
            InstallError, builder.create, self.request(networks=("static",))
        )
        self.assertIn("create the build again, it then takes another", str(error))

    def test_no_name_server(self) -> None:
        """Warned of, where a name is to be resolved."""
        self.cloud.neutron.subnets[-1]["dns_nameservers"] = ["fd00::1"]
        for source, warned in (("http://mirror.fake", True), (None, False)):
            request = self.request(networks=("static",), source=source)
            found = "\n".join(self.builder().plan(request).warnings)
            self.assertEqual(warned, "cannot resolve mirror.fake" in found)
        self.assertEqual([], fixed_address.unresolved(ADDRESS, "http://mirror.fake"))

    def test_beside_ipv6(self) -> None:
        """What gives an address of IPv6 gives an installer none of IPv4."""
        subnets = self.cloud.neutron.subnets
        six = {"ip_version": 6, "enable_dhcp": True, "cidr": "fd00::/64"}
        subnets.append({**subnets[-1], "id": "six", **six})
        self.assertIn("10.0.0.", address_of(self.planned()).ip)
        subnets[:] = [s for s in subnets if s["id"] != "subnet-n-s"]
        self.assertIsNone(self.planned().network.address)

    def test_several_subnets(self) -> None:
        """One with room that takes servers, with a gateway if there is one."""
        subnets = self.cloud.neutron.subnets
        full = subnets[-1]
        full["allocation_pools"] = [{"start": "10.0.0.2", "end": "10.0.0.3"}]
        kinds: tuple[dict[str, Any], ...] = (
            {"service_types": ["network:router_gateway"]},
            {"gateway_ip": None},
            {"service_types": ["compute:nova"]},
        )
        for number, more in enumerate(kinds):
            pools = [{"start": f"10.{number + 1}.0.2", "end": f"10.{number + 1}.0.9"}]
            subnets.append(
                {
                    **full,
                    "id": f"more-{number}",
                    "cidr": f"10.{number + 1}.0.0/24",
                    "allocation_pools": pools,
                    **more,
                }
            )
        self.assertEqual("10.3.0.0/24", address_of(self.planned()).subnet)
        subnets.pop()
        self.assertEqual("10.2.0.0/24", address_of(self.planned()).subnet)

    def test_ovn(self) -> None:
        """Its routers do not lead to the metadata service."""
        self.assertIn("169.254", self.planned().installer.command_line)
        self.cloud.neutron.plug("ovnmeta-n-s", "n-s", "network:distributed")
        self.assertNotIn("169.254", self.planned().installer.command_line)

    def test_refused(self) -> None:
        """What cannot work is said before anything is written."""
        error = self.assertRaises(SpecError, self.planned, config_drive=False)
        self.assertIn("leave --no-config-drive out", str(error))
        builder = self.builder()
        builder.catalog = entries = Catalog([MINI])
        data = yaml.safe_load((MINI / "mini.yaml").read_text())
        del data["network"], data["config_drive_url"]
        entries.add("bare", data)
        request = self.request(networks=("static",), os="bare")
        error = self.assertRaises(SpecError, builder.plan, request)
        self.assertIn("cannot be given an address on its command", str(error))
        entries.add("bare", {"network": {"static": "ip={{ address.ip }}"}})
        builder.plan(request)
        self.cloud.neutron.unplug("router-n-s")
        error = self.assertRaises(SpecError, builder.plan, request)
        self.assertIn("no router that is seen to lead to", str(error))
        self.cloud.neutron.subnets[-1]["allocation_pools"] = []
        error = self.assertRaises(SpecError, self.planned)
        self.assertIn("all addresses of its allocation pools are used", str(error))
        self.cloud.neutron.subnets[-1]["ip_version"] = 6
        error = self.assertRaises(SpecError, self.planned)
        self.assertIn("neither DHCP nor an IPv4 subnet", str(error))
