"""Sign images, with the key of the certificate by which the signatures are checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osc_imagebuild.cloud import certificates, images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import (
    CloudError,
    Message,
    NextStep,
    NotFoundError,
    SigningError,
    SpecError,
    Verb,
)
from osc_imagebuild.model import signatures
from osc_imagebuild.model.actions import SignImage

if TYPE_CHECKING:
    from osc_imagebuild.signing.keys import SigningKey

# Source: barbican.api.controllers.secrets: so it says that there is none; another 404 may
# be of a service that is somewhere else.
_NOT_FOUND = "secret not found"


@dataclass(frozen=True)
class Checked:
    """What is wrong with a key, and what could not be looked at; '' for nothing."""

    problem: str = ""
    untold: str = ""


def problem(key: SigningKey) -> str:
    """Return why no image is signed by a key, '' where some are."""
    public = key.public
    if public.image_key_type:
        return ""
    return (
        f"no cloud checks images that are signed by {public.kind}: take a key of ECDSA P-384, "
        "ECDSA P-521 or RSA"
    )


def check(api: Api, certificate_id: str, key: SigningKey) -> Checked:
    """Compare a key with a certificate of the cloud's key manager."""
    from osc_imagebuild.signing import keys

    if wrong := problem(key):
        return Checked(wrong)
    try:
        if not certificates.is_offered(api):
            return _untold(certificate_id, "no key manager is here")
        data = certificates.read(api, certificate_id)
    except CloudError as error:
        text = str(error).partition("\n")[0]
        if isinstance(error, NotFoundError) and _NOT_FOUND in text.lower():
            return Checked(f"the key manager has no certificate {certificate_id}")
        return _untold(certificate_id, text)
    try:
        public = keys.VerifyingKey.from_certificate(
            data, f"certificate {certificate_id}"
        )
    except SpecError as error:
        return Checked(error.brief)
    if public.id != key.public.id:
        return Checked(
            f"the key is {key.public.kind}, and not that of certificate {certificate_id}, "
            f"which is of {public.kind}: nobody could check what it signs"
            if key.public.kind != public.kind
            else f"the key is not that of certificate {certificate_id}: nobody could check "
            "what it signs"
        )
    return Checked()


def _untold(certificate_id: str, why: str) -> Checked:
    unchecked = f"whether the key is that of certificate {certificate_id}"
    return Checked(untold=f"{unchecked} cannot be told: {why}")


def sign(api: Api, build_id: str, action: SignImage, key: SigningKey | None) -> None:
    """Put the signature of an image on it, in one change.

    :raises: SigningError where there is no key, or it is not that of the certificate; then
        nothing was changed. CloudError
    """
    if key is None:
        raise _waiting(
            build_id,
            f"the image of build {build_id} is to be signed before it is published, and "
            "this client was given no key",
        )
    if wrong := check(api, action.certificate_id, key).problem:
        raise _waiting(build_id, wrong)
    image = action.image
    signature = signatures.properties(
        key.sign_image(image.sha512), key.public.image_key_type, action.certificate_id
    )
    wanted = {**image.properties, **signature}
    images.patch(api, image.id, images.set_operations(image, wanted, {}))


def _waiting(build_id: str, why: str) -> SigningError:
    """Say that a build waits for a key."""
    step = NextStep(Verb.RESUME, build_id, (("signing_key", "<key>"),))
    return SigningError(
        why,
        resolution=Message("all else is done; go on, with the key, by: ", step),
        build_id=build_id,
    )
