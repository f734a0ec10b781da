"""What a build found out about its result. Standard library only.

It is kept beside the result, as nobody wants to boot or download an image to read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

# The property of a kept manifest with the ID of the result that it is of.
MANIFEST_OF = "imagebuild_manifest_of"
# The tag by which all kept manifests of a project are listed.
MANIFEST_TAG = "imagebuild-manifest"
# Of the screenshots that are kept: how many, and for each the bytes of its file, and of
# the picture unpacked. Half a megabyte in all.
MOST_SCREENSHOTS, LONGEST_SCREENSHOT, LARGEST_SCREENSHOT = 16, 32 << 10, 1 << 20


class Manager(StrEnum):
    """What the packages of a system are managed by, as package URLs call it.

    Source: the package-url specification, purl-types: deb, rpm; generic for others.
    """

    DEB = "deb"
    RPM = "rpm"
    PKG = "pkg"
    WINDOWS = "windows"


@dataclass(frozen=True, order=True)
class Package:
    """One installed package; on Windows a feature or an update.

    ``arch`` and ``licence`` are '' where the system does not tell.
    """

    name: str
    version: str
    arch: str = ""
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class System:
    """The system of a result as it described itself; '' for what it did not tell.

    ``id`` and ``version_id`` are those of os-release(5).
    """

    release: str = ""
    kernel: str = ""
    arch: str = ""
    id: str = ""
    version_id: str = ""


@dataclass(frozen=True)
class PhaseScreen:
    """The screen of a build's server as it was last seen in one phase.

    ``role`` is the server's: 'install' or 'verify'. ``phase`` is what its console told
    then of how far it was, '' where it told nothing. ``at`` is in seconds since the epoch,
    ``png`` a small PNG file.
    """

    role: str
    phase: str
    at: float
    png: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is known of one result.

    ``result_id`` is the image, volume or snapshot, ``made_at`` in seconds since the
    epoch when it was proven. ``packages`` are in order, without any twice, and
    ``screenshots`` in the order in which they were taken.
    """

    build_id: str
    result_id: str
    made_at: float = 0.0
    system: System = System()
    manager: Manager | None = None
    packages: Sequence[Package] = field(default_factory=tuple)
    screenshots: Sequence[PhaseScreen] = field(default_factory=tuple)
