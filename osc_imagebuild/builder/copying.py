"""Copy finished images to other clouds, and to more stores."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from osc_imagebuild.builder.session import Session
from osc_imagebuild.builds import (
    copies,
    copying_anew,
    stores,
)
from osc_imagebuild.builds.copies import Copied
from osc_imagebuild.builds.filling import Listeners
from osc_imagebuild.engine.events import Event, EventKind
from osc_imagebuild.errors import (
    SpecError,
)
from osc_imagebuild.guests import answers
from osc_imagebuild.model import family
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.copies import parse as parse_copy
from osc_imagebuild.model.copies import problem as copy_problem
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Rotation
from osc_imagebuild.planning import copies as planned_copies


class Copying(Session):
    """Copies finished images."""

    def copy(
        self,
        image: str,
        copy_to: str | Sequence[str | Copy] = (),
        *,
        verify: bool = False,
        rotation: Rotation | None = None,
    ) -> Sequence[Copied]:
        """Copy a finished image to other clouds, or mend copies that failed.

        ``image`` is its ID or its build's, or the name of its family. ``copy_to`` are
        clouds of clouds.yaml, such as 'cloud/region'; by default those that its build
        wanted. A cloud that has the image already keeps it. What could not be copied is
        told in what is returned. Older images there give their name away as ``rotation``
        says, by default as the build wanted.

        :raises: SpecError where a cloud cannot be meant, RecordError where there is no
            such image or its build is not over, CloudError
        """
        words = (copy_to,) if isinstance(copy_to, str) else copy_to
        wanted = [
            parse_copy(word, verify=verify) if isinstance(word, str) else word
            for word in dict.fromkeys(words)
        ]
        problems = [wrong for copy in wanted if (wrong := copy_problem(copy))]
        if problems:
            raise SpecError(problems)
        source = copying_anew.find_image(self.api, image)
        size = source.min_disk_gib, source.min_ram_mib
        return copying_anew.copy_image(
            self.api,
            self.clouds,
            source,
            [planned_copies.placed(self.clouds, copy, *size) for copy in wanted],
            functools.partial(self._hearing, source.properties[family.BUILD_ID]),
            functools.partial(self._boot_texts, source),
            rotation,
        )

    def _hearing(self, build_id: str, copy: Copy) -> Listeners:
        """Return what tells the listener of a copy."""

        def tell(kind: EventKind, text: str) -> None:
            said = f"copy to {copy.target}: {text}"
            self.listener(Event(kind, build_id, "copies", said, self.api.now()))

        return Listeners(
            tell=functools.partial(tell, EventKind.NOTE),
            progress=functools.partial(tell, EventKind.WAIT),
        )

    def _boot_texts(self, source: Image) -> tuple[tuple[str, str], int]:
        """Return user data and sign of the boot test of a copy, and its limit in seconds."""
        said = source.properties
        entry = self.catalog.entry(said.get(family.OS, ""))
        arch, build_id = said.get("architecture", "x86_64"), said[family.BUILD_ID]
        spoken = answers.verification(entry, arch, build_id)
        return spoken, 60 * int(entry.verify.get("timeout_min", 30))

    def missing_copies(
        self, image: str | Image, copies_wanted: Sequence[Copy]
    ) -> Sequence[Copied]:
        """Return those copies of a finished image that are not there, with the reasons.

        An ``image`` that was just looked at is not looked for again.

        :raises: RecordError where there is no such image, CloudError
        """
        source = copying_anew.find_image(self.api, image)
        return copies.missing(self.clouds, source, copies_wanted)

    def missing_stores(
        self, image: str | Image, stores_wanted: Sequence[str], *, every: bool = False
    ) -> Sequence[str]:
        """Return which of some stores, or of ``every`` one, lack an image's data.

        ``image`` is its ID, or what a look at it has shown.

        :raises: CloudError
        """
        return stores.missing(self.api, image, stores_wanted, every=every)

    def copy_to_stores(self, image: str, stores_wanted: Sequence[str]) -> str:
        """Have Glance copy an image's data to more stores; return what failed, or ''.

        :raises: TransientError
        """
        return stores.fill(self.api, image, stores_wanted)
