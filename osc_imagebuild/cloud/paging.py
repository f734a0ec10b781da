"""Read listings that services give page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from osc_imagebuild.cloud import answers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, TransientError

PAGE = 200
PAGES = 1000


class Item(Protocol):
    """Anything that is listed."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Item)


@dataclass(frozen=True)
class _Page(Generic[T]):
    items: list[T]
    has_next: bool


def read_pages(
    api: Api,
    service: str,
    path: str,
    key: str,
    parse: Callable[[Mapping[str, Any]], T],
    params: Sequence[tuple[str, str]] = (),
) -> list[T]:
    """Return all that a listing has, as ``parse`` makes it of each.

    How long a page may be is the operator's choice, so only a link to the next one
    tells whether there is one. It is not followed as it is: its host may be one that
    only the service knows.

    :raises: as `Api.read`; TransientError also where the pages have no end
    """
    items: dict[str, T] = {}
    page = partial(_page, key, parse)
    for _ in range(PAGES):
        after = [("marker", list(items)[-1])] if items else []
        asked = [*params, ("limit", str(PAGE)), *after]
        try:
            answer = api.read(service, path, page, asked)
        except CloudError as error:
            # What the marker names has gone meanwhile.
            if not after or error.status not in (400, 404):
                raise
            items = {}
            continue
        new = {item.id: item for item in answer.items if item.id not in items}
        items |= new
        if not answer.has_next or not answer.items:
            return list(items.values())
        if not new:
            break  # the same page again
    raise TransientError(f"the listing {path} has no end", service=service)


def _page(
    key: str, parse: Callable[[Mapping[str, Any]], T], page: Mapping[str, Any]
) -> _Page[T]:
    """Glance has the link as ``next``, others in ``volumes_links`` and the like."""
    items = [parse(item) for item in answers.objects(page, key)]
    links = [answers.obj(link) for link in answers.items(page.get(f"{key}_links"))]
    more = bool(page.get("next")) or any(link.get("rel") == "next" for link in links)
    return _Page(items, more)
