"""Find what decides a result, as digests that a later build can be compared by.

What the web servers have is read; nothing is written. What only this build is called,
where its servers are and how its passwords are salted decides nothing, and is left out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osc_imagebuild.clock import Clock
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests import access, answers, install_tree, passwords
from osc_imagebuild.guests.answers import IsoRef
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.media import door as doors
from osc_imagebuild.media import http
from osc_imagebuild.media.backoff import retry_answered
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.inputs import DIGITS, UNKNOWN, Inputs
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Iso, Media, Parent
from osc_imagebuild.planning import contents, metadata
from osc_imagebuild.planning.draft import Draft, delivered
from osc_imagebuild.planning.offline import NO_BUILD_ID, NO_LABEL
from osc_imagebuild.planning.spec_builder import InstallSource, family_name
from osc_imagebuild.planning.stage import Stage, stage

# An own answer file, or a command, may hold a password in plain text: who reads its
# digest shall find it no sooner than by the hash in the image.
ROUNDS = passwords.ROUNDS

# What becomes of older ones, where the build runs and how. The name, the media and the
# answers count by themselves, and passwords with the latter alone.
_NOT_OF_TEMPLATE = frozenset(
    "name family replace old keep flavor networks security_groups availability_zone "
    "ports server_properties "
    "hints config_drive boot_method timeout_min stall_min keep_on_failure attempts copies "
    "stores all_stores "
    "verify tests test_files test_reboot test_flavors test_networks test_firmware "
    "checksum driver_iso root_password".split()
)
# What is only shown, what a console says, how long one waits and on which machine, and
# how an answer file gets to the installer.
_NOT_OF_ENTRY = frozenset(
    "name title end_of_life proven deviations report_hint progress failures banners "
    "stall_min timeout_min min_ram_mib min_disk_gib boot_methods press_key verify "
    "login_user layer power_off_sign network config_drive_url directories arches "
    "driver_properties".split()
)
# Of repositories: they came with a later version, and count where they are given.
_LATER = frozenset(("username", "password", "keep"))
# Variables that check a wish, or count where they are in the answers alone.
_BESIDE = frozenset("accepts security_guide no_security_guide security_scanner".split())
# Files that list all others of a suite, with digests.
_RELEASES = ("/InRelease", "/Release")


@dataclass(frozen=True)
class Reading:
    """What decides a result, and the digest of the tree's release file, '' for none."""

    inputs: Inputs = UNKNOWN
    tree_sha256: str = ""


@stage
def read_inputs(clock: Clock, draft: Draft, door: Door) -> Stage[Reading]:
    """Return what decides the result of a draft; no value where something is wrong in it.

    ``door`` leads to web servers. What they do not tell is not known: of the package
    indexes a warning says so, of the mirror one was given already.
    """
    request, system, source = (
        draft.request.value,
        draft.system.value,
        draft.source.value,
    )
    if draft.problems or not (request and system and source):
        return Stage()
    tree_sha256 = _tree_digest(clock, system, source, door)
    updates = _updates(clock, request, system, source, tree_sha256, door)
    family = family_name(request)
    items = contents.timeless(request.contents)
    request = dataclasses.replace(request, contents=items)
    inputs = Inputs(
        answers=_slow(family, _answers(request, system, source)),
        media=_media(source.media),
        mirror=tree_sha256[:DIGITS],
        updates=updates.value or "",
        template=_slow(family, _template(request, system.entry)),
        catalogue=_slow(family, _catalogue(system.entry, request)),
        name=_fast(request.name),
        parent=_parent(source.media.parent),
    )
    return Stage(Reading(inputs, tree_sha256), warnings=updates.warnings)


def _fast(*texts: str) -> str:
    """Return a digest of what is public."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:DIGITS]


def _slow(family: str, text: str) -> str:
    """Return a digest of what may hold secrets."""
    data, salt = (t.encode("utf-8", "surrogatepass") for t in (text, family))
    return hashlib.pbkdf2_hmac("sha512", data, salt, ROUNDS).hex()[:DIGITS]


def _answers(request: Request, system: System, source: InstallSource) -> str:
    """Return the answer file as every build of this family would have it."""
    family = family_name(request)

    def settled(password: str | None, user: str) -> str | None:
        return passwords.settled(password, family, user) if password else password

    request = dataclasses.replace(
        access.lasting(request),
        root_password=settled(request.root_password, "root"),
        users=tuple(
            dataclasses.replace(user, password=settled(user.password, user.name))
            for user in request.users
        ),
    )
    if request.ansible:
        # It counts as part of the template; packed, other machines have other bytes of it.
        request = dataclasses.replace(
            request, ansible=dataclasses.replace(request.ansible, tree=())
        )
    told = delivered(system, source, None)
    # What is on the ISO counts, and not how it is called.
    told = dataclasses.replace(told, disc=IsoRef(NO_LABEL, told.disc.url))
    rendered = answers.render(system.entry, request, NO_BUILD_ID, system.packages, told)
    return rendered.answer


def _template(request: Request, entry: Entry) -> str:
    """Return what is asked for of the result, as far as it is not by default so.

    What becomes of older ones counts where the result says it.
    """
    request = access.lasting(request)
    wanted = _differing(request, _NOT_OF_TEMPLATE)
    users = [dataclasses.replace(user, password=None) for user in request.users]
    if users:
        wanted["users"] = users
    if request.source and install_tree.is_iso(request.source):
        del wanted["source"]  # its content counts, wherever that is
    if request.updates:
        wanted.pop("update", None)  # by default too
    if request.metadata:
        wanted["metadata"] = metadata.properties(request, entry, "")
    return _canonical({"arch": request.arch, "os": request.os, **wanted})


def _catalogue(entry: Entry, request: Request) -> str:
    """Return what an entry says of results, of one architecture."""
    said = _differing(entry, _NOT_OF_ENTRY)
    variables = {k: v for k, v in entry.variables.items() if k not in _BESIDE}
    arch = entry.arches[request.arch]
    return _canonical({**said, "variables": variables, "arch": arch})


def _differing(thing: Any, left_out: frozenset[str]) -> dict[str, Any]:
    """Return the fields that are not as by default: new ones of later versions are."""
    return {
        field.name: value
        for field in dataclasses.fields(thing)
        if field.name not in left_out
        and (value := getattr(thing, field.name)) != _default(field)
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _canonical(value: Any) -> str:
    """Return any value of a request or a catalogue as the same text each time."""

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            return plain({k: v for k, v in fields.items() if v or k not in _LATER})
        if isinstance(value, Mapping):
            return sorted([str(key), plain(item)] for key, item in value.items())
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            return [plain(item) for item in value]
        return value.hex() if isinstance(value, bytes) else str(value)

    return json.dumps(plain(value))


def _media(media: Media) -> str:
    """Return a digest of the media, '' where their content is not known."""
    parts = [media.kernel_sha256, media.ramdisk_sha256]
    if media.iso:
        parts = [_content(media.iso)]
    if media.drivers:
        parts.append(_content(media.drivers))
    return _fast(*parts) if all(parts) else ""


def _parent(parent: Parent) -> str:
    """Return a digest of the image that is changed, '' where there is none."""
    return _fast(parent.sha512 or parent.image_id) if parent else ""


def _content(iso: Iso) -> str:
    """Return what is the same for the same ISO, '' where nothing is."""
    return iso.sha512 or iso.sha256 or iso.key or iso.image_id or iso.version


def _tree_digest(
    clock: Clock, system: System, source: InstallSource, door: Door
) -> str:
    """Return what identifies the install tree, '' where nothing does."""
    if not system.entry.release_file or not source.media.kernel_url:
        return ""
    try:
        return retry_answered(clock, http.digest, system.tree.release_url, door)[0]
    except TransientError:
        return ""  # a warning on the tree was given already


def _updates(
    clock: Clock,
    request: Request,
    system: System,
    source: InstallSource,
    tree_sha256: str,
    door: Door,
) -> Stage[str]:
    """Return a digest of the package indexes; none where one of them cannot be read."""
    urls = install_tree.indexes(system, request, from_iso=bool(source.media.iso))
    if tree_sha256:
        # It is the mirror's own part.
        urls = tuple(url for url in urls if url != system.tree.release_url)
    try:
        # After one that cannot be read the others need not be asked for.
        found = [retry_answered(clock, _index, url, door) for url in urls]
    except (SpecError, TransientError) as error:
        return Stage(
            warnings=(f"whether packages were updated cannot be told: {error}",)
        )
    return Stage(_fast(*found) if found else "")


def _index(url: str, door: Door) -> str:
    """Return a digest of the index of a package repository.

    Debian signs the list of a suite anew before it runs out, with another date, though
    nothing in it changed: only what it lists counts. Some repositories have such a list
    without a signature in it alone.
    Source: Debian's wiki, DebianRepository/Format: Date, Valid-Until, InRelease.

    :raises: SpecError, TransientError
    """
    if not url.endswith(_RELEASES):
        return http.digest(url, door, doors.QUESTION)[0]
    try:
        text = http.fetch_text(url, door=door)
    except SpecError:
        plain = url.removesuffix("/InRelease")
        if plain == url:
            raise
        text = http.fetch_text(f"{plain}/Release", door=door)
    listed = sorted(line for line in text.splitlines() if line.startswith(" "))
    return hashlib.sha256("\n".join(listed or [text]).encode()).hexdigest()
