"""The fake cloud: services behind one door, a log, and mishaps at will."""

from __future__ import annotations

import copy
import email.utils
import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import requests
from keystoneauth1 import session as ksa_session
from keystoneauth1.identity import v3
from openstack.connection import Connection

from osc_imagebuild.cloud.access_rules import AccessRule
from tests.fakes import kept as kept
from tests.fakes.access_rules import matching
from tests.fakes.carrier import Carrier
from tests.fakes.cinder import Cinder
from tests.fakes.clock import FakeClock, World
from tests.fakes.faults import Hook
from tests.fakes.glance import Glance
from tests.fakes.keystone import PASSWORD, URL, Keystone
from tests.fakes.lag import Lag
from tests.fakes.mirror import Mirror
from tests.fakes.neutron import Neutron
from tests.fakes.nova import Nova
from tests.fakes.placement import Placement
from tests.fakes.wire import (
    Adapter,
    Call,
    Found,
    Refusal,
    Reply,
    Service,
    body_of,
    split,
)

Observer = Callable[[str, Call], None]

# A client that asks more often than this goes round in circles.
MAX_CALLS = 20_000
LATENCY_S = 0.05


class FakeCloud:
    """Keystone, Glance, Nova, Neutron and Cinder in one process, on one world's time.

    ``hooks`` decide on mishaps, the first that answers counts. ``observers``
    are told 'before' and 'after' of each mutation. ``lag`` is how far
    lists are behind. ``log`` holds every call that arrived, ``mutations`` those that
    may change something.
    """

    def __init__(self, world: World | None = None, region: str = "RegionOne") -> None:
        self.world = world or World()
        self.keystone = Keystone(self.world)
        self.mirror = Mirror()
        self.glance = Glance(self.world, self.mirror)
        self.neutron = Neutron()
        self.cinder = Cinder(self.world, self.glance)
        self.placement = Placement()
        self.nova = Nova(self.world, self.glance, self.neutron, self.cinder)
        host = "glance.fake" if region == "RegionOne" else f"glance.{region.lower()}"
        self.keystone.region, self.glance.url = region, f"http://{host}"
        self.keystone.services["image"] = self.glance.url
        self._hosts: dict[str, Service] = {
            "keystone.fake": self.keystone,
            host: self.glance,
            "nova.fake": self.nova,
            "neutron.fake": self.neutron,
            "cinder.fake": self.cinder,
            "placement.fake": self.placement,
        }
        # How far lists are behind.
        self.lag = Lag()
        # All that its clients may ask, None where their credentials have no access rules.
        self.allowed: list[AccessRule] | None = None
        self.hooks: list[Hook] = []
        self.observers: list[Observer] = []
        self.log: list[Call] = []
        self.mutations: list[Call] = []
        self._discovered: dict[str, Any] = {}
        # Races between clients need requests that take a little more or less.
        self.latency: Callable[[], float] = lambda: LATENCY_S

    def clock(self, skew: float = 0.0) -> FakeClock:
        """Return a client's clock, ``skew`` seconds ahead."""
        return FakeClock(self.world, skew)

    def connect(self, client: str = "client", project: str = "demo") -> Connection:
        """Return an SDK connection of a new client, with a password."""
        auth = v3.Password(
            auth_url=URL,
            username="tester",
            password=PASSWORD,
            user_domain_name="Default",
            project_name=project,
            project_domain_name="Default",
        )
        return self.connect_with(auth, client)

    def connect_with(self, auth: Any, client: str = "client") -> Connection:
        """Return an SDK connection with any credentials."""
        adapter = Adapter(self.serve)
        adapter.client = client
        session = ksa_session.Session(
            auth=auth, session=Carrier(adapter), discovery_cache=self._discovered
        )
        return Connection(session=session)

    def forget_versions(self) -> None:
        """Let new clients ask services for their versions, as new processes do."""
        self._discovered.clear()

    def fork(self) -> FakeCloud:
        """Return a copy that goes its own way, as if all clients died here.

        It has no hooks and no observers. A killed process runs no ``finally``
        either, so this is what a kill leaves behind.
        """
        return copy.deepcopy(self, self.forked())

    def forked(self) -> dict[int, Any]:
        """Return what `fork` does not copy, by its identity."""
        return {
            id(self._discovered): self._discovered,
            id(self.hooks): [],
            id(self.observers): [],
            id(self.log): list(self.log),
            id(self.mutations): list(self.mutations),
        }

    def tick(self) -> None:
        """Let all services catch up with the time."""
        self.glance.tick()
        self.nova.tick()
        self.cinder.tick()

    def created(self, kind: str) -> list[str]:
        """Names in the bodies of the creations that arrived."""
        calls = [c for c in self.mutations if c.kind == kind and 0 < c.status < 300]
        wraps = ("server", "volume", "snapshot")
        bodies = [
            next((c.json[w] for w in wraps if w in c.json), c.json) for c in calls
        ]
        return [body["name"] for body in bodies]

    # --- the door

    def serve(self, client: str, request: requests.PreparedRequest) -> Reply:
        """Answer one request."""
        host, path, query = split(request.url or "")
        service = self._hosts.get(host)
        if service is None:
            return self.mirror.serve(
                request.method or "",
                request.url or "",
                _text(request.headers.get("Range", "")),
            )
        self.world.sleep(self.latency())
        call = Call(
            client=client,
            service=service.name,
            method=request.method or "",
            path=path,
            query=query,
            headers={str(k): _text(v) for k, v in request.headers.items()},
            read=functools.partial(body_of, request),
            at=self.world.now,
        )
        self._note(call, found := service.find(call.method, path))
        return self._pass(service, call, found)

    def _note(self, call: Call, found: Found | None) -> None:
        self.log.append(call)
        if len(self.log) > MAX_CALLS:
            raise AssertionError(f"{MAX_CALLS} calls: {call.method} {call.path}")
        kind = found.kind if found else ""
        if call.path.endswith("/action") and b"os-getConsoleOutput" not in call.body:
            kind = next(iter(call.json))
        if kind:
            call.kind = kind
            self.mutations.append(call)
            call.number = len(self.mutations)

    def _pass(self, service: Service, call: Call, found: Found | None) -> Reply:
        fault = next((f for hook in self.hooks if (f := hook(call))), None)
        if fault is not None and not fault.carried_out:
            return fault.result(None)
        self._tell("before", call)
        reply = self._answer(service, call, found)
        call.status = reply.status
        self._tell("after", call)
        reply.headers |= {
            "Date": email.utils.formatdate(self.world.now, usegmt=True),
            "x-openstack-request-id": f"req-{len(self.log)}",
        }
        return reply if fault is None else fault.result(reply)

    def _tell(self, when: str, call: Call) -> None:
        for observer in self.observers if call.mutating else ():
            observer(when, call)

    def _answer(self, service: Service, call: Call, found: Found | None) -> Reply:
        self.tick()
        # That is looked at before the service is.
        if not self._is_allowed(call, found):
            return service.refusal(401, "Token authorization failed")
        if found is None:
            return service.refusal(404, f"no such path: {call.path}")
        if service.needs_token and found.handler.__name__ != "discover":
            token = self.keystone.valid(call.headers.get("X-Auth-Token", ""))
            if token is None:
                return service.refusal(401, "Unauthorized")
            call.project = token.project
        self.lag.note(self.world.now, self._present())
        try:
            with self._behind(found):
                reply = found.handler(call, **found.arguments)
        except Refusal as refusal:
            reply = service.refusal(refusal.status, refusal.message)
        self.tick()
        self.lag.note(self.world.now, self._present())
        return reply

    def _is_allowed(self, call: Call, found: Found | None) -> bool:
        """Whether the access rules, if there are some, allow a call; a login needs none."""
        free = found is not None and found.handler.__name__ in ("discover", "log_in")
        return self.allowed is None or free or bool(matching(self.allowed, call))

    def _present(self) -> dict[str, dict[str, Any]]:
        return {
            "images": self.glance.images,
            "servers": self.nova.servers,
            "volumes": self.cinder.volumes,
            "snapshots": self.cinder.snapshots,
        }

    def _behind(self, found: Found) -> AbstractContextManager[None]:
        """Let a list, and a look by ID where that lags too, be answered from the past."""
        kinds = {
            "list_servers": "servers",
            "list": found.arguments.get("kind", "images"),
        }
        kind = kinds.get(found.handler.__name__, "")
        if self.lag.by_id:
            by_id = {
                self.glance.show: "images",
                self.nova.show: "servers",
                self.cinder.show: "volumes",
                self.cinder.show_snapshot: "snapshots",
            }
            kind = by_id.get(found.handler, kind)
        of = {"images": self.glance, "servers": self.nova}.get(kind, self.cinder)

        def swap(items: dict[str, Any]) -> dict[str, Any]:
            present: dict[str, Any] = getattr(of, kind)
            setattr(of, kind, items)
            return present

        return self.lag.behind(kind, self.world.now, swap)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def fork_all(clouds: Sequence[FakeCloud]) -> list[FakeCloud]:
    """Return copies of clouds that share a world, as `FakeCloud.fork` makes one."""
    kept: dict[int, Any] = {}
    for cloud in clouds:
        kept |= cloud.forked()
    return copy.deepcopy(list(clouds), kept)
