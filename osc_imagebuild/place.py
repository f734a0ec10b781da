"""Where the servers and volumes of a build are: groups and zones, as the cloud has them."""

from __future__ import annotations

from osc_imagebuild import choose
from osc_imagebuild.cloud import inventory
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError
from osc_imagebuild.model import Request


def security_groups(api: Api, request: Request) -> tuple[str, ...]:
    """Return the names of the security groups that are asked for.

    :raises: SpecError where there is no such group, CloudError
    """
    if not request.security_groups:
        return ()
    known = inventory.security_groups(api)
    unknown = [g for g in request.security_groups if g not in known]
    if unknown:
        raise SpecError(f"no security group {', '.join(map(repr, unknown))}")
    return tuple(known[g] for g in request.security_groups)


def check_zone(api: Api, request: Request) -> None:
    """See to it that Nova has the availability zone that is asked for.

    :raises: SpecError where it has not, CloudError
    """
    zone = request.availability_zone
    # ZONE:HOST is an admin's way to choose a host.
    if zone and zone.split(":")[0] not in (known := inventory.zones(api)):
        raise SpecError(
            f"no availability zone {zone!r}; there are: {', '.join(sorted(known))}"
        )


def volume_zone(api: Api, request: Request) -> tuple[str, str]:
    """Return the servers' zone where Cinder has one of that name, and a line on it.

    :raises: CloudError
    """
    zone = request.availability_zone
    if not zone or not api.has("volume"):
        return "", ""
    return choose.volume_zone(zone, inventory.zones(api, "volume"))
