"""Output snapshot: of the root volume, which stays because it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osc_imagebuild.model.actions import (
    Act,
    CreateSnapshot,
    Decision,
    DeleteSnapshot,
    Fail,
    SetSnapshot,
    SetVolume,
    Wait,
)
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import RESULT
from osc_imagebuild.model.resources import Quota, Resource, Snapshot, Volume
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.outputs import volume
from osc_imagebuild.steps import Step, rotation
from osc_imagebuild.steps.result import NoteResult
from osc_imagebuild.steps.root_volume import ROOT, CleanVolume, FreeRoot, metadata

LIMIT_S = 3600


@dataclass(frozen=True)
class TakeSnapshot:
    """Take the snapshot of the root volume."""

    name: str = "snapshot"
    sees: frozenset[str] = frozenset({"volumes", "snapshots"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: Cinder says so."""
        snapshot = facts.snapshots.get(RESULT)
        return snapshot is not None and snapshot.status == "available"

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Take it of a volume that is clean: a snapshot keeps what it was."""
        snapshot = facts.snapshots.get(RESULT)
        if snapshot is None:
            root = facts.volumes.get(ROOT)
            if root is None:
                return Fail("the root volume was deleted by somebody")
            return Act(CreateSnapshot(root.id), "keep the root volume as it is")
        if snapshot.status == "error":
            return Act(
                DeleteSnapshot(snapshot.id), "Cinder could not take the snapshot"
            )
        if facts.now - snapshot.created_at > LIMIT_S:
            return Fail(f"Cinder had no snapshot within {LIMIT_S // 60} minutes")
        return Wait(f"Cinder has the snapshot as {snapshot.status}", 3)


class SnapshotOutput:
    """A Cinder snapshot, and the volume that it is of."""

    cinder_source = "snapshot_id"
    needs_volume = True
    has_visibility = False
    sees = frozenset({"volumes", "snapshots"})
    kinds: tuple[type[Resource], ...] = (Snapshot, Volume)
    is_hidden = False
    keeps = (ROOT,)

    def quota(self, disk_gib: int) -> Quota:
        """It counts as much as its volume.

        Source: cinder.conf's no_snapshot_gb_quota, by default.
        """
        return Quota(snapshots=1, gigabytes=disk_gib)

    def steps(self, spec: Spec) -> tuple[Step, ...]:
        """From a powered-off server to a snapshot of a clean volume."""
        return (FreeRoot(), CleanVolume(), TakeSnapshot(), NoteResult(self))

    def result(self, facts: Facts) -> Snapshot | None:
        """The snapshot."""
        return facts.snapshots.get(RESULT)

    def ids(self, facts: Facts) -> Mapping[str, str]:
        """The snapshot, and the volume that it is of."""
        return {"snapshot_id": facts.snapshots[RESULT].id, **volume.OUTPUT.ids(facts)}

    def published(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the user's name and metadata, on both."""
        snapshot = facts.snapshots.get(RESULT)
        return (
            self._is_free(spec, facts)
            and snapshot is not None
            and rotation.is_named(spec, snapshot)
            and dict(snapshot.metadata) == metadata(spec, facts, snapshot)
        )

    def publish(self, spec: Spec, facts: Facts) -> SetVolume | SetSnapshot:
        """The volume first: it is the snapshot that tells the end."""
        snapshot, root = facts.snapshots[RESULT], facts.volumes[ROOT]
        name = rotation.name(spec, facts, snapshot)
        if not self._is_free(spec, facts):
            wanted = metadata(spec, facts, root)
            return SetVolume(root, root.image_metadata, name, wanted)
        return SetSnapshot(
            snapshot,
            name,
            metadata(spec, facts, snapshot),
            rotation.then(spec, facts, snapshot),
        )

    def _is_free(self, spec: Spec, facts: Facts) -> bool:
        """Whether the build has let go of the volume; its name may be another by now."""
        root = facts.volumes.get(ROOT)
        return root is not None and dict(root.metadata) == metadata(spec, facts, root)


OUTPUT = SnapshotOutput()
