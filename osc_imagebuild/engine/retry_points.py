"""Find the steps that a failed build can go on from: their evidence is still there."""

from __future__ import annotations

from collections.abc import Collection

from osc_imagebuild import boot, outputs
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.engine.observe import observe
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Milestone, Role, Status
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps import boots, interference
from osc_imagebuild.steps.root_volume import ROOT

VERIFY, HARVEST, INSTALL = "verify", "harvest", "install"
# The last one first: what is there already need not be made again.
POINTS = (VERIFY, HARVEST, INSTALL)


def points(api: Api, build: Record) -> tuple[str, ...]:
    """Return the steps that a failed build can go on from, the furthest first.

    ``install`` is one as long as the record has all that a build needs.

    :raises: CloudError
    """
    if build.status != Status.FAILED or not build.has_texts:
        return ()
    return possible(build.spec, look(api, build, _needed(build)))


def look(api: Api, build: Record, parts: Collection[str]) -> Facts:
    """Return the cloud as it is, as far as ``parts`` go.

    :raises: CloudError
    """
    return observe(api, build.id, boot.shared(build.spec), build.marks, None, parts)


def everything(spec: Spec) -> set[str]:
    """Return all parts of the cloud that a build may have something in."""
    parts = {"images", "result", "servers", "server:install"}
    output = outputs.find(spec.result.output)
    parts |= output.sees if output else {"volumes", "snapshots"}
    if boots.makes_volumes(spec):
        parts.add("volumes")
    return parts


def _needed(build: Record) -> set[str]:
    """What can be evidence of a step, by what the record says was reached."""
    parts: set[str] = set()
    if Milestone.HARVESTED in build.marks:
        output = outputs.find(build.spec.result.output)
        parts |= output.sees if output else set()
    if Milestone.INSTALLED in build.marks:
        parts |= {"servers", "server:install"}
        parts |= {"volumes"} if build.spec.hardware.has_root_volume else set()
    return parts


def possible(spec: Spec, facts: Facts) -> tuple[str, ...]:
    """Return the steps that have their evidence, the furthest first."""
    return tuple(point for point in POINTS if _has_evidence(spec, facts, point))


def _has_evidence(spec: Spec, facts: Facts, point: str) -> bool:
    match point:
        case "verify":
            noted = Milestone.HARVESTED in facts.marks
            output = outputs.find(spec.result.output)
            return noted and output is not None and output.result(facts) is not None
        case "harvest":
            server, root = facts.servers.get(Role.INSTALL), facts.volumes.get(ROOT)
            off = server is not None and server.status == "SHUTOFF" and server.is_off
            free = root is not None and root.status == "available"
            alone = server is None and free and Milestone.OFF in facts.marks
            spoilt = interference.spoilt(facts) is not None
            return Milestone.INSTALLED in facts.marks and (off or alone) and not spoilt
        case _:
            return True
