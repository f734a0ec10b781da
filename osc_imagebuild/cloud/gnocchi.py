"""Ceilometer's counters of a server, from Gnocchi where the cloud has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from osc_imagebuild.cloud import answers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.images import timestamp
from osc_imagebuild.errors import CloudError, TransientError
from osc_imagebuild.model.readings import Counters
from osc_imagebuild.monitors import metrics

# Source: Ceilometer's gnocchi_resources.yaml; disks and interfaces are resources
# of their own that name the instance.
_OF_PARTS = ("instance_disk", "instance_network_interface")


def counters(api: Api, server_id: str) -> Counters | None:
    """Return the newest counters, None where there are none.

    :raises: TransientError
    """
    if not api.has("metric"):
        return None
    try:
        names = dict(_metrics(api, server_id))
        latest = {
            (name, metric_id): measure
            for metric_id, name in names.items()
            if (measure := _latest(api, metric_id))
        }
    except TransientError:
        raise
    except CloudError:
        return None
    return metrics.combine(latest, api.now())


def _metrics(api: Api, server_id: str) -> Iterator[tuple[str, str]]:
    """Yield ID and name of the server's metrics that tell of work."""
    for kind in ("instance", *_OF_PARTS):
        key = "id" if kind == "instance" else "instance_id"
        try:
            pairs = api.change(
                "metric",
                "POST",
                f"/v1/search/resource/{kind}",
                _wanted,
                {"=": {key: server_id}},
            )
        except TransientError:
            raise
        except CloudError as error:
            # A Gnocchi without Ceilometer's resource types.
            if error.status in (400, 404):
                continue
            raise
        yield from pairs


def _wanted(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Gnocchi answers with a list, which stands under ''."""
    return [
        (str(metric_id), name)
        for resource in answers.objects(data, "")
        for name, metric_id in answers.obj(resource.get("metrics") or {}).items()
        if name in metrics.WANTED
    ]


def _latest(api: Api, metric_id: str) -> tuple[float, float] | None:
    """Return time and value of the newest measure."""
    start = datetime.fromtimestamp(api.now() - metrics.STALE_S, timezone.utc)
    return api.read(
        "metric",
        f"/v1/metric/{metric_id}/measures",
        _newest,
        [("start", start.strftime("%Y-%m-%dT%H:%M:%S"))],
    )


def _newest(data: Mapping[str, Any]) -> tuple[float, float] | None:
    measures = answers.items(data[""])
    if not measures:
        return None
    at, _, value = measures[-1]
    return timestamp(at), float(value)
