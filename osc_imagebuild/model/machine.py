"""Firmware, Secure Boot and TPM of a server. Pure.

The same properties go on the image that the installer boots from and on the
result. What is not here Nova chooses well: a CD's bus on aarch64 is scsi.
Source: nova.virt.libvirt.blockinfo, get_disk_bus_for_device_type.
"""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.model.request import Request


def firmware(request: Request) -> str:
    """Return 'bios' or 'uefi': the requested one; aarch64 machines have UEFI alone."""
    return "uefi" if request.arch == "aarch64" else request.firmware


def properties(request: Request, declared: Mapping[str, str]) -> dict[str, str]:
    """What Nova must be told of the machine, and what an entry has ``declared``.

    An entry may know a better machine type; what a user asks for goes over all.
    Source: Nova's documentation of UEFI, Secure Boot and emulated TPMs; aarch64 has
    no other machine type, and QEMU no CRB device for it.
    """
    machine_properties: dict[str, str] = {}
    if firmware(request) == "uefi":
        machine = "virt" if request.arch == "aarch64" else "q35"
        machine_properties |= {"hw_firmware_type": "uefi", "hw_machine_type": machine}
    machine_properties |= declared
    if request.secure_boot:
        machine_properties["os_secure_boot"] = "required"
    if request.tpm:
        model = "tpm-tis" if request.arch == "aarch64" else "tpm-crb"
        machine_properties |= {"hw_tpm_version": "2.0", "hw_tpm_model": model}
    return machine_properties


def with_firmware(
    declared: Mapping[str, str], firmware: str, arch: str
) -> dict[str, str]:
    """Return what is declared of a disk, as it is for servers with that firmware.

    Nova takes the firmware of a server from what its image, or its boot volume, declares,
    and from nowhere else.
    Source: nova.virt.libvirt.driver, _configure_guest_by_virt_type; nova.block_device,
    get_bdm_image_metadata.
    """
    changed = {**declared, "hw_firmware_type": firmware}
    if firmware == "uefi":
        changed.setdefault("hw_machine_type", "virt" if arch == "aarch64" else "q35")
    return changed


def validate_machine(request: Request) -> list[str]:
    """Return why there is no such machine."""
    problems = []
    if request.secure_boot and firmware(request) != "uefi":
        problems.append("--secure-boot needs --firmware uefi")
    for option, value in (
        ("--firmware uefi", request.firmware == "uefi"),
        ("--secure-boot", request.secure_boot),
        ("--tpm", request.tpm),
    ):
        if value and request.arch not in ("x86_64", "aarch64"):
            problems.append(f"{option} is for x86_64 and aarch64, not {request.arch}")
    return problems
