"""Nothing is changed that does not say that this build made it."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import testtools

from osc_imagebuild.engine import ownership
from osc_imagebuild.model import actions
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.family import FAMILY, Old
from osc_imagebuild.model.ownership import is_own, may_read
from osc_imagebuild.model.resources import Image, Server, Snapshot, Volume
from tests.unit.samples import BUILD_ID, NOW

TAG = f"imagebuild-{BUILD_ID}"
OTHER = BUILD_ID.replace("6f1e", "7f1e")
# What makes something of nothing, or of what another look finds, or writes the record.
MAKING = {
    *("CreateImage", "CreateServer", "CreateVolume", "SetMark", "Finish", "ProveImage"),
}
# What is done to results of other builds; see `test_older_ones`.
ROTATING = ("Retire", "Discard")


def resources(own: bool, **fields: Any) -> dict[str, Any]:
    """Return one resource of each kind by its kind, of this build or of another."""
    name = f"imagebuild-{BUILD_ID if own else OTHER}-x"
    mark = {"imagebuild": BUILD_ID if own else OTHER}
    return {
        "image": Image("i-1", name, "active", **fields),
        "server": Server("s-1", name, "ACTIVE", **fields),
        "volume": Volume("v-1", "root", "available", metadata=mark, **fields),
        "snapshot": Snapshot("n-1", "root", "available", metadata=mark, **fields),
    }


def facts(items: dict[str, Any]) -> Facts:
    """Return facts in which they were seen."""
    return Facts(
        NOW,
        images={"x": items["image"]},
        servers={"x": items["server"]},
        volumes={"x": items["volume"]},
        duplicates=(items["snapshot"],),
    )


def made(kind: type[Any], items: dict[str, Any]) -> Any:
    """Return an action of a kind on those of ``items`` that it takes."""
    ids = {f"{name}_id": item.id for name, item in items.items()}
    values: dict[str, Any] = {**items, **ids}
    fields = {field.name: field for field in dataclasses.fields(kind)}
    return kind(
        **{
            name: values.get(name)
            for name, field in fields.items()
            if name in values or field.default is dataclasses.MISSING
        }
    )


class OwnershipTest(testtools.TestCase):
    """All actions there are."""

    def test_all_actions(self) -> None:
        """On the build's own they go on; on others', or on what nobody saw, they don't."""
        own, foreign = resources(own=True), resources(own=False)
        elsewhere = resources(own=True, owner="other-project")
        kinds = typing.get_args(actions.Action)
        self.assertLess(20, len(kinds))
        for kind in kinds:
            if kind.__name__ in (*MAKING, *ROTATING):
                continue
            refused = [
                bool(
                    ownership.refusal(
                        made(kind, items), facts(seen), BUILD_ID, "project"
                    )
                )
                for items, seen in (
                    (own, own),
                    (foreign, foreign),
                    (elsewhere, elsewhere),
                    ({n: dataclasses.replace(i, id="z") for n, i in own.items()}, own),
                )
            ]
            self.assertEqual([False, True, True, True], refused, kind.__name__)

    def test_older_ones(self) -> None:
        """Only results that say that they are of the family, themselves, unprotected."""
        says = {
            "imagebuild_build_id": OTHER,
            "imagebuild_family": "golden",
            "imagebuild_kind": "image",
            "imagebuild_result_id": "i-1",
        }
        good = Image("i-1", "golden", "active", owner="project", properties=says)
        for item, refused in (
            (good, False),
            (dataclasses.replace(good, protected=True), True),
            (dataclasses.replace(good, owner="other"), True),
            (dataclasses.replace(good, owner=""), True),
            (dataclasses.replace(good, id="i-2"), True),  # a server's snapshot
            (dataclasses.replace(good, status="queued"), True),
            (dataclasses.replace(good, tags=frozenset({"imagebuild-part"})), True),
            (
                dataclasses.replace(good, properties={**says, FAMILY: "silver"}),
                True,
            ),
            (
                dataclasses.replace(
                    good, properties={**says, "imagebuild_build_id": ""}
                ),
                True,
            ),
        ):
            seen = Facts(NOW, family=(item,))
            for action in (
                actions.Retire(item, "golden", "golden (old)", Old.HIDE),
                actions.Discard(item, "golden"),
            ):
                found = ownership.refusal(action, seen, BUILD_ID, "project")
                self.assertIs(refused, bool(found), f"{item}: {found}")
                unseen = ownership.refusal(action, Facts(NOW), BUILD_ID, "project")
                self.assertIn("stays as it is", unseen)

    def test_then(self) -> None:
        """What follows a change is judged as if it came alone."""
        result = resources(own=True)["image"]
        victim = Image("i-9", "golden", "active", owner="project")
        change = actions.SetImage(
            result, "golden", False, frozenset(), {}, 1, 1,
            then=actions.Retire(victim, "golden", "x", Old.HIDE),
        )  # fmt: skip
        seen = Facts(NOW, images={"result": result}, family=(victim,))
        told = ownership.refusal(change, seen, BUILD_ID, "project")
        self.assertIn("image i-9 stays as it is", told)

    def test_making(self) -> None:
        """What is made is this build's by its name; the rest names nothing."""
        for kind in typing.get_args(actions.Action):
            if kind.__name__ in MAKING:
                action = made(kind, resources(own=False))
                self.assertEqual([], list(ownership.subjects(action)), kind.__name__)

    def test_evidence(self) -> None:
        """Tag, name or property of images, mark or metadata of volumes."""
        for item, own in (
            (Image("i", "golden", "active"), False),
            (Image("i", "golden", "active", tags=frozenset({TAG})), True),
            (Image("i", f"{TAG}-result", "active"), True),
            (
                Image("i", "g", "active", properties={"imagebuild_build_id": BUILD_ID}),
                True,
            ),
            (Image("i", "g", "active", properties={"imagebuild_build_id": ""}), False),
            (Image("i", f"imagebuild-{OTHER}-result", "active"), False),
            (Server("s", "install", "ACTIVE"), False),
            (Server("s", f"{TAG}-install", "ACTIVE"), True),
            (Volume("v", f"{TAG}-root", "available"), False),
            (Volume("v", "g", "in-use", metadata={"imagebuild": BUILD_ID}), True),
            (
                Snapshot(
                    "n", "g", "available", metadata={"imagebuild_build_id": BUILD_ID}
                ),
                True,
            ),
        ):
            self.assertEqual(own, is_own(item, BUILD_ID, "p"), str(item))

    def test_readable(self) -> None:
        """What another project keeps to itself is not read, even by an admin."""
        for owner, visibility, readable in (
            ("p", "private", True),
            ("", "private", True),
            ("q", "private", False),
            ("q", "shared", True),
            ("q", "public", True),
        ):
            image = Image("i", "x", "active", owner=owner, visibility=visibility)
            self.assertEqual(readable, may_read(image, "p"), owner + visibility)
