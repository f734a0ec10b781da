"""A Neutron interface driver for a userspace datapath and guests without TSO.

The kernel's side of a tap device would send segments of up to 64 KiB, which
Open vSwitch cannot hand to a guest that takes no TSO (iPXE, for one): it drops
them, and TCP crawls. Without offloads on the device they are never made.
"""

from __future__ import annotations

from typing import Any

from neutron.agent.linux import interface, ip_lib  # type: ignore[import-not-found]


class PlainInterfaceDriver(interface.OVSInterfaceDriver):  # type: ignore[misc]
    """Plugs as usual, then switches the device's offloads off."""

    def plug_new(
        self,
        network_id: str,
        port_id: str,
        device_name: str,
        mac_address: str,
        bridge: str | None = None,
        namespace: str | None = None,
        *rest: Any,
        **options: Any,
    ) -> None:
        super().plug_new(
            network_id,
            port_id,
            device_name,
            mac_address,
            bridge,
            namespace,
            *rest,
            **options,
        )
        wrapper = ip_lib.IPWrapper(namespace=namespace)
        command = [
            "ethtool",
            "-K",
            device_name,
            "tso",
            "off",
            "gso",
            "off",
            "gro",
            "off",
        ]
        wrapper.netns.execute(command, run_as_root=True)
