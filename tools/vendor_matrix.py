"""Every answer file worth a look: entries, architectures, options, ways of delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from osc_imagebuild.boot import ipxe
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import answers, families, install_tree, passwords
from osc_imagebuild.guests.answers import AnswerDelivery, IsoRef
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.boot_sources import EfiStubDisk
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Address
from osc_imagebuild.planning import fixed_address
from tests.unit import samples
from tests.unit.wanted import (
    BUILD,
    CATALOG,
    HASH,
    RELEASES,
    asked,
    disks,
    everything,
)

ADDRESS = fixed_address.of_subnet(
    "10.0.4.0/24", "10.0.4.1", ("10.0.4.2", "10.0.4.3"), "10.0.4.7"
)
# A release of each kind of answer file.
DEEP = frozenset(
    (
        *RELEASES,
        *("fedora-44", "rhel-10", "sles-15", "opensuse-tumbleweed"),
        *("ubuntu-22.04", "ubuntu-26.04"),
    )
)
ISO = "http://mirror.example/installer.iso"


@dataclass(frozen=True)
class Case:
    """One answer file, and what it was rendered from; ``failed`` is why it could not."""

    entry: Entry
    arch: str
    option: str
    way: str
    answer: str
    grub: str = ""
    failed: str = ""

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.entry.name} {self.arch} {self.option} {self.way}"


def cases(names: Iterable[str], *, whole: bool) -> Iterator[Case]:
    """Yield those of some entries.

    ``whole``: every wish in every way for a release of each kind, and every wish with
    one way and few wishes with every way for the rest. Else one step less of each.
    """
    with mock.patch.object(passwords, "hashed", lambda password: HASH):
        for name in names:
            entry = CATALOG.entry(name)
            for number, arch in enumerate(entry.arches):
                depth = int(whole) + int(name in DEEP and number == 0)
                yield from _of_arch(entry, arch, depth)


def _of_arch(entry: Entry, arch: str, depth: int) -> Iterator[Case]:
    """Those of one architecture: 2 is every wish in every way, 0 few in one."""
    chosen = options(entry)
    few = ("nothing", "everything")
    for number, (way, fields, how) in enumerate(ways(entry, arch)):
        if number and not depth:
            break
        every = depth > 1 or (depth == 1 and number == 0)
        for option in chosen if every else few:
            wanted = _possible(chosen[option], arch)
            request = asked(entry, arch, **{**wanted, **fields})
            refused = families.family(entry.family).problems(entry, request)
            if refused or machine.validate_machine(request):
                continue
            yield _rendered(entry, request, option, way, how)


def _possible(wanted: dict[str, Any], arch: str) -> dict[str, Any]:
    """Wishes without those for a firmware that machines of an architecture lack."""
    if arch in ("x86_64", "aarch64"):
        return wanted
    return {
        k: v for k, v in wanted.items() if k not in ("firmware", "secure_boot", "tpm")
    }


def options(entry: Entry) -> dict[str, dict[str, Any]]:
    """Wishes by a word for them: none, each alone, all, and some together."""
    full = everything(entry)
    found: dict[str, dict[str, Any]] = {"nothing": {}, "everything": full}
    found |= {name: {name: value} for name, value in full.items()}
    for firmware in ("bios", "uefi"):
        for lvm in (False, True):
            for swap in (0, 2048):
                word = f"{firmware}{' lvm' if lvm else ''}{' swap' if swap else ''}"
                wanted = {"firmware": firmware, "lvm": lvm, "swap_mib": swap}
                if entry.family == "windows":
                    wanted = {"firmware": firmware}
                found[word] = wanted
    found |= disks(entry)
    if entry.family != "freebsd":
        found |= {
            f"uefi {word}": {"firmware": "uefi", **wanted}
            for word, wanted in disks(entry).items()
        }
    found["no update"] = {"update": False}
    found["all but everything's users"] = {
        k: v for k, v in full.items() if k != "users"
    }
    for zone in ("UTC", "America/Argentina/Buenos_Aires", "Asia/Tokyo"):
        if entry.family != "windows":
            found[f"zone {zone}"] = {"timezone": zone}
    for locale, keyboard in (("fr_FR.UTF-8", "fr"), ("ja_JP.UTF-8", "jp")):
        if entry.family != "windows":
            found[locale] = {"locale": locale, "keyboard": keyboard}
    found["secure boot and TPM"] = {
        "firmware": "uefi",
        "secure_boot": True,
        "tpm": True,
    }
    return found


def ways(
    entry: Entry, arch: str
) -> Iterator[tuple[str, dict[str, Any], AnswerDelivery]]:
    """Yield boot methods from tree and ISO, with DHCP and without, by config drive too."""
    methods: list[tuple[str, dict[str, Any], IsoRef]] = [
        (method, {}, IsoRef()) for method in entry.boot_methods
    ]
    if "iso_kernel" in entry.arches[arch]:
        by_url = IsoRef("LABEL-OF-ISO", "" if entry.iso_as_cd else ISO)
        methods.append(("kernel", {"source": ISO}, by_url))
        methods.append(("kernel", {"source": "an-image.iso"}, IsoRef("LABEL-OF-ISO")))
    if entry.answer_cd:
        methods.append(("cdrom", {"source": ISO}, IsoRef("LABEL-OF-ISO")))
    for method, fields, disc in methods:
        where = "ISO" if fields or disc.label else "tree"
        addresses = (None, ADDRESS) if entry.network.get("static") else (None,)
        for address in addresses:
            for metadata in (True, False) if entry.config_drive_url else (True,):
                words = [method, where, "static" if address else "DHCP"]
                if disc.url:
                    words.append("by URL")
                if not metadata:
                    words.append("config drive")
                way = AnswerDelivery(method, address, metadata, disc)
                yield " ".join(words), {"boot_method": method, **fields}, way


def _rendered(
    entry: Entry, request: Request, option: str, word: str, way: AnswerDelivery
) -> Case:
    system = install_tree.system(entry, request)
    tree = system.tree
    try:
        told = answers.render(entry, request, BUILD, system.packages, way)
    except SpecError as error:
        return Case(entry, request.arch, option, word, "", failed=str(error))
    grub = ""
    if way.boot_method == "ipxe" and tree.kernel_url.startswith("http://"):
        grub = grub_script(
            arch=request.arch,
            kernel_url=tree.kernel_url,
            ramdisk_url=tree.ramdisk_url,
            kernel_args=told.kernel_args,
            address=way.address,
        )
    return Case(entry, request.arch, option, word, told.answer, grub)


def grub_script(**fields: str | Address | None) -> str:
    """What GRUB runs on the disk that starts an installer on a machine with UEFI."""
    spec = samples.spec(firmware="uefi", boot_method="ipxe", **fields)
    content = ipxe.METHOD.images(spec)[0].content
    if not isinstance(content, EfiStubDisk):
        raise TypeError(f"no disk for UEFI: {content!r:.60}")
    return content.script
