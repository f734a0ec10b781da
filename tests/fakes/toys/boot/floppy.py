"""Boot method floppy: a disk with a boot loader of the site's own."""

from __future__ import annotations

from osc_imagebuild.boot import BootMethod
from osc_imagebuild.model.boot_sources import BootImage, BootVolume, Content, StubDisk
from osc_imagebuild.model.spec import Spec


class FloppyBoot:
    """A stub that is made anywhere, and takes no parts of this machine."""

    preference = 5
    reason = "the site has floppies"
    takes_tree = True
    takes_iso = False
    starts_installed = False
    iso_keys: tuple[str, ...] = ()
    boots_iso = False
    starts_signed = False
    uploads_kernel = False
    needs_volume = False
    answers_on_cd = False
    command_line_limit = 0
    root = "floppy"

    def made_here(self, firmware: str, arch: str) -> Content | None:
        """Nothing."""
        return None

    def refusal(self, arch: str, kernel_url: str) -> str:
        """It starts whatever there is."""
        return ""

    def drawback(self, firmware: str) -> str:
        """It has none."""
        return ""

    def images(self, spec: Spec) -> tuple[BootImage, ...]:
        """The floppy."""
        script = (
            f"#!ipxe\nchain {spec.media.kernel_url} {spec.installer.command_line}\n"
        )
        floppy = BootImage("floppy", "qcow2", "bare", StubDisk(script))
        return (floppy,)

    def cds(self, spec: Spec) -> tuple[BootVolume, ...]:
        """None."""
        return ()

    def problems(self, spec: Spec) -> list[str]:
        """It speaks to kernels of one kind alone."""
        return [] if spec.installer.arch == "x86_64" else ["floppies are for x86_64"]


METHOD: BootMethod = FloppyBoot()
