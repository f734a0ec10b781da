"""Find the user's CD with drivers for the cloud's devices."""

from __future__ import annotations

import dataclasses

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import install_tree
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import DriverCd, InstallSource
from osc_imagebuild.planning.install_source import Finder
from osc_imagebuild.planning.iso_source import IsoFinder


def equipped(entry: Entry, request: Request) -> Entry:
    """Return the entry with the devices that the user has drivers for."""
    if not request.driver_iso:
        return entry
    return dataclasses.replace(
        entry,
        boot_properties={**entry.boot_properties, **entry.driver_properties},
        properties={**entry.properties, **entry.driver_properties},
    )


def find(finder: Finder, install: InstallSource) -> DriverCd:
    """Return the CD that was asked for; it is an ISO as the installer's may be.

    ``finder`` is the one that found ``install``.

    :raises: SpecError, CloudError
    """
    entry, request, tell = finder.entry, finder.request, finder.tell
    source = request.driver_iso
    if not source:
        if entry.driver_properties:
            devices = ", ".join(f"{k}={v}" for k, v in entry.boot_properties.items())
            tell(f"no --driver-iso: devices that {entry.title} knows, {devices}")
        return DriverCd()
    web = source.startswith(("http://", "https://"))
    if "://" in source and not (web and install_tree.is_iso(source)):
        raise SpecError(
            "the address of a driver ISO is an http(s) URL that ends in .iso: "
            f"{source!r:.100}"
        )
    found = _iso(finder, source)
    same = {found.iso_image_id, found.iso_url, found.iso_key} - {""}
    if same & {install.iso_image_id, install.iso_url, install.iso_key}:
        raise SpecError("--driver-iso and --source are the same ISO")
    return DriverCd(
        url=found.iso_url,
        image_id=found.iso_image_id,
        size_gib=found.iso_size_gib,
        key=found.iso_key,
        sha256=found.iso_sha256,
        sha512=found.iso_sha512,
        imported=found.iso_import,
    )


def _iso(finder: Finder, source: str) -> InstallSource:
    """What the finder of the installer's ISO finds of this one."""
    return IsoFinder(
        finder.api,
        dataclasses.replace(finder.request, source=source, checksum=""),
        dataclasses.replace(finder.entry, answer_cd={}),
        tell=lambda line: finder.tell(f"drivers: {line}"),
        warn=lambda line: finder.warn(f"drivers: {line.partition(';')[0]}"),
    ).find_cd(source)
