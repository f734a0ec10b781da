"""openstack image build outdated"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from osc_imagebuild.v1.base import BuildCommand, Lister, Shown
from osc_imagebuild.v1.columns import Lines
from osc_imagebuild.v1.template import (
    Loaded,
    add_max_age,
    add_templates,
    add_variables,
    loaded_templates,
)
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.model.freshness import Freshness
    from osc_imagebuild.upkeep.tasks import Looked
    from osc_imagebuild.v1.progress import Progress

COLUMNS = ("Template", "Family", "Image ID", "Built At", "State", "Reason")
# The command's exit code where an image is to be built.
OUTDATED = 3


class OutdatedImageBuild(BuildCommand, Lister):
    """Tell which templates' images are outdated or missing, and what changed"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        add_templates(parser)
        add_variables(parser)
        add_max_age(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; the exit code is 3 where an image is outdated, 1 where one is not known.

        :raises: CommandError
        """
        self._states: set[str] = set()
        code = super().run(parsed_args)
        if "error" in self._states:
            return 1
        return OUTDATED if self._states & {"outdated", "missing"} else code

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        templates = [
            template
            for template in loaded_templates(parsed_args)
            if template.request or template.error
        ]
        wishes = [wish for template in templates if (wish := template.wish())]
        found = self.builder.look(wishes, max_age_s=parsed_args.max_age)
        looked = {each.wish.label: each for each in found}
        progress = self.progress()
        rows = []
        for template in templates:
            row = _row(template, looked.get(template.path), progress)
            rows.append(row)
            self._states.add(row[4])
        return COLUMNS, rows


def _row(
    template: Loaded, looked: Looked | None, progress: Progress
) -> tuple[Any, ...]:
    """Return what became of one template's family."""
    from osc_imagebuild.errors import SpecError
    from osc_imagebuild.model import family

    path, request = template.path, template.request
    name = (request.family or request.name) if request else None
    if looked is None or looked.freshness is None:
        error = template.error or (looked and looked.error)
        error = error or SpecError(f"{path} names no image")
        return path, name, None, None, "error", Lines(worded(error))
    found = looked.freshness
    for line in found.warnings:
        progress.note(f"{path}: warning: {worded(line)}")
    current = found.current
    known = (current.id, family.built_at(current)) if current else (None, None)
    return path, name, *known, found.state, found.reason


def unchanged(progress: Progress, freshness: Freshness, reason: str = "") -> Shown:
    """Say that no build is needed; return the result that is still good.

    ``reason`` is why it is not everywhere where it is to be, '' if it is. The columns are
    those of a build's that a script may ask for.
    """
    from osc_imagebuild.model import family

    current, kind = freshness.current, freshness.kind
    assert current, "what is missing is not unchanged"
    for line in freshness.warnings:
        progress.note(f"warning: {worded(line)}")
    built_at = family.built_at(current)
    progress.note(f"nothing changed since {built_at}: {current.id}")
    shown = {
        "id": family.words(current).get(family.BUILD_ID),
        "name": current.name,
        "status": current.status,
        "family": freshness.family,
        "output": kind,
        f"{kind}_id": current.id,
        "built_at": built_at,
        "reason": Lines(reason or freshness.reason),
    }
    return list(shown), list(shown.values())
