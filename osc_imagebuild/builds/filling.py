"""Bring an image's data to another cloud: its Glance fetches them, or they pass through here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, cast

from osc_imagebuild.clock import Clock
from osc_imagebuild.cloud import images, limits, transfers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, TransientError
from osc_imagebuild.model.resources import Image

# How often data are brought.
_MOST_FILLS = 4
# A network that is slower brings no image.
_SLOWEST, _SLOW_S = 128 << 10, 1800.0
_SHOWN_EVERY_S = 5.0


@dataclass(frozen=True)
class Listeners:
    """What hears of a copy while it is made.

    ``heartbeat`` is called while that takes long, and may stop it. ``tell`` hears of what
    could not be done and keeps no copy from being one, ``progress`` of how far it is.
    """

    heartbeat: Callable[[], None] = lambda: None
    tell: Callable[[str], None] = lambda text: None
    progress: Callable[[str], None] = lambda text: None


NOBODY = Listeners()


class Teller:
    """Tells of progress now and then."""

    def __init__(self, clock: Clock, progress: Callable[[str], None]) -> None:
        self._clock, self._progress = clock, progress
        self._at = 0.0

    def __call__(self, text: str) -> None:
        """Tell it, unless something was told a moment ago."""
        now = self._clock.steady()
        if now - self._at >= _SHOWN_EVERY_S:
            self._at = now
            self._progress(text)


class Filler:
    """Brings the data of one image, and not for ever.

    ``region`` is the one that the other Glance fetches from, '' where it does not.
    """

    def __init__(
        self, source: Api, target: Api, image: Image, heartbeat: Callable[[], None]
    ) -> None:
        self._source, self._target, self._image = source, target, image
        self._heartbeat = heartbeat
        self._fills = 0
        self.region = ""

    def find_region(self) -> None:
        """Find whether the other Glance can fetch by itself.

        It has the user's token of the other region: both must be of one Keystone.
        """
        self.region = ""
        with contextlib.suppress(CloudError):
            source, target = self._source, self._target
            same = source.identity_url() == target.identity_url()
            same = same and source.project_id() == target.project_id()
            if same and "glance-download" in limits.import_methods(target):
                here, there = source.place("image"), target.place("image")
                self.region = here[0] if here[0] != there[0] else ""

    def fill(self, image_id: str, teller: Teller, *, fetched: bool) -> None:
        """Fill a queued image of the other cloud.

        :raises: CloudError, and what ``heartbeat`` raises
        """
        self._fills += 1
        if self._fills > _MOST_FILLS:
            text = f"its data were brought {_MOST_FILLS} times, and none was whole"
            raise CloudError(text, service="image")
        if fetched:
            self._fetch(image_id)
        else:
            self._stream(image_id, teller)

    def _fetch(self, image_id: str) -> None:
        source_id = self._image.id
        try:
            images.fetch_from_region(self._target, image_id, self.region, source_id)
        except TransientError:
            raise
        except CloudError:
            self.region = ""  # refused: then it is streamed

    def _stream(self, image_id: str, teller: Teller) -> None:
        source, target = self._image, self._target
        if source.size <= 0 or not source.sha512:
            text = f"Glance tells neither size nor sha512 of image {source.id}"
            raise CloudError(text, service="image")
        data = transfers.Download(self._source, source.id, source.size)
        path, begun = f"/images/{image_id}/file", target.clock.steady()

        def beat() -> None:
            self._heartbeat()
            teller(f"{data.position >> 20} of {source.size >> 20} MiB")
            if target.clock.steady() - begun > _SLOW_S + source.size / _SLOWEST:
                raise TransientError("it takes its data too slowly", service="image")

        target.upload(path, cast(IO[bytes], data), source.size, beat)
