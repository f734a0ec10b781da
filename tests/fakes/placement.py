"""Placement, which tells what hosts can do."""

from __future__ import annotations

from tests.fakes.wire import Call, Refusal, Reply, Service, route


class Placement(Service):
    """``traits`` are those of its one host; None where users are told nothing."""

    name = "placement"

    def __init__(self) -> None:
        super().__init__()
        self.traits: set[str] | None = None

    @route("GET", "/?")
    def discover(self, call: Call) -> Reply:
        """Tell the version."""
        link = {"rel": "self", "href": "http://placement.fake/"}
        version = {"id": "v1.0", "status": "CURRENT", "links": [link]}
        shown = {**version, "max_version": "1.39", "min_version": "1.0"}
        return Reply(200, {"versions": [shown]})

    @route("GET", "/resource_providers")
    def list(self, call: Call) -> Reply:
        """List hosts with a trait."""
        if self.traits is None:
            raise Refusal(
                403, "placement:resource_providers:list is for administrators"
            )
        if "1.18" not in call.headers.get("OpenStack-API-Version", ""):
            raise Refusal(400, "Invalid query string parameters: 'required'")
        found = [{"uuid": "h-1"}] if call.one("required") in self.traits else []
        return Reply(200, {"resource_providers": found})
