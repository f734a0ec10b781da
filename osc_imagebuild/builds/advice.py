"""Add the build's ID and the next step to errors on their way to the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from osc_imagebuild.errors import (
    CloudError,
    ImageBuildError,
    Message,
    NextStep,
    TransientError,
    Verb,
)


@contextmanager
def about(build_id: str) -> Iterator[None]:
    """Say which build an error is about."""
    try:
        yield
    except ImageBuildError as error:
        error.build_id = error.build_id or build_id
        raise


@contextmanager
def advised(build_id: str, verb: Verb = Verb.RESUME) -> Iterator[None]:
    """Say which build an error is about, and how it goes on where the cloud refuses."""
    try:
        with about(build_id):
            yield
    except CloudError as error:
        step = NextStep(verb, build_id)
        if step not in error.next_steps:
            way = f"build {build_id} can go on, here or on any other machine, with: "
            error.resolution = Message.lines((error.resolution, Message(way, step)))
        raise


@contextmanager
def creating(build_id: str) -> Iterator[None]:
    """Say what to do next where a build has no record yet, or nobody knows."""
    try:
        with about(build_id):
            yield
    except TransientError as error:
        step = NextStep(Verb.SHOW, build_id)
        error.resolution = Message(f"whether build {build_id} began, tells: ", step)
        raise
    except CloudError as error:
        way = {
            403: "ask the cloud's operator for the right to make such images",
            413: "delete images that nobody needs, or ask for a larger quota; see: "
            "openstack image list",
        }
        error.resolution = (
            "Glance refused the record of the build, and nothing was made; "
            + way.get(error.status, "create it again once that is mended")
        )
        raise
