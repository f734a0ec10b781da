"""Make a copy of an image in another cloud, so that another client can go on at any time.

What is decided is in `osc_imagebuild.steps.copying`; here the other cloud is looked at, and
what was decided is done there. One client at a time does so: whoever has the build's lease.
"""

from __future__ import annotations

import contextlib
import uuid

from osc_imagebuild.builds import boot_test, families, retirement, visibility
from osc_imagebuild.builds.boot_test import BootTest
from osc_imagebuild.builds.filling import NOBODY, Filler, Listeners, Teller
from osc_imagebuild.cloud import images
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
# How often what came of bringing data is wrong.
_MOST_FAILED = 2
# Copies of a build, and changes of older ones, have an end whatever lists say.
_MOST_LISTED, _MOST_TURNS = 64, 400
# IDs of ours that may be used up, one for each time that a copy was begun.
_MOST_IDS = 64


class Copier:
    """Makes one copy; ``test`` is how a server boots from it, None where none is to."""

    def __init__(
        self,
        source: Api,
        target: Api,
        order: Order,
        listeners: Listeners = NOBODY,
        test: BootTest | None = None,
    ) -> None:
        self._target, self._order, self._test = target, order, test
        self._heartbeat, self._tell = listeners.heartbeat, listeners.tell
        self._teller = Teller(target.clock, listeners.progress)
        self._filler = Filler(source, target, order.source, listeners.heartbeat)
        self._project = ""
        self._known: dict[str, None] = {}
        self._gone: set[str] = set()
        self._touched: set[str] = set()
        self._kept: set[str] = set()
        self._proven: set[str] = set()
        self._failed, self._waited_s = 0, 0.0

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
        self._filler.find_region()
        tries, turns, clock = 0, 0, self._target.clock
        good_at = clock.steady()
        while turns < _MOST_TURNS:
            self._heartbeat()
            try:
                deed = copying.decide(self._order, self._look())
                if isinstance(deed, copying.Done):
                    return deed.image
                turns += not isinstance(deed, copying.Await)
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
            fetches=bool(self._filler.region) and not self._failed,
        )

    def _is_own(self, image: Image) -> bool:
        return _is_made_by(image, self._order.build_id, self._project)

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
                self._filler.fill(image.id, self._teller, fetched=fetched)
            case copying.Await(_, seconds):
                self._await(seconds)
            case copying.Drop(image, trouble):
                images.delete(self._target, image.id)
                self._gone.add(image.id)
                if trouble:
                    self._count(trouble)
            case copying.Prove(image):
                self._boot(image)
            case copying.Name():
                self._name(deed)
            case Retire() | Discard():
                self._put_away(deed)

    def _count(self, trouble: str) -> None:
        self._failed += 1
        if self._failed >= _MOST_FAILED:
            raise CloudError(trouble, service="image")

    def _await(self, seconds: float) -> None:
        """Wait for the other Glance, and not for ever, whatever its clock says."""
        if self._waited_s > copying.FETCH_LIMIT_S:
            hours = copying.FETCH_LIMIT_S // 3600
            text = f"its Glance fetched the data for {hours} hours"
            raise CloudError(text, service="image")
        self._teller("its Glance fetches the data")
        self._target.clock.sleep(seconds)
        self._waited_s += seconds

    def _boot(self, image: Image) -> None:
        if self._test is None:
            text = "nothing tells how its boot is to be tested"
            raise CloudError(text, service="compute")
        target, build_id = self._target, self._order.build_id
        boot_test.prove(target, build_id, image, self._test, self._heartbeat)
        self._proven.add(image.id)

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
        private = core | {"visibility": "private"}
        if error := visibility.change(
            self._target, image, deed.properties, core, private
        ):
            self._tell(
                f"the copy is private, as {order.result.visibility} is refused there: "
                f"{error}"
            )
        if (then := deed.then) is not None:
            self._touched.add(then.item.id)
            with contextlib.suppress(CloudError):  # else it is done later
                retirement.retire(self._target, then)

    def _put_away(self, action: Retire | Discard) -> None:
        """Rename an older one, or delete it; what is refused stays, and is told."""
        item, api = action.item, self._target
        self._touched.add(item.id)
        try:
            if isinstance(action, Retire):
                retirement.retire(api, action)
            else:
                retirement.discard(api, action)
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


def _is_made_by(image: Image, build_id: str, project_id: str) -> bool:
    """Whether an image is the project's own, and says that this build made it."""
    return image.owner == project_id and is_own(image, build_id, project_id)


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
        if not _is_made_by(image, build_id, project_id):
            continue
        is_copy = image.properties.get(family.RESULT_ID) == image.id
        # What its users have protected there is more than the build's.
        goes = finished and is_copy and not image.protected
        if copying.is_unfinished(build_id, image) or goes:
            images.unprotect(api, image)
            images.delete(api, image.id)
