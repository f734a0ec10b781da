"""Family debian: debian-installer and its preseed file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from osc_imagebuild import passwords
from osc_imagebuild.catalog import Entry
from osc_imagebuild.model import Request

# Source: Debian policy, 5.6.1: package names; a release or an architecture
# may follow as in apt-get(8).
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+([:/=][A-Za-z0-9+.:~-]+)?")

# One line, and nothing in it that a shell would take for more than text.
_SSH_KEY = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [\w@.,:+ -]*)?")


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """The password's hash and the mirror's parts.

    '*' matches no password; user-setup takes '!' for none and asks.
    """
    late = bool(entry.variables["apt_source"])
    return {
        "root_password_hash": passwords.hashed(request.root_password)
        if request.root_password
        else "*",
        "ssh_public_keys": [key.strip() for key in request.ssh_public_keys],
        "mirror": urlsplit((request.source or entry.source).rstrip("/")),
        "packages": sorted({*entry.variables["packages"], *request.packages}),
        # Without pkgsel (live-installer brings the base system) packages come late.
        "install_late": sorted(request.packages) if late else [],
    }


def problems(entry: Entry, request: Request) -> list[str]:
    """Package names become part of a shell command in the guest."""
    found = [
        f"this is not the name of a Debian package: {package!r:.60}"
        for package in request.packages
        if not _PACKAGE.fullmatch(package)
    ]
    found += [
        "the SSH public key is not one line such as: ssh-ed25519 AAAA... comment"
        for key in request.ssh_public_keys
        if not _SSH_KEY.fullmatch(key.strip())
    ]
    return found
