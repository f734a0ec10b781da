"""From a request to a plan: choices, and all that is wrong in one go."""

from __future__ import annotations

import dataclasses
from typing import Any

import yaml
from keystoneauth1.identity import v3

from osc_imagebuild.builder import Builder
from osc_imagebuild.cloud import images
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.media import content
from osc_imagebuild.model import names
from osc_imagebuild.model.resources import Network
from osc_imagebuild.planning import preflight, selection
from tests.fakes import keystone
from tests.fakes.planning import flavor
from tests.unit.base import CATALOG, ENTRIES, CloudTestCase

NET = Network("n-1", "private", external=False, dhcp=True, routed=True)
OTHER = Network("n-2", "other", external=False, dhcp=True, routed=True)
LONELY = Network("n-3", "lonely", external=False, dhcp=True, routed=False)
OUTSIDE = Network("n-4", "public", external=True, dhcp=True, routed=True)
STATIC = Network("n-5", "static", external=False, dhcp=False, routed=True)


class PlanTestCase(CloudTestCase):
    """Plans on the fake cloud; nothing is ever written."""

    def problems(self, **fields: Any) -> list[str]:
        """Return what is wrong with a request; nothing may have been written."""
        try:
            self.builder().plan(self.request(**fields))
        except SpecError as error:
            return list(error.problems)
        finally:
            self.assert_empty(*self.known)
        return []

    def setUp(self) -> None:
        """Know the images that are there before."""
        super().setUp()
        self.known: list[str] = []

    def assert_one(self, text: str, **fields: Any) -> None:
        """Exactly one thing is wrong, and it says ``text``."""
        found = self.problems(**fields)
        self.assertEqual(1, len(found), str(found))
        self.assertIn(text, found[0])


class MistakesTest(PlanTestCase):
    """What a user may get wrong."""

    def test_nothing(self) -> None:
        """A good request has no problems, and its choices are told."""
        self.assertEqual([], self.problems())
        plan = self.builder().plan(self.request())
        self.assertEqual(3, len(plan.choices))
        self.assertEqual((), plan.warnings)

    def test_too_much_for_a_record(self) -> None:
        """Planned is only what can be read again; what a catalogue may have can."""
        long = {f"key-{number}": "x" * 300 for number in range(230)}
        self.assert_one("no record can keep this build: its spec has", properties=long)
        many = {f"key-{number}": "x" for number in range(260)}
        self.assert_one("no record can keep this build: spec.result", properties=many)
        mini = yaml.safe_load((CATALOG / "mini.yaml").read_text(encoding="utf-8"))
        ENTRIES.add("mini-long", {**mini, "failures": [["x" * 1000, "y" * 2000]]})
        self.assertEqual([], self.problems(os="mini-long"))

    def test_one_by_one(self) -> None:
        """Each is named, with what there is instead."""
        for text, wrong in (
            ("unknown OS 'minni'; did you mean mini?", {"os": "minni"}),
            ("is not known for s390x; it is for x86_64", {"arch": "s390x"}),
            ("no flavor 'huge'; there are: m1.nano", {"flavor": "huge"}),
            ("m1.nano is too small", {"flavor": "m1.nano"}),
            ("no network 'x'; there are: private, public", {"networks": ("x",)}),
            ("no security group 'x'", {"security_groups": ("x",)}),
            ("no availability zone 'x'; there are: nova", {"availability_zone": "x"}),
            ("no boot method 'x'", {"boot_method": "x"}),
            ("no output 'x'", {"output": "x"}),
            ("the image needs a name: give it", {"name": " "}),
            ("'imagebuild_x'; names that begin", {"properties": {"imagebuild_x": ""}}),
            ("300 characters, 255 is most", {"name": "x" * 300}),
            ("tags that begin with imagebuild", {"tags": ("imagebuild",)}),
            ("password in its URL", {"source": "http://me:secret@mirror.fake/x"}),
            ("password in its URL", {"source": "http://token@mirror.fake/x"}),
            ("--checksum is an ISO's", {"checksum": "sha256:" + "0" * 64}),
            ("min_ram is a field of every", {"properties": {"min_ram": "512"}}),
            ("location is a field of every", {"properties": {"location": "x"}}),
            ("Glance cannot store", {"properties": {"\U0001f600": "x"}}),
            ("Glance cannot store", {"tags": ("caf\udce9",)}),
            ("property name cannot be given", {"properties": {"imagebuild_x": "1"}}),
            ("no visibility 'secret'; there are: private", {"visibility": "secret"}),
            ("--timeout takes 1 to 1440", {"timeout_min": 0}),
            ("must be an http(s) URL", {"source": "ftp://x"}),
            ("this is no URL", {"source": "http://x/\n%post"}),
            ("this is no URL", {"source": "http://x/a b"}),
            ("this is no URL", {"source": "http://x/'"}),
            ("mini cannot be given packages", {"packages": ("vim",)}),
            ("mini cannot be given a root password", {"root_password": "x"}),
        ):
            with self.one_of_many(text):
                self.assert_one(text, **wrong)

    def test_secret_of_the_catalogue(self) -> None:
        """The finished image would show a site's password as it would a user's."""
        builder = self.builder()
        builder.catalog = Catalog([CATALOG])
        builder.catalog.add("mini", {"source": "https://token@mirror.fake/x"})
        error = self.assertRaises(SpecError, builder.plan, self.request())
        self.assertEqual(1, len(error.problems))
        self.assertIn("name or password in its URL", str(error))

    def test_no_field_of_an_image_is_a_property(self) -> None:
        """What Glance does not show as a property is refused as one."""
        self.assertLessEqual(images.CORE, names.IMAGE_FIELDS)

    def test_all_at_once(self) -> None:
        """Five mistakes make one error with five lines."""
        found = self.problems(
            flavor="huge",
            networks=("x",),
            availability_zone="y",
            timeout_min=0,
            tags=("imagebuild-x",),
        )
        self.assertEqual(5, len(found), str(found))
        text = str(SpecError(found))
        self.assertTrue(text.startswith("5 things keep this build from starting:"))

    def test_names_that_are_no_mistakes(self) -> None:
        """Anything that Glance takes."""
        for name in ("a b", "'\"", "x\ny", "ü☃", "x" * 255, ".*[", "-f", "{{ 7*7 }}"):
            self.assertEqual([], self.problems(name=name), name)


class CloudLimitsTest(PlanTestCase):
    """What the cloud may lack."""

    def test_quotas(self) -> None:
        """Servers, cores, RAM, images and their size."""
        for key, text in (
            ("Instances", "0 servers left"),
            ("Cores", "0 cores left"),
            ("RAMSize", "0 MiB of RAM left"),
        ):
            self.cloud.nova.limits[key], before = 0, self.cloud.nova.limits[key]
            self.assert_one(text)
            self.cloud.nova.limits[key] = before
        self.cloud.nova.limits = dict.fromkeys(self.cloud.nova.limits, -1)
        self.cloud.glance.limits = {"image_count_total": 5, "image_size_total": 0}
        found = " ".join(self.problems())
        self.assertIn("5 images left, a build needs 7", found)
        self.assertIn("quota for the size of images is used up", found)

    def test_property_protection(self) -> None:
        """Found out without writing anything."""
        image = self.cloud.glance.add("demo", name="any")
        self.known.append(image.id)
        self.assertEqual([], self.problems())
        self.cloud.glance.forbidden = "imagebuild_"
        self.assert_one("property protection forbids")
        self.assertEqual("any", image.name)

    def test_visibility(self) -> None:
        """What the policy forbids is known before an hour of building."""
        self.known = [self.cloud.glance.add("p", visibility="public").id]
        self.cloud.glance.visibilities.discard("public")
        self.assert_one("does not let you make an image public", visibility="public")
        for allowed in ("private", "shared", "community"):
            self.assertEqual([], self.problems(visibility=allowed))

    def test_volume_zones(self) -> None:
        """Cinder's of the same name, where there is one."""
        self.cloud.nova.zones = ["east", "west"]
        self.cloud.cinder.zones = ["nova", "east"]
        for zone, on_volume, wanted, said in (
            (None, 2, "", ""),
            ("east", None, "", ""),
            ("east", 2, "east", "volumes: in availability zone east too"),
            ("east:host", 2, "east", "volumes: in availability zone east too"),
            ("west", 2, "", "no availability zone west, only east, nova"),
        ):
            request = self.request(availability_zone=zone, disk_gib=on_volume)
            plan = self.builder().plan(request)
            self.assertEqual(wanted, plan.spec.hardware.volume_zone)
            self.assertIn(said, "\n".join(plan.choices))
        request = self.request(availability_zone="east", output="volume")
        build = self.builder().create(request)
        self.assert_complete(build)
        made = [c.json for c in self.cloud.mutations if c.kind == "create volume"]
        zones = [body["volume"]["availability_zone"] for body in made]
        self.assertEqual(["east"] * 2, zones)

    def test_short_pages(self) -> None:
        """Whatever an operator lets a page have, all of a listing is read."""
        cloud = self.cloud
        for number in range(3):
            cloud.neutron.add_network(f"other-{number}", f"n-{number}", dhcp=False)
            cloud.nova.flavors.insert(0, flavor(f"small-{number}", 1, 1))
        for service in (cloud.glance, cloud.nova, cloud.neutron, cloud.cinder):
            service.page_limit = 1
        build = self.builder().create(self.request(output="snapshot"))
        self.assert_complete(build)

    def test_containers(self) -> None:
        """An installer needs a whole machine."""
        self.cloud.nova.hypervisors = ["LXC"]
        self.assert_one("the hypervisors run containers (lxc)")
        self.cloud.nova.hypervisors = ["LXC", "QEMU"]
        self.assertEqual([], self.problems())

    def test_bare_token(self) -> None:
        """One that ends before the build does is refused."""
        self.builder().list()
        token = next(iter(self.cloud.keystone.tokens))
        auth = v3.Token(keystone.URL, token, project_name="demo")
        builder = Builder(
            self.cloud.connect_with(auth),
            catalog=Catalog([CATALOG]),
            clock=self.cloud.clock(),
        )
        builder.plan(self.request())
        wanted = self.request(timeout_min=90)
        error = self.assertRaises(SpecError, builder.plan, wanted)
        self.assertIn("a bare token that ends in 60 minutes", str(error))

    def test_sources(self) -> None:
        """One that refuses is wrong, one that is silent may be the guest's alone."""
        self.cloud.mirror.status = 404
        self.assertIn("answers HTTP 404", self.problems()[0])
        self.cloud.mirror.status, self.cloud.mirror.down = 0, True
        plan = self.builder().plan(self.request(boot_method="ipxe"))
        self.assertIn("not reachable from here", plan.warnings[0])
        self.assertIn("no route", self.problems(boot_method="kernel")[0])

    def test_what_installers_fetch_by_name(self) -> None:
        """A live ISO may have been replaced by that of a newer point release."""
        entry = dataclasses.replace(ENTRIES.entry("mini"), fetches=("live-1.iso",))
        self.patch(Catalog, "entry", lambda catalog, name: entry)
        for method in ("ipxe", "kernel"):
            [problem] = self.problems(boot_method=method)
            self.assertIn("/live-1.iso answers HTTP 404", problem)
        self.cloud.mirror.files["live-1.iso"] = b"live"
        self.assertEqual([], self.problems())

    def test_answer_files(self) -> None:
        """The user's own must power off, and fit Nova."""
        self.assert_one("does not power the server off", answer_file="poweroff no")
        long = "report() {\n" + "x" * 49_200
        self.assert_one("Nova takes 65535", answer_file=long)
        self.assertEqual([], self.problems(answer_file="report() { poweroff; }"))

    def test_flavors(self) -> None:
        """The smallest disk wins, as its size becomes the image's."""
        self.cloud.nova.flavors = [flavor("big", 256, 9), flavor("wide", 4096, 2)]
        self.assertEqual(
            "wide", self.builder().plan(self.request()).spec.hardware.flavor_name
        )
        self.cloud.nova.flavors = [flavor("tiny", 64, 1)]
        self.assert_one("no flavor has 256 MiB of RAM and 1 GiB of disk")

    def test_flavors_with_other_disks(self) -> None:
        """The system could end up on them."""
        swap = flavor("swap", 512, 1) | {"swap": 512}
        local = flavor("local", 512, 1) | {"OS-FLV-EXT-DATA:ephemeral": 5}
        self.cloud.nova.flavors = [swap, local, flavor("plain", 512, 2)]
        self.assertEqual(
            "plain", self.builder().plan(self.request()).spec.hardware.flavor_name
        )
        for name in ("swap", "local"):
            self.assert_one(f"flavor {name} brings a swap or an", flavor=name)
        del self.cloud.nova.flavors[2]
        self.assert_one("each flavor with 256 MiB of RAM")


class ChoiceTest(PlanTestCase):
    """Choices, as tables."""

    def test_networks(self) -> None:
        """The only one that leads anywhere, or the user must say."""
        for known, chosen in (
            ((NET,), "n-1"),
            ((NET, OUTSIDE, STATIC), "n-1"),
            ((NET, LONELY), "n-1"),
            ((LONELY, OUTSIDE), "n-3"),
        ):
            ids, line = selection.networks(known, ())
            self.assertEqual(((chosen,), True), (ids, bool(line)))
        nothing = "no network of this project has a subnet with DHCP"
        for there, text in (
            ([NET, OTHER], "several networks could be used"),
            ([OUTSIDE, STATIC], nothing),
            ([], nothing),
        ):
            error = self.assertRaises(SpecError, selection.networks, there, ())
            self.assertIn(text, str(error))

    def test_named_networks(self) -> None:
        """By ID, by name, and not by a name that several have."""
        twin = Network("n-9", "private", external=False, dhcp=True, routed=True)
        ids, line = selection.networks((NET, OTHER), ("other", "n-1"))
        self.assertEqual((("n-2", "n-1"), ""), (ids, line))
        error = self.assertRaises(
            SpecError, selection.networks, (NET, twin), ("private",)
        )
        self.assertIn("several networks are named 'private'", str(error))

    def test_boot_methods(self) -> None:
        """ipxe where it works, else kernel, and why."""
        entry, plain = Catalog([CATALOG]).entry("mini"), "http://m/linux"
        request = self.request()
        for url, missing, method in (
            (plain, {}, "ipxe"),
            ("https://m/linux", {}, "kernel"),
            (plain, {"ipxe": ["no iPXE here"]}, "kernel"),
        ):
            chosen, line = selection.boot_method(request, entry, url, missing)
            self.assertEqual((method, True), (chosen, bool(line)))
        stubs_only = dataclasses.replace(entry, boot_methods=("ipxe",))
        error = self.assertRaises(
            SpecError,
            selection.boot_method,
            request,
            stubs_only,
            plain,
            {"ipxe": ["no iPXE here"]},
        )
        self.assertIn("takes no boot method kernel: no iPXE here", str(error))
        uefi = self.request(firmware="uefi")
        chosen, line = selection.boot_method(uefi, entry, plain, {"ipxe": ["no GRUB"]})
        self.assertEqual("kernel", chosen)
        self.assertIn("no network card", line)
        wanted = self.request(boot_method="ipxe")
        error = self.assertRaises(
            SpecError, selection.boot_method, wanted, entry, plain, {"ipxe": ["no"]}
        )
        self.assertIn("--boot-method kernel", str(error))

    def test_boot_methods_to_come(self) -> None:
        """An entry may name what this version does not have; it is said so."""
        entry = Catalog([CATALOG]).entry("mini")
        entry = dataclasses.replace(entry, boot_methods=("floppy",))
        error = self.assertRaises(
            SpecError,
            selection.boot_method,
            self.request(),
            entry,
            "http://m/linux",
            {},
        )
        self.assertIn("floppy, which this version does not have yet", str(error))

    def test_own_answer_that_cannot_report(self) -> None:
        """It is warned of, as it may fetch what does."""
        plan = self.builder().plan(self.request(answer_file="report() { poweroff; }"))
        self.assertIn("neither @REPORT@ nor @BUILD_ID@", " ".join(plan.warnings))

    def test_own_answer_with_mistakes(self) -> None:
        """They are warned of by their line."""
        request = self.request(os="debian-13", source="http://mirror/debian")
        own = "d-i debian-installer/exit/poweroff boolean true\nd-i a/b sting @REPORT@"
        wrong = dataclasses.replace(request, answer_file=own)
        [line] = preflight.warn_answer_file(Catalog().entry("debian-13"), wrong)
        self.assertEqual("the answer file, line 2: no type 'sting'", line[:40])

    def test_without_ipxe_here(self) -> None:
        """The plan falls back, and says which package is missing."""
        missing = ["ipxe.lkrn is not installed"]
        self.patch(content, "missing_parts", lambda *machine: missing)
        plan = self.builder().plan(self.request())
        self.assertEqual("kernel", plan.spec.installer.boot_method)
        self.assertIn("ipxe.lkrn is not installed", " ".join(plan.choices))
