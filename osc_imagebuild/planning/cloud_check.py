"""Look at what works in a cloud, as this user; nothing that is written stays."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Iterator

from osc_imagebuild.cloud import (
    hosts,
    image_schema,
    images,
    limits,
    networks,
    rfb,
    volume_types,
)
from osc_imagebuild.cloud.api import MICROVERSIONS, Api
from osc_imagebuild.errors import CloudError, ImageBuildError
from osc_imagebuild.media import content
from osc_imagebuild.model.boot_sources import EfiStubDisk, StubDisk
from osc_imagebuild.model.findings import Finding, Works
from osc_imagebuild.model.formats import DISK_FORMATS
from osc_imagebuild.model.names import PART_TAG, build_tag, resource_name
from osc_imagebuild.model.urls import without_places
from osc_imagebuild.planning import formats, preflight
from osc_imagebuild.version import tool_version

# Most characters of a reason.
_LONGEST = 300
# Without these, nothing can be built.
_NEEDED = ("image", "compute", "network")
_NO_VOLUMES = (
    "no Cinder: no installer on a CD, no --disk, no --disk-format, no output volume or "
    "snapshot, and flavors need a disk"
)
_TRAITS = {
    "guests of x86_64": "COMPUTE_ARCH_X86_64",
    "guests of aarch64": "COMPUTE_ARCH_AARCH64",
    "guests of ppc64le": "COMPUTE_ARCH_PPC64LE",
    "guests of s390x": "COMPUTE_ARCH_S390X",
    "Secure Boot": "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
    "TPM 2.0": "COMPUTE_SECURITY_TPM_2_0",
}
# Resources that are made to see whether they can be end with this.
PROBE = "check"

Look = Callable[[Api], Iterator[Finding]]


def check_cloud(api: Api) -> Iterator[Finding]:
    """Yield what works, service by service; what cannot be asked is told as such."""
    yield Finding("plugin", "version", Works.YES, tool_version())
    looks: dict[str, Look] = {
        "login": _login,
        "services": _services,
        "images": _formats,
        "records": _records,
        "import": _imports,
        "volumes": _volumes,
        "servers": _servers,
        "networks": _networks,
        "hosts": _hosts,
        "quotas": _quotas,
        "this machine": _machine,
    }
    for area, look in looks.items():
        try:
            yield from look(api)
        except ImageBuildError as error:
            yield Finding(area, "asked", Works.UNKNOWN, str(error))


def public(api: Api, findings: Iterable[Finding]) -> list[Finding]:
    """Return findings that can be shown to everybody."""
    listed, hosts = list(findings), api.hosts()
    return [
        dataclasses.replace(
            finding,
            reason=" ".join(without_places(finding.reason, hosts).split())[:_LONGEST],
        )
        for finding in listed
    ]


def _told(area: str, what: str, works: bool, otherwise: str, why: str = "") -> Finding:
    """Return a finding with ``why`` where it works, and else what follows."""
    if works:
        return Finding(area, what, Works.YES, why)
    return Finding(area, what, Works.NO, otherwise)


def _login(api: Api) -> Iterator[Finding]:
    api.project_id()
    left = api.token_life()
    minutes = 0 if left is None else int(left // 60)
    yield _told(
        "login",
        "can be renewed",
        left is None,
        f"a bare token: it ends in {minutes} min, and with it whoever drives a build",
    )


def _services(api: Api) -> Iterator[Finding]:
    for service in _NEEDED:
        yield _told(
            "services",
            service,
            api.has(service),
            "nothing can be built without it",
            api.versions(service),
        )
    yield _told(
        "services", "volume", api.has("volume"), _NO_VOLUMES, api.versions("volume")
    )
    for service, wanted in MICROVERSIONS.items():
        if service in ("compute", "volume") and api.has(service):
            most = api.versions(service).rpartition(" ")[2]
            enough = not most or _number(most) >= _number(wanted)
            yield _told("services", f"{service} {wanted}", enough, f"it has {most}")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _formats(api: Api) -> Iterator[Finding]:
    schema = image_schema.read(api)
    listed = ", ".join(sorted(schema.disk_formats)) or "Glance does not tell"
    taken = [name for name in DISK_FORMATS if schema.takes(name)]
    yield _told(
        "images",
        "disks",
        bool(taken),
        f"neither qcow2 nor raw is taken: {listed}",
        " and ".join(taken),
    )
    cd = schema.first("raw", "iso")
    yield _told("images", "CDs", bool(cd), f"as raw or iso: {listed}", f"as {cd}")
    yield _told(
        "images",
        "kernels",
        schema.takes("aki", "ari"),
        f"no aki and ari, and so no boot method kernel: {listed}",
    )
    required = ", ".join(
        f"{key} ({', '.join(values) or 'any value'})"
        for key, values in schema.required.items()
    )
    if required:
        yield Finding("images", "required properties", Works.YES, f"give: {required}")
        changes = image_schema.lets_change(api)
        yield _told("images", "changes", changes, formats.NO_CHANGES)


def _records(api: Api) -> Iterator[Finding]:
    """Make an image as a record is, change it, and delete it."""
    what, probe_id = "hidden image with properties", str(uuid.uuid4())
    # What is left by a client that dies here is found as what a lost build left.
    name, tags = resource_name(probe_id, PROBE), (PART_TAG, build_tag(probe_id))
    required = {k: (v or ("x",))[0] for k, v in image_schema.read(api).required.items()}
    try:
        image = images.create(
            api,
            name=name,
            tags=tags,
            properties={**required, "imagebuild_probe": "1"},
        )
    except CloudError as error:
        yield Finding("records", what, Works.NO, f"no build can begin: {error}")
        return
    try:
        changes = [{"op": "replace", "path": "/imagebuild_probe", "value": "2"}]
        changed = images.patch(api, image.id, changes)
        kept = changed.properties.get("imagebuild_probe") == "2" and changed.hidden
        yield _told("records", what, kept, "Glance does not keep what it is told")
    except CloudError as error:
        yield Finding("records", what, Works.NO, f"it cannot be changed: {error}")
    finally:
        images.delete(api, image.id)


def _imports(api: Api) -> Iterator[Finding]:
    methods, stores = limits.import_methods(api), limits.stores(api)
    for method, otherwise in (
        ("web-download", "ISOs pass through this client"),
        ("glance-download", "copies in other regions pass through this client"),
    ):
        yield _told("import", method, method in methods, f"off: {otherwise}")
    if len(stores) > 1:
        copies = "copy-image" in methods
        yield _told(
            "import", "copy-image", copies, "off: no --store", ", ".join(stores)
        )


def _volumes(api: Api) -> Iterator[Finding]:
    if not api.has("volume"):
        return
    kinds = volume_types.every(api)
    encrypted = [k.name for k in kinds if volume_types.is_encrypted(api, k.id)]
    names = ", ".join(k.name for k in kinds if k.name not in encrypted)
    only = f"all types are encrypted: {', '.join(encrypted)}"
    yield _told("volumes", "images of them", bool(names or not kinds), only, names)
    yield Finding(
        "volumes",
        "conversion of formats",
        Works.UNKNOWN,
        "Cinder does not tell users; raw is sent where Glance takes it, and a build with "
        "--disk-format raw needs none",
    )


def _servers(api: Api) -> Iterator[Finding]:
    flavors = limits.flavors(api)
    with_disk = [f for f in flavors if f.disk_gib]
    largest = max(flavors, key=lambda f: (f.ram_mib, f.disk_gib), default=None)
    size = f"up to {largest.ram_mib} MiB of RAM" if largest else ""
    yield _told("servers", "flavors", bool(flavors), "there is none", size)
    otherwise = "none has a disk: the root disk is a volume"
    yield _told("servers", "flavors with a disk", bool(with_disk), otherwise)
    containers = ", ".join(limits.container_hypervisors(api))
    yield _told("servers", "full virtualisation", not containers, f"only {containers}")
    yield Finding(
        "servers",
        "config drive",
        Works.UNKNOWN,
        "only a server tells; a build that need not have one goes on without",
    )


def _networks(api: Api) -> Iterator[Finding]:
    known = networks.networks(api)
    own = [n for n in known if not n.external]
    yield _told(
        "networks", "for servers", bool(known), "there is none", f"{len(known)}"
    )
    dhcp = any(n.dhcp for n in known)
    yield _told("networks", "DHCP", dhcp, "none has it: addresses come by config drive")
    routed = any(n.routed for n in own) or any(n.external for n in known)
    yield _told(
        "networks",
        "way out, and to metadata",
        routed,
        "no router is seen: give an ISO, and metadata come from DHCP or a config drive",
    )


def _hosts(api: Api) -> Iterator[Finding]:
    for what, trait in _TRAITS.items():
        try:
            yield _told("hosts", what, hosts.have(api, trait), "no host says so")
        except CloudError as error:
            why = f"Placement does not tell this user: {error}"
            if error.status == 403:
                why = "Placement tells administrators only"
            yield Finding("hosts", "what they can", Works.UNKNOWN, why)
            return


def _quotas(api: Api) -> Iterator[Finding]:
    room, (count, _) = limits.room(api), limits.image_room(api)
    for what, left, need in (
        ("servers", room.servers, 1),
        ("cores", room.cores, 1),
        ("MiB of RAM", room.ram_mib, 512),
        ("images", count, preflight.BUILD_IMAGES + 1),
    ):
        yield _room(what, left, need)
    if api.has("volume"):
        volumes = limits.volume_room(api)
        yield _room("volumes", volumes.volumes, 2)
        yield _room("GiB of volumes", volumes.gigabytes, 4)


def _room(what: str, left: int | None, need: int) -> Finding:
    told = "no limit" if left is None else f"{left} left"
    enough = left is None or left >= need
    return _told("quotas", what, enough, f"{told}, a build needs {need}", told)


def _machine(api: Api) -> Iterator[Finding]:
    """What this machine makes of stubs, and whether it can press keys."""
    for what, stub in (
        ("stub for BIOS", StubDisk("")),
        ("stub for UEFI", EfiStubDisk("", "x86_64")),
    ):
        missing = content.missing_parts(stub)
        yield _told("this machine", what, not missing, "; ".join(missing))
    extra = f"a CD that waits for a key: pip install '{rfb.EXTRA}'"
    yield _told("this machine", "keys and screenshots", rfb.is_installed(), extra)
