"""Free, clean and copy a root disk that is a volume. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.model import family
from osc_imagebuild.model.actions import (
    Act,
    CreateVolume,
    Decision,
    DeleteServer,
    Fail,
    SetMark,
    SetVolume,
    Wait,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.family import kind
from osc_imagebuild.model.names import Milestone, Role
from osc_imagebuild.model.resources import Snapshot, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import Result, interference
from osc_imagebuild.steps.boot_sources import READY, ensure
from osc_imagebuild.steps.result import wanted

ROOT = Role.ROOT
# The volume that the result is booted from, to see that it boots.
VERIFY_VOLUME = Role.VERIFY
# What a volume or snapshot of a family says of itself.
FAMILY_KEYS = (
    family.BUILD_ID,
    family.FAMILY,
    family.KIND,
    family.RESULT_ID,
    family.BUILT_AT,
    family.INPUTS,
)


@dataclass(frozen=True)
class FreeRoot:
    """Free the root volume by removing its server: Nova never detaches it."""

    name: str = "free-root"
    # The list of servers does not tell what was asked of one.
    sees: frozenset[str] = frozenset({"servers", "server:install", "volumes"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: noted as off, no server, and the volume is available."""
        root = facts.volumes.get(ROOT)
        return (
            Milestone.OFF in facts.marks
            and Role.INSTALL not in facts.servers
            and root is not None
            and root.status in ("available", "uploading")
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Note that the server was off before the server that shows it goes."""
        server, root = facts.servers.get(Role.INSTALL), facts.volumes.get(ROOT)
        if root is None:
            return Fail("the root volume was deleted by somebody")
        if spoilt := interference.spoilt(facts):
            return spoilt
        if Milestone.OFF not in facts.marks:
            return Act(SetMark(Milestone.OFF), "the installed server is off")
        if root.status.startswith("error"):
            return Fail(f"Cinder has the root volume as {root.status}")
        if server is None:
            return Wait(f"Cinder has the root volume as {root.status}", 3)
        if server.task_state == "deleting":
            return Wait("Nova deletes the install server", 3)
        return Act(DeleteServer(server.id), "its disk is to be used")


@dataclass(frozen=True)
class CleanVolume:
    """Leave only the declared metadata on the root volume."""

    name: str = "clean"
    sees: frozenset[str] = frozenset({"volumes"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: exactly the declared image metadata."""
        root = facts.volumes.get(ROOT)
        return (
            FreeRoot().done(spec, facts)
            and root is not None
            and dict(root.image_metadata) == image_metadata(spec, facts, root)
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """A server of the volume would run the installer again otherwise."""
        root = facts.volumes[ROOT]
        return Act(
            SetVolume(root, image_metadata(spec, facts, root)),
            "remove what the build left on the volume",
        )


@dataclass(frozen=True)
class EnsureVerifyVolume:
    """Make a volume from which the result can be booted.

    Never the result itself: what boots from a volume changes it.
    """

    output: Result
    name: str = "volume-verify"
    sees: frozenset[str] = frozenset({"volumes"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is there; or the mark that the result booted."""
        volume = facts.volumes.get(VERIFY_VOLUME)
        return Milestone.HARVESTED in facts.marks and (
            Milestone.VERIFIED in facts.marks
            or (volume is not None and volume.status in READY)
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Make it of the result."""
        result = self.output.result(facts)
        if result is None:
            return Fail("the result was deleted by somebody before it was booted")
        volume = CreateVolume(
            VERIFY_VOLUME,
            spec.hardware.disk_gib,
            (self.output.cinder_source, result.id),
        )
        return ensure(facts, volume)


def image_metadata(spec: Spec, facts: Facts, root: Volume) -> dict[str, str]:
    """What a root volume declares; Nova reads ``min_ram`` there.

    Source: nova.utils.get_image_metadata_from_volume.
    """
    return {**wanted(spec, facts, root), "min_ram": str(spec.result.min_ram_mib)}


def metadata(spec: Spec, facts: Facts, item: Volume | Snapshot) -> dict[str, str]:
    """What a finished volume or snapshot carries instead of the build's mark.

    Cinder has no tags: each of the user's is a key. What is of a family says so, and a
    snapshot's volume, which is not its result, does not.
    """
    kept = {family.BUILD_ID: spec.result.properties[family.BUILD_ID]}
    if spec.result.family and kind(item) == spec.result.properties[family.KIND]:
        provenance = wanted(spec, facts, item)
        kept = {key: provenance[key] for key in FAMILY_KEYS if key in provenance}
    return {**dict.fromkeys(spec.result.tags, "true"), **kept}
