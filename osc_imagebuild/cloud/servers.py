"""Read and change Nova servers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import paging
from osc_imagebuild.cloud.answers import TooLargeError
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.images import timestamp
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    NotFoundError,
    TransientError,
)
from osc_imagebuild.model.boot_sources import Device
from osc_imagebuild.model.readings import Counters
from osc_imagebuild.model.resources import Server, ServerAction
from osc_imagebuild.monitors import diagnostics as counters

# Enough for the last screenfuls and what an installer writes between two looks;
# a whole console of 100 KiB each time would be most of what passes through.
CONSOLE_LINES = 240
# More lines than Nova's 100 KiB can hold of any use.
WHOLE_CONSOLE = 20_000
# Not every driver bounds a console, nor a guest its lines: what is larger is asked for
# with a tenth of the lines.
CONSOLE_BYTES = 4 << 20


def parse(data: Mapping[str, Any]) -> Server:
    """Return Nova's JSON as a Server."""
    return Server(
        id=data["id"],
        name=data.get("name") or "",
        status=data["status"],
        power_state=int(data.get("OS-EXT-STS:power_state") or 0),
        task_state=data.get("OS-EXT-STS:task_state"),
        fault=str((data.get("fault") or {}).get("message", "")),
        created_at=timestamp(data.get("created")),
        # Nova tells '' where the root disk is a volume.
        image_id=str((data.get("image") or {}).get("id", "")),
        launched_at=timestamp(
            data.get("OS-SRV-USG:launched_at") or data.get("updated")
        ),
        owner=str(data.get("tenant_id") or ""),
    )


def find(api: Api, server_id: str) -> Server | None:
    """Return the server, None if it is gone.

    :raises: CloudError
    """
    try:
        data = api.get("compute", f"/servers/{server_id}")["server"]
    except NotFoundError:
        return None
    found = parse(data)
    return None if found.status in ("DELETED", "SOFT_DELETED") else found


def actions(api: Api, server_id: str) -> tuple[ServerAction, ...]:
    """Return what was asked of a server, oldest first; nothing where that is hidden.

    :raises: CloudError
    """
    try:
        path = f"/servers/{server_id}/os-instance-actions"
        data = api.get("compute", path)["instanceActions"]
    except CloudError as error:
        if error.status in (403, 404):
            return ()
        raise
    found = [
        ServerAction(a["action"], timestamp(a["start_time"]), a.get("user_id") or "")
        for a in data
    ]
    return tuple(sorted(found, key=lambda action: action.at))


def tagged(api: Api, tag: str) -> list[Server]:
    """Return the project's servers with ``tag``, oldest first.

    :raises: CloudError
    """
    data = paging.read(api, "compute", "/servers/detail", "servers", [("tags", tag)])
    alive = [parse(s) for s in data if s["status"] not in ("DELETED", "SOFT_DELETED")]
    return sorted(alive, key=lambda server: (server.created_at, server.id))


def create(api: Api, body: Mapping[str, Any], hints: Mapping[str, Any]) -> str:
    """Create a server and return its ID.

    :raises: CloudError
    """
    request: dict[str, Any] = {"server": dict(body)}
    if hints:
        request["os:scheduler_hints"] = dict(hints)
    created: str = api.send("compute", "POST", "/servers", request)["server"]["id"]
    return created


def device(volume: Device) -> dict[str, Any]:
    """Return a volume as a block device mapping; it outlives its server."""
    return {
        "uuid": volume.volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "device_type": "cdrom" if volume.cdrom else "disk",
        "boot_index": volume.boot_index,
        "delete_on_termination": False,
    }


def encode(user_data: str) -> str:
    """Return user data as Nova takes it."""
    return base64.b64encode(user_data.encode()).decode()


def console(api: Api, server_id: str, lines: int = CONSOLE_LINES) -> str | None:
    """Return the end of the console log, None where there is none to read.

    libvirt's consoles answer 404 once the guest is off. It is `CONSOLE_BYTES` long at
    most, and none where one line is longer.

    :raises: CloudError
    """
    body = {"os-getConsoleOutput": {"length": str(lines)}}
    path = f"/servers/{server_id}/action"
    try:
        answer = retry_transient(
            api.clock,
            lambda: api.send("compute", "POST", path, body, limit=CONSOLE_BYTES),
        )
        output: str | None = answer.get("output")
    except TooLargeError:
        return console(api, server_id, lines // 10) if lines >= 10 else None
    except (NotFoundError, ConflictError):
        return None
    except CloudError as error:
        # 501: this hypervisor driver has no console log.
        if error.status in (400, 501):
            return None
        raise
    return output


def diagnostics(api: Api, server_id: str) -> Counters | None:
    """Return the hypervisor's counters, None where they may not be seen.

    By default Nova's policy shows them to administrators only.

    :raises: TransientError, ConflictError while the server is not up
    """
    try:
        data = api.get("compute", f"/servers/{server_id}/diagnostics")
    except (TransientError, ConflictError):
        raise
    except CloudError:
        return None
    return counters.parse(data)


def screen_url(api: Api, server_id: str) -> str | None:
    """Return the URL of the noVNC console, None where there is none.

    Whoever has it has the console; it is good for some minutes.

    :raises: TransientError, ConflictError while the server is not up
    """
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    path = f"/servers/{server_id}/remote-consoles"
    try:
        answer = api.send("compute", "POST", path, body)
    except (TransientError, ConflictError):
        raise
    except CloudError:
        return None
    return str(answer["remote_console"]["url"])


def password(api: Api, server_id: str) -> str:
    """Return what the guest left on the password back-channel, '' if nothing.

    Nor anything where policy hides it: the console has the same.

    :raises: CloudError
    """
    path = f"/servers/{server_id}/os-server-password"
    try:
        found: str = api.get("compute", path).get("password") or ""
    except CloudError as error:
        if error.status in (403, 404):
            return ""
        raise
    return found


def clear_password(api: Api, server_id: str) -> None:
    """Empty the password back-channel.

    :raises: CloudError
    """
    api.send("compute", "DELETE", f"/servers/{server_id}/os-server-password")


def stop(api: Api, server_id: str) -> None:
    """Ask Nova to power the server off; one that is off already is fine.

    :raises: CloudError
    """
    try:
        api.send("compute", "POST", f"/servers/{server_id}/action", {"os-stop": None})
    except ConflictError:
        return


def reboot(api: Api, server_id: str) -> None:
    """Ask Nova to switch the server off and on again.

    :raises: CloudError
    """
    body = {"reboot": {"type": "HARD"}}
    api.send("compute", "POST", f"/servers/{server_id}/action", body)


def create_image(api: Api, server_id: str, name: str) -> None:
    """Ask Nova for an image of the root disk.

    :raises: CloudError
    """
    api.fresh_token()
    body = {"createImage": {"name": name}}
    api.send("compute", "POST", f"/servers/{server_id}/action", body)


def delete(api: Api, server_id: str) -> None:
    """Delete a server; one that is gone already is fine.

    :raises: CloudError
    """
    try:
        api.send("compute", "DELETE", f"/servers/{server_id}")
    except NotFoundError:
        return
