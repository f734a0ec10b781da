"""A boot method, an output and a monitor are one file each, wherever that is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import yaml

from osc_imagebuild import boot, monitors, outputs
from osc_imagebuild.builder import Builder
from osc_imagebuild.errors import InstallError, SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.resources import Image, Snapshot, Volume
from osc_imagebuild.monitors import signals_json
from tests import paths
from tests.fakes import toys
from tests.unit.base import CATALOG, NAME, CloudTestCase

TOYS = Path(toys.__path__[0])


class ToyTestCase(CloudTestCase):
    """With directories of somebody else on the packages' paths."""

    def setUp(self) -> None:
        """Put each kind's directory there, and an entry that takes the boot method."""
        super().setUp()
        for package in (boot, outputs, monitors):
            self.put(package)
        mini = yaml.safe_load((CATALOG / "mini.yaml").read_text(encoding="utf-8"))
        self.catalog = Catalog([CATALOG])
        self.catalog.add("mini-toy", {**mini, "boot_methods": ["ipxe", "floppy"]})

    def put(self, package: ModuleType) -> None:
        """Extend a package by a directory, and forget what was loaded of it."""
        directory = TOYS / package.__name__.rpartition(".")[2]
        self.patch(package, "__path__", [*package.__path__, str(directory)])
        for path in directory.glob("[a-z]*.py"):
            self.addCleanup(sys.modules.pop, f"{package.__name__}.{path.stem}", None)
            self.addCleanup(package.__dict__.pop, path.stem, None)

    def builder(self, client: str = "first", *, skew: float = 0.0) -> Builder:
        """Return the library, with a catalogue that has the entry."""
        return Builder(
            self.cloud.connect(client),
            catalog=self.catalog,
            clock=self.cloud.clock(skew),
            listener=self.events.append,
        )


class FilesTest(ToyTestCase):
    """What makes the test a proof."""

    def test_one_file_each(self) -> None:
        """And none of the package knows of them."""
        files = sorted(p.stem for p in TOYS.rglob("[a-z]*.py"))
        self.assertEqual(["floppy", "loudness", "twins"], files)
        for path in paths.PACKAGE.rglob("*"):
            if path.suffix in (".py", ".j2", ".yaml"):
                text = path.read_text(encoding="utf-8")
                for name in ("loudness", "twins"):
                    self.assertNotIn(name, text, str(path))

    def test_they_are_there(self) -> None:
        """Beside those of the package, in an order for each question."""
        self.assertEqual(["cdrom", "floppy", "image", "ipxe", "kernel"], boot.names())
        self.assertIn("twins", outputs.names())
        self.assertIn("loudness", monitors.every())
        kinds = list(outputs.kinds())
        self.assertEqual({Image, Snapshot, Volume}, set(kinds))
        self.assertLess(kinds.index(Snapshot), kinds.index(Volume))
        self.assertLess(kinds.index(Image), kinds.index(Volume))

    def test_they_go(self) -> None:
        """Who has no such directory has none of them."""
        for package in (boot, outputs, monitors):
            self.patch(package, "__path__", package.__path__[:1])
        self.assertNotIn("floppy", boot.names())
        self.assertNotIn("loudness", monitors.every())


class BuildTest(ToyTestCase):
    """Builds on the fake cloud, from the request to the removal."""

    def test_build(self) -> None:
        """It ends well, is tested by a boot of the result, and can be removed."""
        request = self.request(os="mini-toy", output="twins")
        plan = self.builder().plan(request)
        self.assertEqual("floppy", plan.spec.installer.boot_method)
        told = "\n".join(plan.choices)
        self.assertIn("boot method floppy: the site has floppies", told)
        self.assertIn("because output twins is one", told)
        build = self.builder().create(request)
        self.assertEqual("complete", build.status)
        self.assertEqual(2, len(build.made))
        self.assert_empty(build.id, *build.made)
        image = self.cloud.glance.images[build.made[0]]
        volume = self.cloud.cinder.volumes[build.made[1]]
        self.assertEqual((NAME, NAME), (image.name, volume.name))
        installed = b"INSTALLED " + build.id.encode()
        self.assertEqual((installed, installed), (image.data, volume.data))
        self.builder().delete(build.id, with_image=True)
        self.assert_empty()

    def test_another_client_goes_on(self) -> None:
        """What the monitor saw is in the record, and known to the next client."""
        self.cloud.nova.plan.install_s = 600.0
        build = self.started(os="mini-toy", timeout_min=60, stall_min=30)
        self.assertEqual("floppy", build.spec.installer.boot_method)
        driver, seen = self.builder("watcher"), ""
        for _ in range(20):
            self.cloud.world.sleep(30)
            driver.resume_all(once=True)
            seen = driver.find(build.id).signals
            if "loudness" in seen:
                break
        data, since, at = json.loads(seen)["install"]["loudness"]
        self.assertGreater(data, 20.0)
        signals = signals_json.load(seen, self.cloud.world.now)
        self.assertEqual(complex(data), signals["install"]["loudness"].value)
        self.assertLessEqual(since, at)
        self.assert_complete(self.resumed(build.id))

    def test_stall(self) -> None:
        """A guest that hangs is said to be still by the monitor too."""
        self.cloud.nova.plan.hangs = True
        request = self.request(os="mini-toy", stall_min=3, timeout_min=60)
        error = self.assertRaises(InstallError, self.builder().create, request)
        self.assertIn("(console, loudness)", str(error))

    def test_failed_and_tried_again(self) -> None:
        """What did not boot stays, and the next attempt begins with it."""
        self.cloud.nova.plan.result_boots = False
        request = self.request(os="mini-toy", output="twins", attempts=1)
        error = self.assertRaises(InstallError, self.builder().create, request)
        self.assertIn("the twins that did not pass stays hidden for", str(error))
        [build] = self.builder().list().builds
        self.assertEqual("verify", self.builder().retry_points(build)[0])
        self.cloud.nova.plan.result_boots = True
        again = self.builder().retry(build.id)
        self.assertEqual(("complete", build.made), (again.status, again.made))

    def test_asked_for(self) -> None:
        """Where it cannot work, its own words say why."""
        request = self.request(os="mini", boot_method="floppy")
        error = self.assertRaises(SpecError, self.builder().plan, request)
        self.assertIn("cannot be built with boot method floppy", str(error))
        request = self.request(
            os="mini-toy", boot_method="floppy", source="http://mirror.fake/x.iso"
        )
        error = self.assertRaises(SpecError, self.builder().plan, request)
        self.assertIn("floppy takes an install tree, and the source is", str(error))

    def test_quota(self) -> None:
        """What it says to take is compared with what there is."""
        self.cloud.cinder.limits["Volumes"] = 1
        request = self.request(os="mini-toy", output="twins")
        error = self.assertRaises(SpecError, self.builder().plan, request)
        self.assertIn("has 1 volumes left, the build needs 2", str(error))
