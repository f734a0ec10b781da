"""Delete older results of families that are too many, and records of builds that are over.

The current result of a family is never touched, nor what is another project's, a copy,
protected, or in use. Lists may be out of date, so what is to stay is asked for by its ID
before anything goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from osc_imagebuild.builds import (
    cancel_delete,
    families,
    fence,
    lease,
    manifests,
    record_store,
    retirement,
)
from osc_imagebuild.builds.families import Family
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    DrivenError,
    RecordError,
    SpecError,
    TransientError,
)
from osc_imagebuild.model.actions import Discard
from osc_imagebuild.model.family import (
    Member,
    family_of,
    is_going,
    is_retired,
    kind,
    may_change,
)
from osc_imagebuild.model.names import Status
from osc_imagebuild.model.resources import Image
from osc_imagebuild.steps import copies

RECORD, MANIFEST = "record", "manifest"


class Fate(StrEnum):
    """What becomes of something that is too old."""

    DUE = "would be deleted"
    DELETED = "deleted"
    PROTECTED = "kept: protected"
    NAMED = "kept: not renamed"
    CHANGED = "kept: changed meanwhile"
    IN_USE = "kept: in use"
    DRIVEN = "kept: driven"
    UNREADABLE = "kept: unreadable"
    REFUSED = "refused"


@dataclass(frozen=True)
class Pruned:
    """One thing that was too old, and what became of it.

    ``kind`` is image, volume, snapshot, record or manifest, ``at`` when it was made, in seconds
    since the epoch; of a record, when its build ended. ``why`` is the service's word
    where it refused, or why a record cannot be read; a `Message` where it offers a next
    step.
    """

    kind: str
    id: str
    name: str
    family: str
    at: float
    fate: Fate
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to go.

    Of each family, or of ``family`` alone, the newest ``keep`` older ones stay, and so
    does what is younger than ``older_than_s``. With ``everything`` also those go that no
    newer one has taken the name of; with ``records`` the records of builds that are over.
    """

    family: str = ""
    kind: str = "image"
    keep: int = 3
    older_than_s: int | None = None
    everything: bool = False
    records: bool = False
    dry_run: bool = False

    def is_old(self, at: float, now: float) -> bool:
        """Whether what is of the time ``at`` is old enough."""
        return self.older_than_s is None or now - at > self.older_than_s


def prune(api: Api, wanted: Wanted) -> Iterator[Pruned]:
    """Delete what is wanted, the oldest first; yield each as it is done.

    What stays for a reason is told too; it keeps nothing else from going.

    :raises: SpecError where it is no number or kind, CloudError where lists cannot be had
    """
    if wanted.keep < 0:
        raise SpecError("--keep takes 0 or more")
    families.require_kind(wanted.kind)
    for family in _families(api, wanted):
        for item in _too_many(api, family, wanted):
            yield _pruned(api, item, family, wanted)
    if not wanted.family:
        yield from _manifests(api, wanted)
    if wanted.records:
        yield from _records(api, wanted)


def _families(api: Api, wanted: Wanted) -> Sequence[Family]:
    if not wanted.family:
        return families.all_families(api, wanted.kind)
    results = families.members(api, wanted.family, wanted.kind)
    return [Family(wanted.family, wanted.kind, results)]


def _too_many(api: Api, family: Family, wanted: Wanted) -> Sequence[Member]:
    """Return those beyond the current one and the kept ones, oldest first.

    What is kept must be there: of a family that a list shows as it was, the last one
    would go.
    """
    results = [item for item in family.results if not is_going(item)]
    if len(results) <= wanted.keep + 1:
        return ()
    there = 0
    for number, item in enumerate(results):
        if there > wanted.keep:
            now = api.now()
            return [
                i
                for i in results[: number - 1 : -1]
                if wanted.is_old(i.created_at, now)
            ]
        there += _is_there(api, item, family.name)
    return ()


def _is_there(api: Api, item: Member, family: str) -> bool:
    """Whether a result is, by its ID, what a list says."""
    fresh = families.find(api, item.id, kind(item))
    if fresh is None or is_going(fresh):
        return False
    return family_of(fresh, api.project_id()) == family


def _pruned(api: Api, item: Member, family: Family, wanted: Wanted) -> Pruned:
    told = Pruned(
        family.kind, item.id, item.name, family.name, item.created_at, Fate.DUE
    )
    if not may_change(item):
        return replace(told, fate=Fate.PROTECTED)
    if not (wanted.everything or is_retired(item)):
        return replace(told, fate=Fate.NAMED)
    if wanted.dry_run:
        return told
    try:
        action = Discard(item, family.name)
        retry_transient(api.clock, lambda: retirement.discard(api, action))
    except retirement.NotOursError as error:
        return replace(told, fate=Fate.CHANGED, why=error.message)
    except CloudError as error:
        fate = Fate.IN_USE if _is_in_use(item, error) else Fate.REFUSED
        return replace(told, fate=fate, why=error.message)
    return replace(told, fate=Fate.DELETED)


def _manifests(api: Api, wanted: Wanted) -> Iterator[Pruned]:
    """Delete what is known of results that are gone."""
    for image in manifests.of_gone(api):
        told = Pruned(MANIFEST, image.id, image.name, "", image.created_at, Fate.DUE)
        if not wanted.dry_run:
            try:
                images.delete(api, image.id)
                told = replace(told, fate=Fate.DELETED)
            except CloudError as error:
                told = replace(told, fate=Fate.REFUSED, why=error.message)
        yield told


def _is_in_use(item: Member, error: CloudError) -> bool:
    """Whether that is why it cannot go: Cinder says 400 where Glance says 409."""
    at_cinder = not isinstance(item, Image) and error.status == 400
    return at_cinder or isinstance(error, ConflictError)


def _records(api: Api, wanted: Wanted) -> Iterator[Pruned]:
    """Put away records of builds that are over, the oldest first."""
    builds, errors = record_store.read_all(api)
    for build in reversed(builds):
        if _is_due(build, wanted, api.now()):
            yield _put_away(api, build, wanted)
    for build_id, error in {} if wanted.family else errors.items():
        yield _unreadable(build_id, error)


def _unreadable(build_id: str, error: RecordError) -> Pruned:
    return Pruned(RECORD, build_id, "", "", 0.0, Fate.UNREADABLE, error.message)


def _is_due(build: Record, wanted: Wanted, now: float) -> bool:
    """Whether a record may go: of a failed build only one that has an age."""
    result = build.spec.result
    if wanted.family not in ("", result.family or result.name):
        return False
    if build.status == Status.FAILED and wanted.older_than_s is None:
        return False
    # The record alone tells where else something may be left of it.
    if build.status != Status.COMPLETE and copies.begun(build.spec, build.marks):
        return False
    return build.is_over and wanted.is_old(build.updated_at, now)


def _put_away(api: Api, build: Record, wanted: Wanted) -> Pruned:
    result = build.spec.result
    told = Pruned(
        RECORD,
        build.id,
        result.name,
        result.family or result.name,
        build.updated_at,
        Fate.DUE,
    )
    try:
        if wanted.dry_run:
            return replace(told, fate=Fate.DRIVEN) if _is_driven(api, build) else told
        is_done = _delete_record(api, build.id, wanted)
        return replace(told, fate=Fate.DELETED if is_done else Fate.CHANGED)
    except DrivenError as error:
        return replace(told, fate=Fate.DRIVEN, why=error.message)
    except record_store.NoRecordError:
        return replace(told, fate=Fate.DELETED)  # by somebody else meanwhile
    except RecordError as error:
        return replace(told, fate=Fate.UNREADABLE, why=error.message)
    except CloudError as error:
        return replace(told, fate=Fate.REFUSED, why=error.message)


def _is_driven(api: Api, build: Record) -> bool:
    """Whether the last lease of a build, by a list, is alive."""
    held = [i for i in lease.leases(api, build.id) if lease.build_of(i) == build.id]
    return bool(held) and lease.is_alive(api, held[-1], build.updated_at)


def _delete_record(api: Api, build_id: str, wanted: Wanted) -> bool:
    """Delete a build that is still due once nobody else can drive it; else return False.

    :raises: DrivenError where somebody drives it, RecordError, CloudError
    """
    fenced = _fenced(api, build_id)
    try:
        is_due = _is_due(record_store.load(api, build_id), wanted, api.now())
        if is_due:
            delete = partial(cancel_delete.delete, api, build_id, (), fenced=fenced)
            retry_transient(api.clock, delete)
            return True
    except BaseException:
        _let_go(fenced)
        raise
    _let_go(fenced)
    return False


def _let_go(fenced: fence.Fence | None) -> None:
    if fenced is not None and fenced.held is not None:
        fenced.held.release()


def _fenced(api: Api, build_id: str) -> fence.Fence | None:
    """Keep others from driving a build; None where Glance has no room for a lease.

    :raises: DrivenError where somebody drives it, TransientError
    """
    try:
        held = lease.take(api, build_id)
    except (DrivenError, TransientError):
        raise
    except (lease.NoLeaseError, CloudError):
        return None
    return fence.Fence(api, build_id, held, held.preempted)
