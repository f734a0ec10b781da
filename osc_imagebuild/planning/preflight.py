"""Check quotas, rights and answer files before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osc_imagebuild import boot, outputs
from osc_imagebuild.builds import validation
from osc_imagebuild.cloud import images, limits, rfb, servers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, SpecError
from osc_imagebuild.guests import customization, own_file, provision
from osc_imagebuild.guests.answers import USER_DATA_LIMIT, Answers
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.model import machine, spec_json
from osc_imagebuild.model.names import VISIBILITIES
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Flavor, Quota, Room, VolumeRoom
from osc_imagebuild.model.spec import Address, Spec
from osc_imagebuild.monitors.console import own_signs
from osc_imagebuild.planning import fixed_address, metadata
from osc_imagebuild.planning.request_checks import has_visibility
from osc_imagebuild.planning.spec_builder import InstallSource, Placement, Servers
from osc_imagebuild.planning.stage import Stage

# Record, lease and boot images, at most at one time.
BUILD_IMAGES = 6


def result_quota(request: Request, disk_gib: int = 0) -> Quota:
    """What the result takes, as its output says; nothing where there is no such one."""
    output = outputs.find(request.output)
    return output.quota(disk_gib) if output else Quota()


def check_quota(api: Api, request: Request, flavor: Flavor | None) -> list[str]:
    """Check quotas for one server at a time of ``flavor``, and for the images.

    :raises: CloudError
    """
    problems = lacking_for_server(limits.room(api), flavor)
    count, size_mib = limits.image_room(api)
    images = BUILD_IMAGES + result_quota(request).images
    if count is not None and count < images:
        problems.append(f"the quota has {count} images left, a build needs {images}")
    if size_mib is not None and size_mib <= 0:
        problems.append("the quota for the size of images is used up")
    return problems


def lacking_for_server(room: Room, flavor: Flavor | None) -> list[str]:
    """Return what quotas do not allow of a server; of no flavor yet it is a small one."""
    wanted = (
        ("servers", room.servers, 1),
        ("cores", room.cores, flavor.vcpus if flavor else 1),
        ("MiB of RAM", room.ram_mib, flavor.ram_mib if flavor else 1),
    )
    return [
        f"the quota has {have} {what} left, a build needs {need}"
        for what, have, need in wanted
        if have is not None and have < need
    ]


def check_answer_cd(entry: Entry) -> list[str]:
    """Check that the answer file can reach an installer that boots from its CD."""
    if entry.answer_cd.get("label") or entry.answer_cd.get("remaster"):
        return []
    return [
        f"{entry.title} has no way to find an answer file on a CD; its catalogue entry "
        "would tell it as answer_cd"
    ]


def cds_gib(entry: Entry, source: InstallSource) -> tuple[int, ...]:
    """Return the sizes of the CDs that the server gets, the ISO's first."""
    media = source.media
    if not media.iso.as_cd:
        return ()
    answers = bool(entry.answer_cd) and not entry.answer_cd.get("remaster")
    count = 1 + (answers and boot.load(source.boot_method).answers_on_cd)
    sizes = (max(1, media.iso.size_gib), 1)[:count]
    return (*sizes, media.drivers.size_gib) if media.drivers else sizes


def find_press_key(
    entry: Entry, request: Request, source: InstallSource
) -> Stage[bool]:
    """Tell whether the CD asks for a key, which this client then has to press."""
    firmware = machine.firmware(request)
    boots_iso = boot.load(source.boot_method).boots_iso
    if not boots_iso or firmware not in entry.press_key:
        return Stage(False)
    if rfb.is_installed():
        return Stage(True)
    warning = (
        f"the CD of {entry.title} waits for a key with {firmware}, and none can be "
        f"pressed from here: pip install '{rfb.EXTRA}', or take an ISO that asks "
        "for none"
    )
    return Stage(True, warnings=(warning,))


def check_cloud(
    api: Api, request: Request, system: System | None, servers: Servers | None
) -> Stage[None]:
    """Check quotas, rights and hypervisors.

    :raises: CloudError
    """
    flavor = servers.flavor if servers else None
    minutes = request.timeout_min or (system.entry.timeout_min if system else 0)
    problems = [
        *check_quota(api, request, flavor),
        *check_visibility(api, request),
        *check_declared(request, system, servers),
        *check_server_properties(api, request),
        *metadata.dated_ahead(request, api.now()),
        *check_session_and_hypervisors(api, minutes * 60),
    ]
    warnings = [*warn_tpm(api, request), *warn_protected(request)]
    return Stage(warnings=tuple(warnings), problems=tuple(problems))


def check_declared(
    request: Request, system: System | None, servers: Servers | None
) -> list[str]:
    """Check that servers of the image are not declared to need less than it does."""
    problems = []
    disk_gib = servers.volume_gib or servers.flavor.disk_gib if servers else 0
    if 0 < (request.min_disk_gib or 0) < disk_gib:
        problems.append(
            f"--min-disk {request.min_disk_gib} is too small: the image is that of a disk of "
            f"{disk_gib} GiB; take a smaller flavor or --disk, or leave it out"
        )
    ram_mib = system.entry.result_min_ram_mib if system else 0
    if system and 0 < (request.min_ram_mib or 0) < ram_mib:
        problems.append(
            f"--min-ram {request.min_ram_mib} is too small: {system.entry.title} needs "
            f"{ram_mib} MiB"
        )
    return problems


def check_server_properties(api: Api, request: Request) -> list[str]:
    """Check that Nova gives a server so many properties.

    :raises: CloudError
    """
    count = len(request.server_properties)
    most = limits.most_server_properties(api) if count else None
    if most is None or count <= most:
        return []
    return [f"Nova gives a server {most} properties here, not {count}"]


def warn_protected(request: Request) -> list[str]:
    """Warn that a protected image stands in the way of the one that is to replace it."""
    if not (request.protected and request.replace):
        return []
    return [
        "a protected image is never put away: the next build of the family leaves it its "
        "name, so that there are two, until you take the protection away (openstack image "
        "set --unprotected)"
    ]


def check_spec(spec: Spec, entry: Entry, request: Request) -> Stage[None]:
    """Check what was chosen as a whole against its boot method."""
    method = boot.load(spec.installer.boot_method)
    problems = [
        *method.problems(spec),
        *boot.unsigned(request, spec.installer.boot_method),
        *(check_answer_cd(entry) if method.answers_on_cd else ()),
    ]
    told = metadata.check(request, dict(spec.result.properties))
    return Stage(notes=told.notes, problems=(*problems, *told.problems))


def check_record(spec: Spec) -> None:
    """See to it that the record of a build can be read again.

    :raises: SpecError
    """
    try:
        validation.check_spec(spec)
        validation.check_length("spec", spec_json.to_json(spec))
    except ValueError as error:
        raise SpecError(f"no record can keep this build: {error}") from error


def check_volume_quota(
    api: Api, request: Request, disk_gib: int, cds_gib: Sequence[int]
) -> list[str]:
    """Check quotas for volumes: the root disk, one to boot the result from, CDs, the result.

    ``disk_gib`` is 0 where the root disk is none.

    :raises: CloudError
    """
    if not api.has("volume"):
        return ["this cloud offers no volumes (Cinder), and the build needs them"]
    needs = volume_needs(request, disk_gib, cds_gib)
    return lacking(limits.volume_room(api), needs)


def volume_needs(request: Request, disk_gib: int, cds_gib: Sequence[int]) -> Quota:
    """Return what a build takes of quotas for volumes, at most at one time."""
    result = result_quota(request, disk_gib)
    disks = (1 + int(request.verify)) if disk_gib else 0
    return Quota(
        volumes=disks + result.volumes + len(cds_gib),
        snapshots=result.snapshots,
        gigabytes=disks * disk_gib + result.gigabytes + sum(cds_gib),
    )


def lacking(room: VolumeRoom, needs: Quota, of: str = "") -> list[str]:
    """Return what quotas for volumes, or those ``of`` a type, do not allow."""
    wanted = (
        ("volumes", room.volumes, needs.volumes),
        ("snapshots", room.snapshots, needs.snapshots),
        ("GiB of volumes", room.gigabytes, needs.gigabytes),
    )
    return [
        f"the quota has {have} {what}{of} left, the build needs {need}"
        for what, have, need in wanted
        if have is not None and have < need
    ]


def warn_tpm(api: Api, request: Request) -> list[str]:
    """Warn where a cloud looks as if it had no TPMs.

    Nova keeps their secrets with a key manager, which need not be in the catalog.
    Source: Nova's documentation of emulated TPMs.
    """
    if not request.tpm or api.has("key-manager"):
        return []
    return [
        "this cloud shows no key manager (Barbican), without which Nova gives no "
        "server a TPM: unless it has another, the server will not start"
    ]


def check_session_and_hypervisors(api: Api, timeout_s: int) -> list[str]:
    """Check hypervisors, the life of the session, and rights.

    :raises: CloudError
    """
    kinds = limits.container_hypervisors(api)
    problems = [
        f"the hypervisors run containers ({kind}); an installer needs a whole machine"
        for kind in kinds
    ]
    left_s = api.token_life()
    if left_s is not None and left_s < timeout_s:
        problems.append(
            f"the session is a bare token that ends in {max(left_s, 0) / 60:.0f} "
            f"minutes and cannot be renewed, the build may take {timeout_s // 60}; "
            "log in with a password or an application credential"
        )
    return problems + _property_rights(api)


def _property_rights(api: Api) -> list[str]:
    """Check that Glance's property protection lets us keep a record.

    Source: glance.api.property_protections, glance.api.v2.images.create.
    """
    error = _forbidden(api, {"imagebuild_schema": "1"})
    if error is None:
        return []
    return [
        "Glance's property protection forbids properties that begin with "
        f"imagebuild_; ask the cloud's operator to allow them: {error}"
    ]


def check_visibility(api: Api, request: Request) -> list[str]:
    """Check that Glance lets us make an image that others see.

    Source: glance.api.v2.policy.ImageAPIPolicy.add_image.

    :raises: CloudError
    """
    wanted = request.visibility
    if wanted in ("private", "shared") or wanted not in VISIBILITIES:
        return []
    if not has_visibility(request.output):
        return []  # it is refused for that
    error = _forbidden(api, {"visibility": wanted})
    if error is None:
        return []
    return [
        f"Glance does not let you make an image {wanted}: {error}; build it with "
        "visibility private or shared"
    ]


def _forbidden(api: Api, fields: Mapping[str, str]) -> CloudError | None:
    """Return Glance's refusal of an image with ``fields``; no image is made.

    A new image under an ID that exists is refused anyway (409), but only
    after its fields were.
    """
    image_id = images.any_id(api)
    if not image_id:
        return None
    probe = {"id": image_id, "name": "imagebuild-probe", **fields}
    try:
        api.send("image", "POST", "/images", probe)
    except CloudError as error:
        if error.status == 403:
            return error
    return None


def check_answers(entry: Entry, request: Request, answers: Answers) -> list[str]:
    """Check that the answer file fits Nova, and powers the server off."""
    way = f"{provision.too_large(request.ansible)}; give what is large as contents (--content)"
    problems = [
        *_too_large("answer file", answers.answer, way),
        *check_first_boot(answers.verify),
    ]
    problems += [
        "an own answer file says itself what to install: "
        f"{customization.FIELDS[wish][0]} cannot be given too"
        for wish in customization.given(request)
        if request.answer_file is not None
    ]
    expressions = [("a sign", e) for e in entry.signs.own]
    problems += [
        f"catalogue entry {entry.name}: {what} is {problem}"
        for what, sign in (*expressions, ("verify.sign", answers.verify_sign))
        if (problem := own_signs.problem(sign))
    ]
    return [*problems, *own_file.judge(entry, request).problems]


def check_first_boot(text: str) -> list[str]:
    """Check that the user data of a test server fit Nova."""
    return _too_large("first boot", text, "; let the tests fetch what is large")


def _too_large(what: str, text: str, way: str) -> list[str]:
    size = len(servers.encode(text))
    if size <= USER_DATA_LIMIT:
        return []
    return [
        f"the {what} has {size} characters as base64, Nova takes {USER_DATA_LIMIT}{way}"
    ]


def warn_signs(entry: Entry) -> list[str]:
    """Warn where the signs of the entry cannot be searched for from here."""
    if not entry.signs.own or own_signs.is_installed():
        return []
    return [
        f"catalogue entry {entry.name} has signs of its own, which take RE2 to search "
        f"for: pip install '{own_signs.EXTRA}'; only those of its family are heeded"
    ]


def warn_answer_file(entry: Entry, request: Request) -> list[str]:
    """Return warnings about the user's own answer file."""
    return list(own_file.judge(entry, request).warnings)


def check_layer_address(place: Placement | None) -> list[str]:
    """Tell whether an image on a network without DHCP learns its address: by its cloud-init."""
    if place is None or place.network.config_drive:
        return []
    return [
        "the network has no DHCP, and an image is told its address on a config drive only: "
        "give --config-drive"
    ]


def check_address(
    entry: Entry,
    source: InstallSource,
    address: Address,
    answers: Answers,
    *,
    metadata: bool,
) -> tuple[list[str], list[str]]:
    """Tell whether an installer on a network without DHCP learns address and answers.

    Return why it does not, and warnings.
    """
    warnings = fixed_address.unresolved(address, source.media.source)
    if boot.load(source.boot_method).answers_on_cd:
        if address.ip in answers.answer:
            return [], warnings
        return [
            "the network has no DHCP and the installer's own CD gives it no address: "
            "all that it needs must be on the CD"
        ], warnings
    if address.ip not in answers.kernel_args:
        return [
            f"the network has no DHCP, and the installer of {entry.title} cannot be "
            "given an address on its command line (its catalogue entry's key network "
            "would tell how)"
        ], warnings
    if not metadata and entry.config_drive_url is None:
        return [
            "the network has no DHCP and no router that is seen to lead to the "
            f"metadata service, and the installer of {entry.title} reads its answer "
            "file nowhere else; take a network with DHCP, or with a router (of "
            "another driver than OVN)"
        ], warnings
    return [], warnings
