"""Read a build's resources from the cloud; change nothing.

``parts`` says what to look at, so that a build that waits costs few calls:
``images`` (the hidden ones), ``result``, ``servers``, ``server:ROLE``, ``inventory`` (all
that the test server has written; in a further boot with its number), ``volumes``,
``snapshots``, ``family`` (what other builds made of it), ``members`` (of the result and its
predecessor).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from osc_imagebuild.builds import families
from osc_imagebuild.cloud import images, servers, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import find_twice
from osc_imagebuild.engine.memory import Memory, expected
from osc_imagebuild.engine.watch import Watch
from osc_imagebuild.errors import CloudError, TransientError
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.family import Member
from osc_imagebuild.model.names import (
    BOOKKEEPING,
    Milestone,
    Role,
    boot_number,
    build_tag,
    in_boot,
    resource_name,
    role_of,
)
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.resources import Image, Resource, Server, Snapshot, Volume
from osc_imagebuild.monitors.console import failed_rules, report
from osc_imagebuild.steps import attempts


@dataclasses.dataclass(frozen=True)
class Family:
    """The family of a build's result, and the output that it is a kind of."""

    name: str = ""
    kind: str = "image"


def observe(
    api: Api,
    build_id: str,
    shared: Mapping[str, str],
    marks: Mapping[str, Mark],
    old: Facts | None = None,
    parts: Iterable[str] = (),
    watch: Watch | None = None,
    memory: Memory | None = None,
    family: Family = Family(),
) -> Facts:
    """Return ``old`` with ``parts`` looked at again.

    ``shared`` maps the tags of shared content to roles, ``family`` is the result's.
    ``watch`` keeps the signals of servers, ``memory`` what lists may not show.

    :raises: CloudError
    """
    facts = dataclasses.replace(old or Facts(api.now()), now=api.now(), marks=marks)
    observer = Observer(api, build_id, memory or Memory(api.now, expected(marks)))
    wanted = set(parts)
    if "images" in wanted:
        facts = observer.look_at_images(shared, facts)
    if "result" in wanted:
        facts = observer.look_at_result(facts)
    if "servers" in wanted:
        facts = observer.look_at_servers(facts)
    if "volumes" in wanted:
        facts = observer.look_at_volumes(facts)
    if "snapshots" in wanted:
        facts = observer.look_at_snapshots(facts)
    if "family" in wanted:
        facts = observer.look_at_family(family, facts)
    if "members" in wanted:
        facts = observer.look_at_members(facts)
    for part in sorted(wanted):
        role = part.removeprefix("server:")
        if role != part and role in facts.servers:
            facts = _see_server(api, build_id, role, facts, watch)
    # The whole console takes the place of its end.
    for number in sorted(boot_number(part, "inventory") for part in wanted):
        facts = _see_inventory(api, facts, number) if number else facts
    return facts


V = TypeVar("V", Image, Server, Volume, Snapshot)


@dataclasses.dataclass(frozen=True)
class Observer:
    """Reads the resources of a build, as far as they are asked for."""

    api: Api
    build_id: str
    memory: Memory

    def look_at_images(self, shared: Mapping[str, str], facts: Facts) -> Facts:
        """Look at the hidden images; `look_at_result` finds a result that is not hidden."""
        tag = build_tag(self.build_id)
        listed = images.tagged(self.api, tag, hidden=True)

        def role(image: Image) -> str | None:
            own = image.tags if tag in image.tags else ()
            shares = next((shared[t] for t in own if t in shared), None)
            named = shares or role_of(self.build_id, image.name)
            return None if named and named.startswith(BOOKKEEPING) else named

        present = self._present(Image, listed, images.find)
        by_role, extra = self._by_role(Image, present, role, facts)
        if Role.RESULT in facts.images and Role.RESULT not in by_role:
            by_role[Role.RESULT] = facts.images[Role.RESULT]
        return _with(facts, Image, extra, images=by_role)

    def look_at_result(self, facts: Facts) -> Facts:
        """Look at the result as createImage left it, or by its ID once that is noted."""
        kept = {
            role: image for role, image in facts.images.items() if role != Role.RESULT
        }
        noted = facts.marks.get(Milestone.HARVESTED)
        others: list[Image] = []
        if noted is not None:
            image = self._ask(images.find, noted.data.get("image_id", ""))
            # Anybody in the project can write an ID into a record.
            results = [image] if image and self._is_own(image) else []
        else:
            name = resource_name(self.build_id, Role.RESULT)
            listed = images.named(self.api, name)
            present = self._present(Image, listed, images.find, Role.RESULT)
            results = [
                i for i in present if role_of(self.build_id, i.name) == Role.RESULT
            ]
            results.sort(key=lambda i: self._rank(Image, Role.RESULT, facts, i))
            others = results[1:]
        if results:
            kept[Role.RESULT] = results[0]
            roles = {role: image.id for role, image in kept.items()}
            self.memory.seen(Image, roles)
        duplicate_ids = {extra.id for extra in facts.duplicates}
        new = [image for image in others if image.id not in duplicate_ids]
        return dataclasses.replace(
            facts, images=kept, duplicates=(*facts.duplicates, *new)
        )

    def look_at_servers(self, facts: Facts) -> Facts:
        """Look at the servers that carry the build's tag."""
        listed = servers.tagged(self.api, build_tag(self.build_id))
        present = self._own(self._present(Server, listed, servers.find))
        by_role, extra = self._by_role(Server, present, self._role, facts)
        going = [s for s in extra if s.task_state != "deleting"]
        return _with(facts, Server, going, servers=by_role)

    def look_at_volumes(self, facts: Facts) -> Facts:
        """Look at the volumes with the build's mark, and the one noted as its result."""
        noted = _noted(facts, "volume_id")
        listed = volumes.marked(self.api, self.build_id)
        present = self._own(self._present(Volume, listed, volumes.find))
        own = [v for v in present if v.id != noted]
        by_role, extra = self._by_role(Volume, own, self._role, facts)
        root = self._ask(volumes.find, noted)
        if root and self._is_own(root):
            by_role[Role.ROOT] = root
        return _with(facts, Volume, _there(extra), volumes=by_role)

    def look_at_snapshots(self, facts: Facts) -> Facts:
        """Look at the snapshots, as `look_at_volumes` does at volumes."""
        noted = _noted(facts, "snapshot_id")
        listed = volumes.marked_snapshots(self.api, self.build_id)
        present = self._present(Snapshot, listed, volumes.find_snapshot)
        own = [s for s in present if s.id != noted]
        by_role, extra = self._by_role(Snapshot, own, self._role, facts)
        snapshot = self._ask(volumes.find_snapshot, noted)
        if snapshot and self._is_own(snapshot):
            by_role[Role.RESULT] = snapshot
        return _with(facts, Snapshot, _there(extra), snapshots=by_role)

    def look_at_family(self, family: Family, facts: Facts) -> Facts:
        """Look at the published results of the family."""
        listed = families.members(self.api, family.name, family.kind)
        items: dict[str, Member] = {i.id: i for i in listed}
        for item_id in self.memory.doubtful(items):
            fresh = families.find(self.api, item_id, family.kind)
            if fresh is not None:
                items[item_id] = fresh
            else:
                del items[item_id]
        return dataclasses.replace(facts, family=tuple(items.values()))

    def look_at_members(self, facts: Facts) -> Facts:
        """Look at whom the result is shared with, and the newest other of its family."""
        result = facts.images.get(Role.RESULT)
        others = [i for i in facts.family if result is None or i.id != result.id]
        sharing = {
            item.id: self._members(item)
            for item in (result, *others[:1])
            if isinstance(item, Image) and item.visibility == "shared"
        }
        return dataclasses.replace(facts, sharing=sharing)

    def _members(self, image: Image) -> Mapping[str, str]:
        """Return whom an image is shared with; nobody where that may not be known."""
        try:
            return images.members(self.api, image.id)
        except CloudError as error:
            if error.status != 403:
                raise
            return {}

    def _own(self, items: Iterable[V]) -> list[V]:
        """Those of the build: what is asked for by its ID is a record's word."""
        return [item for item in items if self._is_own(item)]

    def _is_own(self, item: Resource) -> bool:
        return is_own(item, self.build_id, self.api.project_id())

    def _role(self, item: Resource) -> str | None:
        return role_of(self.build_id, item.name)

    def _ask(self, find: Callable[[Api, str], V | None], item_id: str) -> V | None:
        """Find a resource; ask twice, as one API server's 404 may be a lag and ends a build."""
        if not item_id:
            return None
        return find_twice(self.api.clock, lambda: find(self.api, item_id))

    def _present(
        self,
        kind: type[V],
        listed: Iterable[V],
        find: Callable[[Api, str], V | None],
        role: str | None = None,
    ) -> list[V]:
        """Return what is there, where a list may be behind what this client did.

        The list is of one ``role`` where that is given.

        :raises: TransientError where what was just made is not to be seen
        """
        memory = self.memory
        items = {i.id: i for i in listed if not memory.is_forgotten(i.id)}
        for item_id in memory.doubtful(items):
            fresh = find(self.api, item_id)
            if fresh is not None:
                items[item_id] = fresh
            elif memory.is_deleted(item_id):
                del items[item_id]
        for item_id in memory.missing(kind, items, role):
            deleted = memory.is_deleted(item_id)
            fresh = find(self.api, item_id) if deleted else self._ask(find, item_id)
            if fresh is not None:
                items[item_id] = fresh
            elif memory.was_just_made(kind, item_id):
                raise TransientError(
                    f"what was just made is not to be seen yet: {item_id}",
                    service=kind.SERVICE,
                )
            else:
                memory.drop(kind, item_id)
        return sorted(items.values(), key=lambda item: (item.created_at, item.id))

    def _by_role(
        self,
        kind: type[V],
        items: Iterable[V],
        role_of_item: Callable[[V], str | None],
        facts: Facts,
    ) -> tuple[dict[str, V], list[V]]:
        """Return the one of each role that the build goes on with, and the others."""
        of: dict[str, list[V]] = {}
        for item in items:
            if role := role_of_item(item):
                of.setdefault(role, []).append(item)
        for role, several in of.items():
            several.sort(key=lambda item: self._rank(kind, role, facts, item))
        self.memory.seen(kind, {role: several[0].id for role, several in of.items()})
        extra = [item for several in of.values() for item in several[1:]]
        return {role: several[0] for role, several in of.items()}, extra

    def _rank(
        self, kind: type[V], role: str, facts: Facts, item: V
    ) -> tuple[bool, bool, bool, float, bool, str]:
        """The oldest comes first, but for what the build goes on with already.

        One that was given up must not count before the one in its place. Services tell
        whole seconds: of two that are as old, it is what this client made.
        """
        return (
            item.id in attempts.given_up(facts, role),
            item.id not in attempts.spoken_of(facts),
            not self.memory.is_in_use(kind, role, item.id),
            item.created_at,
            not self.memory.has_made(kind, item.id),
            item.id,
        )


def _with(facts: Facts, kind: type[V], extra: Iterable[V], **fields: object) -> Facts:
    others: list[Resource] = [d for d in facts.duplicates if type(d) is not kind]
    changes: dict[str, Any] = {**fields, "duplicates": (*others, *extra)}
    return dataclasses.replace(facts, **changes)


def _there(items: Iterable[V]) -> list[V]:
    return [item for item in items if item.status != "deleting"]


def _noted(facts: Facts, key: str) -> str:
    harvested = facts.marks.get(Milestone.HARVESTED)
    return harvested.data.get(key, "") if harvested else ""


def _see_inventory(api: Api, facts: Facts, number: int) -> Facts:
    """Read the whole console of a test server whose result is up; of no other one."""
    role = in_boot(Role.VERIFY, number)
    seen, given_up = facts.servers.get(role), attempts.given_up(facts, role)
    is_up = in_boot(Milestone.VERIFIED, number) in facts.marks
    if seen is None or seen.id in given_up or not is_up:
        return facts
    server = find_twice(api.clock, lambda: servers.find(api, seen.id))
    if server is None:
        others = {k: v for k, v in facts.servers.items() if k != role}
        return dataclasses.replace(facts, servers=others)
    text = servers.console(api, server.id, servers.WHOLE_CONSOLE)
    consoles = {**facts.consoles, role: text} if text else facts.consoles
    there = {**facts.servers, role: server}
    return dataclasses.replace(facts, servers=there, consoles=consoles)


def _see_server(
    api: Api, build_id: str, role: str, facts: Facts, watch: Watch | None
) -> Facts:
    server_id = facts.servers[role].id
    server = find_twice(api.clock, lambda: servers.find(api, server_id))
    others = {key: value for key, value in facts.servers.items() if key != role}
    if server is None:
        return dataclasses.replace(facts, servers=others)
    if server.id in attempts.given_up(facts, role):
        # What it still says is nothing that the next one said.
        return dataclasses.replace(facts, servers={**others, role: server})
    consoles, reports = dict(facts.consoles), dict(facts.reports)
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
    guest_report = report.on_console(text or "", build_id)
    if not text and server.status != "BUILD":
        # Where the console is silent the back-channel is the only word.
        guest_report = report.parse(servers.password(api, server.id), build_id)
    if guest_report is not None:
        reports[role] = failed_rules.completed(
            guest_report, consoles.get(role), build_id
        )
    return dataclasses.replace(
        facts,
        servers={**others, role: server},
        consoles=consoles,
        signals=dict(watch.signals) if watch else facts.signals,
        reports=reports,
    )
