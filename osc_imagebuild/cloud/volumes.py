"""Read and change Cinder volumes and snapshots.

Cinder has no tags: what belongs to a build says so in its metadata, from its
creation until it is the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import answers, paging
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.images import timestamp
from osc_imagebuild.errors import NotFoundError
from osc_imagebuild.model.names import VOLUME_MARK
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.resources import Snapshot, Volume

_UPLOAD = "os-volume_upload_image"


def parse(data: Mapping[str, Any]) -> Volume:
    """Return Cinder's JSON as a Volume.

    :raises: one of `answers.GARBLED`
    """
    return Volume(
        id=answers.text(data, "id"),
        name=answers.text_or(data, "name"),
        status=answers.text(data, "status"),
        size_gib=answers.whole(data, "size"),
        metadata=_texts(data.get("metadata")),
        image_metadata=_texts(data.get("volume_image_metadata")),
        created_at=timestamp(data.get("created_at")),
        owner=str(data.get("os-vol-tenant-attr:tenant_id") or ""),
        source_id=str(data.get("snapshot_id") or data.get("source_volid") or ""),
        encrypted=data.get("encrypted") is True,
        # Source: cinder.api.v3.views.volumes: a text.
        bootable=str(data.get("bootable", "")).lower() == "true",
    )


def parse_snapshot(data: Mapping[str, Any]) -> Snapshot:
    """Return Cinder's JSON as a Snapshot.

    :raises: one of `answers.GARBLED`
    """
    return Snapshot(
        id=answers.text(data, "id"),
        name=answers.text_or(data, "name"),
        status=answers.text(data, "status"),
        volume_id=answers.text_or(data, "volume_id"),
        metadata=_texts(data.get("metadata")),
        created_at=timestamp(data.get("created_at")),
        owner=str(data.get("os-extended-snapshot-attributes:project_id") or ""),
    )


def _texts(data: Any) -> dict[str, str]:
    return {key: str(value) for key, value in answers.obj(data or {}).items()}


def find(api: Api, volume_id: str) -> Volume | None:
    """Return the volume, None if it is gone.

    :raises: CloudError
    """
    try:
        return api.read("volume", f"/volumes/{volume_id}", _volume)
    except NotFoundError:
        return None


def _volume(data: Mapping[str, Any]) -> Volume:
    return parse(data["volume"])


def find_snapshot(api: Api, snapshot_id: str) -> Snapshot | None:
    """Return the snapshot, None if it is gone.

    :raises: CloudError
    """
    try:
        return api.read("volume", f"/snapshots/{snapshot_id}", _snapshot)
    except NotFoundError:
        return None


def _snapshot(data: Mapping[str, Any]) -> Snapshot:
    return parse_snapshot(data["snapshot"])


def marked(api: Api, build_id: str = "") -> list[Volume]:
    """Return the volumes of a build, or of any build, oldest first.

    :raises: CloudError
    """
    return with_metadata(api, VOLUME_MARK, build_id)


def with_metadata(api: Api, key: str, value: str = "") -> list[Volume]:
    """Return the volumes that have a key, with ``value`` or with any, oldest first.

    :raises: CloudError
    """
    path, filters = "/volumes/detail", _filters(key, value)
    listed = paging.read_pages(api, "volume", path, "volumes", parse, filters)
    return sorted(
        (v for v in listed if _has(v.metadata, key, value)),
        key=lambda volume: (volume.created_at, volume.id),
    )


def every(api: Api) -> list[Volume]:
    """Return all of the project's volumes.

    :raises: CloudError
    """
    return paging.read_pages(api, "volume", "/volumes/detail", "volumes", parse)


def marked_snapshots(api: Api, build_id: str = "") -> list[Snapshot]:
    """Return the snapshots of a build, or of any build, oldest first.

    :raises: CloudError
    """
    return snapshots_with_metadata(api, VOLUME_MARK, build_id)


def snapshots_with_metadata(api: Api, key: str, value: str = "") -> list[Snapshot]:
    """Return snapshots as `with_metadata` returns volumes.

    :raises: CloudError
    """
    path, filters = "/snapshots/detail", _filters(key, value)
    listed = paging.read_pages(
        api, "volume", path, "snapshots", parse_snapshot, filters
    )
    return sorted(
        (s for s in listed if _has(s.metadata, key, value)),
        key=lambda snapshot: (snapshot.created_at, snapshot.id),
    )


def _has(metadata: Mapping[str, str], key: str, value: str) -> bool:
    """Whether metadata have a key: operators may disable Cinder's filter."""
    found = metadata.get(key, "")
    return found == value if value else bool(found)


def _filters(key: str, value: str) -> list[tuple[str, str]]:
    """Return Cinder's filter by metadata; for snapshots it is of 3.22."""
    return [("metadata", str({key: value}))] if value else []


def create(api: Api, body: Mapping[str, Any]) -> str:
    """Create a volume and return its ID.

    :raises: CloudError
    """
    made = api.change("volume", "POST", "/volumes", _volume, {"volume": dict(body)})
    return made.id


def create_snapshot(api: Api, body: Mapping[str, Any]) -> str:
    """Create a snapshot and return its ID.

    :raises: CloudError
    """
    wanted = {"snapshot": dict(body)}
    return api.change("volume", "POST", "/snapshots", _snapshot, wanted).id


def upload(api: Api, volume_id: str, name: str, disk_format: str) -> str:
    """Ask Cinder for a private image of a volume that is available; return its ID.

    In another format than raw it converts, which it may be told not to do.
    Source: cinder.conf's image_conversion_disable.

    :raises: CloudError
    """
    api.fresh_token()
    body = {
        "image_name": name,
        "disk_format": disk_format,
        "container_format": "bare",
        "visibility": "private",
    }
    path = f"/volumes/{volume_id}/action"
    return api.change("volume", "POST", path, _image, {_UPLOAD: body})


def _image(data: Mapping[str, Any]) -> str:
    return answers.text(answers.obj(data[_UPLOAD]), "image_id")


def set_image_metadata(api: Api, volume: Volume, wanted: Mapping[str, str]) -> None:
    """Leave exactly ``wanted`` on a volume; each step of it can be done again.

    :raises: CloudError
    """
    for key in volume.image_metadata:
        if key not in wanted:
            try:
                _act(api, volume.id, "os-unset_image_metadata", {"key": key})
            except NotFoundError:
                continue
    changed = {k: v for k, v in wanted.items() if volume.image_metadata.get(k) != v}
    if changed:
        _act(api, volume.id, "os-set_image_metadata", {"metadata": changed})


def set_bootable(api: Api, volume_id: str) -> None:
    """Let servers boot from a volume that was made of nothing.

    :raises: CloudError
    """
    _act(api, volume_id, "os-set_bootable", {"bootable": True})


def set_name(api: Api, kind: str, item_id: str, name: str) -> None:
    """Give a volume or snapshot (``kind``) a name.

    :raises: CloudError
    """
    api.send("volume", "PUT", f"/{kind}s/{item_id}", {kind: {"name": name}})


def set_metadata(
    api: Api, kind: str, item_id: str, metadata: Mapping[str, str]
) -> None:
    """Leave exactly these metadata on a volume or snapshot (``kind``).

    :raises: CloudError
    """
    path = f"/{kind}s/{item_id}/metadata"
    api.send("volume", "PUT", path, {"metadata": dict(metadata)})


def snapshots_of(api: Api, volume_id: str) -> list[str]:
    """Return the IDs of the snapshots of a volume.

    :raises: CloudError
    """
    path, filters = "/snapshots/detail", [("volume_id", volume_id)]
    listed = paging.read_pages(
        api, "volume", path, "snapshots", parse_snapshot, filters
    )
    return [snapshot.id for snapshot in listed if snapshot.volume_id == volume_id]


def remove(api: Api, kind: str, item_id: str, *, cascade: bool = False) -> None:
    """Delete a volume or snapshot (``kind``), with ``cascade`` a volume's snapshots too.

    One that is gone already is fine.

    :raises: CloudError
    """
    _delete(api, f"/{kind}s/{item_id}" + ("?cascade=true" if cascade else ""))


def _act(api: Api, volume_id: str, name: str, body: Mapping[str, Any]) -> None:
    api.send("volume", "POST", f"/volumes/{volume_id}/action", {name: dict(body)})


def delete(api: Api, volume_id: str, build_id: str) -> None:
    """Delete a volume if it is the build's; one that is gone already is fine.

    :raises: CloudError
    """
    volume = find(api, volume_id)
    if volume is not None and is_own(volume, build_id, api.project_id()):
        _delete(api, f"/volumes/{volume_id}")


def delete_snapshot(api: Api, snapshot_id: str, build_id: str) -> None:
    """Delete a snapshot if it is the build's; as `delete`.

    :raises: CloudError
    """
    snapshot = find_snapshot(api, snapshot_id)
    if snapshot is not None and is_own(snapshot, build_id, api.project_id()):
        _delete(api, f"/snapshots/{snapshot_id}")


def _delete(api: Api, path: str) -> None:
    try:
        api.send("volume", "DELETE", path)
    except NotFoundError:
        return
