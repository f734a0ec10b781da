"""Say which requests the plugin sends, as access rules of an application credential.

A rule is matched by keystonemiddleware against the path of a request: * and {name} stand for
one part of it, ** for anything.
Source: keystonemiddleware.auth_token, _path_matches, validate_allowed_request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from osc_imagebuild.cloud.api import Api

# By service and method, the paths below the endpoint. What is asked of a service whose
# catalog entry is missing is left out.
_PATHS: dict[str, dict[str, tuple[str, ...]]] = {
    "image": {
        "GET": (
            "/images",
            "/images/*",
            "/images/*/file",
            "/images/*/members",
            "/info/import",
            "/info/stores",
            "/info/usage",
            "/schemas/image",
        ),
        "POST": (
            "/images",
            "/images/*/actions/deactivate",
            "/images/*/import",
            "/images/*/members",
        ),
        "PUT": ("/images/*/file", "/images/*/members/*", "/images/*/tags/*"),
        "PATCH": ("/images/*",),
        "DELETE": ("/images/*", "/images/*/tags/*"),
    },
    "compute": {
        "GET": (
            "/flavors/detail",
            "/limits",
            "/os-availability-zone",
            "/os-hypervisors/detail",
            "/servers/*",
            "/servers/*/diagnostics",
            "/servers/*/os-instance-actions",
            "/servers/*/os-server-password",
            "/servers/detail",
        ),
        "POST": ("/servers", "/servers/*/action", "/servers/*/remote-consoles"),
        "DELETE": ("/servers/*",),
    },
    "network": {"GET": ("/networks", "/ports", "/security-groups", "/subnets")},
    "volume": {
        "GET": (
            "/limits",
            "/os-availability-zone",
            "/os-quota-sets/*",
            "/snapshots/*",
            "/snapshots/detail",
            "/types",
            "/types/*/encryption",
            "/volumes/*",
            "/volumes/detail",
        ),
        "POST": ("/snapshots", "/volumes", "/volumes/*/action"),
        "PUT": (
            "/snapshots/*",
            "/snapshots/*/metadata",
            "/volumes/*",
            "/volumes/*/metadata",
        ),
        "DELETE": ("/snapshots/*", "/volumes/*"),
    },
    "identity": {"GET": ("/projects", "/projects/*")},
    "placement": {"GET": ("/resource_providers",)},
    "metric": {
        "GET": ("/v1/metric/*/measures",),
        "POST": ("/v1/search/resource/*",),
    },
}
# Which name of a service is in [keystone_authtoken]service_type is the operator's choice.
_TYPES = {"volume": ("block-storage", "block-store", "volumev3", "volume")}
_VERSION = re.compile(r"v\d[\d.]*")


@dataclass(frozen=True)
class AccessRule:
    """What may be asked: a service by its type in the catalog, a method, a path."""

    service: str
    method: str
    path: str


def rules(api: Api) -> list[AccessRule]:
    """Return the rules for this cloud: by its catalog, and where its endpoints are.

    Where an endpoint is below a path of a web server, that may or may not pass the path
    on: there is a rule for both.

    :raises: CloudError
    """
    present = api.service_types()
    found: dict[AccessRule, None] = {}
    for service, by_method in _PATHS.items():
        kinds = [kind for kind in _TYPES.get(service, (service,)) if kind in present]
        prefixes = (
            list(_prefixes(urlsplit(api.place(service)[1]).path)) if kinds else []
        )
        for kind in kinds:
            for method, paths in by_method.items():
                for prefix in prefixes:
                    found |= {
                        AccessRule(kind, method, prefix + path): None for path in paths
                    }
    return list(found)


def _prefixes(path: str) -> Iterator[str]:
    """Yield what may come before the paths of a service."""
    path = path.rstrip("/")
    yield path
    first, _, rest = path.lstrip("/").partition("/")
    if first and not _VERSION.fullmatch(first):
        yield f"/{rest}".rstrip("/")
