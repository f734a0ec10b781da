"""Plan as far as that goes without a cloud: entry, answer file, problems."""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild import boot, outputs
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import answers, families, install_tree
from osc_imagebuild.guests.answers import Answers, IsoRef
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import InstallSource
from osc_imagebuild.planning import preflight, request_checks, selection

# Stands for the ID of a build that is only looked at.
NO_BUILD_ID = "00000000-0000-0000-0000-000000000000"
# And for the label of an ISO that nobody has looked at.
NO_LABEL = "LABEL-OF-THE-ISO"


def find_entry(catalog: Catalog, request: Request) -> tuple[Entry, list[str]]:
    """Return the entry of what is to be built, and why it cannot be.

    :raises: SpecError where there is none to go on with
    """
    entry = catalog.entry(request.os)
    if request.arch not in entry.arches:
        raise SpecError(
            f"{entry.title} is not known for {request.arch}; it is for "
            + ", ".join(sorted(entry.arches))
        )
    problems = families.family(entry.family).problems(entry, request)
    if request.driver_iso and not entry.driver_properties:
        problems.append(f"{entry.title} has its drivers itself; leave out --driver-iso")
    if not install_tree.install_tree(entry, request).source:
        none = f"{entry.title} has no public install tree: give --source"
        raise SpecError([none, *problems])
    return entry, problems


def find_answers(
    entry: Entry,
    request: Request,
    build_id: str,
    install: InstallSource | None = None,
    address: Mapping[str, str] | None = None,
    *,
    metadata: bool = True,
) -> tuple[Answers, list[str]]:
    """Return what the guests are told, and what is wrong with it.

    ``install`` are its install media where they are known, ``address`` and
    ``metadata`` are as in `osc_imagebuild.planning.spec_builder.Placement`.

    :raises: SpecError where a template of the entry fails
    """
    source = install_tree.package_source(entry, request)
    method = install.boot_method if install else ""
    disc = (
        IsoRef(install.iso_label, install.iso_url_for_guests) if install else IsoRef()
    )
    way = answers.AnswerDelivery(method, address or {}, metadata, disc)
    rendered = answers.render(entry, request, build_id, source, way)
    return rendered, preflight.check_answers(entry, request, rendered)


def _media(entry: Entry, request: Request) -> InstallSource:
    """The install media, as far as they are known without a look at them.

    :raises: SpecError where this system cannot be booted as asked
    """
    tree = install_tree.install_tree(entry, request)
    if not install_tree.is_iso(tree.source):
        method, _ = selection.boot_method(request, entry, tree.kernel_url, {})
        return InstallSource(boot_method=method, source=tree.source)
    method, _ = selection.iso_boot_method(request, entry)
    url = tree.source if "://" in tree.source else ""
    return InstallSource(
        boot_method=method,
        source=tree.source,
        iso_url=url,
        iso_as_cd=not boot.load(method).uploads_kernel or entry.iso_as_cd or not url,
        iso_label=NO_LABEL,
    )


def _booted(entry: Entry, request: Request) -> tuple[InstallSource | None, list[str]]:
    """The install media, and why they start nothing."""
    try:
        found = _media(entry, request)
    except SpecError as error:
        return None, list(error.problems)
    return found, boot.unsigned(request, found.boot_method)


def check(catalog: Catalog, request: Request) -> tuple[Entry, Answers]:
    """Return what would be built, as far as it is known without a cloud.

    :raises: SpecError naming all that is wrong
    """
    problems = request_checks.validate_request(request) + machine.validate_machine(
        request
    )
    if request.output not in outputs.names():
        problems.append(
            f"no output {request.output!r}; there are: {', '.join(outputs.names())}"
        )
    try:
        entry, more = find_entry(catalog, request)
        problems += more
        install, more = _booted(entry, request)
        problems += more
        answers, more = find_answers(
            entry, request, NO_BUILD_ID, install, metadata=not request.config_drive
        )
        problems += more
    except SpecError as error:
        raise SpecError([*problems, *error.problems]) from error
    if problems:
        raise SpecError(problems)
    return entry, answers
