"""What the SDK works out anew at each request, kept: most of what a fake one costs.

Nothing of it depends on a cloud or a test. Importing this module does it.
"""

from __future__ import annotations

import functools
from typing import Any

from keystoneauth1 import _utils, discover
from keystoneauth1.access.service_catalog import ServiceCatalog
from os_service_types import ServiceTypes


@functools.cache
def _all_types(service_type: str) -> tuple[str, ...]:
    """The names of a type of service; the table is copied whole for each question."""
    return tuple(_asked(ServiceTypes(), service_type))


def _endpoint(self: ServiceCatalog, **wanted: Any) -> discover.EndpointData:
    """What a token's catalogue says; it is copied whole for each question.

    Who asks for more than that copies it first, so it stays as it is.
    """
    known: dict[str, discover.EndpointData] = vars(self).setdefault("_kept", {})
    key = repr(sorted(wanted.items()))
    if key not in known:
        known[key] = _sought(self, **wanted)
    return known[key]


def _versioned(
    self: discover.EndpointData, session: Any, **wanted: Any
) -> discover.EndpointData:
    """The same with a version, once a service told of it or nothing had to be asked."""
    cache = wanted.pop("cache", None)
    known: dict[str, discover.EndpointData] = vars(self).setdefault("_kept", {})
    key = repr(sorted(wanted.items()))
    if key in known:
        return known[key]
    found = _looked(self, session, cache=cache, **wanted)
    unasked = found._catalog_matches_exactly and not wanted.get("discover_versions")
    if found._disc is not None or unasked:
        known[key] = found
    return found


def _number(version: Any) -> Any:
    """A version as a tuple of numbers."""
    return _numbers(tuple(version) if isinstance(version, list) else version)


_asked = ServiceTypes.get_all_types
ServiceTypes.get_all_types = (  # type: ignore[method-assign]
    lambda self, service_type: list(_all_types(service_type))
)
_sought = ServiceCatalog.endpoint_data_for
ServiceCatalog.endpoint_data_for = _endpoint  # type: ignore[method-assign, assignment]
_looked = discover.EndpointData.get_versioned_data
discover.EndpointData.get_versioned_data = _versioned  # type: ignore[method-assign, assignment]
_numbers = functools.lru_cache(maxsize=1024)(discover.normalize_version_number)
discover.normalize_version_number = _number
# The end of a token is read four times a request.
_utils.parse_isotime = functools.lru_cache(maxsize=1024)(_utils.parse_isotime)
