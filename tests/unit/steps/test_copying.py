"""How a copy comes to be in another cloud: a table."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.model.actions import Discard, Retire
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Result, Rotation
from osc_imagebuild.steps import copying
from osc_imagebuild.steps.copying import (
    Await,
    Begin,
    Done,
    Drop,
    Fill,
    Name,
    Order,
    Prove,
    Seen,
)
from tests.unit.samples import BUILD_ID

SUM = "5" * 128
# After all of what is built.
LATER = 2e9
SAID = {
    "os_distro": "mini",
    "imagebuild_build_id": BUILD_ID,
    "imagebuild_family": "golden",
    "imagebuild_kind": "image",
    "imagebuild_built_at": "2026-03-01T12:00:00Z",
}
SOURCE = Image(
    "source",
    "golden",
    "active",
    owner="p",
    sha512=SUM,
    properties={
        **SAID,
        "imagebuild_result_id": "source",
        "os_glance_failed_import": "",
    },
)
RESULT = Result(
    name="golden",
    output="image",
    properties={},
    family="golden",
    rotation=Rotation(replace=True, keep=1),
)
ORDER = Order(SOURCE, BUILD_ID, RESULT)
TAGS = frozenset({f"imagebuild-{BUILD_ID}", "imagebuild-part"})


def part(status: str, image_id: str = "c", **fields: Any) -> Image:
    """An unfinished copy."""
    known: dict[str, Any] = {
        "name": f"imagebuild-{BUILD_ID}-copy",
        "owner": "t",
        "hidden": True,
        "tags": TAGS,
        "properties": SAID,
        "created_at": LATER - 60,
    }
    return Image(image_id, status=status, **(known | fields))


def whole(**fields: Any) -> Image:
    """A finished copy."""
    said = {**SAID, "imagebuild_result_id": "c"}
    known = {"tags": frozenset(), "name": "golden", "properties": said, "sha512": SUM}
    return part("active", **(known | fields))


def older(image_id: str, month: int, name: str = "golden", **fields: Any) -> Image:
    """A published one of the family there."""
    said = {
        **SAID,
        "imagebuild_build_id": image_id,
        "imagebuild_result_id": image_id,
        "imagebuild_built_at": f"2026-{month:02d}-01T12:00:00Z",
    }
    return Image(
        image_id, name, "active", owner="t", properties=said, created_at=LATER, **fields
    )


def seen(*copies: Image, **fields: Any) -> Seen:
    """What is seen there."""
    return Seen(LATER, "t", copies, **fields)


def retired(image: Image) -> Retire:
    """What takes the name from an older one."""
    built = image.properties["imagebuild_built_at"]
    return Retire(image, "golden", f"golden ({built})", RESULT.rotation.old)


def named(image: Image, name: str = "golden", then: Retire | None = None) -> Name:
    """What makes a whole copy the user's."""
    return Name(image, name, {**SAID, "imagebuild_result_id": image.id}, then)


ACTIVE = part("active", sha512=SUM)
OFF = dataclasses.replace(whole(), status="deactivated")
FEB, JAN, APR = older("feb", 2), older("jan", 1), older("apr", 4)
AWAY = older("feb", 2, "golden (2026-02-01T12:00:00Z)", hidden=True)
GONE = older("jan", 1, "golden (2026-01-01T12:00:00Z)", hidden=True)
ROWS: tuple[tuple[Seen, copying.Deed], ...] = (
    (seen(), Begin()),
    (seen(part("queued")), Fill(part("queued"), False)),
    (seen(part("queued"), fetches=True), Fill(part("queued"), True)),
    (seen(part("importing")), Await("that Glance fetches it")),
    (seen(part("saving")), Drop(part("saving"))),
    (seen(part("killed")), Drop(part("killed"))),
    (seen(ACTIVE), named(ACTIVE)),
    # Of several the best one is gone on with.
    (seen(part("queued", "d"), ACTIVE), Drop(part("queued", "d"))),
    (seen(part("queued", "d"), part("importing")), Drop(part("queued", "d"))),
    # Older ones give the name away, all but one before.
    (seen(ACTIVE, family=(FEB,)), named(ACTIVE, then=retired(FEB))),
    (seen(ACTIVE, family=(FEB, JAN)), retired(JAN)),
    (
        seen(ACTIVE, family=(FEB, JAN), kept=frozenset({"jan"})),
        named(ACTIVE, then=retired(FEB)),
    ),
    # A newer one keeps it.
    (seen(ACTIVE, family=(APR,)), named(ACTIVE, "golden (2026-03-01T12:00:00Z)")),
    # What is finished is left as it is; unfinished ones beside it go.
    (seen(whole()), Done(whole())),
    (seen(whole(), part("queued", "d")), Drop(part("queued", "d"))),
    (seen(OFF), Done(OFF)),
    (seen(whole(), family=(FEB,)), retired(FEB)),
    (seen(whole(), family=(AWAY, GONE)), Discard(GONE, "golden")),
    (seen(whole(), family=(AWAY,)), Done(whole())),
    (seen(whole(), family=(FEB,), kept=frozenset({"feb"})), Done(whole())),
    # What is not what it says to be counts for nothing.
    (seen(whole(sha512="6" * 128)), Begin()),
    (seen(whole(sha512="")), Begin()),
    (seen(whole(properties=SAID)), Begin()),
    (seen(part("active", tags=frozenset(), sha512=SUM)), Begin()),
    (seen(part("active", name="mine", sha512=SUM)), Begin()),
)


class CopyingTest(testtools.TestCase):
    """What is seen, and what is done."""

    def test_rows(self) -> None:
        """Each by itself."""
        for number, (there, wanted) in enumerate(ROWS):
            self.assertEqual(wanted, copying.decide(ORDER, there), f"row {number}")

    def test_trouble(self) -> None:
        """What came to nothing goes, and is told."""
        failed = part("queued", properties={**SAID, "os_glance_failed_import": "s"})
        late = part("importing", created_at=LATER - copying.FETCH_LIMIT_S - 1)
        for image, trouble in (
            (failed, "that Glance could not fetch it"),
            (late, "that Glance fetched it for 4 hours"),
            (part("active", sha512="6" * 128), "its sha512 is another one"),
            (part("active"), "Glance tells no sha512"),
        ):
            deed = copying.decide(ORDER, seen(image))
            assert isinstance(deed, Drop)
            self.assertEqual(image, deed.image)
            self.assertIn(trouble, deed.trouble)
        unknown = dataclasses.replace(
            ORDER, source=dataclasses.replace(SOURCE, sha512="")
        )
        deed = copying.decide(unknown, seen(ACTIVE))
        self.assertIsInstance(deed, Drop)

    def test_verify(self) -> None:
        """It is booted before it has the name."""
        order = dataclasses.replace(ORDER, verify=True)
        self.assertEqual(Prove(ACTIVE), copying.decide(order, seen(ACTIVE)))
        proven = seen(ACTIVE, proven=frozenset({"c"}))
        self.assertEqual(named(ACTIVE), copying.decide(order, proven))
        self.assertEqual(Done(whole()), copying.decide(order, seen(whole())))

    def test_without_replace(self) -> None:
        """Nobody is renamed."""
        result = dataclasses.replace(RESULT, rotation=Rotation())
        order = dataclasses.replace(ORDER, result=result)
        for image, wanted in ((ACTIVE, named(ACTIVE)), (whole(), Done(whole()))):
            found = copying.decide(order, seen(image, family=(FEB, APR)))
            self.assertEqual(wanted, found)

    def test_taken_out_of_the_family(self) -> None:
        """What a user did to a copy since stays so."""
        image = whole(
            properties={**SAID, "imagebuild_result_id": "c"}
            | {"imagebuild_family": "mine"}
        )
        found = copying.decide(ORDER, seen(image, family=(FEB,)))
        self.assertEqual(Done(image), found)
