"""Root disks that are volumes: freed, cleaned, and copied to be booted."""

from __future__ import annotations

from typing import Any

import testtools

from osc_imagebuild import outputs
from osc_imagebuild.model.actions import (
    CreateVolume,
    DeleteServer,
    DeleteVolume,
    SetMark,
    SetVolume,
)
from osc_imagebuild.model.resources import ServerAction
from osc_imagebuild.steps import root_volume
from osc_imagebuild.steps.boot_sources import VOLUME_LIMIT_S
from osc_imagebuild.steps.root_volume import CleanVolume, EnsureVerifyVolume, FreeRoot
from tests.unit.decisions import (
    INSTALLED,
    METADATA,
    OFF,
    StepTestCase,
    clean_metadata,
    seen,
    snapshot,
    spec,
    volume,
)
from tests.unit.samples import NOW, image, marks, server

SERVER: dict[str, Any] = {"servers": (server("install", "SHUTOFF"),)}
GOING: dict[str, Any] = {
    "servers": (server("install", "SHUTOFF", task_state="deleting"),)
}
REBUILT = server("install", "SHUTOFF", actions=(ServerAction("rebuild", NOW, "u-1"),))
USED = volume(status="in-use")


class FreeRootTest(StepTestCase):
    """Until no server has the root volume."""

    def test_decisions(self) -> None:
        """Off is noted before the server that shows it is deleted."""
        self.check(
            FreeRoot(),
            (seen(**SERVER), "fail: the root volume was deleted by somebody"),
            (seen(), "fail: the root volume was deleted by somebody"),
            (
                seen(USED, servers=(REBUILT,)),
                "fail: somebody rebuilt the server after it was installed: its disk "
                "is not what was installed any more",
            ),
            (seen(USED, marks=INSTALLED, **SERVER), SetMark("off")),
            (seen(volume(), marks=INSTALLED), SetMark("off")),
            (
                seen(volume(status="error_deleting"), **SERVER),
                "fail: Cinder has the root volume as error_deleting",
            ),
            (
                seen(volume(status="error")),
                "fail: Cinder has the root volume as error",
            ),
            (seen(USED, **SERVER), DeleteServer("s-install")),
            (seen(volume(), **SERVER), DeleteServer("s-install")),
            (seen(USED, **GOING), "wait: Nova deletes the install server (3 s)"),
            (
                seen(volume(status="detaching")),
                "wait: Cinder has the root volume as detaching (3 s)",
            ),
        )

    def test_done(self) -> None:
        """Noted, without a server, and Cinder would hand it out or reads it."""
        self.check_done(
            FreeRoot(),
            (seen(volume(), marks=INSTALLED), False),
            (seen(volume(), **SERVER), False),
            (seen(), False),
            (seen(USED), False),
            (seen(volume()), True),
            (seen(volume(status="uploading")), True),
        )


class CleanVolumeTest(StepTestCase):
    """Until the volume declares what the result should."""

    def test_decisions(self) -> None:
        """All that it declares is set at once."""
        for declared in (
            {},
            {"kernel_id": "k", **clean_metadata()},
            {**clean_metadata(), "min_ram": "64"},
            {k: v for k, v in clean_metadata().items() if k != "min_ram"},
        ):
            root = volume(image_metadata=declared)
            self.check(CleanVolume(), (seen(root), SetVolume(root, clean_metadata())))

    def test_done(self) -> None:
        """Clean, and free."""
        root = volume(image_metadata=clean_metadata())
        used = volume(status="in-use", image_metadata=clean_metadata())
        self.check_done(
            CleanVolume(),
            (seen(), False),
            (seen(volume()), False),
            (seen(used), False),
            (seen(root, marks=INSTALLED), False),
            (seen(root, **SERVER), False),
            (seen(root), True),
        )

    def test_metadata(self) -> None:
        """Memory is declared as Nova reads it of a volume."""
        declared = root_volume.image_metadata(
            spec({"min_ram_mib": 2048}), seen(volume()), volume()
        )
        self.assertEqual(clean_metadata(min_ram_mib=2048), declared)
        self.assertEqual("2048", declared["min_ram"])


class EnsureVerifyVolumeTest(StepTestCase):
    """Until there is a copy of the result to boot."""

    marked = OFF | marks("harvested", volume_id="v-root")

    def test_decisions(self) -> None:
        """It is made of the result, of whatever kind that is."""
        root, taken = volume(), snapshot()
        harvested: dict[str, Any] = {"images": (image("result"),), "marks": self.marked}
        for kind, facts, source in (
            ("volume", seen(root, marks=self.marked), ("source_volid", "v-root")),
            (
                "snapshot",
                seen(root, taken, marks=self.marked),
                ("snapshot_id", "s-result"),
            ),
            ("image", seen(root, **harvested), ("imageRef", "i-result")),
        ):
            step = EnsureVerifyVolume(outputs.load(kind))
            self.check(step, (facts, CreateVolume("verify", 2, source)), output=kind)

    def test_its_state(self) -> None:
        """One that fails is made anew, one that never comes is given up."""
        old, older = NOW - VOLUME_LIMIT_S, NOW - VOLUME_LIMIT_S - 1
        gone = "fail: the result was deleted by somebody before it was booted"
        coming = "wait: Cinder has the verify volume as creating (3 s)"
        late = "fail: the volume verify was creating for more than 60 minutes"
        for copy, expected in (
            (volume("verify", "creating"), coming),
            (volume("verify", "creating", created_at=old), coming),
            (volume("verify", "creating", created_at=older), late),
            (volume("verify", "error"), DeleteVolume("v-verify")),
        ):
            self.check(
                EnsureVerifyVolume(outputs.load("volume")),
                (seen(volume(), copy, marks=self.marked), expected),
                (seen(copy, marks=self.marked), gone),
            )

    def test_done(self) -> None:
        """The result is noted, and either can be booted or was."""
        copy, verified = volume("verify"), self.marked | marks("verified")
        self.check_done(
            EnsureVerifyVolume(outputs.load("volume")),
            (seen(volume(), marks=self.marked), False),
            (seen(volume(), copy, marks=OFF), False),
            (seen(volume(), volume("verify", "creating"), marks=self.marked), False),
            (seen(volume(), copy, marks=self.marked), True),
            (seen(volume(), volume("verify", "in-use"), marks=self.marked), True),
            (seen(volume(), marks=verified), True),
            (seen(volume(), marks=OFF | marks("verified")), False),
        )


class MetadataTest(testtools.TestCase):
    """What a finished volume or snapshot carries."""

    def test_metadata(self) -> None:
        """The build, and each tag as a key."""
        for tags, extra in (
            ((), {}),
            (("gold",), {"gold": "true"}),
            (("gold", "a b"), {"gold": "true", "a b": "true"}),
        ):
            found = root_volume.metadata(spec({"result_tags": tags}), seen(), volume())
            self.assertEqual({**extra, **METADATA}, found)
