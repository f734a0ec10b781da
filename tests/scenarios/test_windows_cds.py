"""What Windows' CD wants of us: a key in time, and drivers."""

from __future__ import annotations

import contextlib
import io
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import fixtures
import pycdlib

from osc_imagebuild.cloud import rfb
from osc_imagebuild.errors import ScreenError, SpecError
from osc_imagebuild.guests import families
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.media import answer_cd
from osc_imagebuild.model import spec_json
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.plan import make_plan
from tests.fakes import machines
from tests.fakes.guests import ISO, MINI_ISO
from tests.scenarios.test_watching import Script, hello
from tests.unit.answer_files import UNATTEND
from tests.unit.base import CloudTestCase
from tests.unit.wanted import asked, rendered

DRIVERS = MINI_ISO.replace(ISO, b"drivers of VirtIO".ljust(len(ISO)))
PRESS = rfb.press
WINDOWS = ("windows-11", "windows-server-2022", "windows-server-2025")


class KeyTest(CloudTestCase):
    """How it is pressed."""

    def setUp(self) -> None:
        """Count, and have somebody at the other end."""
        super().setUp()
        self.pressed: list[float] = []
        self.trouble = 0
        self.cloud.nova.screens = True
        self.patch(rfb, "press", self.press)

    def press(self, url: str, key: int, more: Any, *, verify: bool = True) -> None:
        """As `rfb.press`, with nobody behind; ``trouble`` first ones break off."""
        if self.trouble:
            self.trouble -= 1
            raise ScreenError("the console broke off")
        self.assertEqual(0x20, key)
        again = True
        while again:
            self.pressed.append(self.cloud.world.now)
            again = more()

    def build(self, **fields: Any) -> str:
        """Build; return all that was told on the way."""
        known = {"os": "mini-asks", "firmware": "uefi"}
        build = self.builder().create(self.request(**(known | fields)))
        self.assert_complete(build)
        notes = [e.text for e in self.events if e.kind == "note"]
        return "\n".join((*notes, build.marks["key"].data.get("trouble", "")))

    def test_pressed(self) -> None:
        """Often enough for five seconds, and for a minute at most."""
        self.assertEqual("", self.build())
        gaps = [b - a for a, b in zip(self.pressed, self.pressed[1:], strict=False)]
        self.assertLess(max(gaps), 5)
        self.assertLess(self.pressed[-1] - self.pressed[0], 60)
        self.assertGreater(len(self.pressed), 20)

    def test_console_breaks_off(self) -> None:
        """It is asked for again."""
        self.trouble = 3
        self.assertEqual("", self.build())
        self.assertTrue(self.pressed)

    def test_cannot_be(self) -> None:
        """It is told, and goes on: the ISO may not ask."""
        self.trouble = 9999
        self.assertIn("no key could be pressed: the console broke off", self.build())
        self.cloud.nova.screens = False
        self.events.clear()
        for build in self.builder().list().builds:
            self.builder().delete(build.id, with_image=True)
        self.assertIn("offers no VNC console", self.build())

    def test_without_the_extra(self) -> None:
        """It is warned of while it is planned."""
        self.patch(rfb, "is_installed", lambda: False)
        request = self.request(os="mini-asks", firmware="uefi")
        plan = self.builder().plan(request)
        self.assertIn("osc-imagebuild[screenshot]", "\n".join(plan.warnings))
        self.assertIn("websocket-client is missing", self.build())

    def test_not_asked_for(self) -> None:
        """Its BIOS part asks nothing."""
        build = self.builder().create(self.request(os="mini-asks"))
        self.assertEqual([], self.pressed)
        self.assertNotIn("key", build.marks)

    def test_resumed(self) -> None:
        """By another client, before the time is over."""
        self.assert_complete(self.resumed(self.killed()))
        self.assertTrue(self.pressed)

    def test_resumed_late(self) -> None:
        """No key for what runs by then, even where Nova does not tell its start."""
        shown = machines.FakeServer.shown

        def hidden(machine: machines.FakeServer) -> dict[str, Any]:
            found = shown(machine)
            found.pop("OS-SRV-USG:launched_at", None)
            return found

        self.patch(machines.FakeServer, "shown", hidden)
        build_id = self.killed()
        self.cloud.world.now += 90
        self.assertEqual(
            "too late", self.resumed(build_id).marks["key"].data["trouble"]
        )
        self.assertEqual([], self.pressed)

    def killed(self) -> str:
        """Return the ID of a build whose client was killed when it pressed the key."""
        request = self.request(os="mini-asks", firmware="uefi")

        def killed(*args: Any, **words: Any) -> None:
            raise KeyboardInterrupt

        self.patch(rfb, "press", killed)
        builder = self.builder()
        plan = builder.plan(request)
        self.assertRaises(KeyboardInterrupt, builder.start, plan)
        self.patch(rfb, "press", self.press)
        return plan.build_id

    def test_protocol(self) -> None:
        """Space goes down and up, each time."""
        script, more = Script(hello(4, 2), 7), iter((True, False))
        console = contextlib.nullcontext(script)
        self.patch(rfb, "_connected", lambda url, verify: console)
        PRESS("http://x", rfb.SPACE, lambda: next(more))
        down, up = (struct.pack(">BBxxI", 4, d, 0x20) for d in (1, 0))
        self.assertEqual((down + up) * 2, script.sent[-32:])


class DriverTest(CloudTestCase):
    """The user's CD with drivers."""

    def setUp(self) -> None:
        """Have one everywhere."""
        super().setUp()
        self.cloud.mirror.files["virtio-win.iso"] = DRIVERS
        self.path = Path(self.useFixture(fixtures.TempDir()).path, "virtio.iso")
        self.path.write_bytes(DRIVERS)
        known: dict[str, Any] = {"status": "active", "disk_format": "iso"}
        known |= {"data": DRIVERS, "size": len(DRIVERS)}
        self.image = self.cloud.glance.add("demo", name="virtio", **known)

    def plan(self, **fields: Any) -> Any:
        """Return a plan."""
        return self.builder().plan(self.request(**({"os": "mini-asks"} | fields)))

    def test_built(self) -> None:
        """From each kind of place; the server gets a third CD, the image says virtio."""
        url = "http://mirror.fake/virtio-win.iso"
        for place in (url, str(self.path), "virtio"):
            request = self.request(os="mini-asks", driver_iso=place)
            build = self.builder().create(request)
            self.assertEqual("complete", build.status)
            names = self.cloud.created("create volume")
            self.assertIn(f"imagebuild-{build.id}-drivers", names)
            self.assertEqual("virtio", build.spec.hardware.properties["hw_disk_bus"])
            self.assertEqual("virtio", build.spec.result.properties["hw_disk_bus"])
            again = spec_json.from_json(spec_json.to_json(build.spec))
            self.assertEqual(build.spec, again)
            self.builder().delete(build.id, with_image=True)
            self.assert_empty(self.image.id)
        left = [i for i in self.images(shared=True) if i.data == DRIVERS]
        self.assertEqual([self.image], left)

    def test_without(self) -> None:
        """Devices that the system knows, and it is said so."""
        for nothing in (None, ""):
            plan = self.plan(driver_iso=nothing)
            self.assertIn("no --driver-iso", "\n".join(plan.choices))
            self.assertEqual("sata", plan.spec.hardware.properties["hw_disk_bus"])
            self.assertFalse(plan.spec.media.drivers)

    def test_refused(self) -> None:
        """Where it cannot be, or is not needed."""
        iso = "http://mirror.fake/mini.iso"
        for fields, text in (
            ({"os": "mini", "driver_iso": iso}, "has its drivers itself"),
            ({"driver_iso": "http://mirror.fake/virtio"}, "ends in .iso"),
            ({"driver_iso": "ftp://mirror.fake/virtio.iso"}, "is an http(s) URL"),
            ({"driver_iso": "http://me:secret@mirror.fake/v.iso"}, "or password in"),
            ({"driver_iso": "none"}, "no URL, no file here, and no image"),
            ({"driver_iso": iso, "source": iso}, "are the same ISO"),
        ):
            error = self.assertRaises(SpecError, self.plan, **fields)
            self.assertIn(text, str(error))
        self.cloud.mirror.headers = {}  # nothing tells what it is but its address
        self.assertRaises(SpecError, self.plan, driver_iso=iso, source=iso)

    def test_room(self) -> None:
        """Its volume counts."""
        self.cloud.cinder.limits["Volumes"] = 4
        self.plan()
        error = self.assertRaises(SpecError, self.plan, driver_iso=str(self.path))
        self.assertIn("4 volumes left, the build needs 5", str(error))


class WindowsTest(CloudTestCase):
    """Windows' own entries."""

    def test_planned(self) -> None:
        """Devices, CDs, and the key."""
        self.cloud.mirror.files["win.iso"] = MINI_ISO
        self.cloud.mirror.files["virtio-win.iso"] = DRIVERS
        base = "http://mirror.fake"
        for flavor in self.cloud.nova.flavors:
            flavor["ram"] = 8192
        for name in WINDOWS:
            for drivers, bus in (("", "sata"), (f"{base}/virtio-win.iso", "virtio")):
                request = Request(
                    name="x",
                    os=name,
                    source=f"{base}/win.iso",
                    firmware="uefi",
                    driver_iso=drivers or None,
                    flavor="m1.small",
                    tpm=name == "windows-11",
                    secure_boot=name == "windows-11",
                )
                api = self.builder().api
                found = make_plan(api, Catalog([BUILT_IN]), request).spec
                self.assertTrue(found.installer.press_key)
                self.assertEqual(bus, found.hardware.properties["hw_disk_bus"])
                self.assertEqual(bus, found.result.properties["hw_disk_bus"])
                self.assertEqual(bool(drivers), bool(found.media.drivers))

    def test_driver_paths(self) -> None:
        """As virtio-win.iso has them, on each letter that the CD may get."""
        for name, version in zip(WINDOWS, ("w11", "2k22", "2k25"), strict=True):
            entry = Catalog([BUILT_IN]).entry(name)
            answer = rendered(entry, asked(entry, firmware="uefi")).answer
            for letter in "DEFG":
                for driver in ("viostor", "vioscsi", "NetKVM"):
                    path = f"{letter}:\\{driver}\\{version}\\amd64"
                    self.assertIn(f"<Path>{path}</Path>", answer)

    def test_order(self) -> None:
        """Setup's disk, image and user data come in the order of its schema."""
        for name in WINDOWS:
            entry = Catalog([BUILT_IN]).entry(name)
            for firmware in ("uefi",) if name == "windows-11" else ("bios", "uefi"):
                answer = rendered(entry, asked(entry, firmware=firmware)).answer
                root = ElementTree.fromstring(answer)
                passes = [s.get("pass") for s in root.iter(f"{UNATTEND}settings")]
                order = ["windowsPE", "specialize", "oobeSystem", "auditUser"]
                self.assertEqual(order, passes)
                numbers = [int(str(o.text)) for o in root.iter(f"{UNATTEND}Order")]
                self.assertEqual(0, numbers.count(0))
                [to] = root.iter(f"{UNATTEND}InstallTo")
                parts = [str(p.text) for p in root.iter(f"{UNATTEND}PartitionID")]
                target = str(to[1].text)
                self.assertEqual(2, parts.count(target))

    def test_image(self) -> None:
        """By its name, or by its number; a key only where it is well formed."""
        catalog = Catalog([BUILT_IN])
        catalog.add("windows-11", {"variables": {"image_index": 6}})
        catalog.add("windows-server-2022", {"variables": {"product_key": "ABC"}})
        entry = catalog.entry("windows-11")
        answer = rendered(entry, asked(entry, firmware="uefi")).answer
        self.assertIn("<Key>/IMAGE/INDEX</Key>", answer)
        self.assertIn("<Value>6</Value>", answer)
        entry = catalog.entry("windows-server-2022")
        [problem] = families.family("windows").problems(entry, asked(entry))
        self.assertIn("product_key", problem)

    def test_answer_cd(self) -> None:
        """Its name is there as Windows reads it, by Joliet."""
        entry = Catalog([BUILT_IN]).entry("windows-11")
        cd = entry.answer_cd
        disc = answer_cd.answer_cd(cd["label"], {cd["file"]: "<unattend/>"})
        iso, found = pycdlib.PyCdlib(), io.BytesIO()
        iso.open_fp(io.BytesIO(disc))
        iso.get_file_from_iso_fp(found, joliet_path="/Autounattend.xml")
        iso.close()
        self.assertEqual(b"<unattend/>", found.getvalue())
