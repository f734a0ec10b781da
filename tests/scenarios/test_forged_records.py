"""Records that somebody else in the project wrote, to harm who works with them."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fixtures

from osc_imagebuild import outputs
from osc_imagebuild.builds import authorship, record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import ImageBuildError, SpecError
from osc_imagebuild.model.names import build_tag
from osc_imagebuild.model.spec import Iso, Spec
from tests.fakes.cinder import FakeSnapshot, FakeVolume
from tests.fakes.cloud import FakeCloud
from tests.fakes.guests import MINI_ISO
from tests.unit.base import CloudTestCase

SECRET = b"auth: {password: hunter2}\n" * 3000
ISO = "http://mirror.fake/isos/mini.iso"
STATUSES = ("building", "failed", "complete", "cancelled")
KEY = "osc_imagebuild.builds.authorship._key"


class ForgeryTestCase(CloudTestCase):
    """A project with a member who forges records."""

    def planned(self, **fields: Any) -> Spec:
        """Return an honest spec."""
        return self.builder().plan(self.request(**fields)).spec

    def forge(self, spec: Spec, build_id: str = "", **properties: str) -> str:
        """Write a record as another member can; return its ID."""
        build_id = build_id or str(uuid.uuid4())
        api = self.builder("other").api
        with fixtures.MonkeyPatch(KEY, lambda: b"another's key"):
            record_store.create(api, build_id, spec, {"answer": "x", "verify": "y"})
        image = self.cloud.glance.images[build_id]
        image.properties.update(
            {f"imagebuild_{name}": text for name, text in properties.items()}
        )
        return build_id

    def uploads(self) -> list[bytes]:
        """Return what went into Glance."""
        return [c.body for c in self.cloud.mutations if c.kind == "upload image"]


class LocalFileTest(ForgeryTestCase):
    """Files of the machine that a build is resumed on."""

    def setUp(self) -> None:
        """Have a secret, and an ISO."""
        super().setUp()
        home = Path(self.useFixture(fixtures.TempDir()).path)
        self.secret, self.iso = home / "clouds.yaml", home / "mini.iso"
        self.secret.write_bytes(SECRET)
        self.iso.write_bytes(MINI_ISO + bytes(5000))

    def specs(self, path: Path) -> Iterator[Spec]:
        """Yield specs that name a file, in each place that may."""
        local = Iso(url=str(path), size_gib=1, as_cd=True, key="k" * 64)
        plain = self.planned(boot_method="cdrom", source=ISO)
        yield _with(plain, iso=local)
        drivers = self.planned(
            os="mini-asks",
            firmware="uefi",
            source=ISO,
            driver_iso="http://mirror.fake/drivers.iso",
        )
        yield _with(drivers, drivers=local)
        remaster = self.planned(
            os="mini-remaster", source="http://mirror.fake/isos/remaster.iso"
        )
        yield _with(remaster, iso=local)
        kernel = self.planned(
            boot_method="kernel", source="http://mirror.fake/isos/installer.iso"
        )
        yield _with(
            kernel,
            iso=dataclasses.replace(kernel.media.iso, url=str(path), imported=False),
        )

    def test_refused(self) -> None:
        """Not a byte of it leaves, and the build waits for whoever has the file."""
        for number, spec in enumerate(self.specs(self.secret)):
            with self.one_of_many(str(number)):
                build_id = self.forge(spec)
                error = self.assertRaises(SpecError, self.builder().resume, build_id)
                self.assertIn(f"--allow-local {self.secret}", str(error))
                self.assertEqual("building", self.builder().find(build_id).status)
                outcome = self.builder().resume_all(once=True)
                self.assertIn("--allow-local", outcome.failed[build_id])
                self.builder().delete(build_id)
        self.assertFalse([body for body in self.uploads() if b"hunter2" in body])

    def begun_by(self, key: bytes) -> Record:
        """Return a build from the local ISO that died as it was to be uploaded."""
        request = self.request(boot_method="cdrom", source=str(self.iso))
        with fixtures.MonkeyPatch(KEY, lambda: key):
            self.cloud.hooks.append(_stop_at("upload image"))
            self.assertRaises(KeyboardInterrupt, self.builder().create, request)
            self.cloud.hooks.clear()
        return self.builder().list().builds[0]

    def test_named_again(self) -> None:
        """It is taken where the user names it, though another machine began the build."""
        build = self.begun_by(b"another machine")
        self.assertFalse(build.is_own)
        builder = self.builder()
        self.assertRaises(SpecError, builder.resume, build.id)
        builder.allow_files([str(self.iso)])
        self.assert_complete(builder.resume(build.id))

    def test_named_again_but_another(self) -> None:
        """Nothing but an ISO, and that very one."""
        spec, builder = next(self.specs(self.iso)), self.builder()
        for path, digest, word in (
            (self.secret, hashlib.sha512(SECRET).hexdigest(), "is no ISO"),
            (self.iso, "", "has no digest to compare it with"),
            (self.iso, "0" * 128, "has changed since the build was planned"),
        ):
            builder.allow_files([str(path)])
            iso = dataclasses.replace(
                spec.media.iso, url=str(path), sha512=digest, key=""
            )
            build_id = self.forge(_with(spec, iso=iso))
            error = self.assertRaises(SpecError, builder.resume, build_id)
            self.assertIn(word, str(error))
        self.assertFalse([body for body in self.uploads() if b"hunter2" in body])

    def test_own(self) -> None:
        """Who began a build goes on with it, though it is another process."""
        key = authorship._key()
        build = self.begun_by(key)
        self.assertTrue(build.is_own)
        self.assert_complete(self.builder("second").resume(build.id))

    def test_changed_spec(self) -> None:
        """A signature is good for the spec that it was made for alone."""
        started = self.started(boot_method="cdrom", source=ISO)
        properties = self.cloud.glance.images[started.id].properties
        parts = json.loads(properties["imagebuild_spec"])
        parts["media"]["drivers"]["url"] = str(self.secret)
        properties["imagebuild_spec"] = json.dumps(parts)
        self.assertFalse(self.builder().find(started.id).is_own)


class AddressTest(ForgeryTestCase):
    """Web servers that only the client reaches."""

    def test_refused(self) -> None:
        """The loop back, metadata, the intranet: in each place, however it is written."""
        plain = self.planned(boot_method="cdrom", source=ISO)
        kernel = self.planned(boot_method="kernel")
        for host in (
            "127.0.0.1",
            "localhost",
            "2130706433",
            "127.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "10.1.2.3",
            "192.168.1.1:8080",
            "[fd00:ec2::254]",
        ):
            url = f"http://{host}/x.iso"
            iso = Iso(url=url, size_gib=1, as_cd=True, sha256="0" * 64)
            media = dataclasses.replace(
                kernel.media, kernel_url=f"http://{host}/linux", kernel_sha256="1" * 64
            )
            for forged in (
                _with(plain, iso=iso),
                dataclasses.replace(kernel, media=media),
            ):
                with self.one_of_many(host):
                    build_id = self.forge(forged)
                    error = self.assertRaises(
                        SpecError, self.builder().resume, build_id
                    )
                    self.assertIn("is not fetched", str(error))
                    self.builder().delete(build_id)


class MarkTest(ForgeryTestCase):
    """Resources that a record names."""

    def test_foreign_result(self) -> None:
        """Of another project, of this one: nothing of it is changed, by an admin either."""
        asked = {"os": "mini-tests", "test_firmware": ("uefi",)}
        specs = (self.planned(), self.planned(**asked))
        for owner, spec in itertools.product(("demo", "other"), specs):
            golden = self.cloud.glance.add(
                owner, name="theirs", visibility="public", properties={"os": "x"}
            )
            before = copy.deepcopy(vars(golden))
            marks = json.dumps(
                {"harvested": {"at": 1.0, "data": {"image_id": golden.id}}}
            )
            build_id = self.forge(spec, marks=marks, result_id=golden.id)
            with self.one_of_many(owner):
                for go in (self.builder().resume, self.builder().retry):
                    self.assertRaises(ImageBuildError, go, build_id)
                self.builder().delete(build_id, with_image=True)
                self.assertEqual(before, vars(self.cloud.glance.images[golden.id]))

    def test_foreign_in_each_mark(self) -> None:
        """Another build's, and another project's with an admin's session."""
        for output, status in itertools.product(outputs.names(), STATUSES):
            self.cloud = FakeCloud()
            self.cloud.nova.limits = dict.fromkeys(self.cloud.nova.limits, 1_000_000)
            self.cloud.cinder.limits = dict.fromkeys(self.cloud.cinder.limits, 1000)
            spec = self.planned(output=output)
            theirs = self.builder().create(self.request(output=output, name="theirs"))
            build = self.forge(spec)
            for owner, ids in (
                ("demo", dict(theirs.marks["harvested"].data)),
                ("other", self.of_another_project(output, build)),
            ):
                self.cloud.glance.admins = owner == "other"
                self.cloud.cinder.admins = owner == "other"
                for act in ("resume", "retry", "cancel", "delete"):
                    where = f"{output}, {status}, {owner}: {act}"
                    with self.one_of_many(where):
                        self.untouched_by(act, spec, status, ids, build)

    def of_another_project(self, output: str, build_id: str) -> dict[str, str]:
        """Have another project's result, which says that a build of ours made it."""
        now, mark = self.cloud.world.now, {"imagebuild_build_id": build_id}
        name, metadata = f"imagebuild-{build_id}-result", {**mark, "imagebuild": "x"}
        image = self.cloud.glance.add(
            "other",
            name=name,
            status="active",
            visibility="private",
            tags=[build_tag(build_id)],
            data=SECRET,
            size=len(SECRET),
            properties=dict(mark),
        )
        if output == "image":
            return {"image_id": image.id}
        volume = FakeVolume(
            data=SECRET,
            properties={},
            id=str(uuid.uuid4()),
            name=name,
            project="other",
            created=now,
            size=1,
            metadata=metadata,
            status="available",
        )
        self.cloud.cinder.volumes[volume.id] = volume
        if output == "volume":
            return {"volume_id": volume.id}
        snapshot = FakeSnapshot(
            data=SECRET,
            properties={},
            id=str(uuid.uuid4()),
            name=name,
            project="other",
            created=now,
            size=1,
            metadata=metadata,
            volume_id=volume.id,
            status="available",
        )
        self.cloud.cinder.snapshots[snapshot.id] = snapshot
        return {"snapshot_id": snapshot.id, "volume_id": volume.id}

    def untouched_by(
        self, act: str, spec: Spec, status: str, ids: dict[str, str], build_id: str
    ) -> None:
        """Let a command loose on a record with forged marks."""
        data = {"at": self.cloud.world.now, "data": {}}
        marks = {
            "started": {**data, "data": {"server_id": str(uuid.uuid4())}},
            "installed": data,
            "harvested": {**data, "data": ids},
        }
        if build_id in self.cloud.glance.images:
            del self.cloud.glance.images[build_id]
        self.cloud.glance.used_ids.discard(build_id)
        self.forge(
            spec,
            build_id,
            marks=json.dumps(marks),
            status=status,
            step="verify",
            result_id=next(iter(ids.values())),
        )
        before = self.seen(ids)
        self.cloud.log.clear()
        builder = self.builder()
        arguments = {"with_image": True} if act == "delete" else {}
        self.assertEqual(status, builder.find(build_id).status)
        with contextlib.suppress(ImageBuildError):
            getattr(builder, act)(build_id, **arguments)
        self.cloud.world.sleep(60)
        self.cloud.tick()
        self.assertEqual(before, self.seen(ids))
        for call in self.cloud.log:
            read = call.path.endswith("/file")
            made = call.kind.startswith("create ") and call.service != "image"
            text = call.body.decode(errors="replace")
            for item_id in ids.values():
                self.assertFalse(read and item_id in call.path, call.path)
                self.assertFalse(call.kind and item_id in call.path, call.path)
                self.assertFalse(made and item_id in text, text)

    def seen(self, ids: dict[str, str]) -> list[dict[str, Any]]:
        """Return all that there is to know of resources."""
        kept = (
            *(self.cloud.glance.images, self.cloud.cinder.volumes),
            self.cloud.cinder.snapshots,
        )
        items = [items[i] for i in ids.values() for items in kept if i in items]
        return [copy.deepcopy(vars(item)) for item in items]


def _with(spec: Spec, iso: Iso | None = None, drivers: Iso | None = None) -> Spec:
    media = dataclasses.replace(
        spec.media, iso=iso or spec.media.iso, drivers=drivers or spec.media.drivers
    )
    return dataclasses.replace(spec, media=media)


def _stop_at(kind: str) -> Callable[[Any], None]:
    def stop(call: Any) -> None:
        if call.kind == kind:
            raise KeyboardInterrupt

    return stop
