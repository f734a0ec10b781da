"""Files and directories of any size: how they get to a guest, and what goes wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path
from typing import Any

import fixtures
import pycdlib

from osc_imagebuild.builder import Builder
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import ImageBuildError, SpecError
from osc_imagebuild.model.contents import LABEL, Content
from osc_imagebuild.model.request import Request
from tests.fakes.machines import FakeServer
from tests.unit.base import ENTRIES, PARENT, CloudTestCase

URL = Content(path="/srv/big", url="https://web.fake/big", sha256="1" * 64)


class ContentsTest(CloudTestCase):
    """A layer with a directory of this machine."""

    def setUp(self) -> None:
        """Have a parent, and a directory."""
        super().setUp()
        self.add_parent()
        self.tree = Path(self.useFixture(fixtures.TempDir()).path, "tree")
        self.tree.mkdir()
        (self.tree / "file").write_bytes(b"x" * 100_000)

    def wanted(self, **fields: Any) -> Request:
        """A request with the directory."""
        content = Content(path="/srv/app", source=str(self.tree))
        known: dict[str, Any] = {
            "name": "golden",
            "os": "mini-contents",
            "from_image": PARENT,
            "contents": (content,),
        }
        return Request(**{**known, **fields})

    def built(self, **fields: Any) -> Record:
        """Build it."""
        return self.builder().create(self.wanted(**fields))

    def refused(self, **fields: Any) -> str:
        """Why nothing is built; nothing was written."""
        error = self.assertRaises(SpecError, self.built, **fields)
        self.assert_empty()
        return str(error)

    def server(self) -> FakeServer:
        """The server whose disk is changed."""
        servers = self.cloud.nova.servers.values()
        [server] = [s for s in servers if s.name.endswith("-install")]
        return server

    def test_disc(self) -> None:
        """A disc with a tar stream comes beside a local disk, and goes at the end."""
        build = self.builder().create(self.wanted(), wait=False)
        [data] = self.server().cds
        [call] = [c for c in self.cloud.mutations if c.kind == "create server"]
        local, device = call.json["server"]["block_device_mapping_v2"]
        self.assertEqual("local", local["destination_type"])
        self.assertEqual(("disk", None), (device["device_type"], device["boot_index"]))
        disc = pycdlib.PyCdlib()
        disc.open_fp(io.BytesIO(data))
        self.assertEqual(LABEL, disc.pvd.volume_identifier.decode().rstrip(), build.id)
        stream = io.BytesIO()
        disc.get_file_from_iso_fp(stream, iso_path="/DATA0001.;1")
        [item] = build.spec.contents.items
        digest = hashlib.sha256(stream.getvalue()).hexdigest()
        self.assertEqual(item.sha256, digest)
        stream.seek(0)
        with tarfile.open(fileobj=stream) as archive:
            self.assertEqual(["app", "app/file"], archive.getnames())
        self.assert_complete(self.resumed(build.id))
        self.assertEqual({}, self.cloud.cinder.volumes)

    def test_other_outputs(self) -> None:
        """A root volume is the first of its disks then."""
        for output, gib in (("volume", None), ("snapshot", None), ("image", 3)):
            build = self.built(output=output, disk_gib=gib)
            self.assert_complete(build)
            self.builder().delete(build.id, with_image=True)

    def test_no_volumes(self) -> None:
        """Only what is on this machine needs them."""
        del self.cloud.keystone.services["block-storage"]
        told = self.refused()
        self.assertIn("this cloud offers none (Cinder): put /srv/app on a web", told)
        self.cloud.mirror.files["big"] = b"b"
        build = self.built(contents=(URL,))
        self.assert_complete(build)
        self.assertFalse(build.spec.contents)

    def test_quotas(self) -> None:
        """Of volumes, though the root disk is none."""
        self.cloud.cinder.limits["Volumes"] = 0
        self.assertIn("the quota has 0 volumes left, the build needs 1", self.refused())

    def test_systems_without(self) -> None:
        """Whoever cannot carry it out says so."""
        self.assertIn("cannot be given contents", self.refused(os="mini"))

    def test_changed_files(self) -> None:
        """What is packed later is what was planned, or nothing."""
        plan = self.builder().plan(self.wanted())
        (self.tree / "file").write_bytes(b"y" * 100_000)
        error = self.assertRaises(ImageBuildError, self.builder().start, plan)
        self.assertIn("has changed since the build was planned", str(error))
        (self.tree / "file").unlink()
        error = self.assertRaises(ImageBuildError, self.builder().start, plan)
        self.assertIn("has changed since the build was planned", str(error))

    def test_another_machine(self) -> None:
        """A client that lacks the files says so; with them it goes on."""
        build = self.left_before_upload()
        moved = self.tree.rename(self.tree.with_name("moved"))
        error = self.assertRaises(ImageBuildError, self.resumed, build.id)
        self.assertIn("is not on this machine; resume", str(error))
        moved.rename(self.tree)
        self.assert_complete(self.resumed(build.id))

    def test_record_of_others(self) -> None:
        """What a record names that was not written here is not read, unless allowed."""
        build = self.left_before_upload()
        self.cloud.glance.images[build.id].properties["imagebuild_signature"] = "0" * 64
        error = self.assertRaises(ImageBuildError, self.resumed, build.id)
        self.assertIn(f"--allow-local {self.tree}", str(error))
        allowed = Builder(
            self.cloud.connect("third"),
            catalog=ENTRIES,
            clock=self.cloud.clock(),
            allowed_files=(str(self.tree),),
        )
        (self.tree / "file").write_bytes(b"y" * 100_000)
        sent = len(self.cloud.created("upload image"))
        self.cloud.world.sleep(600)
        error = self.assertRaises(ImageBuildError, allowed.resume, build.id)
        self.assertIn("has changed", str(error))
        self.assertEqual(sent, len(self.cloud.created("upload image")))

    def left_before_upload(self) -> Record:
        """A build whose client died before the disc was in the cloud."""
        plan = self.builder().plan(self.wanted())
        away = self.tree.rename(self.tree.with_name("away"))
        self.assertRaises(ImageBuildError, self.builder().start, plan)
        away.rename(self.tree)
        return self.builder().find(plan.build_id)

    def test_freshness(self) -> None:
        """Times of files decide nothing, but what is in them does."""
        self.built()

        def changed() -> tuple[str, ...]:
            return self.builder().outdated(self.wanted()).changed

        self.assertEqual((), changed())
        file = self.tree / "file"
        file.write_bytes(file.read_bytes())
        self.assertEqual((), changed())
        self.tree = self.tree.rename(self.tree.with_name("elsewhere"))
        self.assertEqual((), changed())
        (self.tree / "file").write_bytes(b"y")
        self.assertEqual(("template",), changed())

    def test_the_record_can_be_read(self) -> None:
        """By any client, with the disc in it."""
        plan = self.builder().plan(self.wanted())
        build = self.built()
        found = self.builder("other").find(build.id).spec.contents
        self.assertEqual(plan.spec.contents, found)
        self.assertEqual("/", dataclasses.replace(URL, path="/").folder)
