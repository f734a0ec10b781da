"""Specs and facts as tests of pure code need them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from osc_imagebuild import boot
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import Image, Server
from osc_imagebuild.model.spec import (
    Conduct,
    Hardware,
    Installer,
    Media,
    Networking,
    Parent,
    Result,
    RootDevice,
    Spec,
    Verification,
)
from osc_imagebuild.model.spec_json import SCHEMA_1

# Boot methods that need no image that is there before.
INSTALLING = tuple(n for n in boot.names() if n not in boot.of_parents())
BUILD_ID = "6f1ed002-ab59-4c42-8ea0-111111111111"
NOW = 100_000.0

_SPEC = Spec(
    installer=Installer(
        os="mini",
        arch="x86_64",
        boot_method="ipxe",
        command_line="answer=here",
        progress=(("START", "started", 1), ("HALF", "half way", 50)),
        failures=(("FAILED: .*", "it gave up: {0}"),),
        banners=("START",),
    ),
    media=Media(
        source="http://mirror",
        kernel_url="http://mirror/linux",
        ramdisk_url="http://mirror/initrd",
        kernel_sha256="a" * 64,
        ramdisk_sha256="b" * 64,
    ),
    network=Networking(networks=("net-1",)),
    hardware=Hardware(
        flavor_id="f-1", flavor_name="m1.tiny", root=RootDevice.LOCAL, disk_gib=2
    ),
    result=Result(
        name="golden",
        output="image",
        properties={"os_distro": "mini", "imagebuild_build_id": BUILD_ID},
        min_ram_mib=128,
    ),
    verify=Verification(sign="UP", timeout_s=600),
    conduct=Conduct(timeout_s=1200),
)


def spec(**fields: Any) -> Spec:
    """Return a spec with fields changed, each by the one name that it had in schema 1."""
    asked = _SPEC
    for name, value in fields.items():
        asked = _with(asked, SCHEMA_1[name].split("."), value)
    if asked.installer.boot_method in boot.of_parents():
        return changed_image(asked)
    return asked


def changed_image(asked: Spec) -> Spec:
    """Return a spec that changes an existing image."""
    parent = Parent(image_id="i-parent", name="base", size_gib=1)
    installer = dataclasses.replace(
        asked.installer,
        boot_method=boot.of_parents()[0],
        progress=(),
        failures=(),
        banners=(),
    )
    return dataclasses.replace(asked, installer=installer, media=Media(parent=parent))


def _with(part: Any, path: Sequence[str], value: Any) -> Any:
    name, *deeper = path
    if deeper:
        value = _with(getattr(part, name), deeper, value)
    elif name == "root":
        value = RootDevice(value)
    return dataclasses.replace(part, **{name: value})


def image(role: str, status: str = "active", **fields: Any) -> Image:
    """Return the image of a role."""
    known: dict[str, Any] = {"hidden": True, "created_at": NOW, "updated_at": NOW}
    return Image(f"i-{role}", role, status, **(known | fields))


def server(role: str, status: str = "ACTIVE", **fields: Any) -> Server:
    """Return the server of a role; SHUTOFF is off."""
    power = {"ACTIVE": 1, "SHUTOFF": 4}.get(status, 0)
    known: dict[str, Any] = {"power_state": power, "created_at": NOW}
    return Server(f"s-{role}", role, status, **(known | fields))


def marks(*names: str, ago: float = 10.0, **data: str) -> dict[str, Mark]:
    """Return marks set ``ago`` seconds before now."""
    return {name: Mark(NOW - ago, data) for name in names}


def facts(
    images: tuple[Image, ...] = (), servers: tuple[Server, ...] = (), **fields: Any
) -> Facts:
    """Return facts; images and servers go by the roles that are their names."""
    return Facts(
        NOW,
        images={i.name: i for i in images},
        servers={s.name: s for s in servers},
        **fields,
    )
