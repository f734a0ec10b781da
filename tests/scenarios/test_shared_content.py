"""Content that builds share: what is found by its tag is believed by its sha512 alone."""

from __future__ import annotations

import hashlib

from osc_imagebuild import boot
from osc_imagebuild.builds.record import Record
from tests.fakes.image import FakeImage
from tests.fakes.wire import Call
from tests.unit.base import CloudTestCase, _is_shared

ISO = "http://mirror.fake/installer.iso"
WAYS = ({"boot_method": "kernel"}, {"boot_method": "kernel", "source": ISO})


class SharedContentTest(CloudTestCase):
    """Kernels, ramdisks and ISOs of other members."""

    def shared(self) -> list[FakeImage]:
        """All shared images."""
        return [i for i in self.images(shared=True) if _is_shared(i)]

    def build(self, **way: str) -> Record:
        """Build, and see that it went well."""
        build = self.builder().create(self.request(**way))
        self.assertEqual("complete", build.status)
        return build

    def test_what_is_right_is_adopted(self) -> None:
        """The second build uploads neither kernel nor ramdisk."""
        for way in WAYS:
            self.build(**way)
            images, uploads = self.shared(), len(self.uploads())
            self.build(**way)
            self.assertEqual([i.id for i in images], [i.id for i in self.shared()])
            now = len(self.uploads())
            self.assertEqual(2, now - uploads, "the root disk, and what it has")

    def uploads(self) -> list[Call]:
        """The uploads so far."""
        return [c for c in self.cloud.mutations if c.kind == "upload image"]

    def forged(self, image: FakeImage, *tags: str) -> FakeImage:
        """Another member's image with the tags of ``image``, and other bytes."""
        made = self.cloud.glance.add(
            "demo",
            name=image.name,
            status="active",
            hidden=True,
            visibility="private",
            tags=[
                *[t for t in image.tags if t.startswith("imagebuild-content")],
                *tags,
            ],
            disk_format=image.disk_format,
            container_format=image.container_format,
            data=b"a kernel of the attacker",
            properties={"imagebuild_sha512": "e" * 128},
        )
        made.created = image.created - 100
        return made

    def test_other_bytes_are_not_adopted(self) -> None:
        """The tag alone, on an older image, whatever properties it has."""
        for way in WAYS:
            self.build(**way)
            right = self.shared()
            wrong = [self.forged(image) for image in right]
            for image in right:
                del self.cloud.glance.images[image.id]
            build = self.builder().create(self.request(**way))
            self.assertEqual("complete", build.status)
            for image in wrong:
                self.assertNotIn(f"imagebuild-{build.id}", image.tags)
                self.assertIn(image.id, self.cloud.glance.images, "is not ours")
                del self.cloud.glance.images[image.id]
            self.assertEqual(2, len(self.shared()))
            self.cloud.glance.images.clear()

    def test_the_tag_of_the_build_is_no_proof(self) -> None:
        """An image that claims to be the build's is thrown away."""
        first = self.build(**WAYS[0])
        self.cloud.world.advance(60)
        kernel = next(i for i in self.shared() if i.disk_format == "aki")
        self.assertNotEqual("", first.id)
        made: list[FakeImage] = []

        def observe(when: str, call: Call) -> None:
            names = [i.id for i in self.images() if "imagebuild" in i.tags]
            new = [n for n in names if n != first.id]
            if new and not made and when == "after":
                made.append(self.forged(kernel, f"imagebuild-{new[0]}"))

        self.cloud.observers.append(observe)
        second = self.builder().create(self.request(**WAYS[0]))
        self.assertEqual("complete", second.status)
        self.assertEqual(1, len(made))
        self.assertNotIn(made[0].id, self.cloud.glance.images)

    def test_an_iso_of_which_only_the_sha256_is_known(self) -> None:
        """It is the build's own, and goes with it."""
        data = self.cloud.mirror.files["mini.iso"]
        known = {"sha256": [0, []], "sha512": [1, ["iso"]]}
        for kind, (left, roles) in known.items():
            checksum = hashlib.new(kind, data).hexdigest()
            build = self.build(boot_method="cdrom", checksum=checksum)
            self.assertEqual(left, len(self.shared()), kind)
            self.assertEqual(roles, sorted(boot.shared(build.spec).values()))
