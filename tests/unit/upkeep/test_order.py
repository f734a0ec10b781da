"""In which order templates come."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild.model.request import Request
from osc_imagebuild.upkeep import order


def asked(name: str, parent: str | None = None, **fields: Any) -> Request:
    """Return a template's request."""
    return Request(name=name, from_image=parent, **fields)


class OrderTest(testtools.TestCase):
    """Parents, and what has none."""

    def test_parents(self) -> None:
        """By family and by name; a volume is nobody's parent."""
        requests = [
            asked("web", "family:base"),
            asked("golden", family="base"),
            asked("db", "golden"),
            asked("old", "data"),
            asked("data", output="volume"),
            asked("x", "family:golden"),
            asked("y", output="tape"),
        ]
        self.assertEqual({0: 1, 2: 1}, order.parents(requests))

    def test_parents_by_properties(self) -> None:
        """The only one that says all of them of its image, and never itself."""
        role = {"role": "base"}
        requests = [
            asked("web", from_properties=role),
            asked("base", properties={**role, "team": "a"}, os="debian-13"),
            asked("db", from_properties={**role, "imagebuild_os": "debian-13"}),
            asked("app", from_properties={"imagebuild_family": "web"}),
            asked("own", from_properties={"n": "1"}, properties={"n": "1"}),
            asked("other", from_properties={"os_distro": "debian"}),
            asked("data", output="volume", properties={"v": "1"}),
            asked("of_data", from_properties={"v": "1"}),
        ]
        self.assertEqual({0: 1, 2: 1, 3: 0}, order.parents(requests))
        again = [*requests, asked("base2", properties=role, os="mini")]
        self.assertEqual({2: 1, 3: 0}, order.parents(again))

    def test_parents_first(self) -> None:
        """Otherwise as they were given."""
        self.assertEqual([0, 1, 2], order.parents_first(3, {}))
        self.assertEqual([2, 3, 1, 0], order.parents_first(4, {0: 1, 1: 2}))

    def test_rings(self) -> None:
        """Each once; what only hangs on one is none."""
        for parent_of, count in (
            ({0: 1}, 0),
            ({0: 0}, 1),
            ({0: 1, 1: 0}, 1),
            ({0: 1, 1: 2, 2: 1}, 1),
            ({0: 1, 1: 0, 2: 3, 3: 2}, 2),
        ):
            found = order.rings("abcd", parent_of)
            self.assertEqual(count, len(found), str(parent_of))
        told = "a changes the image of b changes the image of a: one of them must be"
        self.assertIn(told, order.rings("ab", {0: 1, 1: 0})[0])

    def test_rivals(self) -> None:
        """Of one family, or of one name."""
        requests = [asked("a"), asked("b", family="a"), asked("a", family="c")]
        told = order.rivals("xyz", requests)
        self.assertEqual(2, len(told))
        self.assertIn("y and x make images of one family, a", told[0])
        self.assertIn("z and x make images of one name, a", told[1])
