"""Output image: from a disk or a volume to a clean image."""

from __future__ import annotations

import dataclasses
from typing import Any

import testtools

from osc_imagebuild.model.actions import (
    DeleteServer,
    Harvest,
    SetImage,
    SetMark,
    UploadVolume,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.resources import Image, ServerAction
from osc_imagebuild.outputs.image import (
    HARVEST_LIMIT_S,
    OUTPUT,
    HarvestDisk,
    RemoveServer,
    UploadRoot,
)
from tests.unit.decisions import INSTALLED, StepTestCase, seen, spec, volume
from tests.unit.samples import NOW, image, marks, server

OFF_SERVER = server("install", "SHUTOFF")
BUSY = server("install", "SHUTOFF", task_state="image_uploading")
GOING = server("install", "SHUTOFF", task_state="deleting")
REBUILT = server("install", "SHUTOFF", actions=(ServerAction("rebuild", NOW, "u-1"),))
LATE = "fail: the image of the installed disk was not ready within 60 minutes"


def installed(*servers: Any, result: str = "", created_at: float = NOW) -> Facts:
    """Return facts of an installed server, with the result in a state."""
    images = (image("result", result, created_at=created_at),) if result else ()
    return seen(
        marks=INSTALLED,
        servers=servers,
        images=images,
    )


def holding(result: Image) -> Facts:
    """Return facts with the result, whatever its name is by now."""
    return dataclasses.replace(seen(), images={"result": result})


class HarvestDiskTest(StepTestCase):
    """Nova makes an image of the disk of a server that is off."""

    def test_decisions(self) -> None:
        """Once, from a disk that is what was installed."""
        gone = (
            "fail: the server was deleted by somebody before its disk became an image"
        )
        old = NOW - HARVEST_LIMIT_S
        self.check(
            HarvestDisk(),
            (installed(OFF_SERVER), Harvest("s-install")),
            (installed(BUSY), "wait: the server is busy: image_uploading (5 s)"),
            (installed(), gone),
            (
                installed(REBUILT),
                "fail: somebody rebuilt the server after it was installed: its disk "
                "is not what was installed any more",
            ),
            (
                installed(BUSY, result="saving", created_at=old),
                "wait: Glance has the image as saving (5 s)",
            ),
            (installed(BUSY, result="saving", created_at=old - 1), LATE),
        )

    def test_done(self) -> None:
        """Active, and of what was installed."""
        self.check_done(
            HarvestDisk(),
            (installed(result="saving"), False),
            (seen(marks={}, images=(image("result"),)), False),
            (installed(result="active"), True),
        )


class UploadRootTest(StepTestCase):
    """Cinder makes an image of the root volume."""

    def test_decisions(self) -> None:
        """Once the volume is not read by an upload that was cut off."""

        def result(created_at: float) -> dict[str, Any]:
            one = image("result", "queued", created_at=created_at)
            return {"images": (one,)}

        old = NOW - HARVEST_LIMIT_S
        self.check(
            UploadRoot(),
            (seen(volume()), UploadVolume("v-root")),
            (seen(volume(status="uploading")), "wait: Cinder ends an upload (3 s)"),
            (seen(), "fail: the root volume was deleted before it became an image"),
            (
                seen(volume(), **result(old)),
                "wait: Glance has the image as queued (3 s)",
            ),
            (seen(volume(), **result(old - 1)), LATE),
        )
        done = seen(volume(), images=(image("result"),))
        self.check_done(UploadRoot(), (seen(volume()), False), (done, True))


class RemoveServerTest(StepTestCase):
    """The server goes once its disk is an image."""

    def test_decisions(self) -> None:
        """The image is noted before what proves it is gone."""
        noted = INSTALLED | marks("harvested", image_id="i-result")
        with_image: dict[str, Any] = {"marks": noted, "images": (image("result"),)}
        self.check(
            RemoveServer(),
            (
                installed(OFF_SERVER, result="active"),
                SetMark("harvested", {"image_id": "i-result"}),
            ),
            (
                seen(servers=(OFF_SERVER,), **with_image),
                DeleteServer("s-install"),
            ),
            (
                seen(servers=(GOING,), **with_image),
                "wait: Nova deletes the install server (3 s)",
            ),
        )
        self.check_done(RemoveServer(), (seen(**with_image), True))


class ImageOutputTest(testtools.TestCase):
    """What the output answers."""

    def test_steps(self) -> None:
        """A disk of the server's, or a volume."""
        for root, names in (
            ("local", ["harvest", "clean", "remove-server"]),
            ("volume", ["free-root", "harvest", "clean", "note-result"]),
        ):
            steps = OUTPUT.steps(spec({"root": root, "output": "image"}))
            self.assertEqual(names, [step.name for step in steps])

    def test_published(self) -> None:
        """Shown, with the user's name, visibility and tags."""
        asked = spec(
            {"name": "golden", "result_tags": ("t",), "result_visibility": "shared"}
        )
        good: dict[str, Any] = {
            "hidden": False,
            "visibility": "shared",
            "tags": frozenset({"t"}),
        }
        for fields, published in (
            ({}, True),
            ({"hidden": True}, False),
            ({"visibility": "private"}, False),
            ({"tags": frozenset()}, False),
            ({"tags": frozenset({"t", "u"})}, False),
        ):
            facts = holding(image("golden", **(good | fields)))
            self.assertIs(published, OUTPUT.published(asked, facts), str(fields))
        other = holding(image("result", **good))
        self.assertFalse(OUTPUT.published(asked, other))
        self.assertFalse(OUTPUT.published(asked, seen()))

    def test_publish(self) -> None:
        """All in one change, and no property of the result is touched."""
        result = image("result", properties={"a": "b"}, min_disk_gib=3, min_ram_mib=9)
        asked = spec({"name": "golden", "result_tags": ("t",)})
        self.assertEqual(
            SetImage(
                result, "golden", False, frozenset({"t"}), {"a": "b"}, 3, 9, "private"
            ),
            OUTPUT.publish(asked, holding(result)),
        )
