"""Specs and facts as tests of pure code need them."""

from __future__ import annotations

import dataclasses
from typing import Any

from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import Image, Server
from osc_imagebuild.model.spec import DriverCd, Spec

BUILD_ID = "6f1ed002-ab59-4c42-8ea0-111111111111"
NOW = 100_000.0

_SPEC = Spec(
    name="golden",
    os="mini",
    arch="x86_64",
    source="http://mirror",
    boot_method="ipxe",
    output="image",
    flavor_id="f-1",
    flavor_name="m1.tiny",
    root="local",
    disk_gib=2,
    firmware="bios",
    config_drive=False,
    networks=("net-1",),
    address={},
    security_groups=(),
    availability_zone=None,
    volume_zone="",
    hints={},
    kernel_url="http://mirror/linux",
    ramdisk_url="http://mirror/initrd",
    kernel_args="answer=here",
    kernel_sha256="a" * 64,
    ramdisk_sha256="b" * 64,
    iso_url="",
    iso_image_id="",
    iso_size_gib=0,
    iso_sha256="",
    iso_sha512="",
    iso_import=False,
    iso_key="",
    iso_as_cd=False,
    iso_label="",
    iso_kernel="",
    iso_ramdisk="",
    iso_version="",
    answer_cd_label="",
    answer_cd_files={},
    answer_cd_texts={},
    answers_in_iso=False,
    driver_cd=DriverCd(),
    press_key=False,
    boot_properties={},
    result_properties={"os_distro": "mini", "imagebuild_build_id": BUILD_ID},
    result_tags=(),
    result_visibility="private",
    min_ram_mib=128,
    timeout_s=1200,
    verify=True,
    verify_user_data="",
    verify_sign="UP",
    verify_timeout_s=600,
    keep_on_failure=False,
    attempts=2,
    progress=(("START", "started", 1), ("HALF", "half way", 50)),
    family="generic",
    failures=(("FAILED: .*", "it gave up: {0}"),),
    banners=("START",),
    stall_s=600,
    expected_s=0,
)


def spec(**fields: Any) -> Spec:
    """Return a spec."""
    return dataclasses.replace(_SPEC, **fields)


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
