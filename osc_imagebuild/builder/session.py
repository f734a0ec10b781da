"""What each call of the library needs: a project, a catalogue, ways to the web and clouds."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from openstack.connection import Connection

from osc_imagebuild.builds.record import Record
from osc_imagebuild.clock import Clock
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import NO_CLOUDS, Clouds, Connect, by_name
from osc_imagebuild.engine.events import ConsoleListener, Event, Listener
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.media import web_policy
from osc_imagebuild.media.door import Door
from osc_imagebuild.monitors.album import Album

# Of builds that are driven in turns; what of one may be lost is its pictures.
MOST_ALBUMS = 64


def _silent(event: Event) -> None:
    """The listener of somebody who does not listen."""


class Session:
    """A project, and the ways from it; `osc_imagebuild.builder.Builder` says of what."""

    def __init__(
        self,
        connection: Connection,
        *,
        listener: Listener | None = None,
        catalog: Catalog | None = None,
        clock: Clock | None = None,
        on_console: ConsoleListener | None = None,
        allowed_networks: Sequence[str] = (),
        allowed_files: Sequence[str] = (),
        connect: Connect = by_name,
    ) -> None:
        self.on_console = on_console
        self._allowed_networks = allowed_networks
        self._allowed_files = tuple(allowed_files)
        self.api = Api(connection, clock)
        self.clouds = Clouds(connect, clock)
        if catalog is not None:
            self.catalog = catalog
        self.listener = listener or _silent
        self._albums: dict[str, Album] = {}

    @functools.cached_property
    def catalog(self) -> Catalog:
        """The catalogue: the given one, or else read from files when it is needed."""
        return Catalog()

    def allow_files(self, paths: Sequence[str]) -> None:
        """Let records name these files of this machine, as ``allowed_files`` does."""
        self._allowed_files += tuple(paths)
        self.__dict__.pop("door", None)

    def _album(self, build_id: str) -> Album:
        """Return the album of a build, which this client may drive in turns with others."""
        while len(self._albums) > MOST_ALBUMS:
            del self._albums[next(iter(self._albums))]
        return self._albums.setdefault(build_id, Album())

    @functools.cached_property
    def door(self) -> Door:
        """What leads to the web servers and files that a record names.

        :raises: SpecError where what is allowed, by the environment too, is no network
        """
        trust = web_policy.from_environment(
            None, self._allowed_networks, self._allowed_files
        )
        return Door(trust, firsts={})

    def _clouds_of(self, build: Record) -> Clouds:
        """Return the clouds for a build: whoever writes a record chooses no login."""
        return self.clouds if build.is_own else NO_CLOUDS
