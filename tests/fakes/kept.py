"""What the SDK works out anew at each request, kept: most of what a fake one costs.

Nothing of it depends on a cloud or a test. Importing this module does it.
"""

from __future__ import annotations

import functools

from keystoneauth1 import _utils
from os_service_types import ServiceTypes


@functools.cache
def _all_types(service_type: str) -> tuple[str, ...]:
    """The names of a type of service; the table is copied whole for each question."""
    return tuple(_asked(ServiceTypes(), service_type))


_asked = ServiceTypes.get_all_types
ServiceTypes.get_all_types = (  # type: ignore[method-assign]
    lambda self, service_type: list(_all_types(service_type))
)
# The end of a token is read four times a request.
_utils.parse_isotime = functools.lru_cache(maxsize=1024)(_utils.parse_isotime)
