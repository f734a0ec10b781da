"""The stock netboot installer: an ordinary, signed package of Debian."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from devcloud import process
from devcloud.apt_sources import stanzas
from devcloud.errors import DevcloudError
from devcloud.media.apt import Apt
from devcloud.media.debian import initrd
from devcloud.media.debian.suite import provided

PACKAGE = "debian-installer-13-netboot-amd64"
STATUS = "var/lib/dpkg/status"


@dataclass(frozen=True)
class Netboot:
    """Where its kernel and initrd are, and what is in them."""

    directory: Path
    kernel: str  # as uname -r has it
    builtin: set[str]  # the components that the initrd has already
    version: str

    def copy(self, target: Path) -> None:
        """Put both, unmodified, where a mirror has them."""
        target.mkdir(parents=True)
        for name in ("linux", "initrd.gz"):
            shutil.copyfile(self.directory / name, target / name)


def unpack(apt: Apt, scratch: Path) -> Netboot:
    """Fetch the package and look into it.

    :raises: DevcloudError where the mirror has none, or it is not as it used to be
    """
    [deb] = apt.need(PACKAGE)
    tree = scratch / "netboot"
    process.run("dpkg-deb", "-x", deb, tree)
    found = next(tree.glob("usr/lib/**/text/debian-installer/amd64/initrd.gz"), None)
    if found is None:
        raise DevcloudError(f"{PACKAGE} has no text installer any more")
    status = initrd.member(found, STATUS).decode(errors="replace")
    builtin = provided(fields for fields in stanzas(status) if "package" in fields)
    kernels = [re.fullmatch(r"kernel-image-(.+)-di", name) for name in builtin]
    versions = [match[1] for match in kernels if match]
    if len(versions) != 1:
        raise DevcloudError(f"cannot tell the kernel of {PACKAGE}: {versions}")
    version = apt.show(PACKAGE)[PACKAGE]["version"]
    return Netboot(found.parent, versions[0], builtin, version)
