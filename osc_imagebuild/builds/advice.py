"""Add the next command to what the cloud refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from osc_imagebuild.errors import CloudError, TransientError


@contextmanager
def advised(build_id: str, command: str = "resume") -> Iterator[None]:
    """Say what to do next where the cloud refuses or stays away."""
    try:
        yield
    except CloudError as error:
        error.advice = (
            f"build {build_id} can go on, here or on any other machine, with: "
            f"openstack image build {command} {build_id}"
        )
        raise


@contextmanager
def creating(build_id: str) -> Iterator[None]:
    """Say what to do next where a build has no record yet, or nobody knows."""
    try:
        yield
    except TransientError as error:
        error.advice = (
            f"whether build {build_id} began, tells: "
            f"openstack image build show {build_id}"
        )
        raise
    except CloudError as error:
        way = {
            403: "ask the cloud's operator for the right to make such images",
            413: "delete images that nobody needs, or ask for a larger quota; see: "
            "openstack image list",
        }
        error.advice = (
            "Glance refused the record of the build, and nothing was made; "
            + way.get(error.status, "create it again once that is mended")
        )
        raise
