"""Find projects, as far as a user may see any but the own one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from osc_imagebuild.cloud import answers
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import CloudError, SpecError

# Source: keystone.common.validation.parameter_types, id_string.
_ID = re.compile(r"[a-zA-Z0-9-]{1,64}")


def find(api: Api, project: str) -> str:
    """Return the ID of a project, by its ID or its name.

    Who may not see other projects gives an ID, which is taken as it is.

    :raises: SpecError where there is no such project, or several, CloudError
    """
    if _ID.fullmatch(project):
        try:
            return api.read("identity", f"/projects/{project}", _id)
        except CloudError as error:
            if error.status in (401, 403):
                return project
            if error.status != 404:
                raise
    try:
        named = api.read("identity", "/projects", _ids, {"name": project})
    except CloudError as error:
        if error.status not in (401, 403):
            raise
        raise SpecError(
            f"this login may not look for projects: give the ID of {project!r:.60}"
        ) from error
    if len(named) != 1:
        how_many = "several projects are" if named else "no project is"
        raise SpecError(f"{how_many} named {project!r:.60}")
    return named[0]


def _id(data: Mapping[str, Any]) -> str:
    return answers.text(answers.obj(data["project"]), "id")


def _ids(data: Mapping[str, Any]) -> list[str]:
    return [answers.text(item, "id") for item in answers.objects(data, "projects")]
