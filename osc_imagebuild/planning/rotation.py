"""Resolve whom the result is shared with, and see what it is to replace."""

from __future__ import annotations

from osc_imagebuild.cloud import images, projects
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import Clouds
from osc_imagebuild.errors import CloudError, SpecError
from osc_imagebuild.model import family
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.request_checks import has_visibility
from osc_imagebuild.planning.spec_builder import Sharing
from osc_imagebuild.planning.stage import Stage, stage


@stage
def find_sharing(api: Api, clouds: Clouds, request: Request) -> Stage[Sharing]:
    """Find the projects that the image is shared with.

    :raises: CloudError
    """
    problems: list[str] = []
    members: dict[str, str] = {}
    for project in request.members:
        try:
            members[projects.find(api, project)] = ""
        except SpecError as error:
            problems += error.problems
    for cloud in request.member_clouds:
        try:
            other = clouds.api(cloud)
            if api.place("image")[1] != other.place("image")[1]:
                problems.append(
                    f"cloud {cloud} has a Glance of its own, so the image cannot be shared "
                    f"with it: leave out --member-cloud {cloud}, and give --copy-to {cloud}"
                )
            members[other.project_id()] = cloud
        except CloudError as error:
            problems.append(str(error))
    members.pop(api.project_id(), None)  # whose image it is
    accepting = {project: cloud for project, cloud in members.items() if cloud}
    return Stage(Sharing(tuple(members), accepting), problems=tuple(problems))


@stage
def check_name(api: Api, request: Request) -> Stage[bool]:
    """Warn of images that keep the name although the result is to have it alone.

    :raises: CloudError
    """
    if not request.replace or not has_visibility(request.output):
        return Stage(True)
    name, project_id = request.name, api.project_id()
    warnings = tuple(
        f"image {image.id} is named {name} too and keeps that name: it is "
        + (
            "protected"
            if family.family_of(image, project_id) == (request.family or name)
            else f"not of the family {request.family or name}"
        )
        for image in images.named(api, name)
        if family.family_of(image, project_id) != (request.family or name)
        or not family.may_change(image)
    )
    return Stage(not warnings, warnings=warnings)
