"""Notice what others did to a server of the build. Pure.

Each has its own outcome: what passes by itself is waited for (the step's own
time goes on), what cannot end well is said at once.
"""

from __future__ import annotations

from datetime import datetime, timezone

from osc_imagebuild.model.actions import Fail, Wait
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.names import Milestone, Role
from osc_imagebuild.model.resources import Server

LOOK_S = 20.0

# Source: nova.api.openstack.common, the statuses of a server.
_PASSING = {
    "REBOOT": "somebody reboots the server",
    "HARD_REBOOT": "somebody reboots the server",
    "REBUILD": "somebody rebuilds the server",
    "MIGRATING": "an admin migrates the server",
    "RESIZE": "the server is resized or migrated",
    "VERIFY_RESIZE": "the server was resized or migrated, which waits to be "
    "confirmed: openstack server resize confirm {id}",
    "REVERT_RESIZE": "the server is resized or migrated",
    "PAUSED": "somebody paused the server; go on with: openstack server unpause {id}",
    "SUSPENDED": "somebody suspended the server; go on with: "
    "openstack server resume {id}",
}
_FINAL = {
    "RESCUE": "was put into rescue mode by somebody",
    "SHELVED": "was shelved by somebody",
    "SHELVED_OFFLOADED": "was shelved by somebody",
}
# Source: nova.compute.instance_actions, what stops a guest.
_STOPPING = ("stop", "suspend", "pause", "reboot", "evacuate", "migrate", "resize")


def outcome(facts: Facts, role: str, late: bool) -> Fail | Wait | None:
    """Return what follows from the state of a server, None if nothing does.

    ``late`` says that the step has no time left to wait for others.
    """
    server = facts.servers[role]
    if server.status in _FINAL:
        return Fail(f"the {role} server {_FINAL[server.status]}", role=role)
    if _other_image(facts, role):
        return Fail(f"somebody rebuilt the {role} server from another image", role=role)
    if server.status in _PASSING:
        reason = _PASSING[server.status].format(id=server.id)
        return Fail(reason, role=role) if late else Wait(reason, LOOK_S)
    return None


def _other_image(facts: Facts, role: str) -> bool:
    """Whether the server was rebuilt with another image; with its own it begins anew."""
    started = facts.marks.get(Milestone.STARTED)
    first = started.data.get("image_id", "") if started and role == Role.INSTALL else ""
    now = facts.servers[role].image_id
    return bool(first and now and first != now)


def stopped_by(server: Server, since: float) -> str:
    """Who stopped the server after ``since``, '' where Nova lists nobody.

    Nova cuts the times of its list to seconds.
    """
    for action in reversed(server.actions):
        if not action.user_id:
            continue  # Nova itself stops a server whose guest has gone off
        if action.name in _STOPPING and action.at >= int(since):
            at = datetime.fromtimestamp(action.at, timezone.utc)
            return (
                f"user {action.user_id} asked Nova for {action.name!r} "
                f"at {at:%Y-%m-%d %H:%M:%S} UTC"
            )
    return ""


def spoilt(facts: Facts) -> Fail | None:
    """Return what follows where the installed server was rebuilt: its disk is new."""
    server, installed = (
        facts.servers.get(Role.INSTALL),
        facts.marks.get(Milestone.INSTALLED),
    )
    if server is None or installed is None:
        return None
    since = int(installed.at)
    if not any(a.name == "rebuild" and a.at >= since for a in server.actions):
        return None
    return Fail(
        "somebody rebuilt the server after it was installed: its disk is not what was "
        "installed any more"
    )
