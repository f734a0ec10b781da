"""Plan without a cloud, as far as that goes: entry, answer file, problems."""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild import boot
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests import install_tree
from osc_imagebuild.guests.answers import Answers
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Iso, Media, Networking
from osc_imagebuild.planning import contents, parents, selection
from osc_imagebuild.planning.draft import make_draft
from osc_imagebuild.planning.spec_builder import InstallSource, Placement
from osc_imagebuild.planning.stage import Stage, stage

# Stands for the ID of a build that is only looked at.
NO_BUILD_ID = "00000000-0000-0000-0000-000000000000"
UNTOLD = (
    "which system the image has only the cloud tells, so what is wanted in it was not "
    "checked for that system; give os to have it checked"
)
# And for the label of an ISO that nobody has looked at.
NO_LABEL = "LABEL-OF-THE-ISO"


@dataclass(frozen=True)
class Outline:
    """What would be built, as far as it is known without a cloud.

    ``system`` and ``answers`` are None where only the cloud tells which system it is.
    """

    system: System | None
    answers: Answers | None
    warnings: tuple[str, ...]


class Offline:
    """Surroundings of which nothing is known."""

    def find_parent(self, request: Request) -> Stage[Image]:
        """Return nothing: which image it is only the cloud tells."""
        return Stage()

    def find_source(self, system: System, request: Request) -> Stage[InstallSource]:
        """Return the install media as the catalogue and the request tell them."""
        return _source(system, request)

    def find_place(self, request: Request) -> Stage[Placement]:
        """Return a network that has what networks mostly have."""
        drive = bool(request.config_drive)
        network = Networking(networks=(), config_drive=drive)
        return Stage(Placement(network, metadata=not drive))

    def find_contents(self, request: Request) -> Stage[Request]:
        """Return what the contents are, and read none of them."""
        return contents.find_contents(request, measure=False)


@stage
def _source(system: System, request: Request) -> Stage[InstallSource]:
    if request.has_parent:
        return Stage(parents.source(request, system.parent))
    entry, tree = system.entry, system.tree
    if install_tree.is_iso(tree.source):
        method, _ = selection.iso_boot_method(request, entry)
        url = tree.source if "://" in tree.source else ""
        as_cd = not boot.load(method).uploads_kernel or entry.iso_as_cd or not url
        media = Media(source=tree.source, iso=Iso(url=url, as_cd=as_cd, label=NO_LABEL))
    else:
        method, _ = selection.boot_method(request, entry, tree.kernel_url, {})
        media = Media(source=tree.source)
    problems = tuple(boot.unsigned(request, method))
    return Stage(InstallSource(method, media), problems=problems)


def check(catalog: Catalog, request: Request) -> Outline:
    """Return what would be built, as far as it is known without a cloud.

    :raises: SpecError naming all that is wrong
    """
    draft = make_draft(catalog, request, NO_BUILD_ID, Offline())
    problems = [problem for stage in draft.stages for problem in stage.problems]
    system, answers = draft.system.value, draft.answers.value
    if request.has_parent and not problems and not system:
        return Outline(None, None, (UNTOLD,))
    if problems or not system or not answers:
        raise SpecError(problems)
    return Outline(system, answers, draft.answers.warnings)
