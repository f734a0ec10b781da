"""Build the spec from what planning chose. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from osc_imagebuild import boot, outputs
from osc_imagebuild.guests.answers import Answers
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import contents, family, machine, own_tests
from osc_imagebuild.model.boots import Boot
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.family import Old
from osc_imagebuild.model.inputs import Inputs
from osc_imagebuild.model.names import UUID
from osc_imagebuild.model.request import Hints, Request
from osc_imagebuild.model.resources import Flavor, Image
from osc_imagebuild.model.spec import (
    AnswerDisc,
    Conduct,
    Declared,
    Hardware,
    Installer,
    Media,
    Networking,
    Result,
    RootDevice,
    Rotation,
    Spec,
    Verification,
)
from osc_imagebuild.model.urls import shown_url
from osc_imagebuild.monitors.console import frames
from osc_imagebuild.planning import metadata
from osc_imagebuild.version import tool_version

# What a system was installed from, which it still is once it was changed.
_ORIGIN = ("imagebuild_source", "imagebuild_source_sha256")
ANCESTORS = "imagebuild_ancestors"
_ID = re.compile(rf"\b{UUID}\b")
# Of 36 characters each, with blanks between them, in 255.
_MOST_ANCESTORS = 6


@dataclass(frozen=True)
class InstallSource:
    """The install media, and the boot method that starts them."""

    boot_method: str
    media: Media


@dataclass(frozen=True)
class Placement:
    """The networks of the servers.

    ``metadata`` is whether an installer is to read its answer file from the metadata
    service, even if it could from a config drive.
    """

    network: Networking
    metadata: bool = True


@dataclass(frozen=True)
class Servers:
    """The flavor of the servers, and their disk.

    ``volume_gib`` is the size of the root volume, 0 where the flavor has the disk;
    ``volume_zone`` is the zone of volumes, and ``volume_type`` the ID of their type; ''
    for Cinder's choice.
    """

    flavor: Flavor
    volume_gib: int = 0
    volume_zone: str = ""
    volume_type: str = ""


@dataclass(frozen=True)
class Sharing:
    """IDs of the projects that the image is shared with, and who accepts it for them.

    ``accepting`` maps some of them to clouds of clouds.yaml.
    """

    members: tuple[str, ...] = ()
    accepting: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Copying:
    """Where the image is copied to: other clouds, and stores of its own one."""

    copies: tuple[Copy, ...] = ()
    stores: tuple[str, ...] = ()


@dataclass(frozen=True)
class Boots:
    """On what the result is booted beside the first boot.

    ``volume_zone`` is of the volumes that some of them boot from, '' for Cinder's choice.
    """

    boots: tuple[Boot, ...] = ()
    volume_zone: str = ""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a spec is made of.

    ``parent`` is the image that is changed, None where something is installed.
    ``inputs`` are what decides the result; ``tree_sha256`` identifies the install tree,
    '' where nothing does; ``expected_s`` is how long it took before, 0 if unknown.
    """

    build_id: str
    request: Request
    entry: Entry
    source: InstallSource
    place: Placement
    servers: Servers
    security_groups: tuple[str, ...]
    answers: Answers
    sharing: Sharing
    copying: Copying
    press_key: bool
    inputs: Inputs
    tree_sha256: str
    expected_s: int
    parent: Image | None = None
    boots: Boots = Boots()


def spec(chosen: Chosen) -> Spec:
    """Return the spec."""
    return Spec(
        installer=_installer(chosen),
        media=_media(chosen.source.media),
        answers=_answer_disc(chosen),
        contents=contents.disc(
            chosen.request.contents, as_disk=_contents_as_disk(chosen)
        ),
        network=dataclasses.replace(
            chosen.place.network, security_groups=chosen.security_groups
        ),
        hardware=_hardware(chosen),
        result=_result(chosen),
        verify=_verification(chosen),
        conduct=_conduct(chosen),
    )


def _media(media: Media) -> Media:
    """Return media whose source, which is only shown, opens no doors."""
    return dataclasses.replace(media, source=shown_url(media.source))


def _installer(chosen: Chosen) -> Installer:
    entry = chosen.entry
    return Installer(
        os=entry.name,
        arch=chosen.request.arch,
        boot_method=chosen.source.boot_method,
        command_line=chosen.answers.kernel_args,
        family=entry.family,
        press_key=chosen.press_key,
        ram_mib=entry.min_ram_mib,
        disk_gib=entry.min_disk_gib,
        expected_s=chosen.expected_s,
        progress=entry.progress,
        failures=entry.failures,
        banners=entry.banners,
    )


def _answer_disc(chosen: Chosen) -> AnswerDisc:
    """Return the CD with answers: its files, each with the name of the text in it."""
    cd = chosen.entry.answer_cd
    if not boot.load(chosen.source.boot_method).answers_on_cd or not cd:
        return AnswerDisc()
    return AnswerDisc(
        label=cd.get("label", ""),
        files={str(cd["file"]): "answer", **dict.fromkeys(cd.get("empty", ()), "")},
        texts={str(path): str(text) for path, text in cd.get("texts", {}).items()},
        in_iso=bool(cd.get("remaster")),
    )


def _contents_as_disk(chosen: Chosen) -> bool:
    """Whether the disc with contents is no CD.

    An existing image may have no driver for one, but it has one for its disk.
    """
    return chosen.request.has_parent or (
        chosen.entry.variables.get("contents_device") == "disk"
    )


def _hardware(chosen: Chosen) -> Hardware:
    request, servers = chosen.request, chosen.servers
    return Hardware(
        flavor_id=servers.flavor.id,
        flavor_name=servers.flavor.name,
        root=RootDevice.VOLUME if servers.volume_gib else RootDevice.LOCAL,
        disk_gib=servers.volume_gib or servers.flavor.disk_gib,
        firmware=machine.firmware(request),
        properties=machine.properties(request, chosen.entry.boot_properties),
        availability_zone=request.availability_zone,
        volume_zone=servers.volume_zone or chosen.boots.volume_zone,
        hints=_hints(request.hints),
        volume_type=servers.volume_type,
        server_properties=dict(request.server_properties),
    )


def _hints(hints: Hints) -> Hints:
    """Return hints as Nova takes them: a single text where there is only one."""
    return {
        key: value[0] if isinstance(value, tuple) and len(value) == 1 else value
        for key, value in hints.items()
    }


def _result(chosen: Chosen) -> Result:
    request = chosen.request
    return Result(
        name=request.name,
        output=request.output,
        properties=_result_properties(chosen),
        tags=tuple(request.tags),
        visibility=request.visibility,
        min_ram_mib=chosen.entry.result_min_ram_mib,
        family=family_name(request),
        rotation=Rotation(
            replace=request.replace,
            # What is none of them is a problem of the request, told with all others.
            old=Old(request.old) if request.old in list(Old) else Old.HIDE,
            keep=request.keep,
        ),
        members=chosen.sharing.members,
        accepting=chosen.sharing.accepting,
        copies=chosen.copying.copies,
        stores=chosen.copying.stores,
        declared=Declared(
            disk_gib=request.min_disk_gib or 0, ram_mib=request.min_ram_mib or 0
        ),
        protected=request.protected,
        metadata=request.metadata,
        certificate_id=request.certificate_id.lower(),
    )


def _kind(request: Request) -> str:
    """Return the kind of resource that the result is."""
    output = outputs.find(request.output)
    return output.kinds[0].__name__.lower() if output else ""


def family_name(request: Request) -> str:
    """Return the family, which is by default named as the result is."""
    return request.family or request.name


def _verification(chosen: Chosen) -> Verification:
    request, verify = chosen.request, chosen.entry.verify
    drive = request.config_drive is not False
    return Verification(
        sign=chosen.answers.verify_sign,
        enabled=request.verify,
        timeout_s=60 * int(verify.get("timeout_min", 30)),
        config_drive=drive and bool(verify.get("config_drive", True)),
        inventory=frames.SENTINEL in chosen.answers.verify,
        tests=own_tests.expected(request.tests),
        tests_reboot=request.test_reboot,
        boots=chosen.boots.boots,
    )


def _conduct(chosen: Chosen) -> Conduct:
    request, entry = chosen.request, chosen.entry
    return Conduct(
        timeout_s=60 * (request.timeout_min or entry.timeout_min),
        stall_s=60 * (request.stall_min or entry.stall_min),
        keep_on_failure=request.keep_on_failure,
        attempts=request.attempts,
        screenshots=request.screenshots,
    )


def _result_properties(chosen: Chosen) -> dict[str, str]:
    """Return what the finished image declares, and where it comes from."""
    request, entry = chosen.request, chosen.entry
    answer = chosen.answers.answer.encode()
    properties = {
        **machine.properties(request, entry.properties),
        "architecture": request.arch,
        **metadata.properties(request, entry, chosen.source.media.source),
        **request.properties,
        family.BUILD_ID: chosen.build_id,
        family.FAMILY: family_name(request),
        family.KIND: _kind(request),
        family.INPUTS: chosen.inputs.to_text(),
        "imagebuild_os": entry.name,
        "imagebuild_source": shown_url(chosen.source.media.source),
        "imagebuild_answer_sha256": hashlib.sha256(answer).hexdigest(),
        "imagebuild_tool_version": tool_version(),
        "imagebuild_flavor": chosen.servers.flavor.name,
    }
    if chosen.tree_sha256:
        properties["imagebuild_source_sha256"] = chosen.tree_sha256
    return properties | _of_parent(chosen.parent)


def _of_parent(parent: Image | None) -> dict[str, str]:
    """Return what the parent was installed from, as it says, and which image it is.

    What it says is its owner's word, and kept as text.
    """
    if parent is None:
        return {}
    said = {key: parent.properties.get(key, "") for key in _ORIGIN}
    said = {key: shown_url(value)[:255] for key, value in said.items() if value}
    known = {
        "imagebuild_parent_id": parent.id,
        "imagebuild_parent_sha512": parent.sha512,
        "imagebuild_parent_name": _printable(parent.name),
        "imagebuild_parent_built_at": family.built_at(parent),
        ANCESTORS: ancestors(parent),
    }
    return {**said, **{key: value for key, value in known.items() if value}}


def ancestors(parent: Image) -> str:
    """Return the IDs of an image and of those that it was made of, the nearest first.

    As many as a value of Cinder's metadata holds.
    """
    earlier = _ID.findall(parent.properties.get(ANCESTORS, ""))
    ids = dict.fromkeys((parent.id, *earlier))
    return " ".join(list(ids)[:_MOST_ANCESTORS])


def _printable(text: str) -> str:
    """Return a name without what Glance or Cinder could not keep."""
    return "".join(c for c in text if c.isprintable() and ord(c) <= 0xFFFF)[:255]
