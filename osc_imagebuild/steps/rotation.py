"""Share the result as its predecessor was, and put the older ones of its family away. Pure.

The newest result of a family has the name. Whichever client decides, and of whichever
build it is, it comes to the same: so two builds that end together leave one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from osc_imagebuild.model import spec as specs
from osc_imagebuild.model.actions import (
    AcceptImage,
    Act,
    Action,
    Decision,
    Discard,
    Retire,
    SetImage,
    ShareImage,
    Wait,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.family import (
    BUILT_AT,
    Member,
    Old,
    is_going,
    is_put_away,
    is_retired,
    iso,
    may_change,
    newest_first,
    old_name,
    words,
)
from osc_imagebuild.model.names import Milestone, kept
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Result

# After so many refusals nothing more is tried: the next build tries again.
MOST_REFUSED = 50


class Ordered(Protocol):
    """What says how a result is named, and what becomes of the older ones: a spec."""

    @property
    def result(self) -> specs.Result: ...


def sees(spec: Spec) -> frozenset[str]:
    """Return the parts of the cloud that a rotation is decided by."""
    shares = frozenset({"members"} if _is_shared(spec) else ())
    return shares | ({"family"} if spec.result.rotation.replace else frozenset())


def _is_shared(spec: Spec) -> bool:
    """Whether the result may get members: what everybody sees needs none."""
    result = spec.result
    may = result.visibility in ("private", "shared")
    return may and bool(result.members or result.rotation.replace)


def is_named(spec: Ordered, item: Member) -> bool:
    """Whether the result has its name, or has left it to a newer one."""
    if item.name == spec.result.name:
        return True
    return spec.result.rotation.replace and item.name == old_name(
        spec.result.name, item
    )


def name(spec: Ordered, facts: Facts, result: Member) -> str:
    """Return the name that the result gets: the user's, unless a newer one has it."""
    is_newest = _in_order(facts, result)[0].id == result.id
    dated = _dated(facts, result)
    return spec.result.name if is_newest else old_name(spec.result.name, dated)


def visibility(spec: Spec, image: Image) -> str:
    """Return the visibility of the published image; one with members is shared."""
    shared = _is_shared(spec) and image.visibility == "shared"
    return "shared" if shared else spec.result.visibility


def before(spec: Spec, facts: Facts, result: Member) -> Action | None:
    """Return what comes before the result is published, None where nothing is left.

    Members are added while nobody sees it; of several older ones with the name all but
    one give it away, so that there are two for no longer than one request takes.
    """
    if isinstance(result, Image) and _is_shared(spec):
        for action in _shares(spec, facts, result):
            return action
    return crowd(spec, facts, result)


def crowd(spec: Ordered, facts: Facts, result: Member) -> Retire | None:
    """Return what leaves the name to one older result, None where one has it at most."""
    if spec.result.rotation.replace and not _is_refused(facts):
        for item in _holders(spec, facts, result)[1:]:
            return _retire(spec, item)
    return None


def _is_refused(facts: Facts) -> bool:
    """Whether so much was refused that nothing more is tried."""
    return sum(mark.startswith("kept-") for mark in facts.marks) >= MOST_REFUSED


def _holders(spec: Ordered, facts: Facts, result: Member) -> list[Member]:
    return [i for i in _older(facts, result) if i.name == spec.result.name]


def then(spec: Ordered, facts: Facts, result: Member) -> Retire | None:
    """Return what gives the name away in the moment in which the result gets it."""
    if not spec.result.rotation.replace:
        return None
    holders = _holders(spec, facts, result)
    return _retire(spec, holders[0]) if holders else None


def _shares(spec: Spec, facts: Facts, result: Image) -> Iterator[Action]:
    members = dict.fromkeys(spec.result.members)
    if spec.result.rotation.replace:
        for item_id in facts.sharing.keys() - {result.id}:
            members |= dict.fromkeys(facts.sharing[item_id])
    wanted = [m for m in members if kept(m) not in facts.marks]
    there = facts.sharing.get(result.id, {})
    if wanted and result.visibility != "shared":
        yield SetImage(
            image=result,
            name=result.name,
            hidden=result.hidden,
            tags=result.tags,
            properties=result.properties,
            min_disk_gib=result.min_disk_gib,
            min_ram_mib=result.min_ram_mib,
            visibility="shared",
        )
    had = {
        member: item_id
        for item_id, answers in facts.sharing.items()
        for member, answer in answers.items()
        if answer == "accepted" and member not in spec.result.accepting
    }
    for member in wanted:
        if member not in there:
            yield ShareImage(result.id, member, had.get(member, ""))
    for member, cloud in spec.result.accepting.items():
        if member in wanted and there.get(member) != "accepted":
            yield AcceptImage(result.id, member, cloud)


def to_accept(action: ShareImage) -> str:
    """Return what a project has to do that has accepted an older image: Glance asks anew."""
    return (
        f"project {action.member} had accepted image {action.accepted_id}, and does not see "
        f"the new one until it accepts that too: openstack image set --accept "
        f"{action.image_id}"
    )


def _in_order(facts: Facts, result: Member) -> list[Member]:
    others = (item for item in facts.family if item.id != result.id)
    return newest_first((_dated(facts, result), *others))


def _dated(facts: Facts, result: Member) -> Member:
    """Return a result with the time that it will have said once it is published.

    Else a volume or snapshot would have one place in the order before that, and another
    one after it.
    """
    installed, said = facts.marks.get(Milestone.INSTALLED), words(result)
    if installed is None or BUILT_AT in said:
        return result
    dated = {**said, BUILT_AT: iso(installed.at)}
    if isinstance(result, Image):
        return replace(result, properties=dated)
    return replace(result, metadata=dated)


def _older(facts: Facts, result: Member) -> list[Member]:
    """Return what is older than the result and may be changed, newest first."""
    order = _in_order(facts, result)
    older = order[[item.id for item in order].index(result.id) + 1 :]
    return [item for item in older if _may_change(facts, item)]


def _may_change(facts: Facts, item: Member) -> bool:
    return may_change(item) and kept(item.id) not in facts.marks and not is_going(item)


def _retire(spec: Ordered, item: Member) -> Retire:
    name = item.name if is_retired(item) else old_name(item.name, item)
    return Retire(item, spec.result.family, name, spec.result.rotation.old)


def pending(spec: Ordered, facts: Facts, result: Member) -> Iterator[Retire | Discard]:
    """Yield what is left to do once the result is published."""
    rotation = spec.result.rotation
    if _is_refused(facts):
        return
    order = _in_order(facts, result)
    newer = order[: [item.id for item in order].index(result.id)]
    older = order[1:]
    # Whatever the order is: the result gives its name to one that has it, or keeps it.
    keeps_name = not any(item.name == spec.result.name for item in newer)
    for item in older:
        if item.id == result.id and keeps_name:
            continue
        if _may_change(facts, item) and not is_put_away(item, rotation.old):
            yield _retire(spec, item)
    most = 0 if rotation.old == Old.DELETE else rotation.keep
    for item in older[most:]:
        if _may_change(facts, item) and item.id != result.id:
            yield Discard(item, spec.result.family)


@dataclass(frozen=True)
class Rotate:
    """Put the older ones of the family away, and remove those that are too many."""

    output: Result
    name: str = "rotate"

    @property
    def sees(self) -> frozenset[str]:
        return self.output.sees | {"family"}

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: published, and all older ones are where they belong."""
        result = self.output.result(facts)
        published = result is not None and self.output.published(spec, facts)
        return published and not any(self._left(spec, facts))

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """One at a time; what is refused stays, is told, and goes with the next build."""
        action = next(self._left(spec, facts), None)
        if action is None:
            return Wait("the result is published", 1)
        return Act(action, "a newer one has taken its place")

    def _left(self, spec: Spec, facts: Facts) -> Iterator[Action]:
        result = self.output.result(facts)
        if result is not None:
            yield from pending(spec, facts, result)
