"""Find the user's ISO with drivers for the cloud's devices."""

from __future__ import annotations

import dataclasses

from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import install_tree
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Iso
from osc_imagebuild.model.urls import shown_url
from osc_imagebuild.planning.iso_source import IsoFinder
from osc_imagebuild.planning.stage import Stage


def find_drivers(
    api: Api, system: System, request: Request, iso: Iso, door: Door
) -> Stage[Iso]:
    """Find the driver ISO that was asked for; it is an ISO as the installer's may be.

    :raises: SpecError, CloudError
    """
    entry, source = system.entry, request.driver_iso
    if not source:
        if not entry.driver_properties:
            return Stage(Iso())
        devices = ", ".join(f"{k}={v}" for k, v in entry.boot_properties.items())
        note = f"no --driver-iso: devices that {entry.title} knows, {devices}"
        return Stage(Iso(), notes=(note,))
    web = source.startswith(("http://", "https://"))
    if "://" in source and not (web and install_tree.is_iso(source)):
        raise SpecError(
            "the address of a driver ISO is an http(s) URL that ends in .iso: "
            f"{shown_url(source)!r:.100}"
        )
    plain = dataclasses.replace(entry, answer_cd={})
    request = dataclasses.replace(request, source=source, checksum="")
    drivers = IsoFinder(api, request, plain, door).find_cd(source)
    same = {drivers.iso.image_id, drivers.iso.url, drivers.iso.key} - {""}
    if same & {iso.image_id, iso.url, iso.key}:
        raise SpecError("--driver-iso and --source are the same ISO")
    return Stage(
        drivers.iso,
        notes=tuple(f"drivers: {note}" for note in drivers.notes),
        warnings=tuple(f"drivers: {w.partition(';')[0]}" for w in drivers.warnings),
    )
