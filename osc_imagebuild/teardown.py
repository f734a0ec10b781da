"""Remove what a build made, from nothing but its ID, on any half-built state."""

from __future__ import annotations

from collections.abc import Collection

from osc_imagebuild.cloud import images, servers
from osc_imagebuild.cloud.act import release
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, ConflictError
from osc_imagebuild.model import BOOKKEEPING, Image, Server, build_tag, resource_name
from osc_imagebuild.outputs.image import ROLE as RESULT

LIMIT_S = 240.0


def teardown(api: Api, build_id: str, *, keep: Collection[str] = ()) -> None:
    """Delete the build's servers and images but its record, lease and ``keep``.

    ``keep`` are image IDs. Servers go first and are waited for, because an
    image in use by a backend may refuse to go. Each look is a fresh one, so
    what another client made in the meantime goes too.

    :raises: CloudError naming what is left after `LIMIT_S` seconds
    """
    deadline = api.clock.steady() + LIMIT_S
    while True:
        running = servers.tagged(api, build_tag(build_id))
        left = [i for i in leftovers(api, build_id) if i.id not in keep]
        if not running and not left:
            return
        if api.clock.steady() > deadline:
            what: list[Server | Image] = [*running, *left]
            raise CloudError(
                f"still there after {LIMIT_S:.0f} s: "
                + ", ".join(f"{item.name} ({item.id})" for item in what)
                + f"; try again: openstack image build cancel {build_id}"
            )
        for server in running:
            servers.delete(api, server.id)
        for image in left:
            _remove(api, build_id, image)
        api.clock.sleep(2)


def leftovers(api: Api, build_id: str) -> list[Image]:
    """Return the build's images but its record and leases.

    A result that nobody tagged yet is known by its name.

    :raises: CloudError
    """
    prefixes = tuple(resource_name(build_id, word) for word in BOOKKEEPING)
    tagged = images.tagged(api, build_tag(build_id), hidden=True)
    named = images.named(api, resource_name(build_id, RESULT))
    return [i for i in (*tagged, *named) if not i.name.startswith(prefixes)]


def _remove(api: Api, build_id: str, image: Image) -> None:
    try:
        if image.protected:
            operation = {"op": "replace", "path": "/protected", "value": False}
            images.patch(api, image.id, [operation])
        release(api, build_id, image.id, image.tags)
    except ConflictError:
        return  # in use for a moment; the next look tries again
