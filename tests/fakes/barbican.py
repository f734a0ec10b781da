"""Barbican: secrets that hold certificates, as a member reads them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.wire import Call, Refusal, Reply, Service, route

URL = "http://barbican.fake"


@dataclass
class Secret:
    """A secret; whoever may not read it is refused."""

    payload: bytes
    kind: str = "application/octet-stream"
    is_readable: bool = True


class Barbican(Service):
    """Secrets by their IDs; a cloud has it where its catalog says so."""

    name = "key-manager"

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[str, Secret] = {}

    @route("GET", "/?")
    @route("GET", "/v1/?")
    def discover(self, call: Call) -> Reply:
        """Tell the version."""
        version = {
            "id": "v1",
            "status": "CURRENT",
            "min_version": "1.0",
            "max_version": "1.1",
            "links": [{"rel": "self", "href": f"{URL}/v1/"}],
        }
        return Reply(200, {"versions": [version]})

    @route("GET", r"/v1/secrets/(?P<secret_id>[^/]+)")
    def show(self, call: Call, secret_id: str) -> Reply:
        """Tell what a secret is."""
        kinds = {"default": self._secret(secret_id).kind}
        return Reply(200, {"status": "ACTIVE", "content_types": kinds})

    @route("GET", r"/v1/secrets/(?P<secret_id>[^/]+)/payload")
    def payload(self, call: Call, secret_id: str) -> Reply:
        """Give what it holds, if that is asked for as what it is."""
        secret = self._secret(secret_id)
        if call.headers.get("Accept") != secret.kind:
            raise Refusal(406, "Not Acceptable")
        return Reply(200, secret.payload)

    def refusal(self, status: int, message: str) -> Reply:
        """Return an error as Barbican words it."""
        return Reply(status, {"code": status, "title": "", "description": message})

    def _secret(self, secret_id: str) -> Secret:
        if secret_id not in self.secrets:
            raise Refusal(404, "Secret not found.")
        secret = self.secrets[secret_id]
        if not secret.is_readable:
            raise Refusal(403, "Secret retrieval attempt not allowed")
        return secret
