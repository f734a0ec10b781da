"""Lay out an install tree for the stock Debian 13 netboot installer."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devcloud import settings
from devcloud.errors import DevcloudError
from devcloud.media.apt import ARCH, Apt, components
from devcloud.media.debian import base, netboot, suite
from devcloud.media.debian.suite import Udeb
from devcloud.media.debian.udebs import Collector, is_for_lvm
from devcloud.media.parts import Work

HERE = Path(__file__).parent
UDEB_SUITE = f"{base.SUITE}-devcloud"
# The same with what LVM needs: every installer would load that, whatever its disk.
LVM_SUITE = f"{UDEB_SUITE}-lvm"
IMAGES = "main/installer-amd64/current/images/netboot/debian-installer/amd64"
POOL = "pool/devcloud"
DEVIATIONS = HERE / "deviations.txt"
ENTRY = settings.CATALOG / "debian-13.yaml"
CATALOG = "catalog"  # below the tree: what it changes of ENTRY


@dataclass(frozen=True)
class Found:
    """All that the tree takes from the mirror; it is here now."""

    netboot: netboot.Netboot
    collector: Collector


def gather(work: Work) -> Found:
    """Fetch what the tree is made of, or say what the mirror does not have.

    Needs nothing that is not on every Debian machine, and seconds where all is
    here already: so it also tells whether the tree can be made.
    """
    apt = Apt(work.cache, base.SUITE, "main", work.log, work.patience)
    apt.update()
    unknown = set(base.INCLUDE) - set(apt.show(*base.INCLUDE))
    if unknown:
        raise DevcloudError(
            f"the mirror does not list {', '.join(sorted(unknown))} ({base.SUITE}), "
            "which the base system has"
        )
    udebs = components(work.cache, base.SUITE, work.log, work.patience, work.say)
    installer = netboot.unpack(apt, work.scratch)
    collector = Collector(
        apt, udebs, installer.kernel, work.scratch / "udebs", work.say
    )
    collector.fetch(installer.builtin)
    return Found(installer, collector)


def make(work: Work, out: Path) -> None:
    """The tree; the base system of it is made before, as a part of its own."""
    found = gather(work)
    collector, builtin = found.collector, found.netboot.builtin
    found.netboot.copy(out / "dists" / base.SUITE / IMAGES)
    lay_out(out, collector.collect(builtin), builtin)
    os.link(work.cache / "base" / base.FILE, out / base.FILE)
    tell(out, collector)
    work.versions.update(kernel=found.netboot.kernel, netboot=found.netboot.version)


def lay_out(out: Path, udebs: Sequence[Udeb], builtin: set[str]) -> None:
    """The suites of the installer's components, and a stub of the mirror's own."""
    pool = out / POOL
    pool.mkdir(parents=True)
    names = builtin | suite.provided(udeb.fields for udeb in udebs)
    for udeb in udebs:
        shutil.copy(udeb.file, pool / udeb.pool_name)
    index = f"debian-installer/binary-{ARCH}"
    plain = [udeb for udeb in udebs if not is_for_lvm(udeb.name)]
    for name, part in ((UDEB_SUITE, plain), (LVM_SUITE, udebs)):
        packages = "\n".join(suite.stanza(udeb, POOL, names) for udeb in part)
        suite.write(out, name, index, packages)
    suite.write(out, base.SUITE, f"binary-{ARCH}", "")


def tell(out: Path, collector: Collector) -> None:
    """Write down what is not as in a stock installation, of this very tree."""
    notes = collector.notes()
    text = DEVIATIONS.read_text() + "".join(f"{note}\n" for note in notes)
    (out / "DEVIATIONS.txt").write_text(text)
    (out / CATALOG).mkdir()
    (out / CATALOG / ENTRY.name).write_text(overlay(ENTRY.read_text(), notes))


def overlay(entry: str, notes: list[str]) -> str:
    """The deviations of a catalogue entry of ours, and these, as an entry.

    Where the two are named one after the other, ``create`` prints what holds for
    the tree that is here. (Plain text: the system's Python may have no YAML.)
    """
    _, key, known = entry.partition("\ndeviations:\n")
    if not key:
        raise DevcloudError(f"{ENTRY} does not end with its deviations")
    # A JSON string is a YAML string.
    return "deviations:\n" + known + "".join(f"  - {json.dumps(n)}\n" for n in notes)
