"""os-brick without names for NVMe, which it keeps in /etc/nvme of the machine.

It makes that directory whenever it describes the host to a storage driver, be there a
use for it or not; the driver of this cloud has none.

Source: os_brick/initiator/connectors/lightos.py, get_connector_properties;
os_brick/privileged/nvmeof.py, create_hostnqn and create_hostid.
"""

from __future__ import annotations

from os_brick import utils  # type: ignore[import-not-found]


def _no_name(_: str | None = None) -> None:
    """The answer of os-brick itself where it cannot have a name."""


def install() -> None:
    """Put it in the place of both questions for a name."""
    utils.get_host_nqn = _no_name
    utils.get_nvme_host_id = _no_name
