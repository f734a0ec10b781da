"""Boot method kernel from an ISO: what is chosen, read, uploaded and attached."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import fixtures
import testtools

from osc_imagebuild.builds import lease
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import RecordError, SpecError
from osc_imagebuild.guests import answers, install_tree
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.media import content, http, iso_files
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import preflight, selection
from tests.fakes.image import FakeImage
from tests.fakes.mirror import IN_ISO, installer_iso
from tests.unit.base import CATALOG, CloudTestCase

URL = "http://mirror.fake/isos/installer.iso"
ISO = installer_iso()
SHA512 = hashlib.sha512(ISO).hexdigest()


class IsoKernelTestCase(CloudTestCase):
    """Builds from an ISO by its kernel."""

    def request(self, **fields: Any) -> Request:
        """Return a request."""
        return super().request(**({"boot_method": "kernel", "source": URL} | fields))

    def built(self, **fields: Any) -> Record:
        """Build; it must end well."""
        build = self.builder().create(self.request(**fields))
        self.assertEqual("complete", build.status)
        return build

    def problem(self, **fields: Any) -> str:
        """What keeps a build from being planned."""
        request = self.request(**fields)
        return str(self.assertRaises(SpecError, self.builder().plan, request))

    def lines(self, **fields: Any) -> str:
        """What planning tells."""
        plan = self.builder().plan(self.request(**fields))
        return "\n".join((*plan.choices, *plan.warnings))

    def uploaded(self) -> list[bytes]:
        """What went through the client, without small disks."""
        return [
            call.body
            for call in self.cloud.mutations
            if call.kind == "upload image" and call.body in (*IN_ISO.values(), ISO)
        ]


class SourceTest(IsoKernelTestCase):
    """Where the ISO is."""

    def test_url(self) -> None:
        """Kernel and ramdisk pass through the client, the ISO does not."""
        lines = self.lines()
        self.assertIn("kernel and ramdisk are read out of the ISO: 0 MiB", lines)
        self.assertIn("a volume of 1 GiB, because the ISO is a volume too", lines)
        self.assert_complete(self.built())
        self.assertEqual(list(IN_ISO.values()), self.uploaded())

    def test_server(self) -> None:
        """It starts that kernel, and has the ISO as a CD that it does not boot."""
        self.builder().create(self.request(), wait=False)
        [server] = self.cloud.nova.servers.values()
        self.assertEqual((ISO,), tuple(cd[: len(ISO)] for cd in server.cds))
        kernel = self.cloud.glance.images[server.image_properties["kernel_id"]]
        self.assertTrue(kernel.data == IN_ISO["isolinux/linux"])
        [call] = [c for c in self.cloud.mutations if c.kind == "create server"]
        devices = call.json["server"]["block_device_mapping_v2"]
        self.assertEqual([0, None], [device["boot_index"] for device in devices])

    def test_shared(self) -> None:
        """A second build uploads nothing, and the last one takes all away."""
        first = self.built()
        second = self.built(name="other")
        self.assertEqual(2, len(self.uploaded()))
        for build in (first, second):
            self.builder().delete(build.id, with_image=True)
        self.assert_empty()

    def test_slow(self) -> None:
        """Reading them may take longer than a lease without a sign of life lasts."""
        self.patch(iso_files, "_CHUNK", 1 << 14)
        write = http.Scratch.write
        builder = self.builder()
        plan = builder.plan(self.request())
        other = self.builder("cron").api

        def slow(scratch: http.Scratch, data: bytes) -> None:
            self.cloud.world.sleep(100)
            self.assertRaises(RecordError, lease.take, other, plan.build_id)
            write(scratch, data)

        self.patch(http.Scratch, "write", slow)
        self.assertEqual("complete", builder.start(plan).status)

    def test_file(self) -> None:
        """All of it comes from this machine, and its checksum is compared."""
        path = Path(self.useFixture(fixtures.TempDir()).path, "own.iso")
        path.write_bytes(ISO)
        self.assert_complete(self.built(source=str(path), checksum=SHA512))
        self.assertEqual([*IN_ISO.values(), ISO], self.uploaded())
        path.write_bytes(ISO[:-4096])
        self.assertIn("is cut off", self.problem(source=str(path)))

    def image(self) -> FakeImage:
        """The ISO as an image of the user's."""
        return self.cloud.glance.add(
            "demo",
            **{"name": "mine", "status": "active", "disk_format": "iso"},
            **{"data": ISO, "size": len(ISO)},
        )

    def test_image(self) -> None:
        """Glance gives parts of it."""
        image = self.image()
        build = self.built(source="mine", checksum=SHA512)
        self.assertEqual(list(IN_ISO.values()), self.uploaded())
        self.builder().delete(build.id, with_image=True)
        self.assert_empty(image.id)

    def test_image_that_is_not_given_in_parts(self) -> None:
        """Not every store can."""
        self.image()
        self.cloud.glance.gives_parts = False
        self.assertIn("Glance gives no parts of the image", self.problem(source="mine"))

    def test_fetched_by_the_guest(self) -> None:
        """Where the installer can, no volume is needed."""
        builder = self.builder()
        builder.catalog = Catalog([CATALOG])
        line = "answer={{ user_data_url }} iso={{ iso_url }} label={{ iso_label }}"
        change = {"iso_as_cd": False, "iso_kernel_args": line}
        builder.catalog.add("mini", change)
        plan = builder.plan(self.request())
        self.assertIn("fetches the ISO by itself", "\n".join(plan.choices))
        args = plan.spec.installer.command_line
        self.assertIn(f" iso={URL} label=MINI\\x201", args)
        self.assertEqual("complete", builder.start(plan).status)
        self.assertEqual({}, self.cloud.cinder.volumes)
        self.assertEqual(list(IN_ISO.values()), self.uploaded())
        request = self.request(checksum=SHA512)
        error = self.assertRaises(SpecError, builder.plan, request)
        self.assertIn("--checksum cannot be compared", str(error))

    def test_of_the_catalogue(self) -> None:
        """A site's ISO is one as a user's is."""
        builder = self.builder()
        builder.catalog = Catalog([CATALOG])
        change = {"source": URL, "iso_kernel_args": "label={{ iso_label }}"}
        builder.catalog.add("mini", change)
        plan = builder.plan(self.request(source=None))
        self.assertEqual("label=MINI\\x201", plan.spec.installer.command_line)
        self.assertTrue(plan.spec.media.iso.as_cd)


class ChangedTest(IsoKernelTestCase):
    """What an ISO may be, and become."""

    def test_changed_since_it_was_planned(self) -> None:
        """The build is let go of, as another machine may have the right one."""
        builder = self.builder()
        plan = builder.plan(self.request())
        self.cloud.mirror.files["installer.iso"] = installer_iso("joliet")
        error = self.assertRaises(SpecError, builder.start, plan)
        self.assertIn("has changed since the build was planned", str(error))

    def test_checksum(self) -> None:
        """It is the CD's."""
        self.assertIn(
            "the checksum is compared for the CD", self.lines(checksum=SHA512)
        )

    def test_not_an_installer(self) -> None:
        """Found out while it is planned; nothing is written."""
        mirror = self.cloud.mirror
        for data, text in (
            (b"no ISO", "is no ISO, or is cut off"),
            (ISO[:-9999], "is cut off: it has"),
            (installer_iso("plain").replace(b"LINUX.;1", b"LINUZ.;1"), "has no file"),
        ):
            mirror.files["installer.iso"] = data
            self.assertIn(text, self.problem())
        mirror.down = True
        self.assertIn("no answer from", self.problem())
        self.assert_empty()

    def test_no_cinder(self) -> None:
        """Its CD is a volume."""
        del self.cloud.keystone.services["block-storage"]
        self.assertIn("offers no volumes (Cinder)", self.problem())


class ChoiceTest(testtools.TestCase):
    """Which boot method an ISO takes."""

    def chosen(self, name: str, **fields: Any) -> str:
        """The method, or why there is none."""
        entry = Catalog([BUILT_IN]).entry(name)
        request = Request(name="x", os=name, source="http://x/y.iso", **fields)
        try:
            return selection.iso_boot_method(request, entry)[0]
        except SpecError as error:
            return str(error)

    def test_auto(self) -> None:
        """Its CD where it finds an answer file by itself, else its kernel."""
        for name, method in (
            ("rocky-9", "cdrom"),
            ("windows-11", "cdrom"),
            *((n, "kernel") for n in ("debian-13", "ubuntu-24.04", "sles-15")),
            ("opensuse-leap-16", "kernel"),
        ):
            self.assertEqual(method, self.chosen(name))

    def test_asked_for(self) -> None:
        """What is not possible is said."""
        self.assertEqual("kernel", self.chosen("rocky-9", boot_method="kernel"))
        for name, fields, text in (
            ("windows-11", {"boot_method": "kernel"}, "does not tell where kernel and"),
            ("debian-13", {"boot_method": "cdrom"}, "cannot be built with boot method"),
            ("rocky-9", {"boot_method": "ipxe"}, "use --boot-method kernel or cdrom"),
            (
                "debian-13",
                {"boot_method": "ipxe"},
                "is an ISO; use --boot-method kernel",
            ),
            ("debian-13", {"arch": "s390x"}, "cannot be built with boot method cdrom"),
        ):
            self.assertIn(text, self.chosen(name, **fields))

    def test_an_iso_of_ones_own(self) -> None:
        """Whose boot menu names the answer file: the catalogue says so."""
        catalog = Catalog([BUILT_IN])
        cd = {"label": "PRESEED", "file": "preseed.cfg"}
        catalog.add("debian-13", {"boot_methods": ["cdrom"], "answer_cd": cd})
        entry = catalog.entry("debian-13")
        request = Request(name="x", source="own.iso")
        self.assertEqual("cdrom", selection.iso_boot_method(request, entry)[0])
        self.assertEqual([], preflight.check_answer_cd(entry))


class CommandLineTest(testtools.TestCase):
    """What installers are told where their ISO is a CD, or fetched."""

    def rendered(self, name: str, disc: answers.IsoRef) -> answers.Answers:
        """The texts of a build."""
        entry = Catalog([BUILT_IN]).entry(name)
        request = Request(name="x", os=name, source="http://x/y.iso")
        source = install_tree.system(entry, request).packages
        way = answers.AnswerDelivery("kernel", disc=disc)
        return answers.render(entry, request, "id", source, way)

    def test_command_lines(self) -> None:
        """They fit what Nova keeps."""
        cd, web = answers.IsoRef("RHEL-9-6"), answers.IsoRef("Leap", "http://x/y.iso")
        for name, disc, text in (
            ("rhel-9", cd, " inst.stage2=hd:LABEL=RHEL-9-6 ip=dhcp "),
            ("sles-15", cd, "install=cd:/ autoyast=http"),
            ("ubuntu-24.04", cd, " autoinstall ip=dhcp console="),
            ("ubuntu-24.04", web, " ip=dhcp iso-url=http://x/y.iso console="),
            ("opensuse-leap-16", cd, "root=live:CDLABEL=RHEL-9-6 inst.auto="),
            ("sles-16", web, "root=live:http://x/y.iso inst.auto="),
            ("debian-13", cd, "auto=true priority=critical url=http"),
        ):
            line = self.rendered(name, disc).kernel_args
            self.assertIn(text, line)
            self.assertLess(len(line), 255)

    def test_packages(self) -> None:
        """They come from the CD, or from the mirror that the entry has."""
        cd = answers.IsoRef("X")
        answer = self.rendered("debian-13", cd).answer
        self.assertIn("mirror/http/hostname string ftp.debian.org\n", answer)
        self.assertIn("\ncdrom\n", self.rendered("rhel-9", cd).answer)
        answer = self.rendered("sles-15", cd).answer
        self.assertIn("<media_url>dvd:///</media_url>", answer)

    def test_console(self) -> None:
        """The command line names it, which a CD's own does not."""
        answer = self.rendered("rocky-9", answers.IsoRef("X")).answer
        self.assertIn("console=/dev/console", answer)


class MediaTest(testtools.TestCase):
    """Without a cloud."""

    def test_image_of_nowhere(self) -> None:
        """Only a cloud has images."""
        from osc_imagebuild.model.boot_sources import IsoFile

        wanted = IsoFile("", "id", "version", ("a",), "a")
        error = self.assertRaises(SpecError, content.open_content(wanted).__enter__)
        self.assertIn("no cloud to ask", str(error))
