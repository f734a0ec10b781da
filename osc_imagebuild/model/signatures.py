"""Signatures of images as Glance's clients keep them. Standard library only.

Whoever boots an image checks them by a certificate in the cloud's key manager.
Source: cursive.signature_utils; Nova's and Cinder's services use it. Glance's database
has a TEXT for the value of a property (glance.db.sqlalchemy.models), so a signature by RSA
of any length fits; Nova cuts what a server keeps of it, and reads the image anew to check it
(nova.utils.get_system_metadata_from_image, nova.image.glance._get_verifier).
"""

from __future__ import annotations

from collections.abc import Mapping

SIGNATURE = "img_signature"
HASH_METHOD = "img_signature_hash_method"
KEY_TYPE = "img_signature_key_type"
CERTIFICATE_ID = "img_signature_certificate_uuid"
PROPERTIES = (SIGNATURE, HASH_METHOD, KEY_TYPE, CERTIFICATE_ID)

# Of the digest that Glance keeps of an image.
SHA512 = "SHA-512"


def properties(signature: str, key_type: str, certificate_id: str) -> dict[str, str]:
    """Return the properties of an image whose sha512 has a signature, in base64."""
    return {
        SIGNATURE: signature,
        HASH_METHOD: SHA512,
        KEY_TYPE: key_type,
        CERTIFICATE_ID: certificate_id,
    }


def certificate_of(said: Mapping[str, str]) -> str:
    """Return the certificate that a signature is to be checked by, '' where there is none."""
    return said[CERTIFICATE_ID] if all(map(said.get, PROPERTIES)) else ""


def without(said: Mapping[str, str]) -> dict[str, str]:
    """Return properties without those of a signature."""
    return {key: value for key, value in said.items() if key not in PROPERTIES}
