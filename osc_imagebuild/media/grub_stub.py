"""Make a disk that boots UEFI machines into a GRUB script.

GRUB's own tool packs GRUB, its modules and the script into one program; it
needs no root and writes nothing but that file.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from osc_imagebuild.errors import SpecError
from osc_imagebuild.media import fat16, small_disk

# The path that a UEFI firmware tries by itself, and GRUB's name of the platform.
# Source: UEFI specification, 3.5.1.1, removable media boot behaviour.
LOADERS = {
    "x86_64": ("BOOTX64.EFI", "x86_64-efi"),
    "aarch64": ("BOOTAA64.EFI", "arm64-efi"),
}
_MODULES = "efinet http net linux normal echo test sleep halt loadenv"
_TOOLS = ("grub-mkstandalone", "grub2-mkstandalone")
_PLACES = ("/usr/lib/grub", "/usr/share/grub2", "/usr/lib/grub2")
LIMIT_S = 120


def missing_parts(arch: str = "x86_64") -> list[str]:
    """Return a line for each thing that this machine lacks for such a disk."""
    platform = LOADERS[arch][1]
    missing = []
    if _tool() is None:
        missing.append(
            "grub-mkstandalone is not installed; it comes with the package "
            "grub-common (Debian, Ubuntu) or grub2-tools-extra (Fedora, RHEL)"
        )
    if not any(Path(place, platform).is_dir() for place in _PLACES):
        package = {"x86_64-efi": "amd64", "arm64-efi": "arm64"}[platform]
        modules = {"x86_64-efi": "x64", "arm64-efi": "aa64"}[platform]
        missing.append(
            f"GRUB for {platform} is not installed; it comes with the package "
            f"grub-efi-{package}-bin (Debian, Ubuntu) or grub2-efi-{modules}-modules "
            "(Fedora, RHEL)"
        )
    return missing


def _tool() -> str | None:
    import shutil

    return next((path for name in _TOOLS if (path := shutil.which(name))), None)


def stub_disk(script: str, arch: str = "x86_64", disk_format: str = "qcow2") -> bytes:
    """Return a disk of some MiB whose loader runs ``script``.

    :raises: SpecError where GRUB is not installed, or fails
    """
    name, platform = LOADERS[arch]
    disk = fat16.build({f"EFI/BOOT/{name}": _standalone(script, platform, arch)})
    return small_disk.build(disk, disk_format)


def _standalone(script: str, platform: str, arch: str) -> bytes:
    tool = _tool()
    if tool is None or missing_parts(arch):
        raise SpecError([*missing_parts(arch), "or use --boot-method kernel"])
    with tempfile.TemporaryDirectory() as directory:
        config, target = Path(directory, "grub.cfg"), Path(directory, "loader.efi")
        config.write_text(script)
        command = [
            tool,
            "-O",
            platform,
            "-o",
            str(target),
            "--fonts=",
            "--themes=",
            "--locales=",
            f"--install-modules={_MODULES}",
            f"--modules={_MODULES}",
            f"boot/grub/grub.cfg={config}",
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
        except (OSError, subprocess.SubprocessError) as error:
            detail = getattr(error, "stderr", b"") or b""
            raise SpecError(
                f"{tool} fails: {detail.decode()[-300:] or error}"
            ) from error
        return target.read_bytes()
