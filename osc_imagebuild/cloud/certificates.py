"""Read a certificate in the cloud's key manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import answers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient

# More than any certificate has.
SIZE_LIMIT = 65_536
_SERVICE = "key-manager"


def read(api: Api, certificate_id: str) -> bytes:
    """Return what a secret of the key manager holds.

    Source: Barbican's API reference, Secrets: the payload is asked for as of the type that
    the secret tells.

    :raises: NotFoundError where there is no such secret, CloudError
    """
    path = f"/secrets/{certificate_id}"
    kind = api.read(_SERVICE, path, _content_type)

    def ask() -> bytes:
        return api.call(
            _SERVICE,
            "GET",
            f"{path}/payload",
            headers={"Accept": kind},
            limit=SIZE_LIMIT,
        ).content

    return retry_transient(api.clock, ask)


def is_offered(api: Api) -> bool:
    """Whether the cloud has a key manager.

    :raises: CloudError
    """
    return api.has(_SERVICE)


def _content_type(data: Mapping[str, Any]) -> str:
    kinds = answers.obj(data.get("content_types") or {})
    return answers.text_or(kinds, "default") or "application/octet-stream"
