"""Fence a build off: stop its driver for good, so that the build can be removed.

Best by a lease of one's own. Where there is none to be had, as Glance makes no image (its
quota is used up, or it takes none) or the numbers of leases are used up, by what needs no
new image: the record is marked as cancelled, which each client reads once it has a lease
and whenever it writes, and the images of leases are deleted, without which their owners
stop before their next change. Often there is room for a lease after that.
"""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.builds import lease, record
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, NotFoundError, TransientError
from osc_imagebuild.model.names import RECORD_TAG, Status

CANCELLED = "cancelled by request"


@dataclass(frozen=True)
class Fence:
    """Keeps others from driving a build.

    ``preempted`` tells whether one may still have had a creation under way.
    """

    api: Api
    build_id: str
    held: lease.Lease | None
    preempted: bool

    def lift(self) -> None:
        """Let go: nothing of the build is left to be fenced."""
        if self.held is not None:
            self.held.release()
        # Anybody in the project can write what looks like a lease.
        lease.clear(self.api, self.build_id)


def put_up(api: Api, build_id: str) -> Fence:
    """Put whoever drives the build aside, dead or alive.

    :raises: CloudError
    """
    held = _lease(api, build_id)
    if held is not None:
        return Fence(api, build_id, held, held.preempted)
    _mark(api, build_id)
    lease.clear(api, build_id, unlisted=True)
    return Fence(api, build_id, _lease(api, build_id), preempted=True)


def _lease(api: Api, build_id: str) -> lease.Lease | None:
    """Return a lease, None where Glance refuses it for good, or no number is left."""
    try:
        return lease.take(api, build_id, force=True)
    except lease.NoLeaseError:
        return None
    except TransientError:
        raise
    except CloudError as error:
        if error.service != "image" or error.status in (0, 401):
            raise
        return None


def _mark(api: Api, build_id: str) -> None:
    """Tell those who drive, or begin to, that the build is cancelled.

    The record may be damaged: nobody drives it by that then.
    """
    image = images.find(api, build_id)
    if image is None or RECORD_TAG not in image.tags:
        return
    if image.properties.get(record.STATUS) != Status.BUILDING:
        return
    operations = [
        {"op": "add", "path": f"/{record.STATUS}", "value": Status.CANCELLED},
        {"op": "add", "path": f"/{record.REASON}", "value": CANCELLED},
    ]
    try:
        images.patch(api, build_id, operations)
    except NotFoundError:
        return  # deleted meanwhile
