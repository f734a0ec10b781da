"""Make a copy of an image in another cloud, so that another client can go on at any time.

What is decided is in `osc_imagebuild.steps.copying`; here the other cloud is looked at, and
what was decided is done there. One client at a time does so: whoever has the build's lease.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from typing import IO, cast

from osc_imagebuild.builds import boot_test, families, retirement
from osc_imagebuild.cloud import images, limits, transfers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    NotFoundError,
    TransientError,
)
from osc_imagebuild.model import family
from osc_imagebuild.model.actions import Discard, Retire
from osc_imagebuild.model.names import PART_TAG, Role, build_tag, resource_name
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.resources import Image
from osc_imagebuild.steps import copying
from osc_imagebuild.steps.copying import Order, Seen

# Between two that are in a row, a cloud that is away is not waited for longer.
_MOST_TRIES, _PATIENCE_S = 5, 900.0
# How often data are brought, and how often what came of that is wrong.
_MOST_FILLS, _MOST_FAILED = 4, 2
# Copies of a build, and changes of older ones, have an end whatever lists say.
_MOST_LISTED, _MOST_TURNS = 64, 400
# IDs of ours that may be used up, one for each time that a copy was begun.
_MOST_IDS = 64
# A network that is slower brings no image.
_SLOWEST, _SLOW_S = 128 << 10, 1800.0
_SHOWN_EVERY_S = 5.0

Prove = Callable[[Api, Order, Image], None]
"""Boots a server from a copy; raises CloudError where it does not."""


class Copier:
    """Makes one copy. ``heartbeat`` is called while that takes long, and may stop it.

    ``tell`` hears of what could not be done and keeps no copy from being one, ``progress``
    now and then of how far it is.
    """

    def __init__(
        self,
        source: Api,
        target: Api,
        order: Order,
        heartbeat: Callable[[], None] = lambda: None,
        tell: Callable[[str], None] = lambda text: None,
        prove: Prove | None = None,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._source, self._target, self._order = source, target, order
        self._heartbeat, self._tell, self._prove = heartbeat, tell, prove
        self._progress, self._shown_at = progress, 0.0
        self._project = ""
        self._region = ""  # that the other Glance fetches from, '' where it does not
        self._known: dict[str, None] = {}
        self._gone: set[str] = set()
        self._touched: set[str] = set()
        self._kept: set[str] = set()
        self._proven: set[str] = set()
        self._fills = self._failed = 0

    def make(self) -> Image:
        """Make the copy, or go on with what another client began of it; return it.

        Where that fails, what was begun is removed, as far as the cloud lets us.

        :raises: CloudError, and what ``heartbeat`` raises
        """
        try:
            return self._make()
        except CloudError:
            with contextlib.suppress(CloudError):
                order = self._order
                remove(
                    self._target,
                    order.build_id,
                    finished=False,
                    servers=order.verify,
                )
            raise

    def _make(self) -> Image:
        self._project = self._target.project_id()
        self._region = self._find_region()
        tries, clock = 0, self._target.clock
        good_at = clock.steady()
        for _ in range(_MOST_TURNS):
            self._heartbeat()
            try:
                deed = copying.decide(self._order, self._look())
                if isinstance(deed, copying.Done):
                    return deed.image
                self._do(deed)
                tries, good_at = 0, clock.steady()
            except (TransientError, ConflictError, NotFoundError) as error:
                tries += 1
                away_s = clock.steady() - good_at
                if tries >= _MOST_TRIES or away_s > _PATIENCE_S:
                    raise
                asked = error.retry_after if isinstance(error, TransientError) else 0.0
                clock.sleep(max(2.0**tries, min(asked, 120.0)))
        raise CloudError(f"no end after {_MOST_TURNS} steps", service="image")

    def _find_region(self) -> str:
        """Return the region that the other Glance can fetch from by itself, or ''.

        It has the user's token of the other region: both must be of one Keystone.
        """
        with contextlib.suppress(CloudError):
            same = self._source.identity_url() == self._target.identity_url()
            same = same and self._source.project_id() == self._project
            if same and "glance-download" in limits.import_methods(self._target):
                here, there = self._source.place("image"), self._target.place("image")
                return here[0] if here[0] != there[0] else ""
        return ""

    def _look(self) -> Seen:
        order, target = self._order, self._target
        listed = images.with_property(target, family.BUILD_ID, order.build_id)
        ids = list(dict.fromkeys((*self._known, *(i.id for i in listed))))
        found = [self._find(i) for i in ids[:_MOST_LISTED] if i not in self._gone]
        copies = [i for i in found if i is not None and self._is_own(i)]
        self._known.update(dict.fromkeys(i.id for i in copies))
        members: list[Image] = []
        if order.result.rotation.replace and any(i.status == "active" for i in copies):
            members = self._members()
        return Seen(
            now=target.now(),
            project_id=self._project,
            copies=tuple(copies),
            family=tuple(members),
            kept=frozenset(self._kept),
            proven=frozenset(self._proven),
            fetches=bool(self._region) and not self._failed,
        )

    def _is_own(self, image: Image) -> bool:
        mine = image.owner == self._project
        return mine and is_own(image, self._order.build_id, self._project)

    def _find(self, image_id: str) -> Image | None:
        """Ask for an image by its ID, as lists may lag."""
        return images.find(self._target, image_id)

    def _members(self) -> list[Image]:
        listed = families.members(self._target, self._order.result.family)
        found: list[Image] = []
        for item in listed:
            if not isinstance(item, Image) or item.id in self._gone:
                continue
            fresh = self._find(item.id) if item.id in self._touched else item
            found += [fresh] if fresh else []
        return found

    def _do(self, deed: copying.Deed) -> None:
        match deed:
            case copying.Begin():
                self._begin()
            case copying.Fill(image, fetched):
                self._fill(image, fetched)
            case copying.Await(_, seconds):
                self._await(seconds)
            case copying.Drop(image, trouble):
                images.delete(self._target, image.id)
                self._gone.add(image.id)
                if trouble:
                    self._count(trouble)
            case copying.Prove(image):
                if self._prove is None:
                    text = "nothing tells how its boot is to be tested"
                    raise CloudError(text, service="compute")
                self._prove(self._target, self._order, image)
                self._proven.add(image.id)
            case copying.Name():
                self._name(deed)
            case Retire() | Discard():
                self._put_away(deed)

    def _count(self, trouble: str) -> None:
        self._failed += 1
        if self._failed >= _MOST_FAILED:
            raise CloudError(trouble, service="image")

    def _await(self, seconds: float) -> None:
        """Wait for the other Glance, with signs of life for the build's lease."""
        until = self._target.clock.steady() + copying.FETCH_LIMIT_S
        while self._target.clock.steady() < until:
            self._heartbeat()
            self._show("its Glance fetches the data")
            self._target.clock.sleep(seconds)
            seen = self._look()
            deed = copying.decide(self._order, seen)
            if not isinstance(deed, copying.Await):
                return

    def _begin(self) -> None:
        """Make a queued image with the first of our IDs that nobody has used."""
        order = self._order
        source, build_id = order.source, order.build_id
        for number in range(_MOST_IDS):
            image_id = copy_id(source.id, self._project, number)
            if image_id in self._gone:
                continue
            try:
                images.create(
                    self._target,
                    image_id=image_id,
                    name=resource_name(build_id, Role.COPY),
                    tags=(build_tag(build_id), PART_TAG),
                    properties=copying.properties(order),
                    disk_format=source.disk_format,
                    container_format=source.container_format,
                    core={
                        "min_disk": source.min_disk_gib,
                        "min_ram": source.min_ram_mib,
                    },
                )
            except ConflictError:
                image = self._find(image_id)
                if image is None or not self._is_own(image):
                    self._gone.add(image_id)  # used up
                    continue
            self._known[image_id] = None
            return
        raise CloudError(
            f"a copy was begun {_MOST_IDS} times, and none is there", service="image"
        )

    def _fill(self, image: Image, fetched: bool) -> None:
        self._fills += 1
        if self._fills > _MOST_FILLS:
            text = f"its data were brought {_MOST_FILLS} times, and none was whole"
            raise CloudError(text, service="image")
        source, target = self._order.source, self._target
        if fetched:
            try:
                images.fetch_from_region(target, image.id, self._region, source.id)
            except TransientError:
                raise
            except CloudError:
                self._region = ""  # refused: then it is streamed
            return
        if source.size <= 0 or not source.sha512:
            text = f"Glance tells neither size nor sha512 of image {source.id}"
            raise CloudError(text, service="image")
        data = transfers.Download(self._source, source.id, source.size)
        path, begun = f"/images/{image.id}/file", target.clock.steady()

        def beat() -> None:
            self._heartbeat()
            self._show(f"{data.position >> 20} of {source.size >> 20} MiB")
            if target.clock.steady() - begun > _SLOW_S + source.size / _SLOWEST:
                raise TransientError("it takes its data too slowly", service="image")

        target.upload(path, cast(IO[bytes], data), source.size, beat)

    def _show(self, text: str) -> None:
        now = self._target.clock.steady()
        if now - self._shown_at >= _SHOWN_EVERY_S:
            self._shown_at = now
            self._progress(text)

    def _name(self, deed: copying.Name) -> None:
        """Make it the user's; where its visibility is not allowed there, private."""
        order, image = self._order, deed.image
        core: dict[str, object] = {
            "name": deed.name,
            "os_hidden": False,
            "visibility": order.result.visibility,
            "tags": sorted(order.source.tags),
            "min_disk": order.source.min_disk_gib,
            "min_ram": order.source.min_ram_mib,
        }
        if order.source.protected:
            core["protected"] = True
        self._touched.add(image.id)
        try:
            self._set(image, deed, core)
        except (TransientError, ConflictError, NotFoundError):
            raise
        except CloudError as error:
            if error.status != 403 or order.result.visibility == "private":
                raise
            self._set(image, deed, core | {"visibility": "private"})
            self._tell(
                f"the copy is private, as {order.result.visibility} is refused there: "
                f"{error}"
            )
        if (then := deed.then) is not None:
            self._touched.add(then.item.id)
            with contextlib.suppress(CloudError):  # else it is done later
                retirement.retire(
                    self._target, then.item, then.family, then.name, then.old
                )

    def _set(self, image: Image, deed: copying.Name, core: dict[str, object]) -> None:
        operations = images.set_operations(image, deed.properties, core)
        images.patch(self._target, image.id, operations)

    def _put_away(self, action: Retire | Discard) -> None:
        """Rename an older one, or delete it; what is refused stays, and is told."""
        item, api = action.item, self._target
        self._touched.add(item.id)
        try:
            if isinstance(action, Retire):
                retirement.retire(api, item, action.family, action.name, action.old)
            else:
                retirement.discard(api, item, action.family)
                self._gone.add(item.id)
        except (TransientError, NotFoundError):
            raise
        except CloudError as error:
            self._kept.add(item.id)
            self._tell(f"{item.name} stays as it is there: {error}")


def copy_id(source_id: str, project_id: str, number: int) -> str:
    """Return the ID of a copy that is begun for the ``number`` th time.

    Glance lets exactly one client create it, and once for ever.
    """
    return str(uuid.uuid5(uuid.UUID(source_id), f"copy {project_id} {number}"))


def remove(api: Api, build_id: str, *, finished: bool, servers: bool = False) -> None:
    """Delete what was begun to be copied for a build; with ``finished`` its copies too.

    ``servers`` is whether there may be some that boot from them.

    :raises: CloudError
    """
    if servers:
        boot_test.remove(api, build_id)
    project_id = api.project_id()
    listed = images.tagged(api, build_tag(build_id), hidden=True)
    if finished:
        listed += images.with_property(api, family.BUILD_ID, build_id)
    for image in {i.id: i for i in listed}.values():
        if image.owner != project_id or not is_own(image, build_id, project_id):
            continue
        is_copy = image.properties.get(family.RESULT_ID) == image.id
        # What its users have protected there is more than the build's.
        goes = finished and is_copy and not image.protected
        if copying.is_unfinished(build_id, image) or goes:
            images.unprotect(api, image)
            images.delete(api, image.id)
