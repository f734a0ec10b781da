"""Read a build's resources from the cloud; change nothing.

``parts`` says what to look at, so that a build that waits costs few calls:
``images`` (the hidden ones), ``result``, ``servers``, ``server:RESULT``,
``volumes``, ``snapshots``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TypeVar

from osc_imagebuild.cloud import images, servers, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.engine.watch import Watch
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import (
    BOOKKEEPING,
    RESULT,
    Milestone,
    Role,
    build_tag,
    resource_name,
    role_of,
)
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.resources import Image, Resource, Server, Snapshot, Volume
from osc_imagebuild.monitors.console import report
from osc_imagebuild.steps import attempts

SECOND_LOOK_S = 3.0
SERVER_ROLES = (Role.INSTALL, Role.VERIFY)


def observe(
    api: Api,
    build_id: str,
    shared: Mapping[str, str],
    marks: Mapping[str, Mark],
    old: Facts | None = None,
    parts: Iterable[str] = (),
    watch: Watch | None = None,
) -> Facts:
    """Return ``old`` with ``parts`` looked at again.

    ``shared`` maps the tags of shared content to roles. ``watch`` keeps the
    signals of servers.

    :raises: CloudError
    """
    facts = dataclasses.replace(old or Facts(api.now()), now=api.now(), marks=marks)
    wanted = set(parts)
    if "images" in wanted:
        facts = _see_images(api, build_id, shared, facts)
    if "result" in wanted:
        facts = _see_result(api, build_id, facts)
    if "servers" in wanted:
        facts = _see_servers(api, build_id, facts)
    if "volumes" in wanted:
        facts = _see_volumes(api, build_id, facts)
    if "snapshots" in wanted:
        facts = _see_snapshots(api, build_id, facts)
    for part in sorted(wanted):
        role = part.removeprefix("server:")
        if role != part and role in facts.servers:
            facts = _see_server(api, build_id, role, facts, watch)
    return facts


def _see_images(
    api: Api, build_id: str, shared: Mapping[str, str], facts: Facts
) -> Facts:
    found: dict[str, Image] = {}
    extra: list[Resource] = [d for d in facts.duplicates if not isinstance(d, Image)]
    for image in images.tagged(api, build_tag(build_id), hidden=True):
        role = next((shared[t] for t in image.tags if t in shared), None)
        role = role or role_of(build_id, image.name)
        if role is None or role.startswith(BOOKKEEPING):
            continue
        if found.setdefault(role, image) is not image:
            extra.append(image)
    if RESULT in facts.images and RESULT not in found:
        # Not hidden (yet, or any more): `result` looks for it.
        found[RESULT] = facts.images[RESULT]
    return dataclasses.replace(facts, images=found, duplicates=tuple(extra))


def _see_result(api: Api, build_id: str, facts: Facts) -> Facts:
    """The result as createImage left it, or by its ID once that is noted."""
    kept = {role: image for role, image in facts.images.items() if role != RESULT}
    noted = facts.marks.get(Milestone.HARVESTED)
    if noted is not None:
        image = images.find(api, noted.data.get("image_id", ""))
        # Anybody in the project can write an ID into a record.
        found = [image] if image and is_own(image, build_id, api.project_id()) else []
    else:
        name = resource_name(build_id, RESULT)
        hidden = [facts.images[RESULT]] if RESULT in facts.images else []
        found = images.named(api, name) or [i for i in hidden if i.hidden]
    if found:
        kept[RESULT] = found[0]
    duplicates = (*facts.duplicates, *found[1:])
    return dataclasses.replace(facts, images=kept, duplicates=duplicates)


def _see_servers(api: Api, build_id: str, facts: Facts) -> Facts:
    found: dict[str, Server] = {}
    extra: list[Resource] = [d for d in facts.duplicates if not isinstance(d, Server)]
    listed = servers.tagged(api, build_tag(build_id))
    gone = {i for role in SERVER_ROLES for i in attempts.given_up(facts, role)}
    # A list may lag: one that was given up must not count before the one in its place.
    for server in sorted(listed, key=lambda s: s.id in gone):
        role = role_of(build_id, server.name)
        second = role and found.setdefault(role, server) is not server
        if second and server.task_state != "deleting":
            extra.append(server)
    return dataclasses.replace(facts, servers=found, duplicates=tuple(extra))


def _see_volumes(api: Api, build_id: str, facts: Facts) -> Facts:
    """Those that carry the build's mark, and the one that was noted as its result."""
    noted = _noted(facts, "volume_id")
    own = [v for v in volumes.marked(api, build_id) if v.id != noted]
    found, extra = _by_role(build_id, own)
    root = volumes.find(api, noted) if noted else None
    if root and is_own(root, build_id, api.project_id()):
        found[Role.ROOT] = root
    others = [d for d in facts.duplicates if not isinstance(d, Volume)]
    return dataclasses.replace(facts, volumes=found, duplicates=(*others, *extra))


def _see_snapshots(api: Api, build_id: str, facts: Facts) -> Facts:
    noted = _noted(facts, "snapshot_id")
    own = [s for s in volumes.marked_snapshots(api, build_id) if s.id != noted]
    found, extra = _by_role(build_id, own)
    snapshot = volumes.find_snapshot(api, noted) if noted else None
    if snapshot and is_own(snapshot, build_id, api.project_id()):
        found[RESULT] = snapshot
    others = [d for d in facts.duplicates if not isinstance(d, Snapshot)]
    return dataclasses.replace(facts, snapshots=found, duplicates=(*others, *extra))


def _noted(facts: Facts, key: str) -> str:
    harvested = facts.marks.get(Milestone.HARVESTED)
    return harvested.data.get(key, "") if harvested else ""


V = TypeVar("V", Volume, Snapshot)


def _by_role(build_id: str, items: Iterable[V]) -> tuple[dict[str, V], list[V]]:
    """The oldest of each role, and what else there is of it."""
    found: dict[str, V] = {}
    extra = []
    for item in items:
        role = role_of(build_id, item.name)
        if role and found.setdefault(role, item) is not item:
            extra.append(item)
    return found, [item for item in extra if item.status != "deleting"]


def _see_server(
    api: Api, build_id: str, role: str, facts: Facts, watch: Watch | None
) -> Facts:
    server = _find_server(api, facts.servers[role].id)
    others = {key: value for key, value in facts.servers.items() if key != role}
    if server is None:
        return dataclasses.replace(facts, servers=others)
    if server.id in attempts.given_up(facts, role):
        # What it still says is nothing that the next one said.
        return dataclasses.replace(facts, servers={**others, role: server})
    consoles, reports = dict(facts.consoles), dict(facts.reports)
    held = facts.reports_held - {role}
    if server.status not in ("ACTIVE", "BUILD"):
        server = dataclasses.replace(server, actions=servers.actions(api, server.id))
    silent = server.is_off or server.status == "BUILD"
    lines = watch.lines if watch else servers.CONSOLE_LINES
    text = None if silent else servers.console(api, server.id, lines)
    if watch is not None:
        watch.look(role, server, text, facts.now)
    if text:
        if watch is not None and watch.on_console:
            watch.on_console(role, text)
        # A console that can't be read any more must not hide what it said.
        consoles[role] = text
    said = report.on_console(text or "", build_id)
    if said or not text or role in facts.reports_held:
        # Where the console is silent the back-channel is the only word.
        channel = servers.password(api, server.id) if server.status != "BUILD" else ""
        heard = report.parse(channel, build_id)
        said = heard or said
        held = held | {role} if channel else held
    if said is not None:
        reports[role] = said
    return dataclasses.replace(
        facts,
        servers={**others, role: server},
        consoles=consoles,
        signals=dict(watch.signals) if watch else facts.signals,
        reports=reports,
        reports_held=held,
    )


def _find_server(api: Api, server_id: str) -> Server | None:
    """Ask twice: one API server's 404 may be a lag, and ends a build."""
    found = servers.find(api, server_id)
    if found is None:
        api.clock.sleep(SECOND_LOOK_S)
        found = servers.find(api, server_id)
    return found
