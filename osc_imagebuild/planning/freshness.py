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
    """Surroundings whose media are looked at; on which network decides no result."""

    api: Api
    door: Door

    def find_parent(self, request: Request) -> Stage[Image]:
        return parents.find_parent(self.api, request)

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
) -> Freshness:
    """Tell what changed since the newest result of a request's family was built.

    ``door`` leads to web servers; ``max_age_s`` is how old the result may be.

    :raises: SpecError naming all that is wrong with the request, CloudError
    """
    draft = make_draft(catalog, request, NO_BUILD_ID, _Anywhere(api, door))
    reading = read_inputs(api.clock, draft, door)
    if draft.problems or not reading.value:
        raise SpecError((*draft.problems, *reading.problems))
    name, now = family_name(request), reading.value.inputs
    current = families.current(api, name, request.output)
    then = inputs.UNKNOWN
    if current:
        then = inputs.from_text(family.words(current).get(family.INPUTS))
    return Freshness(
        family=name,
        kind=request.output,
        current=current,
        inputs=now,
        changed=inputs.changed(then, now),
        is_told=then.is_whole,
        age_s=int(max(0.0, api.now() - current.created_at)) if current else 0,
        max_age_s=max_age_s,
        warnings=(*draft.source.warnings, *reading.warnings),
    )
