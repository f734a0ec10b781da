"""The steps of a build, and which one is next. Pure.

A step is done when its evidence exists. The step after the furthest one done
is the current one, so earlier evidence may go away (the server is deleted
once its disk is an image) without anything being done twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from osc_imagebuild import boot as boot_methods
from osc_imagebuild import outputs as output_kinds
from osc_imagebuild.model import (
    Act,
    BootImage,
    ClearReport,
    CreateImage,
    CreateServer,
    Decision,
    DeleteImage,
    DeleteServer,
    Facts,
    Fail,
    Finish,
    SetImage,
    SetMark,
    Spec,
    StopServer,
    UploadImage,
    Wait,
)
from osc_imagebuild.monitors import console

UPLOAD_LIMIT_S = 120
POWER_OFF_GRACE_S = 180
POWER_OFF_LIMIT_S = 600


class Step(Protocol):
    """One step; ``sees`` names the parts of the cloud that its evidence is in."""

    @property
    def name(self) -> str: ...

    @property
    def sees(self) -> frozenset[str]: ...

    def done(self, spec: Spec, facts: Facts) -> bool: ...

    def decide(self, spec: Spec, facts: Facts) -> Decision: ...


def recipe(spec: Spec) -> tuple[Step, ...]:
    """Return all steps of the build in order."""
    boot = boot_methods.load(spec.boot_method)
    images = boot.images(spec)
    verify = (StartVerify(), Verify(), RemoveVerify()) if spec.verify else ()
    return (
        *(EnsureImage(image) for image in images),
        StartServer(boot.ROOT),
        Install(),
        PowerOff(),
        *output_kinds.load(spec.output).steps(spec),
        *verify,
        Publish(),
        Cleanup(tuple(i.role for i in images if not i.shared_key)),
        Complete(),
    )


def current(steps: tuple[Step, ...], spec: Spec, facts: Facts) -> Step | None:
    """Return the step after the furthest one done, None past the last."""
    for index in range(len(steps) - 1, -1, -1):
        if steps[index].done(spec, facts):
            return steps[index + 1] if index + 1 < len(steps) else None
    return steps[0]


def poll_interval(elapsed_s: float) -> float:
    """Seconds between two looks: quick at first, two a minute later on."""
    return min(30.0, max(4.0, elapsed_s / 8))


@dataclass(frozen=True)
class EnsureImage:
    """Until an image that the server boots from is active."""

    image: BootImage
    sees: frozenset[str] = frozenset({"images"})

    @property
    def name(self) -> str:
        return f"image-{self.image.role}"

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is active."""
        found = facts.images.get(self.image.role)
        return found is not None and found.status == "active"

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Create it, fill it, or start again where a dead client stopped."""
        found = facts.images.get(self.image.role)
        if found is None:
            return self._create(facts)
        if found.status == "queued":
            return Act(
                UploadImage(self.image, found.id), f"upload the {self.image.role}"
            )
        # An upload whose client died leaves 'saving' behind, and nobody else
        # uploads: the lease is ours.
        if facts.now - found.updated_at < UPLOAD_LIMIT_S and found.status == "saving":
            return Wait(f"Glance has the {self.image.role} as {found.status}", 5)
        return Act(DeleteImage(found.id), f"its upload ended as {found.status}")

    def _create(self, facts: Facts) -> Decision:
        properties = dict(self.image.properties)
        for name, role in self.image.refs.items():
            other = facts.images.get(role)
            if other is None:
                return Fail(f"the {role} image was deleted by somebody")
            properties[name] = other.id
        return Act(CreateImage(self.image, properties), f"no {self.image.role} yet")


@dataclass(frozen=True)
class StartServer:
    """Until the install server exists."""

    root: str
    name: str = "server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is there, or it was."""
        return "install" in facts.servers or "started" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Start it from the boot image with the answer file as user data."""
        root = facts.images[self.root]
        return Act(CreateServer("install", root.id, "answer"), "start the installer")


@dataclass(frozen=True)
class Install:
    """Until the guest says that it is installed."""

    name: str = "install"
    sees: frozenset[str] = frozenset({"server:install"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark, written when the report was seen."""
        return "installed" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Believe the guest's report, and nothing else, for success."""
        server = facts.servers.get("install")
        if "install" in facts.reports:
            return Act(
                SetMark("installed", facts.reports["install"]), "the guest reported"
            )
        if server is None:
            return Fail("the install server was deleted by somebody")
        if server.status == "ERROR":
            return Fail(f"Nova could not run the install server: {server.fault}")
        if "started" not in facts.marks:
            return Act(SetMark("started", {"server_id": server.id}), "note the server")
        return self._watch(spec, facts)

    def _watch(self, spec: Spec, facts: Facts) -> Decision:
        text = facts.consoles.get("install", "")
        wrong = console.failure(spec.failures, text)
        if wrong:
            return Fail(wrong, role="install")
        if facts.servers["install"].is_off:
            return Fail(
                "the server went off without the installer's report of success",
                role="install",
            )
        elapsed = facts.now - facts.marks["started"].at
        if elapsed > spec.timeout_s:
            return Fail(
                f"the installer was not done within {spec.timeout_s // 60} minutes; "
                "give a longer --timeout where it was only slow",
                role="install",
            )
        label, percent = console.progress(spec.progress, text) or ("installing", 0)
        return Wait(label, poll_interval(elapsed), percent)


@dataclass(frozen=True)
class PowerOff:
    """Until the installed server is off."""

    name: str = "power-off"
    sees: frozenset[str] = frozenset({"server:install"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: installed, and off; or its disk is being copied already."""
        server = facts.servers.get("install")
        off = server is not None and server.status == "SHUTOFF" and server.is_off
        return "installed" in facts.marks and (off or "result" in facts.images)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Tell the guest that it was heard; stop it where it stays on."""
        server = facts.servers.get("install")
        if server is None:
            return Fail("the server was deleted by somebody before it was off")
        if "install" in facts.reports_held:
            return Act(ClearReport("install", server.id), "tell the guest")
        elapsed = facts.now - facts.marks["installed"].at
        if elapsed > POWER_OFF_LIMIT_S:
            return Fail("the server could not be powered off", role="install")
        if elapsed > POWER_OFF_GRACE_S and server.task_state is None:
            return Act(StopServer("install", server.id), "it did not power off")
        return Wait("the guest powers off", 4)


@dataclass(frozen=True)
class StartVerify:
    """Until a server of the result exists."""

    name: str = "verify-server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: it is there, or the mark that it booted."""
        harvested = "harvested" in facts.marks and "install" not in facts.servers
        return "verified" in facts.marks or (harvested and "verify" in facts.servers)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Boot the result as a user would."""
        result = facts.images.get("result")
        if result is None:
            return Fail("the result was deleted by somebody before it was booted")
        return Act(CreateServer("verify", result.id, "verify"), "boot the result")


@dataclass(frozen=True)
class Verify:
    """Until the result says that it is up."""

    name: str = "verify"
    sees: frozenset[str] = frozenset({"server:verify"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return "verified" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Look for the sign that the first boot gives."""
        server = facts.servers.get("verify")
        text = facts.consoles.get("verify", "")
        if "verify" in facts.reports or console.progress(
            ((spec.verify_sign, "up", 100),), text
        ):
            return Act(SetMark("verified"), "the result booted")
        if server is None:
            return Fail("the server that tests the result was deleted by somebody")
        if server.status == "ERROR":
            return Fail(f"the result does not start: {server.fault}", role="verify")
        if server.is_off:
            return Fail("the result went off instead of coming up", role="verify")
        elapsed = facts.now - server.created_at
        if elapsed > spec.verify_timeout_s:
            return Fail(
                f"the result did not come up within {spec.verify_timeout_s // 60} "
                "minutes",
                role="verify",
            )
        return Wait("the result boots", poll_interval(elapsed))


@dataclass(frozen=True)
class RemoveVerify:
    """Until the server that tested the result is gone."""

    name: str = "remove-verify-server"
    sees: frozenset[str] = frozenset({"servers"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: verified, and the server is not there."""
        return "verified" in facts.marks and "verify" not in facts.servers

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """It has done its duty."""
        server = facts.servers["verify"]
        if server.task_state == "deleting":
            return Wait("Nova deletes the test server", 3)
        return Act(DeleteServer(server.id), "the result is proven")


@dataclass(frozen=True)
class Publish:
    """Until the result stands under the user's name."""

    name: str = "publish"
    sees: frozenset[str] = frozenset({"result"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: visible, with the user's name and tags."""
        result = facts.images.get("result")
        return (
            "harvested" in facts.marks
            and result is not None
            and not result.hidden
            and result.name == spec.name
            and result.tags == frozenset(spec.result_tags)
        )

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """One change: name, tags, visible. The build lets go of the image."""
        result = facts.images.get("result")
        if result is None:
            return Fail("the result was deleted by somebody before it was published")
        return Act(
            SetImage(
                image=result,
                name=spec.name,
                hidden=False,
                tags=frozenset(spec.result_tags),
                properties=result.properties,
                min_disk_gib=result.min_disk_gib,
                min_ram_mib=result.min_ram_mib,
            ),
            "the result is proven" if spec.verify else "the result is clean",
        )


@dataclass(frozen=True)
class Cleanup:
    """Until the boot images are gone."""

    roles: tuple[str, ...]
    name: str = "cleanup"
    sees: frozenset[str] = frozenset({"images"})

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: published, and none of them is there."""
        published = Publish().done(spec, facts)
        return published and not self._left(facts)

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """One at a time."""
        role, image_id = next(iter(self._left(facts).items()))
        return Act(DeleteImage(image_id), f"the {role} has served")

    def _left(self, facts: Facts) -> Mapping[str, str]:
        return {r: facts.images[r].id for r in self.roles if r in facts.images}


@dataclass(frozen=True)
class Complete:
    """Until the record says so."""

    name: str = "complete"
    sees: frozenset[str] = frozenset()

    def done(self, spec: Spec, facts: Facts) -> bool:
        """Evidence: the mark."""
        return "complete" in facts.marks

    def decide(self, spec: Spec, facts: Facts) -> Decision:
        """Close the record."""
        return Act(Finish(facts.marks["harvested"].data["image_id"]), "all is done")
