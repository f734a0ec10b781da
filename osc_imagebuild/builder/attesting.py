"""Attest what images were made of, and check such attestations."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osc_imagebuild.builder.session import Session
from osc_imagebuild.builds import copying_anew, manifests, record_store
from osc_imagebuild.builds.record import Record
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import RecordError
from osc_imagebuild.model import family
from osc_imagebuild.model.manifest import MANIFEST_OF
from osc_imagebuild.model.resources import Image
from osc_imagebuild.reports import attestation, provenance
from osc_imagebuild.reports.attestation import AttestationFinding, Today
from osc_imagebuild.signing.dsse import Envelope, Signature

if TYPE_CHECKING:
    from osc_imagebuild.signing.keys import SigningKey, VerifyingKey


@dataclass(frozen=True)
class Attestation:
    """What was attested of an image: the file's ``text``, a DSSE envelope.

    ``notes`` are lines on what it is that nobody could prove.
    """

    image_id: str
    build_id: str
    text: str
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class VerifiedAttestation:
    """What came of the check of an attestation against an image as it is today."""

    image_id: str
    findings: Sequence[AttestationFinding]

    @property
    def holds(self) -> bool:
        """Whether nothing was found that does not hold."""
        return all(finding.holds is not False for finding in self.findings)


class Attesting(Session):
    """Attests images."""

    def attest(
        self, image: str, key: SigningKey, *, builder_id: str = ""
    ) -> Attestation:
        """State what an image of a build was made of, signed by a key.

        ``image`` is its ID or its build's, or the name of its family or of an image. What is
        stated is what the cloud tells: nothing is downloaded. ``builder_id`` is a URI for
        whoever is trusted to have built it, by default this package's.

        :raises: RecordError where there is no such image, or it is not what its build made,
            CloudError
        """
        found = copying_anew.find_image(self.api, image)
        if not found.sha512:
            raise RecordError(
                f"Glance tells no sha512 of image {found.id}, and that is what is attested"
            )
        build, notes = _build(self.api, found)
        said = provenance.statement(
            found, build, _manifest(self.api, found), builder_id
        )
        payload = json.dumps(said, sort_keys=True).encode()
        kind = provenance.PAYLOAD_TYPE
        unsigned = Envelope(kind, payload, ())
        signature = Signature(key.public.id, key.sign(unsigned.signed))
        text = Envelope(kind, payload, (signature,)).to_json()
        return Attestation(found.id, found.properties[family.BUILD_ID], text, notes)

    def verify_attestation(
        self, image: str, data: bytes, key: VerifyingKey, *, builder_id: str = ""
    ) -> VerifiedAttestation:
        """Tell what of an attestation holds of an image as it is today, and what does not.

        ``data`` are what is in the file, whoever wrote it; the image may be another
        project's.

        :raises: RecordError where there is no such image, CloudError
        """
        found = copying_anew.find_any_image(self.api, image)
        build: Record | None = None
        with contextlib.suppress(RecordError):
            build, _ = _build(self.api, found)
        said = provenance.statement(
            found, build, _manifest(self.api, found), builder_id
        )
        today = Today(found, said, _parent(self.api, found))
        return VerifiedAttestation(found.id, attestation.findings(data, key, today))


def _build(api: Api, image: Image) -> tuple[Record | None, tuple[str, ...]]:
    """Return the record of what made an image, None where none tells of it.

    :raises: RecordError where it says that the build made something else, CloudError
    """
    try:
        build = record_store.load(api, image.properties[family.BUILD_ID])
    except (RecordError, KeyError):
        return None, ("no record tells how it was built: it is the image's own word",)
    made = build.spec.result
    if made.made_id != image.id:
        return None, (
            f"the record of build {build.id} tells of another image: what is attested is "
            "the image's own word",
        )
    if made.made_sha512 != image.sha512:
        raise RecordError(
            f"image {image.id} is not what build {build.id} made: its content is another",
            build_id=build.id,
        )
    if not build.is_own:
        return build, (
            f"the record of build {build.id} was not written by this user on this "
            "machine: any member of the project could have written it",
        )
    return build, ()


def _manifest(api: Api, image: Image) -> str:
    """Return the digest of what is kept beside an image, '' for nothing."""
    kept = manifests.kept(api, **{MANIFEST_OF: image.id})
    return kept[-1].sha512 if kept else ""


def _parent(api: Api, image: Image) -> Image | None:
    """Return the image that one says that it was made of, None if it is not there."""
    try:
        said = str(uuid.UUID(image.properties.get("imagebuild_parent_id", "")))
    except ValueError:
        return None
    return images.find(api, said)
