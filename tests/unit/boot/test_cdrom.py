"""Boot method cdrom: which images and CDs a build needs, and what it cannot do."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild import boot
from osc_imagebuild.boot import cdrom
from osc_imagebuild.model.boot_sources import (
    AnswerCd,
    BlankDisk,
    BootImage,
    BootVolume,
    IsoContent,
    RemasteredIso,
)
from osc_imagebuild.model.spec import Iso, Spec
from tests.unit import samples

ISO = {
    "iso_url": "http://mirror/x.iso",
    "iso_sha256": "c" * 64,
    "iso_sha512": "f" * 128,
    "iso_key": "key-1",
}
MEDIA = IsoContent("http://mirror/x.iso", sha256="c" * 64, sha512="f" * 128)
ANSWERS = {
    "answer_cd_label": "CIDATA",
    "answer_cd_files": {"user-data": "answer", "meta-data": ""},
    "answer_cd_texts": {"network-config": "version: 2"},
}
DRIVERS = Iso(
    url="http://mirror/virtio.iso",
    sha256="d" * 64,
    sha512="e" * 128,
    size_gib=2,
    key="key-2",
)
OWN_DRIVERS = Iso(image_id="i-virtio", size_gib=1)
IN_ISO = {
    "answers_in_iso": True,
    "answer_cd_files": {"autoinst.xml": "answer"},
    "answer_cd_texts": {"info": "text"},
}

BLANK = BootImage("root", "qcow2", "bare", BlankDisk(1))
ISO_IMAGE = BootImage("iso", "iso", "bare", MEDIA, shared_key="key-1")
ANSWER_IMAGE = BootImage(
    "answer",
    "iso",
    "bare",
    AnswerCd("CIDATA", ANSWERS["answer_cd_files"], ANSWERS["answer_cd_texts"]),  # type: ignore[arg-type]
)
DRIVER_IMAGE = BootImage(
    "drivers",
    "iso",
    "bare",
    IsoContent("http://mirror/virtio.iso", sha256="d" * 64, sha512="e" * 128),
    shared_key="key-2",
)
REMASTERED = BootImage(
    "iso",
    "iso",
    "bare",
    RemasteredIso(MEDIA, {"autoinst.xml": "answer"}, {"info": "text"}),
)

ISO_CD = BootVolume("iso", image_role="iso", cdrom=True)
OWN_CD = BootVolume("iso", "iso", "i-own", size_gib=5, cdrom=True)
ANSWER_CD = BootVolume("answer", image_role="answer", cdrom=True, boots=False)
DRIVERS_CD = BootVolume("drivers", "drivers", "", 2, cdrom=True, boots=False)
OWN_DRIVERS_CD = BootVolume("drivers", "drivers", "i-virtio", 1, True, False)


def spec(*parts: dict[str, Any]) -> Spec:
    """Return a spec of a build from an ISO."""
    fields: dict[str, Any] = {"boot_method": "cdrom", "root": "volume"}
    for part in parts:
        fields |= part
    return samples.spec(**fields)


OWN = {"iso_image_id": "i-own", "iso_size_gib": 5}
# What the user and the system want, then the images and the CDs for it.
TABLE: tuple[tuple[Spec, tuple[BootImage, ...], tuple[BootVolume, ...]], ...] = (
    (spec(ISO), (BLANK, ISO_IMAGE), (ISO_CD,)),
    (spec(OWN), (BLANK,), (OWN_CD,)),
    (
        spec(ISO, ANSWERS),
        (BLANK, ISO_IMAGE, ANSWER_IMAGE),
        (ISO_CD, ANSWER_CD),
    ),
    (spec(OWN, ANSWERS), (BLANK, ANSWER_IMAGE), (OWN_CD, ANSWER_CD)),
    (spec(ISO, IN_ISO), (BLANK, REMASTERED), (ISO_CD,)),
    (
        spec(ISO, {"driver_cd": DRIVERS}),
        (BLANK, ISO_IMAGE, DRIVER_IMAGE),
        (ISO_CD, DRIVERS_CD),
    ),
    (
        spec(ISO, {"driver_cd": OWN_DRIVERS}),
        (BLANK, ISO_IMAGE),
        (ISO_CD, OWN_DRIVERS_CD),
    ),
    (
        spec(ISO, ANSWERS, {"driver_cd": DRIVERS}),
        (BLANK, ISO_IMAGE, ANSWER_IMAGE, DRIVER_IMAGE),
        (ISO_CD, ANSWER_CD, DRIVERS_CD),
    ),
)


class CdromTest(testtools.TestCase):
    """A table of specs, and what is made for each."""

    def test_images(self) -> None:
        """The blank disk first; what the user has as an image is not made again."""
        for asked, images, _ in TABLE:
            self.assertEqual(images, cdrom.METHOD.images(asked))

    def test_cds(self) -> None:
        """The installer's CD first, which alone can boot."""
        for asked, _, cds in TABLE:
            self.assertEqual(cds, cdrom.METHOD.cds(asked))
            self.assertEqual([True], [cd.boots for cd in cds][:1])
            self.assertNotIn(True, [cd.boots for cd in cds][1:])

    def test_each_cd_has_its_image(self) -> None:
        """One that is made before, or one of the user's."""
        for _, images, cds in TABLE:
            made = {image.role for image in images}
            for cd in cds:
                self.assertNotEqual(cd.image_role in made, bool(cd.image_id), cd)

    def test_volumes(self) -> None:
        """The disk is before all CDs; without volumes there is none of them."""
        disk = BootVolume("root", image_role="root", size_gib=2)
        for asked, _, cds in TABLE:
            self.assertEqual((disk, *cds), boot.volumes(asked))
        self.assertEqual((), boot.volumes(spec(ISO, {"root": "local"})))

    def test_boot_properties(self) -> None:
        """The disk carries the hardware that the installer needs, the CDs nothing."""
        for asked in (
            spec(ISO, ANSWERS, {"boot_properties": {"hw_disk_bus": "sata"}}),
            spec(ISO, IN_ISO, {"boot_properties": {"hw_disk_bus": "sata"}}),
        ):
            first, *others = cdrom.METHOD.images(asked)
            self.assertEqual({"hw_disk_bus": "sata"}, first.properties)
            for image in others:
                self.assertEqual({}, image.properties, image.role)

    def test_shared(self) -> None:
        """ISOs are used by several builds, answers by none but their own."""
        for fields, roles in (
            ((ISO,), {"iso"}),
            ((OWN,), set()),
            # Glance tells the sha512 alone: without it nobody knows what there is.
            ((ISO, {"iso_sha512": ""}), set()),
            ((ISO, IN_ISO), set()),
            ((ISO, ANSWERS, {"driver_cd": DRIVERS}), {"iso", "drivers"}),
        ):
            self.assertEqual(roles, set(boot.shared(spec(*fields)).values()))

    def test_import(self) -> None:
        """Glance fetches what it is to fetch, and checks the sha512."""
        known = {"iso_import": True, "iso_sha512": "e" * 128}
        _, iso = cdrom.METHOD.images(spec(ISO, known))
        fetched = IsoContent("http://mirror/x.iso", "c" * 64, "e" * 128, True)
        self.assertEqual(fetched, iso.content)

    def test_problems(self) -> None:
        """It needs Cinder, and an ISO."""
        volumes, iso = "needs volumes (Cinder)", "needs the installer's ISO"
        for fields, problems in (
            ((ISO,), ()),
            ((OWN,), ()),
            ((ISO, {"root": "local"}), (volumes,)),
            ((), (iso,)),
            (({"root": "local"},), (volumes, iso)),
        ):
            found = cdrom.METHOD.problems(spec(*fields))
            self.assertEqual(len(problems), len(found), str(found))
            for problem, text in zip(problems, found, strict=True):
                self.assertIn(f"boot method cdrom {problem}", text)
