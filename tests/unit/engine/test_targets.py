"""What an action is on, changes, and means where it is refused."""

from __future__ import annotations

import testtools

from osc_imagebuild.engine import targets
from osc_imagebuild.model import actions
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.family import Old
from osc_imagebuild.model.resources import Image, Snapshot, Volume

IMAGE = Image("i-1", "golden", "active")
VOLUME = Volume("v-1", "root", "available")
SNAPSHOT = Snapshot("n-1", "root", "available")
OLDER = Image("i-0", "older", "active")
RETIRE = actions.Retire(OLDER, "golden", "golden (then)", Old.HIDE)


def set_image(then: actions.Retire | None = None) -> actions.SetImage:
    """Return an action on the image."""
    return actions.SetImage(IMAGE, "x", False, frozenset(), {}, 1, 1, then=then)


class TargetsTest(testtools.TestCase):
    """Tables of actions."""

    def test_target_and_changed(self) -> None:
        """What is made is told by its role, and changes nothing; all else has an ID."""
        for action, target, changed in (
            (set_image(), "i-1", ("i-1",)),
            (set_image(RETIRE), "i-1", ("i-1", "i-0")),
            (actions.SetVolume(VOLUME, {}), "v-1", ("v-1",)),
            (actions.SetSnapshot(SNAPSHOT, "x", {}), "n-1", ("n-1",)),
            (actions.DeleteImage("i-1"), "i-1", ("i-1",)),
            (actions.SetBootable("v-1"), "v-1", ("v-1",)),
            (actions.DeleteVolume("v-1"), "v-1", ("v-1",)),
            (actions.DeleteSnapshot("n-1"), "n-1", ("n-1",)),
            (actions.CreateSnapshot("v-1"), "v-1", ("v-1",)),
            (actions.ShareImage("i-1", "p"), "i-1", ("i-1",)),
            (actions.CopyToStores("i-1", ("ssd",)), "i-1", ("i-1",)),
            (
                actions.CopyImage("i-1", Copy("two", "R"), 0),
                Copy("two", "R").target,
                (),
            ),
            (RETIRE, "i-0", ("i-0",)),
            (actions.Discard(OLDER, "golden"), "i-0", ("i-0",)),
            (actions.SetMark("off"), "off", ()),
            (actions.DeleteServer("s-1"), "s-1", ("s-1",)),
        ):
            self.assertEqual(target, targets.target(action), str(action))
            self.assertEqual(changed, targets.changed(action), str(action))

    def test_optional(self) -> None:
        """Whom it was for, and what it means that it could not be done."""
        for action, about, means in (
            (
                actions.ShareImage("i-1", "p"),
                "p",
                "the image is not shared with project p",
            ),
            (
                actions.AcceptImage("i-1", "p", "theirs"),
                "p",
                "cloud theirs has not accepted the image",
            ),
            (
                actions.Discard(OLDER, "golden"),
                "i-0",
                "older is kept, and goes with a later build",
            ),
            (RETIRE, "i-0", "i-0 keeps its name and its place"),
        ):
            self.assertEqual(about, targets.optional(action))
            self.assertEqual(means, targets.kept_as(action))

    def test_service(self) -> None:
        """Who removes it."""
        for action, service in (
            (actions.DeleteServer("s-1"), "compute"),
            (actions.DeleteVolume("v-1"), "volume"),
            (actions.DeleteSnapshot("n-1"), "volume"),
            (actions.DeleteImage("i-1"), "image"),
        ):
            self.assertEqual(service, targets.service(action))
