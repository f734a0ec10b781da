"""Output image: createImage harvests the server's root disk into Glance.

The driver copies every property of the boot image and of the server onto the
result: left there, each server of that image would run the installer again
and wipe its disk. So the result is hidden, cleaned, and read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from osc_imagebuild.actions import (
    Act,
    Decision,
    DeleteServer,
    Fail,
    Harvest,
    SetImage,
    SetMark,
    Wait,
)
from osc_imagebuild.model import BUILD_TAG, Facts, Image, Spec
from osc_imagebuild.steps import Step, interference

ROLE = "result"
HARVEST_LIMIT_S = 3600
_LATE = (
    f"the image of the installed disk was not ready within {HARVEST_LIMIT_S // 60} "
    "minutes"
)


@dataclass(frozen=True)
class HarvestDisk:
    """Until Glance holds the bytes of the root disk."""

    name: str = "harvest"
    sees: frozenset[str] = frozenset({"server:install", "result"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the result image is active."""
        result = facts.images.get(ROLE)
        return (
            "installed" in facts.marks
            and result is not None
            and result.status == "active"
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Take the image of a server that is off."""
        result, server = facts.images.get(ROLE), facts.servers.get("install")
        if result is not None:
            if facts.now - result.created_at > HARVEST_LIMIT_S:
                return Fail(_LATE)
            return Wait(f"Glance has the image as {result.status}", 5)
        if server is None:
            return Fail(
                "the server was deleted by somebody before its disk became an image"
            )
        if interference.rebuilt(server, facts.marks["installed"].at):
            return Fail(
                "somebody rebuilt the server after it was installed: its disk is "
                "not what was installed any more"
            )
        if server.task_state is not None:
            if facts.now - facts.marks["installed"].at > HARVEST_LIMIT_S:
                return Fail(f"the server is busy for too long: {server.task_state}")
            return Wait(f"the server is busy: {server.task_state}", 5)
        return Act(Harvest(server.id), "make an image of the installed disk")


@dataclass(frozen=True)
class CleanResult:
    """Until nothing of the build is left on the result."""

    name: str = "clean"
    sees: frozenset[str] = frozenset({"images"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: hidden, tagged, and exactly the declared properties."""
        result = facts.images.get(ROLE)
        return (
            "installed" in facts.marks
            and result is not None
            and result.hidden
            and is_clean(spec, facts, result)
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Strip and set; the next look proves it."""
        result = facts.images[ROLE]
        return Act(
            SetImage(
                image=result,
                name=result.name,
                hidden=True,
                tags=frozenset({BUILD_TAG}),
                properties=wanted(spec, facts),
                min_disk_gib=spec.disk_gib,
                min_ram_mib=spec.min_ram_mib,
            ),
            "remove what the build left on the image",
        )


@dataclass(frozen=True)
class RemoveServer:
    """Until the install server is gone."""

    name: str = "remove-server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the result is noted and the server is not there."""
        return "harvested" in facts.marks and "install" not in facts.servers

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Note which image it is before the server that proves it goes."""
        if "harvested" not in facts.marks:
            image_id = facts.images[ROLE].id
            return Act(SetMark("harvested", {"image_id": image_id}), "note the result")
        server = facts.servers["install"]
        if server.task_state == "deleting":
            return Wait("Nova deletes the install server", 3)
        return Act(DeleteServer(server.id), "its disk is an image now")


def wanted(spec: Spec, facts: Facts) -> dict[str, str]:
    """The properties of a clean result: declared ones and provenance."""
    report = facts.marks["installed"].data
    found = {
        f"imagebuild_{key}": report[key]
        for key in ("kernel", "release")
        if report.get(key)
    }
    return {
        **spec.result_properties,
        **found,
        "imagebuild_built_at": _iso(facts.marks["installed"].at),
        "imagebuild_duration_s": str(duration_s(facts)),
    }


def duration_s(facts: Facts) -> int:
    """How long the installer took; tells later builds how long they have left."""
    begun, done = facts.marks.get("started"), facts.marks["installed"]
    return max(0, int(done.at - begun.at)) if begun else 0


def is_clean(spec: Spec, facts: Facts, image: Image) -> bool:
    """Whether ``image`` carries exactly what it should."""
    return (
        dict(image.properties) == wanted(spec, facts)
        and image.min_disk_gib == spec.disk_gib
        and image.min_ram_mib == spec.min_ram_mib
    )


def _iso(at: float) -> str:
    return datetime.fromtimestamp(int(at), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def steps(spec: Spec) -> tuple[Step, ...]:
    """From a powered-off server to a clean hidden image."""
    return (HarvestDisk(), CleanResult(), RemoveServer())
