"""UEFI guests for the libvirt of Debian 12.

Nova says twice that a UEFI guest is without Secure Boot: as a feature of the
firmware that libvirt shall find, and at the loader. libvirt 9.0 takes the second
only where it need not find the firmware, and starts no UEFI guest at all. So the
word at the loader is left out here. Nova loads no driver but its own.
Source: nova.virt.libvirt.driver, _configure_guest_by_virt_type, and libvirtd's
"loader attribute 'secure' cannot be specified when firmware autoselection is enabled".
"""

from __future__ import annotations

from typing import Any

from nova.virt.libvirt import driver  # type: ignore[import-not-found]

_configure = driver.LibvirtDriver._configure_guest_by_virt_type


def _once(self: Any, guest: Any, *rest: Any, **more: Any) -> None:
    """Nova's own method, and the word at the loader taken back."""
    _configure(self, guest, *rest, **more)
    if guest.os_firmware:
        guest.os_loader_secure = None


def install() -> None:
    """Put it in the place of the original."""
    driver.LibvirtDriver._configure_guest_by_virt_type = _once
