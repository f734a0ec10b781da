"""The session of requests beneath the SDK's: what carries a request to the fake cloud."""

from __future__ import annotations

from typing import Any

import requests

from tests.fakes.wire import Adapter


class Carrier(requests.Session):
    """Prepares a request as requests does, and hands it over.

    What the SDK's session never asks for is left out, as it takes longer than the
    answer: cookies, redirects (which keystoneauth follows itself), proxies and hooks.
    """

    def __init__(self, adapter: Adapter) -> None:
        super().__init__()
        self.trust_env = False  # whatever proxy this machine is told to use
        self.mount("http://", adapter)
        self._own = dict(self.headers)

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        *,
        headers: Any = None,
        params: Any = None,
        data: Any = None,
        allow_redirects: bool = False,
        **how: Any,
    ) -> requests.Response:
        """Send a request of a session of keystoneauth."""
        if allow_redirects or how.keys() - {"timeout", "stream", "verify", "cert"}:
            raise TypeError(f"no session of keystoneauth asks for {how}")
        prepared = requests.PreparedRequest()
        prepared.prepare_method(method)
        prepared.prepare_url(url, params)
        prepared.prepare_headers({**self._own, **(headers or {})})
        prepared.prepare_body(data, None)
        prepared.prepare_hooks({})
        return self.get_adapter(url=url).send(prepared, **how)
