"""Build a spec of what was asked for and chosen. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osc_imagebuild import boot
from osc_imagebuild.guests.answers import Answers
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Flavor
from osc_imagebuild.model.spec import DriverCd, InstallSource, Spec
from osc_imagebuild.version import tool_version


@dataclass(frozen=True)
class Placement:
    """The networks of the servers, and what follows from them.

    ``address`` is as in `Spec`. ``metadata`` is whether an installer is to read its
    answer file from the metadata service, even if it could from a config drive.
    """

    networks: tuple[str, ...]
    config_drive: bool
    choices: tuple[str, ...] = ()
    address: Mapping[str, str] = field(default_factory=dict)
    metadata: bool = True


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a spec is made of; ``root_gib`` is 0 where the flavor has the disk.

    ``tree_sha256`` identifies the install tree, '' where nothing does;
    ``expected_s`` is how long it took before, 0 if unknown.
    """

    build_id: str
    request: Request
    entry: Entry
    install: InstallSource
    flavor: Flavor
    where: Placement
    security_groups: tuple[str, ...]
    answers: Answers
    root_gib: int
    drivers: DriverCd
    volume_zone: str
    press_key: bool
    tree_sha256: str
    expected_s: int


def spec(chosen: Chosen) -> Spec:
    """Return the spec."""
    return Spec(
        **dataclasses.asdict(chosen.install),
        **_asked(chosen.request),
        **_known(chosen.entry, chosen.request),
        **_machine(chosen),
        **_answer_cd(chosen),
        kernel_args=chosen.answers.kernel_args,
        verify_user_data=chosen.answers.verify,
        verify_sign=chosen.answers.verify_sign,
        result_properties=_result_properties(chosen),
        expected_s=chosen.expected_s,
    )


def _asked(request: Request) -> dict[str, Any]:
    """What the request says as it is."""
    return {
        "name": request.name,
        "arch": request.arch,
        "output": request.output,
        "availability_zone": request.availability_zone,
        "hints": {
            key: value[0] if isinstance(value, tuple) and len(value) == 1 else value
            for key, value in request.hints.items()
        },
        "result_tags": tuple(request.tags),
        "result_visibility": request.visibility,
        "verify": request.verify,
        "keep_on_failure": request.keep_on_failure,
        "attempts": request.attempts,
    }


def _known(entry: Entry, request: Request) -> dict[str, Any]:
    """What the catalogue knows of the system; times as the request has them."""
    return {
        "os": entry.name,
        "family": entry.family,
        "min_ram_mib": entry.result_min_ram_mib,
        "timeout_s": 60 * (request.timeout_min or entry.timeout_min),
        "stall_s": 60 * (request.stall_min or entry.stall_min),
        "verify_config_drive": request.config_drive is not False
        and bool(entry.verify.get("config_drive", True)),
        "install_ram_mib": entry.min_ram_mib,
        "install_disk_gib": entry.min_disk_gib,
        "verify_timeout_s": 60 * int(entry.verify.get("timeout_min", 30)),
        "progress": entry.progress,
        "failures": entry.failures,
        "banners": entry.banners,
    }


def _machine(chosen: Chosen) -> dict[str, Any]:
    """The servers, and where they are."""
    request, where = chosen.request, chosen.where
    return {
        "flavor_id": chosen.flavor.id,
        "flavor_name": chosen.flavor.name,
        "root": "volume" if chosen.root_gib else "local",
        "disk_gib": chosen.root_gib or chosen.flavor.disk_gib,
        "firmware": machine.firmware(request),
        "boot_properties": machine.properties(request, chosen.entry.boot_properties),
        "networks": where.networks,
        "address": where.address,
        "config_drive": where.config_drive,
        "security_groups": chosen.security_groups,
        "volume_zone": chosen.volume_zone,
        "driver_cd": chosen.drivers,
        "press_key": chosen.press_key,
    }


def _answer_cd(chosen: Chosen) -> dict[str, Any]:
    """The CD with answers: its files, each with the name of the text in it."""
    cd: Mapping[str, Any] = chosen.entry.answer_cd
    if not boot.load(chosen.install.boot_method).answers_on_cd or not cd:
        cd, files = {}, {}
    else:
        files = {str(cd["file"]): "answer", **dict.fromkeys(cd.get("empty", ()), "")}
    return {
        "answer_cd_label": cd.get("label", ""),
        "answer_cd_files": files,
        "answer_cd_texts": {str(k): str(v) for k, v in cd.get("texts", {}).items()},
        "answers_in_iso": bool(cd.get("remaster")),
    }


def _result_properties(chosen: Chosen) -> dict[str, str]:
    """What the finished image declares, and where it comes from."""
    request, entry = chosen.request, chosen.entry
    answer = chosen.answers.answer.encode()
    found = {
        **machine.properties(request, entry.properties),
        "architecture": request.arch,
        **request.properties,
        "imagebuild_build_id": chosen.build_id,
        "imagebuild_os": entry.name,
        "imagebuild_source": chosen.install.source,
        "imagebuild_answer_sha256": hashlib.sha256(answer).hexdigest(),
        "imagebuild_tool_version": tool_version(),
        "imagebuild_flavor": chosen.flavor.name,
    }
    if chosen.tree_sha256:
        found["imagebuild_source_sha256"] = chosen.tree_sha256
    return found
