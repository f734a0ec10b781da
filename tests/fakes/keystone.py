"""Keystone: passwords for tokens, and a catalog."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timezone

from keystoneauth1 import fixture

from tests.fakes.clock import World
from tests.fakes.wire import Call, Refusal, Reply, Service, route

URL = "http://keystone.fake/v3"
ENDPOINTS = {
    "image": "http://glance.fake",
    "compute": "http://nova.fake/v2.1",
    "network": "http://neutron.fake",
    "block-storage": "http://cinder.fake/v3",
    "placement": "http://placement.fake",
}
PASSWORD = "a password of the cloud"


@dataclass(frozen=True)
class Token:
    """Who may do what until when."""

    id: str
    project: str
    expires: float


class Keystone(Service):
    """``life_s`` is how long a token lives by the world's time."""

    name = "identity"
    needs_token = False

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.tokens: dict[str, Token] = {}
        self.life_s = 3600.0
        self.services = {"identity": URL, **ENDPOINTS}
        self.region = "RegionOne"
        # Of other projects few may know more than the ID.
        self.shows_projects = True
        self.projects = {"p-other": "other", "demo": "demo"}

    def valid(self, token_id: str) -> Token | None:
        """Return the token where it still counts."""
        token = self.tokens.get(token_id)
        return token if token and token.expires > self._world.now else None

    @route("GET", "/v3/?")
    def discover(self, call: Call) -> Reply:
        """Tell the version."""
        version = fixture.V3Discovery(URL)
        return Reply(200, {"version": version})

    @route("POST", "/v3/auth/tokens")
    def log_in(self, call: Call) -> Reply:
        """Give a token for a password, or for another token (its end stays)."""
        auth = call.json["auth"]
        identity, scope = auth["identity"], auth.get("scope", {})
        expires = self._world.now + self.life_s
        project = scope.get("project", {}).get("name", "demo")
        if "token" in identity["methods"]:
            old = self.valid(identity["token"]["id"])
            if old is None:
                raise Refusal(401, "The request you have made requires authentication.")
            expires, project = old.expires, old.project
        elif identity["password"]["user"]["password"] != PASSWORD:
            raise Refusal(401, "The request you have made requires authentication.")
        token = Token(uuid.uuid4().hex, project, expires)
        self.tokens[token.id] = token
        headers = {"X-Subject-Token": token.id}
        return Reply(201, self._body(token), headers)

    @route("GET", "/v3/projects/(?P<project_id>[^/]+)")
    def show_project(self, call: Call, project_id: str) -> Reply:
        """Show one, to those who may know it."""
        self._may_look(call)
        if project_id not in self.projects:
            raise Refusal(404, f"Could not find project: {project_id}.")
        project = {"id": project_id, "name": self.projects[project_id]}
        return Reply(200, {"project": project})

    @route("GET", "/v3/projects")
    def list_projects(self, call: Call) -> Reply:
        """List those of a name."""
        self._may_look(call)
        name = call.one("name")
        named = [{"id": k, "name": v} for k, v in self.projects.items() if v == name]
        return Reply(200, {"projects": named})

    def _may_look(self, call: Call) -> None:
        token = self.valid(call.headers.get("X-Auth-Token", ""))
        if token is None:
            raise Refusal(401, "The request you have made requires authentication.")
        call.project = token.project
        if not self.shows_projects:
            raise Refusal(403, "You are not authorized to perform the requested action")

    def _body(self, token: Token) -> fixture.V3Token:
        def moment(at: float) -> datetime:
            return datetime.fromtimestamp(at, timezone.utc)

        body = fixture.V3Token(
            expires=moment(token.expires),
            issued=moment(self._world.now),
            user_id="u-1",
            user_name="tester",
            user_domain_id="default",
            user_domain_name="Default",
        )
        body.set_project_scope(
            id=token.project, name=token.project, domain_id="default", domain_name="D"
        )
        body.add_role(name="member")
        for kind, url in self.services.items():
            service = body.add_service(kind, name=kind)
            service.add_endpoint("public", url, region=self.region)
        return body
