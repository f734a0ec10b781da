"""Read types of volumes, and the quotas of one, for planning."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from osc_imagebuild.cloud import answers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError
from osc_imagebuild.model.resources import VolumeRoom, VolumeType

# Source: cinder/policies/type_extra_specs.py, USER_VISIBLE_EXTRA_SPECS.
_ZONES = "RESKEY:availability_zones"


def every(api: Api) -> list[VolumeType]:
    """Return the types that the project can use.

    :raises: CloudError
    """
    return api.read("volume", "/types", _types)


def _types(data: Mapping[str, Any]) -> list[VolumeType]:
    return [_type(kind) for kind in answers.objects(data, "volume_types")]


def _type(data: Mapping[str, Any]) -> VolumeType:
    specs = answers.obj(data.get("extra_specs") or {})
    zones = (zone.strip() for zone in answers.text_or(specs, _ZONES).split(","))
    return VolumeType(
        id=answers.text(data, "id"),
        name=answers.text(data, "name"),
        zones=tuple(filter(None, zones)),
    )


def is_encrypted(api: Api, type_id: str) -> bool:
    """Whether volumes of a type are encrypted; False also where Cinder does not tell.

    By default its policy tells administrators only.
    Source: cinder/policies/volume_type.py, GET_ENCRYPTION_POLICY.

    :raises: CloudError
    """
    try:
        return api.read("volume", f"/types/{type_id}/encryption", _encryption)
    except CloudError as error:
        if error.status in (403, 404):
            return False
        raise


def _encryption(data: Mapping[str, Any]) -> bool:
    return bool(data.get("provider"))


def room(api: Api, kind: VolumeType) -> VolumeRoom:
    """Return what the project's quotas of a type have left, None where that is not told.

    Source: cinder's VolumeTypeQuotaEngine, resources: volumes_<type>, gigabytes_<type>,
    snapshots_<type>.

    :raises: CloudError
    """
    path, params = f"/os-quota-sets/{api.project_id()}", {"usage": "True"}
    try:
        return api.read("volume", path, partial(_room, kind.name), params)
    except CloudError as error:
        if error.status in (403, 404):
            return VolumeRoom(None, None, None)
        raise


def _room(name: str, data: Mapping[str, Any]) -> VolumeRoom:
    quotas = answers.obj(data["quota_set"])

    def left(what: str) -> int | None:
        quota = answers.obj(quotas.get(f"{what}_{name}") or {})
        limit = int(quota.get("limit", -1))
        used = int(quota.get("in_use", 0)) + int(quota.get("reserved", 0))
        return None if limit < 0 else limit - used

    return VolumeRoom(left("volumes"), left("snapshots"), left("gigabytes"))
