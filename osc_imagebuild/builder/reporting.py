"""Put together what is known of a build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from osc_imagebuild.builder.looking import Looking
from osc_imagebuild.builds import console_log, families, manifests, record_store
from osc_imagebuild.builds.record import RETRY, Record
from osc_imagebuild.engine import recipe, retry_points
from osc_imagebuild.errors import CloudError, RecordError
from osc_imagebuild.model import family
from osc_imagebuild.model.family import Member
from osc_imagebuild.model.manifest import Manifest
from osc_imagebuild.model.names import Role, boot_number, in_boot
from osc_imagebuild.monitors.console import sign_files
from osc_imagebuild.reports import excerpt, timeline
from osc_imagebuild.reports.report import Comparison, Console, Picture, Report
from osc_imagebuild.steps.verify import StartVerify


class Reporting(Looking):
    """Reports builds."""

    def report(
        self,
        build: str,
        *,
        consoles: Mapping[str, str] | None = None,
        pictures: Sequence[Picture] = (),
    ) -> Report:
        """Return all that is known of a build, by its ID or its image's name.

        ``consoles`` by the roles of its servers, 'install' and 'verify', and ``pictures`` are
        what the user has kept of it. What is not kept is read from the server that is there,
        or from the record. What the cloud does not tell is left out.

        :raises: RecordError where there is no such build, or more than one, CloudError
        """
        found = self.find(build)
        now = self.api.now()
        result = self._result(found)
        before = self._predecessor(found)
        earlier = self._build_of(before) if before else None
        manifest = self._manifest(found.result_id)
        return Report(
            build=found,
            made_at=now,
            timeline=timeline.stretches(found, now, earlier),
            total_s=timeline.total_s(found, now),
            consoles=self._consoles(found, consoles or {}),
            result=result,
            manifest=manifest,
            comparison=self._comparison(before, found) if before else None,
            retry_from=self._retry_from(found),
            pictures=tuple(pictures),
        )

    def build_of(self, result_id: str, kind: str = "image") -> str:
        """Return the ID of the build that a published result says made it, '' for none.

        ``kind`` is 'image', 'volume' or 'snapshot'.

        :raises: CloudError
        """
        item = families.find(self.api, result_id, kind)
        if item is None or not family.family_of(item, self.api.project_id()):
            return ""
        return family.words(item)[family.BUILD_ID]

    def _consoles(self, build: Record, kept: Mapping[str, str]) -> tuple[Console, ...]:
        """Return the consoles of a build's servers; the record is of the last one."""
        last, texts = _last_role(build), dict(kept)
        if not texts.get(last):
            texts[last] = self._console(build)
        found = []
        for role in (Role.INSTALL, *recipe.test_servers(build.spec)):
            if text := texts.get(role):
                signs = sign_files.of_role(build.spec, role)
                shown = excerpt.excerpt(signs, text, build.evidence)
                found.append(Console(role, shown))
        return tuple(found)

    def _console(self, build: Record) -> str:
        try:
            return console_log.read(self.api, build) or build.console_tail
        except CloudError:
            return build.console_tail

    def _retry_from(self, build: Record) -> tuple[str, ...]:
        try:
            return retry_points.points(self.api, build)
        except CloudError:
            return ()

    def _result(self, build: Record) -> Member | None:
        """Return what a build made, None where it is gone, or is not this build's."""
        if not build.result_id:
            return None
        try:
            item = families.find(self.api, build.result_id, build.spec.result.output)
        except CloudError:
            return None
        if item is None or family.words(item).get(family.BUILD_ID) != build.id:
            return None
        return item

    def _predecessor(self, build: Record) -> Member | None:
        """Return the result of the family that is next in age to a build's own.

        For a build that has none yet that is the newest one.
        """
        result = build.spec.result
        if not result.family:
            return None
        try:
            listed = families.members(self.api, result.family, result.output)
        except CloudError:
            return None
        ids = [item.id for item in listed]
        after = ids.index(build.result_id) + 1 if build.result_id in ids else 0
        older = [i for i in listed[after:] if i.created_at <= build.updated_at]
        return next(iter(older), None)

    def _build_of(self, item: Member) -> Record | None:
        """Return the build of a result, None where its record is gone."""
        try:
            return record_store.load(self.api, family.words(item)[family.BUILD_ID])
        except (CloudError, RecordError, KeyError):
            return None

    def _manifest(self, result_id: str) -> Manifest | None:
        try:
            return manifests.find(self.api, result_id) if result_id else None
        except (CloudError, RecordError):
            return None

    def _comparison(self, before: Member, build: Record) -> Comparison:
        if not build.result_id:
            return Comparison(before, untold="this build has no result to compare")
        try:
            found = self.differences(before.id, build.result_id)
        except (CloudError, RecordError) as error:
            return Comparison(before, untold=str(error))
        return Comparison(before, tuple(found))


def _last_role(build: Record) -> str:
    """Return the role of the last server that a build has had."""
    begun: list[str] = []
    for step, _ in build.steps:
        begun = [] if step == RETRY else [*begun, step]
    numbers = [boot_number(step, StartVerify.name) for step in begun]
    return in_boot(Role.VERIFY, max(numbers)) if any(numbers) else Role.INSTALL
