"""Boot a server from a copy in its cloud, see it come up, and remove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from osc_imagebuild.clock import Patience
from osc_imagebuild.cloud import servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.names import PART_TAG, Role, build_tag, resource_name
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.resources import Image, Server
from osc_imagebuild.monitors import power
from osc_imagebuild.monitors.console import own_signs, report

# What Nova may take to remove a server.
GONE_S = 240.0


@dataclass(frozen=True)
class BootTest:
    """How a server is made, and what it says on its console once it is up."""

    user_data: str
    sign: str
    timeout_s: int
    flavor_id: str
    networks: tuple[str, ...]
    config_drive: bool = True


def prove(
    api: Api,
    build_id: str,
    image: Image,
    test: BootTest,
    heartbeat: Callable[[], None],
) -> None:
    """Boot a copy, or look at the server that another client booted, until it is up.

    The server goes in any case.

    :raises: CloudError where the copy does not boot, and what ``heartbeat`` raises
    """
    try:
        server_id = _started(api, build_id, image, test)
        _watch(api, build_id, server_id, test, heartbeat)
    except CloudError:
        remove(api, build_id)
        raise
    remove(api, build_id)


def remove(api: Api, build_id: str, role: str = Role.COPY) -> None:
    """Delete the servers that test a copy, or another image, and wait for that.

    :raises: CloudError
    """
    patience = Patience(api.clock)
    while left := _present(api, build_id, role):
        if patience.look() > GONE_S:
            names = ", ".join(f"{s.name} ({s.id})" for s in left)
            raise CloudError(
                f"still there after {GONE_S:.0f} s: {names}", service="compute"
            )
        for server in left:
            if server.task_state != "deleting":
                servers.delete(api, server.id)
        api.clock.sleep(2)


def _present(api: Api, build_id: str, role: str = Role.COPY) -> list[Server]:
    project_id, name = api.project_id(), resource_name(build_id, role)
    return [
        server
        for server in servers.tagged(api, build_tag(build_id))
        if server.name == name and is_own(server, build_id, project_id)
    ]


def _started(api: Api, build_id: str, image: Image, test: BootTest) -> str:
    """Return the server's ID, of a new one where no client made any."""
    present = [s for s in _present(api, build_id) if s.image_id == image.id]
    if present:
        return present[0].id
    body: dict[str, Any] = {
        "name": resource_name(build_id, Role.COPY),
        "flavorRef": test.flavor_id,
        "imageRef": image.id,
        "networks": [{"uuid": network} for network in test.networks],
        "tags": [build_tag(build_id), PART_TAG],
    }
    if test.user_data:
        body["user_data"] = servers.encode(test.user_data)
    if test.config_drive:
        body["config_drive"] = True
    return servers.create(api, body, {})


def _watch(
    api: Api,
    build_id: str,
    server_id: str,
    test: BootTest,
    heartbeat: Callable[[], None],
) -> None:
    sign, patience = own_signs.compiled(test.sign), Patience(api.clock)
    while True:
        heartbeat()
        server = servers.find(api, server_id)
        if server is None:
            raise _failed("the server that tests it was deleted by somebody")
        if server.status == "ERROR":
            raise _failed(f"it does not start: {server.fault}"[:300])
        if server.status != "BUILD":
            text = servers.console(api, server.id, servers.CONSOLE_LINES) or ""
            channel = servers.password(api, server.id)
            said = report.on_console(text, build_id) or report.parse(channel, build_id)
            if said is not None or sign.search(text):
                return
            if server.is_off:
                raise _failed("it went off instead of coming up")
        elapsed = patience.look()
        if elapsed > test.timeout_s:
            minutes = test.timeout_s // 60
            raise _failed(f"it did not come up within {minutes} minutes")
        api.clock.sleep(power.poll_interval(elapsed))


def _failed(why: str) -> CloudError:
    return CloudError(f"the copy does not boot there: {why}", service="compute")
