"""Compare the newest result of a family with what a build would make now.

Web servers and the cloud are read, the latter with few calls; nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from osc_imagebuild.builds import families
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.media.door import Door
from osc_imagebuild.model import family, inputs
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.inputs import Inputs
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.planning import contents, install_source, parents
from osc_imagebuild.planning.draft import make_draft
from osc_imagebuild.planning.inputs import read_inputs
from osc_imagebuild.planning.offline import NO_BUILD_ID, Offline
from osc_imagebuild.planning.spec_builder import (
    InstallSource,
    Placement,
    family_name,
)
from osc_imagebuild.planning.stage import Stage


@dataclass(frozen=True)
class _Anywhere:
    """Surroundings whose media are looked at; on which network decides no result.

    With ``parent_anew`` the image that is changed need not be there, or be fit for it.
    """

    api: Api
    door: Door
    parent_anew: bool

    def find_parent(self, request: Request) -> Stage[Image]:
        found = parents.find_parent(self.api, request)
        return Stage() if self.parent_anew and found.problems else found

    def find_source(self, system: System, request: Request) -> Stage[InstallSource]:
        return install_source.find_source(
            self.api, system, request, self.door, look_inside=False
        )

    def find_place(self, request: Request) -> Stage[Placement]:
        return Offline().find_place(request)

    def find_contents(self, request: Request) -> Stage[Request]:
        return contents.find_contents(request, measure=True)


def find_freshness(
    api: Api,
    catalog: Catalog,
    request: Request,
    door: Door,
    max_age_s: int | None = None,
    *,
    parent_anew: bool = False,
) -> Freshness:
    """Tell what changed since the newest result of a request's family was built.

    ``door`` leads to web servers; ``max_age_s`` is how old the result may be,
    ``parent_anew`` whether the image that it changes is to be built anew, and may not be
    there yet.

    :raises: SpecError naming all that is wrong with the request, CloudError
    """
    around = _Anywhere(api, door, parent_anew)
    draft = make_draft(catalog, request, NO_BUILD_ID, around)
    reading = read_inputs(api.clock, draft, door)
    awaits = request.has_parent and not draft.parent.value and not draft.problems
    if draft.problems or reading.problems or not (reading.value or awaits):
        raise SpecError((*draft.problems, *reading.problems))
    name = family_name(request)
    current = families.current(api, name, request.output)
    now = reading.value.inputs if reading.value and not awaits else inputs.UNKNOWN
    said = family.words(current).get(family.INPUTS) if current else None
    then = inputs.from_text(said)
    return Freshness(
        family=name,
        kind=request.output,
        current=current,
        inputs=now,
        changed=_changed(request, then, now),
        is_told=then.is_whole,
        age_s=int(max(0.0, api.now() - current.created_at)) if current else 0,
        max_age_s=max_age_s,
        parent_anew=parent_anew,
        warnings=(*draft.source.warnings, *reading.warnings),
    )


def _changed(request: Request, then: Inputs, now: Inputs) -> tuple[str, ...]:
    """Return what differs; a name only where the newest result is to have it alone.

    Without that each result of a family may have a name of its own.
    """
    found = inputs.changed(then, now)
    return tuple(name for name in found if name != "name" or request.replace)
