"""Images and volumes that the install server boots from, in whatever state."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.model.actions import (
    CreateImage,
    CreateVolume,
    DeleteImage,
    DeleteVolume,
    ImportImage,
    ProveImage,
    SetBootable,
    SetVolume,
    UploadImage,
    delete_action,
)
from osc_imagebuild.model.boot_sources import (
    BootImage,
    BootVolume,
    IsoContent,
    RemoteFile,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.steps.boot_sources import (
    GIB,
    IMPORT_LIMIT_S,
    UPLOAD_LIMIT_S,
    EnsureImage,
    EnsureVolume,
)
from tests.unit.decisions import StepTestCase, seen, snapshot, volume
from tests.unit.samples import NOW, facts, image, marks, server

SHA512 = "e" * 128
UPLOADED = IsoContent("http://mirror/x.iso")
FETCHED = IsoContent("http://mirror/x.iso", sha512=SHA512, imported=True)
LOCK = {"os_glance_import_task": "t-1"}


def iso(content: IsoContent) -> BootImage:
    """Return the image of an ISO."""
    return BootImage("iso", "iso", "bare", content)


def found(status: str, **fields: Any) -> Any:
    """Return facts with the image of the ISO."""
    return facts((image("iso", status, **fields),))


class UploadTest(StepTestCase):
    """An image that the client fills."""

    def test_decisions(self) -> None:
        """Made, filled, waited for, made anew where a client died."""
        fresh = NOW - UPLOAD_LIMIT_S + 1
        self.check(
            EnsureImage(iso(UPLOADED)),
            (facts(), CreateImage(iso(UPLOADED), {})),
            (found("queued"), UploadImage(iso(UPLOADED), "i-iso")),
            (
                found("saving", updated_at=fresh),
                "wait: Glance has the iso as saving (5 s)",
            ),
            (found("saving", updated_at=fresh - 1), DeleteImage("i-iso")),
            (found("killed"), DeleteImage("i-iso")),
            (found("uploading"), DeleteImage("i-iso")),
        )

    def test_refs(self) -> None:
        """Its properties name other images, which must be there."""
        root = BootImage(
            "root", "qcow2", "bare", UPLOADED, {"a": "b"}, {"kernel_id": "k"}
        )
        made = CreateImage(root, {"a": "b", "kernel_id": "i-k"})
        gone = "fail: the k image was deleted by somebody"
        self.check(EnsureImage(root), (facts((image("k"),)), made), (facts(), gone))

    def test_done(self) -> None:
        """Active; whose sha512 Glance does not tell is what was uploaded."""
        known = IsoContent("http://mirror/x.iso", sha512=SHA512)
        self.check_done(
            EnsureImage(iso(known)),
            (facts(), False),
            (found("queued"), False),
            (found("active"), True),
            (found("active", sha512=SHA512), True),
            (found("active", sha512="f" * 128), False),
        )


class ProofTest(StepTestCase):
    """An image that builds share, and that anybody can have made."""

    KERNEL = BootImage(
        "kernel", "aki", "aki", RemoteFile("http://m/k", "a" * 64), shared_key="a" * 64
    )
    ISO = dataclasses.replace(iso(IsoContent("x", sha512=SHA512)), shared_key="k")

    def there(self, sha512: str, noted: str = "") -> Facts:
        """The image as Glance has it, and what the record says of it."""
        marked = marks("sha512-kernel", sha512=noted) if noted else {}
        return facts((image("kernel", sha512=sha512),), marks=marked)

    def test_decisions(self) -> None:
        """Read once by a client of the build, and thrown away where it is another's."""
        self.check(
            EnsureImage(self.KERNEL),
            (self.there(SHA512), ProveImage(self.KERNEL, "i-kernel")),
            (self.there(""), ProveImage(self.KERNEL, "i-kernel")),
            (self.there("f" * 128, SHA512), DeleteImage("i-kernel")),
        )
        self.check(
            EnsureImage(self.ISO),
            (found("active", sha512="f" * 128), DeleteImage("i-iso")),
        )

    def test_done(self) -> None:
        """By what the record says; Glance may be set up to take other digests."""
        self.check_done(
            EnsureImage(self.KERNEL),
            (self.there(SHA512), False),
            (self.there(SHA512, SHA512), True),
            (self.there("", SHA512), True),
            (self.there("f" * 128, SHA512), False),
        )


class ImportTest(StepTestCase):
    """An image that Glance fetches by itself."""

    def test_decisions(self) -> None:
        """Asked for once, waited for for hours; uploaded where Glance could not."""
        fresh = NOW - IMPORT_LIMIT_S
        late = (
            f"fail: Glance did not fetch the iso within {IMPORT_LIMIT_S // 60} minutes"
        )
        failed = {**LOCK, "os_glance_failed_import": "web"}
        waits = "wait: Glance fetches the ISO (5 s)"
        self.check(
            EnsureImage(iso(FETCHED)),
            (found("queued"), ImportImage(iso(FETCHED), "i-iso")),
            (found("queued", properties=LOCK), waits),
            (found("importing", updated_at=fresh), waits),
            (found("importing", updated_at=fresh - 1), late),
            (found("saving", properties=LOCK), waits),
            (
                found("queued", properties=failed),
                UploadImage(iso(FETCHED), "i-iso"),
            ),
            (found("killed"), DeleteImage("i-iso")),
        )

    def test_other_content(self) -> None:
        """Nobody may boot it, or wonder why."""
        words = "fail: the iso that Glance fetched has the sha512 "
        self.check(
            EnsureImage(iso(FETCHED)),
            (found("active", sha512="f" * 128), f"{words}{'f' * 128}, not {SHA512}"),
            (found("active"), f"{words}that nobody tells, not {SHA512}"),
        )
        self.check_done(
            EnsureImage(iso(FETCHED)), (found("active", sha512=SHA512), True)
        )


class VolumeTest(StepTestCase):
    """A volume made of such an image, or of one of the user's."""

    def test_size(self) -> None:
        """What was planned, or as much as the image needs by now."""
        disk = BootVolume("root", image_role="iso", size_gib=2)
        own = BootVolume("root", "iso", "i-own", size_gib=5)
        source, mine = ("imageRef", "i-iso"), ("imageRef", "i-own")
        for boots, sources, expected in (
            (disk, found("active"), CreateVolume("root", 2, source)),
            (disk, found("active", size=3 * GIB), CreateVolume("root", 3, source)),
            (disk, found("active", size=3 * GIB + 1), CreateVolume("root", 4, source)),
            (disk, found("active", min_disk_gib=9), CreateVolume("root", 9, source)),
            (disk, facts(), "fail: the iso image was deleted"),
            (own, facts(), CreateVolume("root", 5, mine)),
        ):
            self.check(EnsureVolume(boots), (sources, expected))
        empty = BootVolume("iso", image_role="iso")
        made = CreateVolume("iso", 1, source)
        self.check(EnsureVolume(empty), (found("active"), made))

    def test_of_nothing(self) -> None:
        """It says what its image would, and at last that servers may boot from it."""
        refs = {"kernel_id": "iso"}
        blank = BootVolume("root", size_gib=5, properties={"hw_x": "y"}, refs=refs)
        step = EnsureVolume(blank)
        said = {"hw_x": "y", "kernel_id": "i-iso"}
        bare, told = volume(), volume(image_metadata=said)
        kernel = image("iso", "active")
        self.check(
            step,
            (facts(), CreateVolume("root", 5, None)),
            (
                seen(volume(status="creating")),
                "wait: Cinder has the root volume as creating (3 s)",
            ),
            (seen(bare), "fail: the iso image was deleted by somebody"),
            (facts((kernel,), volumes={"root": bare}), SetVolume(bare, said)),
            (facts((kernel,), volumes={"root": told}), SetBootable("v-root")),
        )
        ready = volume(bootable=True)
        self.check_done(step, (seen(bare), False), (seen(ready), True))

    def test_state(self) -> None:
        """One that failed is made anew."""
        step = EnsureVolume(BootVolume("root", "iso", "i-own", size_gib=5))
        self.assertEqual("volume-root", step.name)
        self.check(
            step,
            (seen(volume(status="error")), DeleteVolume("v-root")),
            (
                seen(volume(status="downloading")),
                "wait: Cinder has the root volume as downloading (3 s)",
            ),
        )
        self.check_done(
            step,
            (seen(), False),
            (seen(volume(status="creating")), False),
            *(
                (seen(volume(status=status)), True)
                for status in ("available", "in-use")
            ),
        )


class RemovalTest(testtools.TestCase):
    """What removes a resource of the build."""

    def test_each_kind(self) -> None:
        """The action is the kind's, on its ID."""
        for resource, name in (
            (image("stub"), "DeleteImage"),
            (server("install"), "DeleteServer"),
            (volume(), "DeleteVolume"),
            (snapshot(), "DeleteSnapshot"),
        ):
            action = delete_action(resource)
            self.assertEqual(name, type(action).__name__)
            self.assertEqual([resource.id], list(vars(action).values()))
