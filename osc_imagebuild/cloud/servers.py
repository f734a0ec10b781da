"""Read and change Nova servers."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import answers, paging
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.http_answers import TooLargeError
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
_VOLUMES = "os-extended-volumes:volumes_attached"
# Not every driver bounds a console, nor a guest its lines: what is larger is asked for
# with a tenth of the lines.
CONSOLE_BYTES = 4 << 20


def parse(data: Mapping[str, Any]) -> Server:
    """Return Nova's JSON as a Server.

    :raises: one of `answers.GARBLED`
    """
    fault, image = answers.obj(data.get("fault") or {}), data.get("image")
    return Server(
        id=answers.text(data, "id"),
        name=answers.text_or(data, "name"),
        status=answers.text(data, "status"),
        power_state=answers.whole(data, "OS-EXT-STS:power_state"),
        task_state=answers.text_or(data, "OS-EXT-STS:task_state") or None,
        fault=str(fault.get("message", "")),
        created_at=timestamp(data.get("created")),
        # Nova tells '' where the root disk is a volume.
        image_id=answers.text_or(answers.obj(image or {}), "id"),
        launched_at=timestamp(
            data.get("OS-SRV-USG:launched_at") or data.get("updated")
        ),
        owner=str(data.get("tenant_id") or ""),
        volume_ids=tuple(
            answers.text(answers.obj(volume), "id")
            for volume in answers.items(data.get(_VOLUMES))
        ),
    )


def find(api: Api, server_id: str) -> Server | None:
    """Return the server, None if it is gone.

    :raises: CloudError
    """
    try:
        server = api.read("compute", f"/servers/{server_id}", _one)
    except NotFoundError:
        return None
    return None if server.status in ("DELETED", "SOFT_DELETED") else server


def _one(data: Mapping[str, Any]) -> Server:
    return parse(data["server"])


def actions(api: Api, server_id: str) -> tuple[ServerAction, ...]:
    """Return what was asked of a server, oldest first; nothing where that is hidden.

    :raises: CloudError
    """
    try:
        path = f"/servers/{server_id}/os-instance-actions"
        listed = api.read("compute", path, _actions)
    except CloudError as error:
        if error.status in (403, 404):
            return ()
        raise
    return tuple(sorted(listed, key=lambda action: action.at))


def _actions(data: Mapping[str, Any]) -> list[ServerAction]:
    return [
        ServerAction(
            answers.text(action, "action"),
            timestamp(answers.text(action, "start_time")),
            answers.text_or(action, "user_id"),
        )
        for action in answers.objects(data, "instanceActions")
    ]


def tagged(api: Api, tag: str) -> list[Server]:
    """Return the project's servers with ``tag``, oldest first.

    :raises: CloudError
    """
    return _listed(api, ("tags", tag))


def every(api: Api) -> list[Server]:
    """Return all of the project's servers, oldest first.

    :raises: CloudError
    """
    return _listed(api)


def _listed(api: Api, *params: tuple[str, str]) -> list[Server]:
    path = "/servers/detail"
    listed = paging.read_pages(api, "compute", path, "servers", parse, params)
    alive = [s for s in listed if s.status not in ("DELETED", "SOFT_DELETED")]
    return sorted(alive, key=lambda server: (server.created_at, server.id))


def create(api: Api, body: Mapping[str, Any], hints: Mapping[str, Any]) -> str:
    """Create a server and return its ID.

    :raises: CloudError
    """
    request: dict[str, Any] = {"server": dict(body)}
    if hints:
        request["os:scheduler_hints"] = dict(hints)
    return api.change("compute", "POST", "/servers", _new, request)


def _new(data: Mapping[str, Any]) -> str:
    return answers.text(answers.obj(data["server"]), "id")


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


def local_disk(image_id: str) -> dict[str, Any]:
    """Return the disk of a server, made of an image, as a block device mapping.

    Nova wants it named there too where a volume comes beside it.
    Source: nova.compute.api.API._validate_bdm, the boot sequence.
    """
    return {
        "uuid": image_id,
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
        "delete_on_termination": True,
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
        output = retry_transient(
            api.clock,
            lambda: api.change(
                "compute", "POST", path, _output, body, limit=CONSOLE_BYTES
            ),
        )
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


def _output(data: Mapping[str, Any]) -> str | None:
    return None if data["output"] is None else answers.text(data, "output")


def diagnostics(api: Api, server_id: str) -> Counters | None:
    """Return the hypervisor's counters, None where they may not be seen.

    By default Nova's policy shows them to administrators only.

    :raises: TransientError, ConflictError while the server is not up
    """
    try:
        path = f"/servers/{server_id}/diagnostics"
        return api.read("compute", path, counters.parse)
    except (TransientError, ConflictError):
        raise
    except CloudError:
        return None


def screen_url(api: Api, server_id: str) -> str | None:
    """Return the URL of the noVNC console, None where there is none.

    Whoever has it has the console; it is good for some minutes.

    :raises: TransientError, ConflictError while the server is not up
    """
    body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    path = f"/servers/{server_id}/remote-consoles"
    try:
        return api.change("compute", "POST", path, _url, body)
    except (TransientError, ConflictError):
        raise
    except CloudError:
        return None


def _url(data: Mapping[str, Any]) -> str:
    return answers.text(answers.obj(data["remote_console"]), "url")


def password(api: Api, server_id: str) -> str:
    """Return what the guest left on the password back-channel, '' if nothing.

    Nor anything where policy hides it: the console has the same.

    :raises: CloudError
    """
    path = f"/servers/{server_id}/os-server-password"
    try:
        return api.read("compute", path, lambda data: answers.text(data, "password"))
    except CloudError as error:
        if error.status in (403, 404):
            return ""
        raise


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


def create_image(api: Api, server_id: str, name: str, said: Mapping[str, str]) -> str:
    """Ask Nova for an image of the root disk with these properties too; return its ID.

    Source: Nova's API reference, createImage from 2.45 on: metadata become properties.

    :raises: CloudError
    """
    api.fresh_token()
    path, body = f"/servers/{server_id}/action", {"name": name, "metadata": said}
    return api.change("compute", "POST", path, _image, {"createImage": body})


def _image(data: Mapping[str, Any]) -> str:
    return answers.text(data, "image_id")


def delete(api: Api, server_id: str) -> None:
    """Delete a server; one that is gone already is fine.

    :raises: CloudError
    """
    try:
        api.send("compute", "DELETE", f"/servers/{server_id}")
    except NotFoundError:
        return
