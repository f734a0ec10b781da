"""What a result says of its family, and what is believed of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.model import family
from osc_imagebuild.model.family import Member, Old
from osc_imagebuild.model.resources import Image, Snapshot, Volume

SAYS = {
    "imagebuild_family": "golden",
    "imagebuild_kind": "image",
    "imagebuild_result_id": "i-1",
    "imagebuild_build_id": "b-1",
    "imagebuild_built_at": "2026-01-31T12:00:00Z",
}
IMAGE = Image("i-1", "golden", "active", owner="demo", properties=SAYS)
HOSTILE = ("", "\x00", "\x1b[2J", "x" * 100_000, "../..", "ä\u202e", "%s{}", "\ud800")


def image(*without: str, **changes: Any) -> Image:
    """Return the image with properties changed or left out, or fields."""
    fields = {f.name for f in dataclasses.fields(Image)}
    said = {key: value for key, value in SAYS.items() if key not in without}
    said |= {f"imagebuild_{k}": v for k, v in changes.items() if k not in fields}
    known = {key: value for key, value in changes.items() if key in fields}
    return dataclasses.replace(IMAGE, **{"properties": said, **known})


def volume(kind: type[Any] = Volume, **fields: Any) -> Any:
    """Return a volume, or a snapshot, that is a result."""
    said = {**SAYS, "imagebuild_kind": kind.__name__.lower()}
    known: dict[str, Any] = {"owner": "demo", "metadata": said}
    known |= {"name": "golden", "status": "available"}
    return kind("i-1", **(known | fields))


class FamilyOfTest(testtools.TestCase):
    """Which family something is of."""

    def test_images(self) -> None:
        """Only a published result of this project that speaks of itself."""
        table: tuple[tuple[Image, str], ...] = (
            (IMAGE, "golden"),
            (image(status="deactivated"), "golden"),
            (image(hidden=True, protected=True, visibility="public"), "golden"),
            (image(name="another"), "golden"),
            (image("imagebuild_family"), ""),
            (image("imagebuild_build_id"), ""),
            (image("imagebuild_result_id"), ""),
            (image("imagebuild_kind"), ""),
            (image(properties={}), ""),
            (image(build_id=""), ""),
            (image(result_id="i-2"), ""),  # what Nova made of its server
            (image(kind="volume"), ""),
            (image(owner="other"), ""),
            (image(owner=""), ""),
            (image(tags=frozenset({"imagebuild-part"})), ""),
            (image(tags=frozenset({"mine"})), "golden"),
            *((image(status=status), "") for status in ("queued", "saving", "killed")),
        )
        for item, expected in table:
            self.assertEqual(expected, family.family_of(item, "demo"), str(item))

    def test_cinder(self) -> None:
        """Metadata count; Cinder need not tell whose it is."""
        for kind in (Volume, Snapshot):
            said = volume(kind).metadata
            table: tuple[tuple[Member, str], ...] = (
                (volume(kind), "golden"),
                (volume(kind, owner=""), "golden"),
                (volume(kind, owner="other"), ""),
                (volume(kind, metadata={**said, "imagebuild": "b-1"}), ""),
                (volume(kind, metadata=SAYS), ""),
                (volume(kind, metadata={}), ""),
                (volume(kind, metadata={**said, "imagebuild_result_id": "x"}), ""),
            )
            for item, expected in table:
                self.assertEqual(expected, family.family_of(item, "demo"), str(item))
        of_image = volume(image_metadata=SAYS, metadata={})
        self.assertEqual("", family.family_of(of_image, "demo"))

    def test_hostile_words(self) -> None:
        """A family may have any name; words that are wrong make it of none."""
        for text in HOSTILE:
            self.assertEqual(text, family.family_of(image(family=text), "demo"))
            for key in ("kind", "result_id"):
                self.assertEqual("", family.family_of(image(**{key: text}), "demo"))
            self.assertEqual("", family.family_of(image(owner=text), "demo"))
            other = family.family_of(image(build_id=text), "demo")
            self.assertEqual("golden" if text else "", other)


class NamesTest(testtools.TestCase):
    """What an older result is called."""

    def test_built_at(self) -> None:
        """As it says itself, or as its service does; never more than a time is long."""
        for item, expected in (
            (IMAGE, "2026-01-31T12:00:00Z"),
            (image("imagebuild_built_at", created_at=86_400.9), "1970-01-02T00:00:00Z"),
            (image(built_at="", created_at=0.0), "1970-01-01T00:00:00Z"),
            (image(built_at="x" * 5000), "x" * 20),
            (volume(), "2026-01-31T12:00:00Z"),
        ):
            self.assertEqual(expected, family.built_at(item))

    def test_old_name(self) -> None:
        """It has the time at its end, fits, and is known by that."""
        for word in ("golden", "x" * 255, *HOSTILE):
            for item in (IMAGE, image(built_at="y" * 300), image(built_at=word)):
                name = family.old_name(word, item)
                self.assertLessEqual(len(name), 255)
                renamed = dataclasses.replace(item, name=name)
                self.assertTrue(family.is_retired(renamed), name)
                self.assertEqual(word[:200], name[: len(word)][:200])

    def test_is_retired(self) -> None:
        """Only by its own time, at the end."""
        for name, expected in (
            ("golden (2026-01-31T12:00:00Z)", True),
            (" (2026-01-31T12:00:00Z)", True),
            ("golden", False),
            ("", False),
            ("golden (2026-01-31T12:00:00Z) ", False),
            ("golden(2026-01-31T12:00:00Z)", False),
            ("golden (2025-01-31T12:00:00Z)", False),
        ):
            self.assertIs(expected, family.is_retired(image(name=name)), name)


class OrderTest(testtools.TestCase):
    """Newest first, by the service's own time."""

    def test_newest_first(self) -> None:
        """Whatever results say themselves; the ID decides between equals."""
        items = [
            image(id="a", created_at=1.0, built_at="2099-01-01T00:00:00Z"),
            image(id="c", created_at=2.0),
            image(id="b", created_at=2.0),
        ]
        for order in (items, items[::-1]):
            found = [item.id for item in family.newest_first(order)]
            self.assertEqual(["c", "b", "a"], found)

    def test_copies(self) -> None:
        """A copy is as old as what it is a copy of; what is no time counts for nothing."""
        day = 86_400.0
        items = [
            image(id="new", created_at=3 * day, built_at="1970-01-04T00:00:00Z"),
            image(id="copy", created_at=9 * day, built_at="1970-01-02T00:00:00Z"),
            image(id="odd", created_at=2 * day, built_at="0000"),
        ]
        for order in (items, items[::-1]):
            found = [item.id for item in family.newest_first(order)]
            self.assertEqual(["new", "odd", "copy"], found)


class PlaceTest(testtools.TestCase):
    """Whether an older one is where it goes, and what may be done with it."""

    def test_is_put_away(self) -> None:
        """Each way, renamed or not."""
        faces: dict[Old, dict[str, Any]] = {
            Old.KEEP: {},
            Old.HIDE: {"hidden": True},
            Old.COMMUNITY: {"visibility": "community"},
            Old.DEACTIVATE: {"status": "deactivated"},
            Old.DELETE: {"hidden": True},
        }
        name = family.old_name("golden", IMAGE)
        for old, face in faces.items():
            there = image(name=name, **face)
            self.assertTrue(family.is_put_away(there, old), old)
            self.assertFalse(family.is_put_away(image(**face), old), old)
            self.assertIs(not face, family.is_put_away(image(name=name), old), old)
        for kind in (Volume, Snapshot):
            for old in Old:
                self.assertTrue(family.is_put_away(volume(kind, name=name), old))
                self.assertFalse(family.is_put_away(volume(kind), old))

    def test_may_change(self) -> None:
        """What is protected stays as it is."""
        self.assertTrue(family.may_change(IMAGE))
        self.assertFalse(family.may_change(image(protected=True)))
        self.assertTrue(family.may_change(volume()))

    def test_is_going(self) -> None:
        """Its service removes it."""
        for status, expected in (
            ("deleting", True),
            ("pending_delete", True),
            ("active", False),
            ("error_deleting", False),
        ):
            self.assertIs(expected, family.is_going(image(status=status)))

    def test_states(self) -> None:
        """What sets it apart."""
        for item, expected in (
            (IMAGE, ()),
            (image(hidden=True), ("hidden",)),
            (image(visibility="public"), ("public",)),
            (
                image(status="deactivated", visibility="shared", protected=True),
                ("deactivated", "shared", "protected"),
            ),
            (volume(), ()),
            (volume(Snapshot, status="error"), ("error",)),
        ):
            self.assertEqual(expected, family.states(item))

    def test_os(self) -> None:
        """Of a volume its image metadata tell; of a snapshot nothing does."""
        self.assertEqual("mini", family.os_of(image(os="mini")))
        self.assertEqual("", family.os_of(IMAGE))
        known = {"imagebuild_os": "mini"}
        self.assertEqual("mini", family.os_of(volume(image_metadata=known)))
        self.assertEqual("", family.os_of(volume(metadata=known)))
        self.assertEqual("", family.os_of(volume(Snapshot)))

    def test_words(self) -> None:
        """Properties or metadata, and the kind."""
        self.assertEqual(SAYS, family.words(IMAGE))
        for kind in (Volume, Snapshot):
            self.assertEqual("b-1", family.words(volume(kind))["imagebuild_build_id"])
            self.assertEqual(kind.__name__.lower(), family.kind(volume(kind)))
