"""Ask Placement what the cloud's hosts can do, as far as it tells a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import answers
from osc_imagebuild.cloud.api import Api


def have(api: Api, trait: str) -> bool:
    """Whether some host has a trait.

    By default Placement tells administrators and services only.
    Source: placement.policies.resource_provider; os_traits.

    :raises: CloudError
    """
    return api.read("placement", "/resource_providers", _any, {"required": trait})


def _any(data: Mapping[str, Any]) -> bool:
    return bool(answers.objects(data, "resource_providers"))
