"""Lay out an install tree for the stock Debian 13 netboot installer."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from devcloud import process
from devcloud.errors import DevcloudError
from devcloud.media.apt import ARCH, Apt
from devcloud.media.debian import base, suite
from devcloud.media.debian.udebs import Collector, in_initrd
from devcloud.media.parts import Work

HERE = Path(__file__).parent
UDEB_SUITE = f"{base.SUITE}-devcloud"
NETBOOT = "debian-installer-13-netboot-amd64"
IMAGES = "main/installer-amd64/current/images/netboot/debian-installer/amd64"
POOL = "pool/devcloud"
DEVIATIONS = HERE / "deviations.txt"


def make(work: Work, out: Path) -> None:
    """The tree; the base system of it is made before, as a part of its own."""
    apt = Apt(work.cache, base.SUITE, "main main/debian-installer", work.log)
    apt.update()
    images = out / "dists" / base.SUITE / IMAGES
    kernel, builtin = unpack_netboot(apt, work.scratch, images)
    collector = Collector(apt, kernel, work.scratch / "udebs", work.say)
    udebs = collector.collect(builtin)
    pool = out / POOL
    pool.mkdir(parents=True)
    names = builtin | suite.provided(udeb.fields for udeb in udebs)
    packages = "\n".join(suite.stanza(udeb, POOL, names) for udeb in udebs)
    for udeb in udebs:
        shutil.copy(udeb.file, pool / udeb.pool_name)
    index = f"debian-installer/binary-{ARCH}"
    suite.write(out, UDEB_SUITE, index, packages)
    suite.write(out, base.SUITE, f"binary-{ARCH}", "")
    os.link(work.cache / "base" / base.FILE, out / base.FILE)
    repacked = ", ".join(collector.repacked) or "none"
    text = DEVIATIONS.read_text()
    (out / "DEVIATIONS.txt").write_text(text.replace("@REPACKED@", repacked))
    work.versions.update(kernel=kernel, netboot=apt.show(NETBOOT)[NETBOOT]["version"])


def unpack_netboot(apt: Apt, scratch: Path, images: Path) -> tuple[str, set[str]]:
    """The unmodified kernel and initrd at their stock place.

    Returns the kernel's version and the components that the initrd has.
    """
    [deb] = apt.need(NETBOOT)
    tree = scratch / "netboot"
    process.run("dpkg-deb", "-x", deb, tree)
    found = next(tree.glob("usr/lib/**/text/debian-installer/amd64/initrd.gz"), None)
    if found is None:
        raise DevcloudError(f"{NETBOOT} has no text installer any more")
    images.mkdir(parents=True)
    for name in ("linux", "initrd.gz"):
        shutil.copyfile(found.with_name(name), images / name)
    initrd = scratch / "initrd"
    initrd.mkdir()
    status = 'gzip -dc "$1" | (cd "$2" && cpio -id --quiet var/lib/dpkg/status)'
    process.run("sh", "-c", status, "sh", found, initrd)
    builtin = in_initrd(initrd)
    kernels = [re.fullmatch(r"kernel-image-(.+)-di", name) for name in builtin]
    versions = [match[1] for match in kernels if match]
    if len(versions) != 1:
        raise DevcloudError(f"cannot tell the kernel of {NETBOOT}: {versions}")
    return versions[0], builtin
