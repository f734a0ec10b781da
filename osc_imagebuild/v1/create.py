"""openstack image build create"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from osc_lib import exceptions

from osc_imagebuild.v1 import cloud_options, options, own_tests, signing
from osc_imagebuild.v1.base import BuildCommand, Shown, ShowOne, columns_of, driving
from osc_imagebuild.v1.columns import Lines
from osc_imagebuild.v1.outdated import unchanged
from osc_imagebuild.v1.template import add_variables, template_fields, without_secrets
from osc_imagebuild.v1.wording import worded

if TYPE_CHECKING:
    from osc_imagebuild.guests.catalog import Catalog
    from osc_imagebuild.model.freshness import Freshness
    from osc_imagebuild.model.request import Request
    from osc_imagebuild.planning.plan import Plan
    from osc_imagebuild.v1.progress import Progress


class CreateImageBuild(BuildCommand, ShowOne):
    """Build an image of an operating system with the vendor's own installer"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.add_argument(
            "name",
            metavar="<image-name>",
            nargs="?",
            help="Name of the image to build, unless a template has it",
        )
        parser.add_argument(
            "--template",
            metavar="<file>",
            help="Template in YAML, or in Oz's language if it ends in .tdl; options "
            "that are given too change it",
        )
        add_variables(parser)
        options.add_system(parser)
        options.add_customization(parser)
        options.add_machine(parser)
        options.add_placement(parser)
        cloud_options.add_of_servers(parser)
        options.add_result(parser)
        cloud_options.add_of_image(parser)
        signing.add_signature(parser)
        options.add_rotation(parser)
        options.add_copies(parser)
        options.add_conduct(parser)
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; the exit code is 1 where an image that is fresh could not be copied.

        :raises: CommandError
        """
        self._failed = False
        code: int = super().run(parsed_args)
        return 1 if self._failed else code

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        progress = self.progress()
        builder = self.builder
        builder.listener = progress
        # Typed in a shell, --os was read by the client's own parser: see plugin.
        parsed_args.os = parsed_args.os or self.app.options.imagebuild_os
        if parsed_args.max_age and not parsed_args.if_changed:
            raise exceptions.CommandError(
                "--max-age says when a build is due: give --if-changed too"
            )
        builder.signing_key = signing.signing_key(parsed_args, self.app.stdin)
        request = _request(parsed_args, builder.catalog)
        if builder.signing_key and not request.certificate_id:
            raise exceptions.CommandError(
                "--sign-key-path signs for a certificate of the cloud: give --sign-cert-id "
                "too, or output.sign in a template"
            )
        if parsed_args.if_changed:
            freshness = builder.outdated(request, max_age_s=parsed_args.max_age)
            if not freshness.is_outdated:
                reason = self._made_good(request, freshness, parsed_args, progress)
                return unchanged(progress, freshness, reason)
            progress.note(f"to be built: {freshness.reason}")
        plan = builder.plan(
            without_secrets(request) if parsed_args.dry_run else request
        )
        for line in plan.choices:
            progress.note(line)
        for line in plan.warnings:
            progress.note(f"warning: {worded(line)}")
        if parsed_args.dry_run:
            return _planned(plan)
        with (
            driving(progress, builder, parsed_args),
            own_tests.reporting(progress, builder, parsed_args),
        ):
            build = builder.start(plan, wait=parsed_args.wait)
        return columns_of(build)

    def _made_good(
        self,
        request: Request,
        freshness: Freshness,
        args: argparse.Namespace,
        progress: Progress,
    ) -> str:
        """Make the copies that a fresh image lacks; return why it lacks some still, or ''."""
        if args.dry_run:
            return ""
        with driving(progress, self.builder, args):
            applied = self.builder.make_good(request, freshness)
        if applied.end == "unchanged":
            return ""
        self._failed = applied.is_failed
        reason: str = worded(applied.reason or applied.task.reason)
        progress.note(f"{applied.end}: {reason}")
        return reason if self._failed else ""


def _planned(plan: Plan) -> Shown:
    from dataclasses import asdict

    spec = asdict(plan.spec)
    for signs in ("progress", "failures", "banners"):
        del spec["installer"][signs]
    inner = {part: spec["media"].pop(part) for part in ("iso", "drivers", "parent")}
    parts = {**spec, **{f"media.{part}": fields for part, fields in inner.items()}}
    shown = {
        f"{part}.{key}": _shown(value)
        for part, fields in parts.items()
        for key, value in fields.items()
    }
    shown["answer_file"] = Lines(plan.shown)
    return list(shown), list(shown.values())


def _shown(value: Any) -> Any:
    """A value of the plan as logs of a CI may have it: no address opens doors."""
    from osc_imagebuild.model.urls import shown_text

    if isinstance(value, dict):
        return {key: _shown(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_shown, value))
    return shown_text(value) if isinstance(value, str) else value


def _request(args: argparse.Namespace, catalog: Catalog) -> Request:
    """The template's fields, as the options that were given change them."""
    from osc_imagebuild import template
    from osc_imagebuild.model.request import Request

    fields = template_fields(args, args.template, catalog) if args.template else {}
    for option, value in (
        ("--var", args.var),
        ("--oz-auto", args.oz_auto),
        ("--allow-path", args.allow_path),
    ):
        if value and not args.template:
            raise exceptions.CommandError(
                f"{option} is for a template: give --template too"
            )
    return Request(**{"name": "", **template.combine(fields, options.fields(args))})
