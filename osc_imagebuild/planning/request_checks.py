"""Check a request by itself, before the cloud is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from osc_imagebuild import boot, outputs
from osc_imagebuild.guests import own_tests
from osc_imagebuild.model import access, copies, disk_layout
from osc_imagebuild.model.family import FOR_VOLUMES, Old
from osc_imagebuild.model.names import IMAGE_FIELDS, RESERVED_PREFIXES, VISIBILITIES
from osc_imagebuild.model.numbers import MOST_GIB, MOST_MINUTES, MOST_SWAP_MIB
from osc_imagebuild.model.request import FAMILY_PREFIX, Request
from osc_imagebuild.model.urls import shown_url
from osc_imagebuild.planning import metadata, option_checks
from osc_imagebuild.steps.attempts import MOST

# Source: RFC 3986, 2.2 and 2.3, but for the quote, which answer files take for theirs.
_URL = re.compile(r"[a-z]+://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]+")
_OLD = f"there are: {', '.join(Old)}"
# Words of a list's address that are no properties.
# Source: glance.api.v2.images, RequestDeserializer.index.
_QUERY_WORDS = (
    "limit",
    "marker",
    "member_status",
    "sort",
    "sort_dir",
    "sort_key",
    "tag",
)
# Most older images that are kept.
MOST_KEPT = 100
# Source: nova/api/openstack/compute/schemas/servers.py, _hints: what is no list there.
_ONE_HINT = ("group", "query", "target_cell", "build_near_host_ip", "cidr")


def validate_request(request: Request) -> list[str]:
    """Return what is wrong with a request, judged by itself."""
    problems = []
    if not request.name.strip():
        problems.append(
            "the image needs a name: give it behind the options, or as output.name in "
            "a template"
        )
    elif request.name != request.name.strip():
        # Source: cinder.api.openstack.wsgi, validate_name_and_description: it strips.
        problems.append(f"the name begins or ends with a blank: {request.name!r:.60}")
    # Source: glance.db.sqlalchemy.models.Image.name is String(255).
    if len(request.name) > 255:
        problems.append(
            f"the image name has {len(request.name)} characters, 255 is most"
        )
    given = (*request.properties, *request.properties.values())
    for text in (request.name, request.family, *request.tags, *given):
        # Source: glance.api.v2.images refuses 4-byte unicode. Surrogates stand for
        # bytes that are no text in the user's locale.
        if any(ord(c) > 0xFFFF or 0xD800 <= ord(c) < 0xE000 or c == "\0" for c in text):
            problems.append(f"Glance cannot store the characters of {text!r:.60}")
    problems += address_problems("source", request.source or "")
    problems += address_problems("driver ISO", request.driver_iso or "")
    for tag in request.tags:
        if not tag or len(tag) > 255:
            problems.append(f"a tag must have 1 to 255 characters: {tag!r:.60}")
        if re.match(r"imagebuild(-|$)", tag):
            problems.append(
                f"tags that begin with imagebuild are the tool's own: {tag}"
            )
    problems += _property_problems(request.properties)
    problems += [
        f"Nova takes the hint {key} once, not {len(value)} times"
        for key, value in request.hints.items()
        if key in _ONE_HINT and not isinstance(value, str) and len(value) > 1
    ]
    if request.visibility not in VISIBILITIES:
        problems.append(
            f"no visibility {request.visibility!r:.60}; "
            f"there are: {', '.join(VISIBILITIES)}"
        )
    elif request.visibility != "private" and not has_visibility(request.output):
        problems.append(
            f"a {request.output} has no visibility, only its own project sees it: leave "
            f"out --visibility {request.visibility}, or build an image"
        )
    if request.output not in outputs.names():
        problems.append(
            f"no output {request.output!r:.60}; there are: {', '.join(outputs.names())}"
        )
    return [
        *problems,
        *_rotation_problems(request),
        *_copy_problems(request),
        *_parent_problems(request),
        *_number_problems(request),
        *disk_layout.problems(
            request.disk_layout,
            request.filesystem,
            request.disk_volumes,
            lvm=request.lvm,
        ),
        *option_checks.problems(request),
        *own_tests.problems(request),
        *metadata.problems(request),
        *(access.proxy_problems(request.proxy) if request.proxy else ()),
        *access.certificate_problems(request.ca_certificates),
    ]


def _parent_problems(request: Request) -> list[str]:
    """Return what cannot be asked for where an image is changed, or where none is."""
    methods = boot.of_parents()
    if not request.has_parent:
        if request.boot_method not in methods:
            return []
        return [
            f"boot method {request.boot_method} changes an existing image: name it with "
            "--from-image"
        ]
    refused = {
        "--source": request.source is not None,
        "--answer-file": request.answer_file is not None,
        "--checksum": bool(request.checksum),
        "--driver-iso": request.driver_iso is not None,
        f"--boot-method {request.boot_method}": request.boot_method
        not in ("auto", *methods),
    }
    problems = [
        f"{option} is for an installer, and --from-image starts none: leave one of them out"
        for option, given in refused.items()
        if given
    ]
    machine = {
        "--firmware": request.firmware != Request.firmware,
        "--secure-boot": request.secure_boot,
        "--tpm": request.tpm,
    }
    problems += [
        f"{option}: an image that exists says itself which machine it is for; leave it out, "
        "or change the image's properties"
        for option, given in machine.items()
        if given
    ]
    return problems + _choice_problems(request)


def _choice_problems(request: Request) -> list[str]:
    """Return what is wrong with how the image that is changed is named."""
    problems = []
    if request.from_image is not None and not request.from_image.strip():
        problems.append("--from-image takes an image's name or ID, or family:<family>")
    if request.from_image == FAMILY_PREFIX:
        problems.append("--from-image family: needs the name of the family behind it")
    problems += [
        f"{key!r:.60} is no property of images that one can be chosen by"
        for key in request.from_properties
        if not key or key in IMAGE_FIELDS or key in _QUERY_WORDS
    ]
    return problems


def _rotation_problems(request: Request) -> list[str]:
    """Return what is wrong with a family, its rotation, and whom the result is for."""
    problems = []
    output = request.output
    if len(request.family) > 255:
        problems.append(f"a family has {len(request.family)} characters, 255 is most")
    if request.old not in list(Old):
        problems.append(f"no way {request.old!r:.60} to put images away; {_OLD}")
    elif not has_visibility(output) and request.old not in FOR_VOLUMES:
        problems.append(
            f"a {output} cannot be put away by {request.old}: Cinder knows no such thing; "
            f"take one of {', '.join(FOR_VOLUMES)}"
        )
    if not 0 <= request.keep <= MOST_KEPT:
        problems.append(f"--keep takes 0 to {MOST_KEPT} older images")
    changed = (request.old, request.keep) != (Request.old, Request.keep)
    if changed and not request.replace:
        problems.append("--old and --keep are for older images: give --replace too")
    if request.members or request.member_clouds:
        if not has_visibility(output):
            problems.append(f"a {output} cannot be shared: leave out --member")
        elif request.visibility in ("community", "public"):
            problems.append(
                f"a {request.visibility} image is everybody's: leave out --member, or "
                "--visibility"
            )
    return problems


def _copy_problems(request: Request) -> list[str]:
    """Return what is wrong with where the image is to be copied."""
    wanted, stores = request.copies, request.stores
    if not (wanted or stores or request.all_stores):
        return []
    if not has_visibility(request.output):
        return [
            f"a {request.output} cannot be copied: leave out --copy-to, --store and "
            "--all-stores, or build an image"
        ]
    problems = [wrong for copy in wanted if (wrong := copies.problem(copy))]
    targets = [copy.target for copy in wanted]
    problems += [
        f"the image is copied to {target} once: name it once"
        for target in dict.fromkeys(targets)
        if targets.count(target) > 1
    ]
    if len(wanted) > copies.MOST_COPIES:
        problems.append(f"an image is copied to {copies.MOST_COPIES} clouds at most")
    if len(stores) > copies.MOST_STORES:
        problems.append(f"--store can be given {copies.MOST_STORES} times at most")
    problems += [
        f"no store is named {store!r:.60}"
        for store in stores
        if not copies.STORE.fullmatch(store)
    ]
    if stores and request.all_stores:
        problems.append("--store and --all-stores exclude each other")
    return problems


def _number_problems(request: Request) -> list[str]:
    problems = []
    for option, minutes in (
        ("--timeout", request.timeout_min),
        ("--stall-timeout", request.stall_min),
    ):
        if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
            problems.append(f"{option} takes 1 to {MOST_MINUTES} minutes")
    # What is too small for the system is told with its name, see `selection`.
    if request.disk_gib is not None and request.disk_gib > MOST_GIB:
        problems.append(f"--disk takes {MOST_GIB} GiB at most")
    if not 0 <= request.swap_mib <= MOST_SWAP_MIB:
        problems.append(f"--swap takes 0 to {MOST_SWAP_MIB} MiB")
    if not 1 <= request.attempts <= MOST:
        problems.append(f"--attempts takes 1 to {MOST}")
    return problems


def has_visibility(output: str) -> bool:
    """Whether other projects can see an output; True for one that does not exist."""
    return output not in outputs.names() or outputs.load(output).has_visibility


def _property_problems(names: Iterable[str]) -> list[str]:
    problems = []
    for key in names:
        if not key or len(key) > 255:
            problems.append(f"a property name has 1 to 255 characters: {key!r:.60}")
        elif key.startswith(RESERVED_PREFIXES):
            problems.append(
                f"this property name cannot be given: {key!r:.60}; names that begin with "
                f"{' or '.join(RESERVED_PREFIXES)} are the tool's own, Glance's or its clients'"
            )
        elif key in IMAGE_FIELDS:
            # Set as a property it would never be one, and the finished image never clean.
            problems.append(f"{key} is a field of every image, it cannot be a property")
    return problems


def address_problems(what: str, address: str) -> list[str]:
    """Return what is wrong with the address of a source, if it is one.

    What stands before an @ opens doors: even without a colon it may be a token.
    """
    if "://" in address and not _URL.fullmatch(address):
        return [f"this is no URL: {shown_url(address)!r:.100}"]
    if re.match(r"[a-z]+://[^/?#]*@", address):
        return [
            f"the {what} has a name or password in its URL, which the images of a build would "
            f"show to all that see them; take a {what} that needs none"
        ]
    return []
