"""How a result takes the name of older ones: tables of what is seen and what is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import testtools

from osc_imagebuild.model.actions import (
    AcceptImage,
    Act,
    Action,
    Discard,
    Retire,
    SetImage,
    ShareImage,
    Wait,
)
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.family import Member, Old, old_name
from osc_imagebuild.model.names import kept
from osc_imagebuild.model.resources import Image, Snapshot, Volume
from osc_imagebuild.model.spec import Result, Rotation, Spec
from osc_imagebuild.steps import rotation
from osc_imagebuild.steps.rotation import MOST_REFUSED, Rotate
from tests.unit import samples
from tests.unit.samples import NOW

NAME = "golden"


def spec(old: Old = Old.HIDE, keep: int = 3, **fields: Any) -> Spec:
    """Return a spec that replaces older ones, unless ``fields`` say otherwise."""
    replace = fields.pop("replace", True)
    how = Rotation(replace=replace, old=old, keep=keep)
    asked = samples.spec()
    known: dict[str, Any] = {"family": NAME, "rotation": how}
    result: Result = dataclasses.replace(asked.result, **(known | fields))
    return dataclasses.replace(asked, result=result)


def image(number: int, name: str = NAME, **fields: Any) -> Image:
    """Return a result: the higher its number, the younger."""
    known: dict[str, Any] = {"created_at": NOW + number, "status": "active"}
    return Image(f"i-{number}", name, **(known | fields))


def retired(number: int, *, hidden: bool = True, **fields: Any) -> Image:
    """Return one that has given its name away."""
    item = image(number, hidden=hidden, **fields)
    return dataclasses.replace(item, name=old_name(NAME, item))


def disk(kind: type[Any], number: int, name: str = NAME, **fields: Any) -> Any:
    """Return a volume or snapshot that is a result."""
    known = {"status": "available", "created_at": NOW + number}
    return kind(f"v-{number}", name, **(known | fields))


def facts(*family: Member, **fields: Any) -> Facts:
    """Return facts with a family."""
    return Facts(NOW, family=family, **fields)


def marks(*items: Member | str) -> dict[str, Mark]:
    """Return the marks of what could not be changed."""
    ids = (i if isinstance(i, str) else i.id for i in items)
    return {kept(item_id): Mark(NOW) for item_id in ids}


RESULT = image(9, "imagebuild-result")


@dataclasses.dataclass(frozen=True)
class Output:
    """An output whose result is what a test says."""

    item: Member | None = RESULT
    is_published: bool = True
    sees: frozenset[str] = frozenset({"result"})
    cinder_source: str = ""

    def ids(self, facts: Facts) -> dict[str, str]:
        """Nobody asks."""
        return {}

    def publish(self, spec: Spec, facts: Facts) -> Action:
        """Nobody asks."""
        raise NotImplementedError

    def result(self, facts: Facts) -> Member | None:
        """The result."""
        return self.item

    def published(self, spec: Spec, facts: Facts) -> bool:
        """Whether it is published."""
        return self.is_published


class NamesTest(testtools.TestCase):
    """Which name the result gets, and which it may have."""

    def test_name(self) -> None:
        """The user's, unless a newer one of the family is there."""
        mine = old_name(NAME, RESULT)
        for found, expected in (
            (facts(), NAME),
            (facts(RESULT), NAME),
            (facts(RESULT, image(8), image(1)), NAME),
            (facts(image(8), image(10)), mine),
            (facts(dataclasses.replace(image(9), id="i-0")), NAME),
            (facts(dataclasses.replace(image(9), id="i-99")), mine),
            (facts(image(10, protected=True)), mine),
        ):
            self.assertEqual(expected, rotation.name(spec(), found, RESULT))

    def test_is_named(self) -> None:
        """One that has left its name to a newer one is published as well."""
        old = dataclasses.replace(RESULT, name=old_name(NAME, RESULT))
        for asked, item, expected in (
            (spec(), image(9), True),
            (spec(), old, True),
            (spec(replace=False), image(9), True),
            (spec(replace=False), old, False),
            (spec(), RESULT, False),
            (spec(), image(9, ""), False),
            (spec(), image(9, f"{NAME} (x)"), False),
        ):
            self.assertIs(expected, rotation.is_named(asked, item))

    def test_visibility(self) -> None:
        """One with members stays shared; what everybody sees needs none."""
        private, shared = image(9), image(9, visibility="shared")
        for fields, item, expected in (
            ({}, private, "private"),
            ({}, shared, "shared"),
            ({"replace": False}, shared, "private"),
            ({"replace": False, "members": ("p",)}, shared, "shared"),
            ({"visibility": "public"}, shared, "public"),
            ({"visibility": "community"}, shared, "community"),
            ({"visibility": "shared"}, private, "shared"),
        ):
            self.assertEqual(expected, rotation.visibility(spec(**fields), item))

    def test_sees(self) -> None:
        """No more is looked at than decides."""
        for fields, expected in (
            ({}, {"members", "family"}),
            ({"visibility": "public"}, {"family"}),
            ({"replace": False}, set()),
            ({"replace": False, "members": ("p",)}, {"members"}),
            ({"replace": False, "members": ("p",), "visibility": "public"}, set()),
        ):
            self.assertEqual(expected, rotation.sees(spec(**fields)))
        self.assertEqual({"result", "family"}, Rotate(Output()).sees)


class BeforeTest(testtools.TestCase):
    """What comes before the result is published, and with it."""

    def check(self, asked: Spec, found: Facts, expected: Action | None) -> None:
        """Compare what is done for an image that is the result."""
        self.assertEqual(expected, rotation.before(asked, found, RESULT))

    def test_holders(self) -> None:
        """Of several with the name all but the newest give it away before."""
        second = Retire(image(2), NAME, old_name(NAME, image(2)), Old.HIDE)
        for found, expected in (
            (facts(), None),
            (facts(image(1)), None),
            (facts(image(3), image(2)), second),
            (facts(image(2), image(3), RESULT), second),
            (facts(image(3), image(2, "other"), image(1, protected=True)), None),
            (facts(image(3), image(2), marks=marks(image(2))), None),
            (facts(image(3), image(2, status="pending_delete")), None),
            (facts(image(3), retired(2)), None),
            (facts(image(11), image(10)), None),  # newer ones are not its business
        ):
            self.check(spec(), found, expected)
        self.check(spec(replace=False), facts(image(3), image(2)), None)

    def test_then(self) -> None:
        """The newest older one with the name gives it away at once."""
        for asked, found, expected in (
            (spec(), facts(), None),
            (spec(), facts(image(2), image(3)), image(3)),
            (spec(), facts(image(2), image(3, "other")), image(2)),
            (spec(), facts(image(2), image(3, protected=True)), image(2)),
            (spec(), facts(image(2), marks=marks(image(2))), None),
            (spec(replace=False), facts(image(2)), None),
        ):
            wanted = expected and Retire(
                expected, NAME, old_name(NAME, expected), Old.HIDE
            )
            self.assertEqual(wanted, rotation.then(asked, found, RESULT))

    def test_members(self) -> None:
        """It is shared first, then each is added, then accepted."""
        asked = spec(members=("p-1", "p-2"), accepting={"p-2": "cloud", "p-9": "no"})
        shared = dataclasses.replace(RESULT, visibility="shared")
        share = self.shared(RESULT)
        one, both = {"p-1": "pending"}, {"p-1": "pending", "p-2": "pending"}
        done = {**both, "p-2": "accepted"}
        for item, sharing, found, expected in (
            (RESULT, {}, {}, share),
            (shared, {}, {}, ShareImage(RESULT.id, "p-1")),
            (shared, {RESULT.id: one}, {}, ShareImage(RESULT.id, "p-2")),
            (shared, {RESULT.id: both}, {}, AcceptImage(RESULT.id, "p-2", "cloud")),
            (shared, {RESULT.id: done}, {}, None),
            (shared, {RESULT.id: {}}, marks("p-1"), ShareImage(RESULT.id, "p-2")),
            (shared, {RESULT.id: one}, marks("p-2"), None),
            (RESULT, {}, marks("p-1", "p-2"), None),
        ):
            seen = facts(sharing=sharing, marks=found)
            self.assertEqual(expected, rotation.before(asked, seen, item))

    def shared(self, item: Image) -> SetImage:
        """Return what makes an image one that can have members."""
        return SetImage(
            image=item,
            name=item.name,
            hidden=item.hidden,
            tags=item.tags,
            properties=item.properties,
            min_disk_gib=item.min_disk_gib,
            min_ram_mib=item.min_ram_mib,
            visibility="shared",
        )

    def test_inherited_members(self) -> None:
        """Those of the older one, whatever they answered, unless it replaces none."""
        sharing = {"i-2": {"p-1": "accepted", "p-2": "rejected"}}
        shared = dataclasses.replace(RESULT, visibility="shared")
        found = facts(image(2), sharing=sharing)
        first = ShareImage(RESULT.id, "p-1", accepted_id="i-2")
        self.assertEqual(first, rotation.before(spec(), found, shared))
        accepting = spec(members=("p-1",), accepting={"p-1": "cloud"})
        told_to_nobody = ShareImage(RESULT.id, "p-1")
        self.assertEqual(told_to_nobody, rotation.before(accepting, found, shared))
        seen = facts(image(2), sharing={**sharing, RESULT.id: {"p-1": "pending"}})
        rejected = ShareImage(RESULT.id, "p-2")
        self.assertEqual(rejected, rotation.before(spec(), seen, shared))
        alone = spec(replace=False, members=("p-3",))
        third = ShareImage(RESULT.id, "p-3")
        self.assertEqual(third, rotation.before(alone, found, shared))
        for fields in ({"replace": False}, {"visibility": "public"}):
            self.assertIsNone(rotation.before(spec(**fields), found, shared))
        own = facts(sharing={RESULT.id: {"p-1": "pending"}})
        self.assertIsNone(rotation.before(spec(), own, shared))

    def test_cinder(self) -> None:
        """Volumes have no members."""
        for kind in (Volume, Snapshot):
            result, old, older = (disk(kind, n) for n in (9, 3, 2))
            found = facts(old, older, sharing={"i-2": {"p": "accepted"}})
            asked = spec(members=("p",))
            gone = Retire(older, NAME, old_name(NAME, older), Old.HIDE)
            self.assertEqual(gone, rotation.before(asked, found, result))
            then = rotation.then(asked, found, result)
            self.assertEqual(old, then.item if then else None)


class RotateTest(testtools.TestCase):
    """What is left to do once the result is published."""

    def check(self, asked: Spec, found: Facts, *expected: Action) -> None:
        """Compare all that is left, and what is done of it first."""
        step = Rotate(Output(image(9)))
        self.assertEqual(list(expected), list(step._left(asked, found)))
        self.assertIs(not expected, step.done(asked, found))
        match step.decide(asked, found):
            case Act(action, _):
                self.assertEqual(expected[:1], (action,))
            case other:
                self.assertIsInstance(other, Wait)
                self.assertEqual((), expected)

    def retire(self, item: Member, old: Old = Old.HIDE) -> Retire:
        """Return what puts one away that has the name."""
        return Retire(item, NAME, old_name(NAME, item), old)

    def test_ways(self) -> None:
        """Each way: what is there already is left, renamed or not."""
        hidden, shown = retired(2), retired(2, hidden=False)
        community = retired(2, hidden=False, visibility="community")
        inactive = retired(2, hidden=False, status="deactivated")
        items = (hidden, shown, community, inactive)
        for old, right in (
            (Old.KEEP, items),
            (Old.HIDE, (hidden,)),
            (Old.COMMUNITY, (community,)),
            (Old.DEACTIVATE, (inactive,)),
        ):
            for item in items:
                again = () if item in right else (Retire(item, NAME, item.name, old),)
                self.check(spec(old), facts(image(9), item), *again)
            self.check(spec(old), facts(image(9), image(2)), self.retire(image(2), old))

    def test_delete(self) -> None:
        """All older ones go, whatever number is kept otherwise; hidden first."""
        a, b = retired(3), image(2)
        wanted = (self.retire(b, Old.DELETE), Discard(a, NAME), Discard(b, NAME))
        self.check(spec(Old.DELETE, keep=5), facts(image(9), a, b), *wanted)

    def test_keep(self) -> None:
        """So many of the newest stay; what may not be changed counts too."""
        a, b, c = retired(5), retired(4), retired(3)
        fixed = retired(6, protected=True)
        family = (image(9), c, a, b)
        for keep, gone in ((0, (a, b, c)), (1, (b, c)), (2, (c,)), (3, ()), (100, ())):
            discards = [Discard(item, NAME) for item in gone]
            self.check(spec(keep=keep), facts(*family), *discards)
        self.check(spec(keep=2), facts(*family, fixed), *map(self.gone, (b, c)))
        self.check(spec(keep=0), facts(image(9), fixed))

    def gone(self, item: Member) -> Discard:
        """Return what deletes one."""
        return Discard(item, NAME)

    def test_what_was_refused(self) -> None:
        """It is not tried again; after many refusals nothing is."""
        a, b = retired(3), retired(2)
        found = facts(image(9), a, b, marks=marks(b))
        self.check(spec(keep=0), found, Discard(a, NAME))
        many = [f"x-{n}" for n in range(MOST_REFUSED)]
        self.check(spec(keep=0), facts(image(9), a, b, marks=marks(*many)))
        few = marks(*many[:-1])
        self.check(
            spec(keep=0), facts(image(9), a, b, marks=few), self.gone(a), self.gone(b)
        )

    def test_going(self) -> None:
        """Cinder takes its time."""
        item = disk(Volume, 2, status="deleting")
        self.check(spec(keep=0), facts(image(9), item))

    def test_a_newer_one(self) -> None:
        """The result is older itself: it goes where older ones go, and is not deleted."""
        newer, result = image(10), image(9)
        self.check(
            spec(keep=0), facts(newer, result, retired(2)),
            self.retire(result), Discard(retired(2), NAME),
        )  # fmt: skip
        self.check(spec(), facts(newer, result), self.retire(result))
        away = dataclasses.replace(result, name=old_name(NAME, result), hidden=True)
        step = Rotate(Output(away))
        for keep in (0, 1):
            self.assertTrue(step.done(spec(keep=keep), facts(newer, away)))

    def test_result(self) -> None:
        """Without one, or before it is published, it is not done."""
        for output in (Output(None), Output(image(9), is_published=False)):
            self.assertFalse(Rotate(output).done(spec(), facts()))
        decided = Rotate(Output(None)).decide(spec(), facts(image(2)))
        self.assertIsInstance(decided, Wait)

    def test_hostile_words(self) -> None:
        """Names and times of others make no second name, and no end of work."""
        family: Sequence[Image] = [
            image(n, word, properties={"imagebuild_built_at": word})
            for n, word in enumerate(
                ("", "\x1b[2J", "y" * 9000, "%s", "ä\u202e", " ()")
            )
        ]
        left = list(Rotate(Output(image(9)))._left(spec(keep=100), facts(*family)))
        self.assertEqual(6, len(left))
        for action in left:
            assert isinstance(action, Retire) and isinstance(action.item, Image)
            self.assertLessEqual(len(action.name), 255)
            after = dataclasses.replace(action.item, name=action.name, hidden=True)
            again = Rotate(Output(image(9)))._left(spec(keep=100), facts(after))
            self.assertEqual([], list(again))
