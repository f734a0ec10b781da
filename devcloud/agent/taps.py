"""A guest's network device is whole before Open vSwitch hears of it.

Where the datapath is Open vSwitch's own, os-vif tells the switch a device's name, and
libvirt makes the device afterwards. The switch takes it up the moment that it appears,
while libvirt is still at it. For that it reads the device's flags, and writes them back
a little later with promiscuous mode added; where libvirt switches the device on in
between, it is off again. Nova, Neutron and the guest take it for wired, and none of its
packets arrives, as long as it lives.

So os-vif makes the device here, as it does for the kernel's datapath, but first. It
also removes it, and `down` knows it by its alias where a server was left.

Source: lib/netdev-linux.c (netdev_linux_construct, update_flags), lib/dpif-netdev.c
(do_add_port) in openvswitch/ovs; _pre_get_vif_details in Neutron's mech_openvswitch.py
wants the kernel's datapath; _create_vif_port in os-vif's vif_plug_ovs/ovs.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nova.network import os_vif_util  # type: ignore[import-not-found]
from os_vif.objects import vif as vif_objects  # type: ignore[import-not-found]
from vif_plug_ovs import linux_net, ovs  # type: ignore[import-not-found]

from devcloud.process import MARK

_converted = os_vif_util._nova_to_osvif_vif_ovs
_create_port = ovs.OvsPlugin._create_vif_port


def _with_tap(vif: Any) -> Any:
    """Nova's description of a port for os-vif, which shall make the device too."""
    made = _converted(vif)
    if isinstance(made, vif_objects.VIFOpenVSwitch):
        made.port_profile.create_tap = True
    return made


def _create_after_tap(
    plugin: Any, vif: Any, vif_name: str, instance_info: Any, **more: Any
) -> None:
    """os-vif's own method, which finds the device there already."""
    profile = vif.port_profile
    device = Path("/sys/class/net", vif_name)
    wanted = "create_tap" in profile and profile.create_tap
    if wanted and not device.exists():
        # A port without its device, left by a reboot, would be taken up too early too.
        plugin.ovsdb.delete_ovs_vif_port(vif.network.bridge, vif_name)
        # As libvirt does it: with the guest's own address on it, this machine would
        # take frames to the guest for its own.
        address = "fe" + vif.address[2:]
        multiqueue = "multiqueue" in profile and profile.multiqueue
        linux_net.create_tap(
            vif_name, plugin._get_mtu(vif), address, multiqueue=multiqueue
        )
        (device / "ifalias").write_text(os.environ[MARK])
    _create_port(plugin, vif, vif_name, instance_info, **more)


def install() -> None:
    """Put both in the place of the originals."""
    os_vif_util._nova_to_osvif_vif_ovs = _with_tap
    ovs.OvsPlugin._create_vif_port = _create_after_tap
