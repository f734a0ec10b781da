"""Stop builds, and remove them and what is left of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from osc_imagebuild.builder.looking import Looking
from osc_imagebuild.builds import (
    cancel_delete,
    orphans,
    pruning,
    record,
)
from osc_imagebuild.builds.advice import about
from osc_imagebuild.builds.orphans import Orphan
from osc_imagebuild.builds.pruning import Pruned
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.others import NO_CLOUDS
from osc_imagebuild.errors import (
    CloudError,
    Message,
    RecordError,
    because,
)


class Removing(Looking):
    """Stops and removes builds."""

    def cancel(self, build: str) -> Record:
        """Stop a build and remove what it made; its record stays.

        A client that drives it stops before its next change. A complete build
        is left as it is; a failed one stays failed.

        :raises: RecordError, CloudError
        """
        build_record = self.find(build)
        with about(build_record.id):
            clouds = self._clouds_of(build_record)
            return cancel_delete.cancel(self.api, build_record, clouds)

    def delete(self, build: str, *, with_image: bool = False) -> None:
        """Remove a build: what it left and its record. Needs only the ID.

        The finished image stays unless ``with_image``.

        :raises: RecordError where a name is unknown or ambiguous, CloudError
        """
        build_id, made, known = self._identify(build)
        clouds = self._clouds_of(known) if known else NO_CLOUDS
        with about(build_id):
            results = made if with_image else ()
            cancel_delete.delete(self.api, build_id, results, known, clouds)

    def _identify(self, build: str) -> tuple[str, tuple[str, ...], Record | None]:
        """ID, results and record of a build, even where the record cannot be read."""
        try:
            build_record = self.find(build)
        except RecordError as error:
            try:
                build_id = str(uuid.UUID(build))
            except ValueError:
                raise error from None  # it says which IDs there are
            image = images.find(self.api, build_id)
            if image is not None and images.is_foreign(self.api, image):
                raise
            result = record.result_of(image) if image else ""
            return build_id, (result,) if result else (), None
        return build_record.id, build_record.made, build_record

    def orphans(self) -> Sequence[Orphan]:
        """Return what belongs to builds whose records are gone.

        :raises: CloudError
        """
        return orphans.find_orphans(self.api)

    def delete_orphans(self, resources: Sequence[Orphan]) -> None:
        """Remove what `orphans` returned.

        :raises: CloudError naming all that could not be removed
        """
        refusals: list[CloudError] = []
        problems: list[Message] = []
        for orphan in resources:
            try:
                orphans.remove(self.api, orphan)
            except CloudError as error:
                refusals.append(error)
                what = f"{orphan.kind} {orphan.id} stays: "
                problems.append(Message(what, error.message))
        if refusals:
            raise because(refusals[0], Message.lines(problems)) from refusals[0]

    def prune(
        self,
        family: str = "",
        *,
        kind: str = "image",
        keep: int = 3,
        older_than_s: int | None = None,
        everything: bool = False,
        records: bool = False,
        dry_run: bool = False,
    ) -> Iterator[Pruned]:
        """Delete older results that are too many; yield each as it is done.

        Of each family, or of ``family`` alone, the current result and the ``keep`` newest
        older ones stay, and so does what is younger than ``older_than_s``; also what no
        newer one has taken the name of, unless ``everything`` is to go. With ``records``
        go those of builds that are complete or cancelled, and with an age also those of
        failed ones. What stays for a reason is told, and keeps nothing else from going.

        :raises: SpecError where it is no number or kind, CloudError where a list cannot
            be had
        """
        wanted = pruning.Wanted(
            family=family,
            kind=kind,
            keep=keep,
            older_than_s=older_than_s,
            everything=everything,
            records=records,
            dry_run=dry_run,
        )
        return pruning.prune(self.api, wanted)
