"""Read listings that services give page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, TransientError

PAGE = 200
PAGES = 1000


def read(
    api: Api, service: str, path: str, key: str, params: Sequence[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """Return all that a listing has.

    How long a page may be is the operator's choice, so only a link to the next one
    tells whether there is one. It is not followed as it is: its host may be one that
    only the service knows.

    :raises: as `Api.get`
    """
    items: list[dict[str, Any]] = []
    for _ in range(PAGES):
        after = [("marker", str(items[-1]["id"]))] if items else []
        try:
            page = api.get(service, path, [*params, ("limit", str(PAGE)), *after])
        except CloudError as error:
            # What the marker names has gone meanwhile.
            if not after or error.status not in (400, 404):
                raise
            items = []
            continue
        items += page.get(key, [])
        if not _has_next(page, key) or not page.get(key):
            return items
    raise TransientError(f"the listing {path} has no end", service=service)


def _has_next(page: Mapping[str, Any], key: str) -> bool:
    """Glance has the link as ``next``, others in ``volumes_links`` and the like."""
    links = page.get(f"{key}_links") or ()
    return bool(page.get("next")) or any(link.get("rel") == "next" for link in links)
