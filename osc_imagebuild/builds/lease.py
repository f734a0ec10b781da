"""Let one client at a time drive a build.

The lease is an image whose ID follows from build and generation, so Glance
lets exactly one client create it (a used ID answers 409 for ever). The owner
is whoever holds the highest generation. Its sign of life is the record's
``updated_at``: times are the cloud's, so clients' clocks do not matter.

Whether a lease is still held is asked for by ID, never of a list, which may lag: it is
while its image is there and the next generation's is not.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from osc_imagebuild.builds import record
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import find_twice, retry_transient
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    DrivenError,
    Message,
    NextStep,
    RecordError,
    Verb,
)
from osc_imagebuild.model.names import PART_TAG, build_tag, resource_name
from osc_imagebuild.model.numbers import whole_number
from osc_imagebuild.model.resources import Image

LIFE_S = 180.0
BEAT_S = 60.0
# Each release uses up one generation. The last is in the record, so this many
# are met only where clients race.
_ATTEMPTS = 200
# No build changes hands that often: what says so is no lease.
_MOST = 999_999
# Source: proc_sys_kernel(5): pid_max is 2^22 at most.
_MOST_PID = 1 << 22


class NoLeaseError(RecordError):
    """Nobody can take a lease: its numbers are used up."""


class Lease:
    """A held lease. It counts as held for half its life after each `verify_held`.

    ``preempted`` tells whether another client held it, dead or alive.
    """

    def __init__(
        self, api: Api, build_id: str, image: Image, *, preempted: bool
    ) -> None:
        self._api = api
        self.build_id = build_id
        self.image_id = image.id
        self.generation = generation(image)
        self.preempted = preempted
        self.touch()

    def touch(self) -> None:
        """Note that the record was just changed, which keeps the lease."""
        self._proven_at = (self._api.clock.steady(), self._api.latest())

    @property
    def _age(self) -> float:
        """Seconds since it was proven.

        The cloud's own time tells of a sleep that this machine's clock does not count.
        """
        steady, cloud = self._proven_at
        return max(self._api.clock.steady() - steady, self._api.latest() - cloud)

    @property
    def heartbeat_is_due(self) -> bool:
        """Whether others should get a sign of life."""
        return self._age >= BEAT_S

    def verify_held(self) -> None:
        """Stop a client that was put aside before it changes anything.

        :raises: RecordError where another client holds the build now
        """
        mine = _seen(self._api, self.image_id)
        following = _lease_id(self.build_id, self.generation + 1)
        other = images.find(self._api, following) if mine else None
        if mine is None or other is not None:
            by = owner(other) if other else self._successor()
            raise DrivenError(
                f"build {self.build_id} was taken over by {by}; this client stops",
                resolution=Message("see: ", NextStep(Verb.SHOW, self.build_id)),
                build_id=self.build_id,
            )
        self.touch()

    def _successor(self) -> str:
        held = leases(self._api, self.build_id)
        others = [lease for lease in held if lease.id != self.image_id]
        return owner(others[-1]) if others else "a client that has finished"

    def verify_if_old(self) -> None:
        """Call `verify_held` unless nobody can have taken the lease meanwhile."""
        if self._age > LIFE_S / 2:
            self.verify_held()

    def release(self) -> None:
        """Let another client drive at once; else the lease runs out by itself."""
        with contextlib.suppress(CloudError):
            retry_transient(
                self._api.clock, lambda: images.delete(self._api, self.image_id)
            )


def take(api: Api, build_id: str, *, force: bool = False) -> Lease:
    """Become the one that drives the build.

    With ``force`` a living owner is put aside, as cancel and delete must.

    :raises: RecordError where another client drives, CloudError
    """
    found = images.find(api, build_id)
    number, token = _used_up(found), uuid.uuid4().hex
    properties = {
        **(record.required_of(found) if found else {}),
        "imagebuild_owner": own_name(),
        "imagebuild_life": _life(),
        "imagebuild_token": token,
    }
    held = [i for i in leases(api, build_id) if i.id == _lease_id_of(build_id, i)]
    while held and _seen(api, held[-1].id) is None:
        # It was let go, and the list does not know that yet.
        number = max(number, generation(held.pop()))
    if number > (generation(held[-1]) if held else 0):
        last = images.find(api, _lease_id(build_id, number))
        held += [last] if last else []
    for _ in range(_ATTEMPTS):
        if held and held[-1].properties.get("imagebuild_token") == token:
            return _taken(api, build_id, held)
        if held and not force:
            _refuse_if_alive(api, build_id, held[-1])
        number = max(number, generation(held[-1]) if held else 0) + 1
        if number > _MOST:
            break
        made = _create(api, build_id, number, properties)
        held += [made] if made else []
    raise NoLeaseError(
        f"build {build_id} changes hands too quickly, or somebody used up the numbers of "
        "its leases",
        resolution=Message(
            "try again, or remove it: ", NextStep(Verb.DELETE, build_id)
        ),
        build_id=build_id,
    )


def _seen(api: Api, image_id: str) -> Image | None:
    return find_twice(api.clock, lambda: images.find(api, image_id))


def _used_up(found: Image | None) -> int:
    """Return the newest generation that a build's record knows to have been used.

    Every owner writes its own into the record; an older one does no harm. It is
    looked for itself by its ID: its owner may live, and not be listed yet.
    """
    text = found.properties.get("imagebuild_lease", "") if found else ""
    return whole_number(text, 0, _MOST) or 0


def _create(
    api: Api, build_id: str, number: int, properties: Mapping[str, str]
) -> Image | None:
    """Return lease ``number``, whosever it is; None where it was released.

    It is asked for by its ID: Glance writes an image's tags a moment after the
    image, so a rival's that is there may not be listed yet.
    """
    image_id = _lease_id(build_id, number)

    def create() -> Image:
        return images.create(
            api,
            image_id=image_id,
            name=resource_name(build_id, f"lease-{number}"),
            tags=(build_tag(build_id), PART_TAG),
            properties=properties,
        )

    try:
        return retry_transient(api.clock, create)
    except ConflictError:
        return images.find(api, image_id)


def _taken(api: Api, build_id: str, held: list[Image]) -> Lease:
    """Return the lease of the last of ``held``; the others are over."""
    for old in held[:-1]:
        retry_transient(api.clock, functools.partial(images.delete, api, old.id))
    return Lease(api, build_id, held[-1], preempted=len(held) > 1)


def leases(api: Api, build_id: str) -> list[Image]:
    """Return the build's lease images, the owner's last."""
    prefix = resource_name(build_id, "lease-")
    images_of_build = images.tagged(api, build_tag(build_id), hidden=True)
    return sorted(
        (image for image in images_of_build if image.name.startswith(prefix)),
        key=generation,
    )


def clear(api: Api, build_id: str, *, unlisted: bool = False) -> None:
    """Remove what is left of the leases of a build that is over, or is to be.

    With ``unlisted`` also the newest ones where no list shows them yet.

    :raises: CloudError
    """
    for image in leases(api, build_id):
        images.unprotect(api, image)
        images.delete(api, image.id)
    if unlisted:
        last = _used_up(images.find(api, build_id))
        for number in (last, last + 1):
            images.delete(api, _lease_id(build_id, number))


def owner(lease: Image) -> str:
    """Who holds ``lease`` and since when, for people."""
    since = datetime.fromtimestamp(lease.created_at, timezone.utc)
    who = lease.properties.get("imagebuild_owner", "another client")
    return f"{who} since {since:%Y-%m-%d %H:%M:%S} UTC"


def own_name() -> str:
    """How this client calls itself to others."""
    return f"{socket.gethostname()} pid {os.getpid()}"


def _refuse_if_alive(api: Api, build_id: str, held: Image) -> None:
    found = images.find(api, build_id)
    updated_at = found.updated_at if found else 0.0
    if is_alive(api, held, updated_at):
        age = max(0.0, api.now() - max(held.created_at, updated_at))
        raise DrivenError(
            f"build {build_id} is driven by {owner(held)}, last sign of life "
            f"{age:.0f} s ago",
            resolution=Message(
                f"it can be taken over after {LIFE_S:.0f} s of silence with: ",
                NextStep(Verb.RESUME, build_id),
            ),
            build_id=build_id,
        )


def is_alive(api: Api, held: Image, updated_at: float) -> bool:
    """Whether the owner of lease ``held`` may still be at work.

    ``updated_at`` is when the build's record was last changed.
    """
    age = api.now() - max(held.created_at, updated_at)
    return age < LIFE_S and not _died_here(held.properties.get("imagebuild_life", ""))


def build_of(image: Image) -> str:
    """The ID of the build that lease ``image`` is for, '' where it is no lease."""
    build_id, separator, _ = image.name.removeprefix("imagebuild-").partition("-lease-")
    try:
        is_lease = bool(separator) and image.id == _lease_id_of(build_id, image)
    except ValueError:  # no build has such an ID
        is_lease = False
    return build_id if is_lease else ""


def _lease_id(build_id: str, generation: int) -> str:
    return str(uuid.uuid5(uuid.UUID(build_id), f"lease-{generation}"))


def _lease_id_of(build_id: str, lease: Image) -> str:
    """The ID that an image of such a name has if it is a lease: others forge names."""
    return _lease_id(build_id, generation(lease))


def generation(lease: Image) -> int:
    """How many clients drove the build before, at least."""
    return whole_number(lease.name.rpartition("-")[2], 0, _MOST) or 0


def _life() -> str:
    """Words that identify this process among all that ever ran anywhere.

    Empty where the system does not tell; then a dead owner is waited for.
    """
    return _identity(os.getpid())


def _identity(pid: int) -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink("/proc/self/ns/pid")
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # Field 22 of proc(5)'s stat, counted after the name in parentheses.
    return f"{boot} {space} {pid} {stat.rpartition(')')[2].split()[19]}"


def _died_here(life: str) -> bool:
    """Whether the owner ran on this machine and is gone: no need to wait."""
    words, mine = life.split(), _life().split()
    if len(words) != 4 or len(mine) != 4 or words[:2] != mine[:2]:
        return False
    pid = whole_number(words[2], 1, _MOST_PID)
    return pid is not None and _identity(pid) != life
