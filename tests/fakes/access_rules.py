"""What an application credential with access rules may ask, as keystonemiddleware sees it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from osc_imagebuild.cloud.access_rules import AccessRule
from tests.fakes.wire import Call

# How the catalog names the services.
TYPES = {"volume": "block-storage"}
_TOKEN = re.compile(r"\{[^}]*\}|\*\*|\*|[^{}*]+")


def matching(rules: Iterable[AccessRule], call: Call) -> list[AccessRule]:
    """Return the rules that allow a call.

    Source: keystonemiddleware.auth_token, validate_allowed_request and _path_matches.
    """
    kind = TYPES.get(call.service, call.service)
    return [
        rule
        for rule in rules
        if (rule.service, rule.method) == (kind, call.method)
        and _pattern(rule.path).fullmatch(call.path)
    ]


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = (
        ".*" if part == "**" else "[^/]+" if part[0] in "{*" else re.escape(part)
        for part in _TOKEN.findall(path)
    )
    return re.compile("".join(parts))
