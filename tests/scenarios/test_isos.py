"""Installers on CDs: where the ISO is, whether it is what it should be."""

from __future__ import annotations

import contextlib
import hashlib
import io
import uuid
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import fixtures
import testtools

from osc_imagebuild.builds import lease, teardown
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images, volumes
from osc_imagebuild.errors import (
    CloudError,
    InstallError,
    RecordError,
    SpecError,
    TransientError,
)
from osc_imagebuild.media import answer_cd, content, verified
from osc_imagebuild.model.actions import Act, CreateVolume
from osc_imagebuild.model.boot_sources import AnswerCd, BootVolume, IsoContent
from osc_imagebuild.model.names import VOLUME_MARK, build_tag, resource_name
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import iso_source
from osc_imagebuild.steps.boot_sources import EnsureVolume
from tests.fakes.guests import MINI_ISO
from tests.fakes.image import FakeImage
from tests.unit import samples
from tests.unit.base import CloudTestCase

URL = "http://mirror.fake/isos/mini.iso"
DATA = MINI_ISO + bytes(5000)
SHA256 = hashlib.sha256(DATA).hexdigest()
SHA512 = hashlib.sha512(DATA).hexdigest()


class IsoTestCase(CloudTestCase):
    """Builds from an ISO."""

    def request(self, **fields: Any) -> Request:
        """Return a request for a build from the mirror's ISO."""
        return super().request(**({"boot_method": "cdrom", "source": URL} | fields))

    def built(self, **fields: Any) -> Record:
        """Build; it must end well."""
        build = self.builder().create(self.request(**fields))
        self.assert_complete(build)
        return build

    def kinds(self) -> set[str]:
        """How the ISO came into Glance: 'import image', 'upload image'."""
        return {
            call.kind
            for call in self.cloud.mutations
            if call.kind == "import image"
            or (call.kind == "upload image" and call.body == DATA)
        }

    def isos(self) -> list[str]:
        """The IDs of the images of the ISO that are there."""
        return [i.id for i in self.cloud.glance.images.values() if i.data == DATA]

    def lines(self, **fields: Any) -> str:
        """What planning tells."""
        plan = self.builder().plan(self.request(**fields))
        return "\n".join((*plan.choices, *plan.warnings))


class UrlTest(IsoTestCase):
    """An ISO of some server."""

    def test_nobody_knows_its_checksum(self) -> None:
        """It is said so, and Glance fetches it."""
        self.assertIn("nobody tells the checksum of mini.iso", self.lines())
        self.built()
        self.assertEqual({"import image"}, self.kinds())

    def test_listed(self) -> None:
        """A digest beside the ISO counts; sha256 is for the client to check."""
        for name, text, way in (
            ("SHA256SUMS", f"{SHA256}  mini.iso\n", "upload image"),
            ("mini.iso.SHA256SUM", f"SHA256 (mini.iso) = {SHA256}\n", "upload image"),
            ("CHECKSUM", f"SHA256 (mini.iso) = {SHA256}\n", "upload image"),
            ("SHA512SUMS", f"{'0' * 128}  other\n{SHA512} *mini.iso", "import image"),
        ):
            self.cloud.mirror.files[name] = text.encode()
            self.assertIn(f"by {name} beside it", self.lines())
            build = self.built()
            self.assertIn(way, self.kinds(), name)
            self.builder().delete(build.id, with_image=True)
            del self.cloud.mirror.files[name]

    def test_wrong(self) -> None:
        """What is not what it should be never becomes a CD."""
        for checksum, text in (("0" * 64, "sha256"), ("f" * 128, "sha512")):
            request = self.request(checksum=checksum)
            error = self.assertRaises(InstallError, self.builder().create, request)
            self.assertIn(text, str(error))
            self.assertEqual({}, self.cloud.cinder.volumes)
            for build in self.builder().list().builds:
                self.builder().delete(build.id)
            self.assert_empty()

    def test_glance_will_not_fetch_it(self) -> None:
        """At once, or later: then it passes through the client."""
        self.cloud.glance.imports_fail = True
        self.built()
        self.assertEqual({"import image", "upload image"}, self.kinds())

    def test_glance_refuses_the_address(self) -> None:
        """Its port may not be allowed."""
        self.built(source="http://mirror.fake:22/mini.iso")
        self.assertEqual({"import image", "upload image"}, self.kinds())

    def test_glance_fetches_nothing(self) -> None:
        """Where the operator switched that off."""
        self.cloud.glance.methods = ["glance-direct"]
        self.assertIn("passes through this client", self.lines())
        self.built()
        self.assertEqual({"upload image"}, self.kinds())

    def test_shared(self) -> None:
        """A second build finds the ISO of the first."""
        first = self.built(checksum=SHA512)
        second = self.built(name="other", checksum=SHA512).id
        creations = self.cloud.created("create image")
        self.assertEqual(1, len([n for n in creations if "imagebuild-iso-" in n]))
        self.builder().delete(first.id, with_image=True)
        self.assertEqual(1, len(self.isos()))
        self.builder().delete(second, with_image=True)
        self.assertEqual([], self.isos())

    def test_claimed_while_another_ends(self) -> None:
        """Who claims it after the other build has looked keeps it."""
        first, left = self.built(checksum=SHA512), teardown._remaining
        [iso] = [i for i in self.images(shared=True) if i.data == DATA]

        def claimed(api: Any, build_id: str, keep: Any) -> Any:
            found = left(api, build_id, keep)
            images.tag(api, iso.id, build_tag(str(uuid.uuid4())))
            return found

        self.patch(teardown, "_remaining", claimed)
        self.builder().delete(first.id, with_image=True)
        self.assertIn(iso.id, self.cloud.glance.images)

    def test_not_shared(self) -> None:
        """Where nothing tells it from what was there before under that name."""
        plan, mirror = self.builder().plan, self.cloud.mirror
        keys = []
        for headers in ({"ETag": '"1"'}, {"ETag": '"2"'}, {}, mirror.headers):
            mirror.headers = headers
            keys.append(plan(self.request()).spec.media.iso.key)
        self.assertEqual("", keys[2])
        self.assertEqual(4, len(set(keys)))
        mirror.headers = {}
        self.built()
        left = [i for i in self.images(shared=True) if i.data == DATA]
        self.assertEqual([], left)

    def test_bad_one_is_not_shared(self) -> None:
        """What Glance fetched wrongly, and a failed build keeps, is nobody else's."""
        good, files = self.cloud.mirror.files["mini.iso"], self.cloud.mirror.files
        files["mini.iso"] = DATA + b"bad"
        request = self.request(checksum=SHA512, keep_on_failure=True)
        self.assertRaises(InstallError, self.builder().create, request)
        files["mini.iso"] = good
        self.built(name="other", checksum=SHA512)

    def assert_complete(self, build: Record) -> None:
        """With whatever other builds have made."""
        others = [b for b in self.builder().list().builds if b.id != build.id]
        if not others:
            super().assert_complete(build)
        self.assertEqual("complete", build.status)

    def test_not_there(self) -> None:
        """Found out while it is planned."""
        plan = self.builder().plan
        wrong = self.request(source="http://mirror.fake/none.iso")
        self.assertIn("HTTP 404", str(self.assertRaises(SpecError, plan, wrong)))
        self.cloud.mirror.down = True
        error = self.assertRaises(SpecError, plan, self.request())
        self.assertIn("no answer from", str(error))

    def test_other_boot_methods(self) -> None:
        """An ISO is a CD's, a tree is not."""
        plan = self.builder().plan
        for wrong, text in (
            ({"boot_method": "ipxe"}, "use --boot-method kernel or cdrom"),
            ({"checksum": "abc"}, "neither a sha256 nor a sha512"),
            (
                {"checksum": SHA256, "boot_method": "auto", "source": None},
                "--checksum is an ISO's",
            ),
        ):
            error = self.assertRaises(SpecError, plan, self.request(**wrong))
            self.assertIn(text, str(error))
        self.assertIn("cdrom: the source is an ISO", self.lines(boot_method="auto"))


class ImageTest(IsoTestCase):
    """An ISO that the user has as an image."""

    def image(self, **fields: Any) -> FakeImage:
        """Add one to the project."""
        known: dict[str, Any] = {"name": "win", "status": "active"}
        known["disk_format"] = "iso"
        known |= {"data": DATA, "size": len(DATA)}
        return self.cloud.glance.add("demo", **(known | fields))

    def problem(self, **fields: Any) -> str:
        """Return what is wrong."""
        request = self.request(**({"source": "win"} | fields))
        return str(self.assertRaises(SpecError, self.builder().plan, request))

    def test_used(self) -> None:
        """By name or ID; it is left alone."""
        image = self.image()
        for source in ("win", image.id):
            build = self.builder().create(self.request(source=source, checksum=SHA512))
            self.assertEqual("complete", build.status)
            self.assertEqual(set(), self.kinds())
            self.builder().delete(build.id, with_image=True)
            self.assert_empty(image.id)

    def test_problems(self) -> None:
        """None, several, of another format, of another content."""
        self.assertIn("no URL, no file here, and no image", self.problem())
        image = self.image(disk_format="qcow2")
        self.assertIn("CD is an active iso", self.problem())
        image.disk_format = "iso"
        self.assertIn("give that --checksum", self.problem(checksum=SHA256))
        self.assertIn("has the sha512", self.problem(checksum="0" * 128))
        self.image()
        self.assertIn("several images are named 'win'", self.problem())


class FileTest(IsoTestCase):
    """An ISO on this machine."""

    def setUp(self) -> None:
        """Have one."""
        super().setUp()
        self.path = Path(self.useFixture(fixtures.TempDir()).path, "own.iso")
        self.path.write_bytes(DATA)

    def test_used(self) -> None:
        """Uploaded as it is."""
        build = self.built(source=str(self.path), checksum=f"sha256:{SHA256}")
        self.assertEqual({"upload image"}, self.kinds())
        self.assertEqual("own.iso", build.spec.media.source)

    def test_glance_with_other_digests(self) -> None:
        """An operator may have chosen another algorithm: the client has verified it."""
        parse = images.parse

        def other(data: Any) -> Any:
            return parse({**data, "os_hash_algo": "sha256"})

        self.patch(images, "parse", other)
        self.built(source=str(self.path))

    def test_problems(self) -> None:
        """Another content; and gone before it was uploaded."""
        wrong = self.request(source=str(self.path), checksum="0" * 64)
        error = self.assertRaises(SpecError, self.builder().plan, wrong)
        self.assertIn("does not have the given checksum", str(error))
        media = IsoContent(str(self.path))
        self.path.unlink()
        error = self.assertRaises(SpecError, verified.open_verified(media).__enter__)
        self.assertIn("the machine that has the file", str(error))

    def test_slow_upload(self) -> None:
        """It may take longer than a lease without a sign of life lasts."""
        self.path.write_bytes(DATA + bytes(8 << 20))
        read = verified.ChecksummedReader.read
        heard: list[str] = []

        def slow(stream: verified.ChecksummedReader, size: int) -> bytes:
            self.cloud.world.sleep(100)
            with contextlib.suppress(RecordError):
                lease.take(self.builder("cron").api, heard[0])
                heard.append("taken over")
            return read(stream, size)

        self.patch(verified.ChecksummedReader, "read", slow)
        builder = self.builder()
        plan = builder.plan(self.request(source=str(self.path)))
        heard.append(plan.build_id)
        self.assertEqual("complete", builder.start(plan).status)
        self.assertEqual(1, len(heard))

    def test_let_go_where_it_is_not(self) -> None:
        """A client that cannot read it leaves the build to one that can, at once."""
        builder = self.builder()
        plan = builder.plan(self.request(source=str(self.path)))
        self.path.unlink()
        self.assertRaises(SpecError, builder.start, plan)
        self.path.write_bytes(DATA)
        self.assert_complete(self.builder("second").resume(plan.build_id))


class CinderTest(IsoTestCase):
    """What a cloud may lack, and what may go wrong in it."""

    def test_no_cinder(self) -> None:
        """Said for whatever needs volumes; other builds go on without it."""
        del self.cloud.keystone.services["block-storage"]
        for fields in ({}, {"boot_method": "ipxe", "source": None, "disk_gib": 2}):
            error = self.assertRaises(
                SpecError, self.builder().plan, self.request(**fields)
            )
            self.assertIn("offers no volumes (Cinder)", str(error))
        request = self.request(boot_method="ipxe", source=None)
        super().assert_complete(self.builder().create(request))

    def test_quotas(self) -> None:
        """Volumes, their size, and snapshots."""
        for key, text in (
            ("Volumes", "0 volumes left, the build needs 4"),
            ("VolumeGigabytes", "0 GiB of volumes left, the build needs 5"),
            ("Snapshots", "0 snapshots left, the build needs 1"),
        ):
            self.cloud.cinder.limits[key], before = 0, self.cloud.cinder.limits[key]
            request = self.request(output="snapshot")
            error = self.assertRaises(SpecError, self.builder().plan, request)
            self.assertIn(text, str(error))
            self.cloud.cinder.limits[key] = before

    def test_quota_of_what_is_needed(self) -> None:
        """A large ISO counts; what boots the result only where that is asked for."""
        describe = verified.describe
        self.patch(verified, "describe", lambda *asked: (6 << 30, describe(*asked)[1]))
        self.cloud.cinder.limits["VolumeGigabytes"] = 8
        error = self.assertRaises(SpecError, self.builder().plan, self.request())
        self.assertIn("8 GiB of volumes left, the build needs 9", str(error))
        self.builder().plan(self.request(verify=False))

    def test_larger_than_planned(self) -> None:
        """A CD's volume has room for the image that it is made of."""
        volume = BootVolume("iso", image_role="iso", size_gib=1, cdrom=True)
        for size, gib in ((9, 1), (1 << 30, 1), ((1 << 30) + 1, 2)):
            known = samples.facts(images=(samples.image("iso", size=size),))
            decision = EnsureVolume(volume).decide(samples.spec(), known)
            self.assertEqual(
                Act(CreateVolume("iso", gib, ("imageRef", "i-iso")), ANY), decision
            )

    def test_too_small(self) -> None:
        """What --disk gives must suffice."""
        request = self.request(disk_gib=0)
        error = self.assertRaises(SpecError, self.builder().plan, request)
        self.assertIn("--disk 0 is too small", str(error))

    def test_disk(self) -> None:
        """Its size is the result's."""
        build = self.built(disk_gib=3, output="image")
        self.assertEqual(3, self.cloud.glance.images[build.result_id].min_disk)

    def test_flavor_without_disk(self) -> None:
        """Then the root disk is a volume."""
        self.cloud.nova.flavors[1]["disk"] = 0
        request = self.request(boot_method="ipxe", source=None, flavor="m1.tiny")
        self.assertIn(
            "because the flavor has no disk",
            " ".join(self.builder().plan(request).choices),
        )

    def test_cinder_fails(self) -> None:
        """Tried again, and not for ever; nothing stays."""
        for trouble in ("creations_fail", "uploads_fail", "snapshots_fail"):
            self.cloud.cinder.troubles = type(self.cloud.cinder.troubles)()
            setattr(self.cloud.cinder.troubles, trouble, True)
            output = "snapshot" if trouble == "snapshots_fail" else "image"
            request = self.request(output=output)
            error = self.assertRaises(InstallError, self.builder().create, request)
            self.assertIn("without effect", str(error))
            [build] = self.builder().list().builds
            self.assert_empty(build.id)
            self.builder().delete(build.id)

    def test_result_that_does_not_boot(self) -> None:
        """It stays for inspection, and goes with its build."""
        self.cloud.nova.plan.result_boots = False
        for output in ("volume", "snapshot"):
            request = self.request(output=output)
            error = self.assertRaises(InstallError, self.builder().create, request)
            [build] = self.builder().list().builds
            self.assertIn(f"the {output} that did not pass stays for", str(error))
            self.assertIn(build.made[0], str(error))
            self.assert_empty(build.id, *build.made)
            self.builder().delete(build.id)
            self.assert_empty()

    def test_foreign_volumes_are_left_alone(self) -> None:
        """Even one that calls itself like a build's."""
        api = self.builder().api
        build = self.builder().create(self.request(output="volume"), wait=False)
        body = {"name": f"imagebuild-{build.id}-root", "size": 1}
        api.send("volume", "POST", "/volumes", {"volume": body})
        self.builder().delete(build.id)
        [left] = self.left()
        self.assertNotIn("imagebuild", left.metadata)

    def left(self) -> list[Any]:
        """Volumes that are there."""
        return list(self.cloud.cinder.volumes.values())

    def test_orphans(self) -> None:
        """Volumes and snapshots whose record is gone are found and removed."""
        build = self.builder().create(self.request(output="snapshot"), wait=False)
        del self.cloud.glance.images[build.id]
        self.cloud.world.advance(600)
        found = self.builder().orphans()
        kinds = [orphan.kind for orphan in found]
        self.assertEqual(3, kinds.count("volume"), str(kinds))
        self.builder().delete_orphans(found)
        self.cloud.world.advance(60)
        self.cloud.tick()
        self.assertEqual([], self.left())

    def test_orphaned_snapshot(self) -> None:
        """Its volume goes once it has gone."""
        api, build_id = self.builder().api, str(uuid.uuid4())
        mark = {"metadata": {VOLUME_MARK: build_id}}
        volumes.create(api, {"name": resource_name(build_id, "root"), "size": 1} | mark)
        self.cloud.world.advance(60)
        [volume] = volumes.marked(api, build_id)
        name = resource_name(build_id, "result")
        volumes.create_snapshot(api, {"name": name, "volume_id": volume.id} | mark)
        self.cloud.world.advance(60)
        self.builder().delete_orphans(self.builder().orphans())
        self.assert_empty()


class StreamTest(testtools.TestCase):
    """Bytes on their way."""

    def stream(
        self, data: bytes, sha256: str = "", sha512: str = ""
    ) -> verified.ChecksummedReader:
        """A stream of ``data`` that should have digests."""
        media = IsoContent("x.iso", sha256, sha512)
        return verified.ChecksummedReader(
            "x.iso", len(DATA), lambda: io.BytesIO(data), media
        )

    def test_whole(self) -> None:
        """Once, and again from its begin."""
        stream = self.stream(DATA, sha256=SHA256, sha512=SHA512)
        for _ in range(2):
            self.assertEqual(0, stream.seek(0))
            self.assertEqual(DATA, b"".join(iter(lambda: stream.read(1000), b"")))
        self.assertRaises(ValueError, stream.seek, 5)

    def test_end_is_kept_back(self) -> None:
        """Nobody has the whole of what is wrong."""
        stream, got = self.stream(DATA, sha256="0" * 64), b""

        def drain() -> None:
            nonlocal got
            while data := stream.read(1000):
                got += data

        self.assertIn("--checksum", str(self.assertRaises(CloudError, drain)))
        self.assertLess(len(got), len(DATA))

    def test_cut_off(self) -> None:
        """It may be had another time."""
        stream = self.stream(DATA[:10])
        stream.read(10)
        self.assertRaises(TransientError, stream.read, 1)

    def test_larger_than_told(self) -> None:
        """Its begin alone is not what was asked for, and must not be uploaded."""
        media = IsoContent("x.iso", SHA256)
        data = DATA + b"more"
        stream = verified.ChecksummedReader(
            "x.iso", len(DATA), lambda: _Whole(data), media
        )
        self.assertRaises(TransientError, stream.read, len(DATA))


class _Whole:
    """A source that gives chunks of its own size, as a response does."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int, /) -> bytes:
        """Return all of it."""
        return self._data

    def close(self) -> None:
        """Nothing is open."""


class DiscTest(testtools.TestCase):
    """CDs with answers."""

    def test_read_back(self) -> None:
        """By Rock Ridge and by Joliet, whatever the names are."""
        import pycdlib

        files = {"user-data": "#cloud", "meta-data": "", "etc/rc.d/x_1": "ü"}
        # Alike in plain ISO 9660.
        files |= {
            "a-b/x": "1",
            "a_b/y": "2",
            "a_b/x-y": "3",
            "a_b/x_y": "4",
            "A-b/x": "5",
        }
        files |= {f"{'deep' * 9}-{n}/x": str(n) for n in range(3)}
        disc = answer_cd.answer_cd("CIDATA", files)
        self.assertEqual(b"CIDATA", disc[32808:32840].strip())
        iso = pycdlib.PyCdlib()
        iso.open_fp(io.BytesIO(disc))
        self.addCleanup(iso.close)
        for path, text in files.items():
            for kind in ("rr_path", "joliet_path"):
                found = io.BytesIO()
                iso.get_file_from_iso_fp(found, **{kind: f"/{path}"})
                self.assertEqual(text, found.getvalue().decode(), path)

    def test_paths(self) -> None:
        """Nothing leads out of the CD."""
        for path in ("../x", "a//b", "/etc", "", "a/" + "x" * 65, "a\0b", "\udc00"):
            self.assertRaises(ValueError, answer_cd.answer_cd, "X", {path: ""})
        for label in ("X" * 17, "Ä", "A\n"):
            self.assertRaises(ValueError, answer_cd.answer_cd, label, {"x": ""})
        disc = content.open_content(AnswerCd("X", {"../x": "answer"}), {})
        error = self.assertRaises(SpecError, disc.__enter__)
        self.assertIn("no CD can be made for the answers: not a path", str(error))

    def test_digests(self) -> None:
        """Of this file only, and not of one whose name ends so."""
        text = f"{'1' * 64}  my-x.iso\n{'2' * 64}  ./x.iso\n"
        self.assertEqual("2" * 64, iso_source.listed_digest(text, "x.iso"))
        self.assertEqual("", iso_source.listed_digest(text, "iso"))
