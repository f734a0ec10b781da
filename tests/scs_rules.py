"""The rules of SCS-0102 on one image, written anew from the standard's text.

Source: SovereignCloudStack/standards, scs-0102-v1-image-metadata.md, and the names of the
tests in its implementation notes, scs-0102-w1.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping

_TIMES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_OFTEN = "yearly quarterly monthly weekly daily critical_bug never".split()
_FOR = "generic minimal k8snode gpu network custom".split()
_OPTIONAL = (("hypervisor_type", ("qemu", "kvm", "xen")), ("hw_rng_model", ("virtio",)))


def seconds(text: str) -> int | None:
    """Return a time of UTC as the standard writes it, None where it is none."""
    for form in _TIMES:
        try:
            return calendar.timegm(time.strptime(text, form))
        except ValueError:
            continue
    return None


def broken(
    said: Mapping[str, str],
    min_disk_gib: int,
    min_ram_mib: int,
    size: int,
    made_at: float,
) -> list[str]:
    """Return which rules an image breaks; ``made_at`` is when Glance registered it."""

    def word(name: str) -> str:
        return said.get(name, "")

    built = seconds(word("image_build_date"))
    validity = word("uuid_validity")
    source = word("image_source")
    holds = {
        "architecture": word("architecture") in ("x86_64", "aarch64", "risc-v"),
        "min_disk": min_disk_gib > 0 and size <= min_disk_gib << 30,
        "min_ram": min_ram_mib > 0,
        "os_version": bool(word("os_version")),
        "os_distro": bool(word("os_distro")),
        "os_purpose": word("os_purpose") in _FOR,
        "hw_disk_bus": word("hw_disk_bus") in ("virtio", "scsi"),
        "image_build_date": built is not None and built <= made_at,
        "image_original_user": bool(word("image_original_user")),
        "image_source": source == "private"
        or source.split("://")[0] in ("http", "https", "ftp", "ftps"),
        "image_description": bool(word("image_description")),
        "replace_frequency": word("replace_frequency") in _OFTEN,
        "provided_until": word("provided_until") in ("none", "notice")
        or seconds(word("provided_until")) is not None,
        "uuid_validity": validity in ("none", "notice", "forever")
        or (validity[:5] == "last-" and validity[5:].isdecimal())
        or seconds(validity) is not None,
        "hotfix_hours": word("hotfix_hours").isdecimal() or "hotfix_hours" not in said,
    }
    holds |= {n: word(n) in allowed for n, allowed in _OPTIONAL if n in said}
    return [name for name, is_so in holds.items() if not is_so]
