"""Boot method image: the server boots an existing image, which is changed.

Nothing is installed and nothing uploaded: what the answer file is to an installer, user
data are to the cloud-init of that image. Firmware, buses and Secure Boot are the image's
own, as Nova reads them there.
"""

from __future__ import annotations

from osc_imagebuild.boot import BootMethod
from osc_imagebuild.model.boot_sources import BootImage, BootVolume, Content
from osc_imagebuild.model.spec import Spec


class ImageBoot:
    """The parent itself, on a disk or a volume of its own."""

    preference = 90
    reason = ""
    takes_tree = False
    takes_iso = False
    starts_installed = True
    iso_keys: tuple[str, ...] = ()
    boots_iso = False
    starts_signed = True
    uploads_kernel = False
    needs_volume = False
    answers_on_cd = False
    command_line_limit = 0
    root = ""

    def made_here(self, firmware: str, arch: str) -> Content | None:
        """Nothing: the image is there."""
        return None

    def refusal(self, arch: str, kernel_url: str) -> str:
        """There is no install tree."""
        return "an image is changed, and nothing of an install tree started"

    def drawback(self, firmware: str) -> str:
        """None: the image is of the firmware that it says."""
        return ""

    def images(self, spec: Spec) -> tuple[BootImage, ...]:
        """None of the build's own."""
        return ()

    def cds(self, spec: Spec) -> tuple[BootVolume, ...]:
        """None."""
        return ()

    def problems(self, spec: Spec) -> list[str]:
        """There must be an image."""
        if spec.media.parent:
            return []
        return [
            "boot method image changes an existing image: name it with --from-image"
        ]


METHOD: BootMethod = ImageBoot()
