"""What of a build others may still read when it is over."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from osc_imagebuild.builds import record, record_store
from osc_imagebuild.errors import ImageBuildError, InstallError, RecordError, SpecError
from osc_imagebuild.model import spec_json
from osc_imagebuild.model.spec import Iso
from tests.fakes.faults import Fault
from tests.fakes.wire import Reply
from tests.unit import samples
from tests.unit.base import NAME, CloudTestCase
from tests.unit.shell import ShellTestCase

SECRET = "5ec4e7f00d"
URL = f"http://mirror.fake/isos/mini.iso?X-Amz-Signature={SECRET}"


class TextsTest(CloudTestCase):
    """The answer file, with its hashes and keys."""

    def texts(self, build_id: str) -> str:
        """What the record has of it."""
        return self.cloud.glance.images[build_id].properties["imagebuild_texts"]

    def test_complete(self) -> None:
        """It goes with the very change that completes the build."""
        build = self.started()
        self.assertTrue(build.has_texts)
        self.assertIn("answer", record.unpack(self.texts(build.id)))
        done = self.resumed(build.id)
        self.assert_complete(done)
        self.assertEqual(("", False), (self.texts(build.id), done.has_texts))
        self.assertEqual({}, record_store.reload(self.builder().api, build.id)[1])
        [last] = [
            {operation["path"]: operation["value"] for operation in call.json}
            for call in self.cloud.mutations
            if call.method == "PATCH"
            and b'"complete"' in call.body.replace(b"\\", b"")
            and build.id in call.path
            and b"imagebuild_result_id" in call.body
        ]
        self.assertEqual("complete", last["/imagebuild_status"])
        self.assertEqual("", last["/imagebuild_texts"])

    def test_cancelled(self) -> None:
        """Nobody can go on with it."""
        build = self.started()
        self.builder().cancel(build.id)
        self.assertEqual("", self.texts(build.id))
        self.assertEqual("cancelled", self.builder().cancel(build.id).status)
        self.assertEqual("cancelled", self.builder().resume(build.id).status)

    def test_failed(self) -> None:
        """It is kept to be tried again with, until it is cancelled."""
        self.cloud.nova.plan.install_fails = "FAILED: no disk"
        error = self.assertRaises(
            InstallError, self.builder().create, self.request(attempts=1)
        )
        self.assertIn("try again", str(error))
        [build] = self.builder().list().builds
        self.assertNotEqual("", self.texts(build.id))
        self.assertEqual(("install",), self.builder().retry_points(build))
        cancelled = self.builder().cancel(build.id)
        self.assertEqual(("failed", False), (cancelled.status, cancelled.has_texts))
        self.assertEqual("", self.texts(build.id))
        self.assertEqual((), self.builder().retry_points(cancelled))
        refused = self.assertRaises(RecordError, self.builder().retry, build.id)
        self.assertIn("create it again", str(refused))
        self.builder().delete(build.id)
        self.assert_empty()

    def test_damaged(self) -> None:
        """One that is at work and has lost it cannot go on."""
        build = self.started()
        self.cloud.glance.images[build.id].properties["imagebuild_texts"] = ""
        error = self.assertRaises(RecordError, self.builder().resume, build.id)
        self.assertIn("damaged", str(error))


class AddressTest(ShellTestCase):
    """A presigned address: whoever has it has the file."""

    def setUp(self) -> None:
        """Have a mirror that asks for a signature."""
        super().setUp()
        files = self.cloud.mirror.files
        self.name = URL.rpartition("/")[2]
        files[self.name] = files.pop("mini.iso")

    def seen(self) -> str:
        """All properties of all images, and what was told."""
        shown = [
            (i.name, i.tags, i.properties) for i in self.cloud.glance.images.values()
        ]
        return json.dumps(shown) + repr(self.events)

    def request_of(self, **fields: Any) -> Any:
        """Return a request with that address."""
        return self.request(
            source=URL, boot_method="cdrom", flavor="m1.small", **fields
        )

    def test_complete(self) -> None:
        """The record has it as long as it is needed, the result never."""
        build = self.builder().create(self.request_of(visibility="public"), wait=False)
        self.assertEqual(URL, build.spec.media.iso.url)
        self.assertEqual(URL.partition("?")[0], build.spec.media.source)
        self.assertNotIn(SECRET, build.spec.result.properties["imagebuild_source"])
        done = self.resumed(build.id)
        self.assert_complete(done)
        self.assertTrue(any(SECRET in url for url in self.cloud.mirror.fetched))
        self.assertNotIn(SECRET, self.seen())
        self.assertEqual(URL.partition("?")[0], done.spec.media.iso.url)

    def test_cancelled(self) -> None:
        """As well."""
        build = self.builder().create(self.request_of(), wait=False)
        self.builder().cancel(build.id)
        self.assertNotIn(SECRET, self.seen())

    def test_failed(self) -> None:
        """A mirror that goes away is told of without it."""
        mirror = self.cloud.mirror
        for status, data in ((0, None), (403, b""), (500, b""), (0, b"no ISO")):
            with self.one_of_many(f"{status} {data!r}"):
                mirror.down, mirror.status = data is None, status
                mirror.files[self.name] = data or b""
                error = self.assertRaises(
                    SpecError, self.builder().plan, self.request_of()
                )
                self.assertIn("mirror.fake", str(error))
                self.assertNotIn(SECRET, str(error))

    def test_lost_on_the_way(self) -> None:
        """Nor are the notes of a driver that waits for it, or gives it up."""
        checksum = hashlib.sha256(self.cloud.mirror.files[self.name]).hexdigest()
        for status in (404, 0):
            plan = self.builder().plan(self.request_of(checksum=checksum))
            self.cloud.mirror.status, self.cloud.mirror.down = status, not status
            error = self.assertRaises(ImageBuildError, self.builder().start, plan)
            self.cloud.mirror.status, self.cloud.mirror.down = 0, False
            build = self.builder().find(plan.build_id)
            told = (str(error), build.reason, build.doing, repr(self.events))
            self.assertNotIn(SECRET, "".join(told))
            for words in (("show", build.id), ("list", "--long")):
                ran = self.build(*words)
                self.assertNotIn(SECRET, ran.out + ran.err)
        self.assertIn(
            "no answer from http://mirror.fake/isos/mini.iso", repr(self.events)
        )

    def test_refused(self) -> None:
        """Glance says what it will not fetch."""
        text = f"URI for web-download does not pass filtering: {URL}".encode()
        fault = Fault("filter", Reply(507, text))
        self.cloud.hooks.append(
            lambda call: fault if call.kind == "import image" else None
        )
        error = self.assertRaises(
            ImageBuildError, self.builder().create, self.request_of()
        )
        self.assertIn("does not pass filtering", str(error) + repr(self.events))
        [build] = self.builder().list().builds
        self.assertNotIn(SECRET, str(error) + repr(self.events) + build.reason)

    def test_spec(self) -> None:
        """Wherever an address stands in it; what the user gave to the image stays."""
        spec = samples.spec(
            iso_url=URL,
            driver_cd=Iso(url=URL),
            kernel_args=f"inst.repo={URL} quiet",
            result_properties={"home_url": URL},
        )
        shown = URL.partition("?")[0]
        wanted = samples.spec(
            iso_url=shown,
            driver_cd=Iso(url=shown),
            kernel_args=f"inst.repo={shown} quiet",
            result_properties={"home_url": URL},
        )
        self.assertEqual(wanted, spec_json.closed(spec))

    def test_shown(self) -> None:
        """Neither a plan in the log of a CI has it, nor what was chosen."""
        for words in (("--dry-run",), ("--dry-run", "-f", "json"), ()):
            ran = self.build(
                *("create", "--os=mini", f"--source={URL}", "--boot-method=cdrom"),
                *("--flavor=m1.small", *words, NAME),
            )
            self.assertEqual(0, ran.code, ran.err)
            self.assertNotIn(SECRET, ran.out + ran.err)
