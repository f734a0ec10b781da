"""Log in to other clouds of the user's: to accept what is shared, or to copy to them."""

from __future__ import annotations

from collections.abc import Callable

from openstack.connection import Connection

from osc_imagebuild.clock import Clock
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError

Connect = Callable[[str, str | None], Connection]
"""Returns the connection to a cloud of clouds.yaml, and to a region of it, if one is given."""


def by_name(cloud: str, region: str | None) -> Connection:
    """Return the connection to a cloud by its name in clouds.yaml."""
    import openstack

    return openstack.connect(cloud=cloud, region_name=region)


class Clouds:
    """Other clouds by their names in clouds.yaml, each logged in to once."""

    def __init__(self, connect: Connect = by_name, clock: Clock | None = None) -> None:
        self._connect = connect
        self._clock = clock
        self._apis: dict[str, Api] = {}

    def api(self, name: str) -> Api:
        """Return the cloud ``name``, which may be 'cloud/region'.

        :raises: CloudError where this machine knows no such cloud, or cannot log in
        """
        if name not in self._apis:
            cloud, _, region = name.partition("/")
            try:
                connection = self._connect(cloud, region or None)
            except Exception as error:
                # The client library raises errors of many kinds for a wrong file.
                raise CloudError(
                    f"there is no way to the cloud {name} from here: {error!s:.300}; "
                    "see clouds.yaml",
                    service="identity",
                ) from error
            self._apis[name] = Api(connection, self._clock)
        return self._apis[name]


def _none(cloud: str, region: str | None) -> Connection:
    raise LookupError("this client was given no other clouds")


NO_CLOUDS = Clouds(_none)
