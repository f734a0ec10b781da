"""Boot method cdrom: the server boots the installer's own ISO from a CD.

For what has no kernel and ramdisk to be had over HTTP. The disk is a blank
volume, and it comes first: the firmware falls through to the CD as long as
nothing is installed. The answers are on a second CD, because the command
line is the ISO's own, or they are put into the ISO itself for an installer that
looks nowhere else; a family that knows neither is lost here.
"""

from __future__ import annotations

from osc_imagebuild.boot import BootMethod
from osc_imagebuild.model.boot_sources import (
    AnswerCd,
    BlankDisk,
    BootImage,
    BootVolume,
    Content,
    IsoContent,
    RemasteredIso,
)
from osc_imagebuild.model.spec import Spec

ROOT = "root"
ISO = "iso"
ANSWER = "answer"
DRIVERS = "drivers"


def iso_image(spec: Spec) -> BootImage:
    """The installer's ISO, found again for later builds where its sha512 is known.

    Glance knows no other digest: without it nobody can tell what another image holds.
    """
    return BootImage(
        role=ISO,
        disk_format=spec.formats.cd,
        container_format="bare",
        content=_media(spec),
        shared_key=spec.media.iso.key if spec.media.iso.sha512 else "",
    )


def _media(spec: Spec) -> IsoContent:
    return IsoContent(
        url=spec.media.iso.url,
        sha256=spec.media.iso.sha256,
        sha512=spec.media.iso.sha512,
        imported=spec.media.iso.imported,
    )


def _remastered_image(spec: Spec) -> BootImage:
    """The ISO with this build's answers in it, which is no other build's."""
    return BootImage(
        role=ISO,
        disk_format=spec.formats.cd,
        container_format="bare",
        content=RemasteredIso(_media(spec), spec.answers.files, spec.answers.texts),
    )


def _answer_image(spec: Spec) -> BootImage:
    return BootImage(
        role=ANSWER,
        disk_format=spec.formats.cd,
        container_format="bare",
        content=AnswerCd(spec.answers.label, spec.answers.files, spec.answers.texts),
    )


def _driver_image(spec: Spec) -> BootImage:
    """The user's drivers, found again as the installer's ISO is."""
    cd = spec.media.drivers
    return BootImage(
        role=DRIVERS,
        disk_format=spec.formats.cd,
        container_format="bare",
        content=IsoContent(cd.url, cd.sha256, cd.sha512, cd.imported),
        shared_key=cd.key if cd.sha512 else "",
    )


def iso_cd(spec: Spec, *, boots: bool) -> BootVolume:
    """The CD of the ISO."""
    return BootVolume(
        ISO,
        image_role=ISO,
        image_id=spec.media.iso.image_id,
        size_gib=spec.media.iso.size_gib,
        cdrom=True,
        boots=boots,
    )


class CdromBoot:
    """A blank disk, and CDs."""

    preference = 20
    reason = ""
    takes_tree = False
    takes_iso = True
    starts_installed = False
    iso_keys: tuple[str, ...] = ()
    boots_iso = True
    starts_signed = True
    uploads_kernel = False
    needs_volume = True
    answers_on_cd = True
    command_line_limit = 0
    root = ROOT

    def made_here(self, firmware: str, arch: str) -> Content | None:
        """Nothing that takes tools: the CD is the vendor's."""
        return None

    def refusal(self, arch: str, kernel_url: str) -> str:
        """There is no CD in an install tree."""
        return "a CD is an ISO, and no install tree"

    def drawback(self, firmware: str) -> str:
        """None: every firmware boots from CDs."""
        return ""

    def images(self, spec: Spec) -> tuple[BootImage, ...]:
        """The blank disk, the ISO unless the user has it as an image, the answers."""
        root = BootImage(
            role=ROOT,
            disk_format=spec.formats.disk,
            container_format="bare",
            content=BlankDisk(1, spec.formats.disk),
            properties=spec.hardware.properties,
        )
        images = [root]
        if spec.answers.in_iso:
            images.append(_remastered_image(spec))
        elif not spec.media.iso.image_id:
            images.append(iso_image(spec))
        if spec.answers.label:
            images.append(_answer_image(spec))
        if spec.media.drivers.url:
            images.append(_driver_image(spec))
        return tuple(images)

    def cds(self, spec: Spec) -> tuple[BootVolume, ...]:
        """The installer first, as the only one that can boot."""
        cds = [iso_cd(spec, boots=True)]
        if spec.answers.label:
            cds.append(BootVolume(ANSWER, image_role=ANSWER, cdrom=True, boots=False))
        if spec.media.drivers:
            cds.append(
                BootVolume(
                    DRIVERS,
                    image_role=DRIVERS,
                    image_id=spec.media.drivers.image_id,
                    size_gib=spec.media.drivers.size_gib,
                    cdrom=True,
                    boots=False,
                )
            )
        return tuple(cds)

    def problems(self, spec: Spec) -> list[str]:
        """CDs are volumes, and something must bring the answers."""
        problems = []
        if not spec.hardware.has_root_volume:
            problems.append(
                "boot method cdrom needs volumes (Cinder), for disk and CDs"
            )
        if not (spec.media.iso.url or spec.media.iso.image_id):
            problems.append(
                "boot method cdrom needs the installer's ISO: give its URL, the name of "
                "an image, or a file with --source"
            )
        return problems


METHOD: BootMethod = CdromBoot()
