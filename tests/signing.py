"""Keys for tests, and the check of an image's signature as services make it."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from osc_imagebuild.signing.keys import SigningKey

CERTIFICATE = "3fe5a3c5-1d52-4a16-a3ba-5d3c2b8c0f10"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA-256": hashes.SHA256(),
    "SHA-512": hashes.SHA512(),
}
_Key = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | dsa.DSAPrivateKey
)


@functools.cache
def private(kind: str) -> _Key:
    """Return a new key of a kind, the same each time."""
    match kind:
        case "P-256":
            return ec.generate_private_key(ec.SECP256R1())
        case "P-384" | "other P-384":
            return ec.generate_private_key(ec.SECP384R1())
        case "P-521":
            return ec.generate_private_key(ec.SECP521R1())
        case "K-256":
            return ec.generate_private_key(ec.SECP256K1())
        case "Ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "DSA":
            return dsa.generate_private_key(1024)
        case _:
            return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


def pem(kind: str = "P-384", password: str = "") -> bytes:
    """Return a private key as PKCS8."""
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        lock = serialization.BestAvailableEncryption(password.encode())
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return private(kind).private_bytes(encoding, form, lock)


def public_pem(kind: str = "P-384") -> bytes:
    """Return the public key of a kind."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private(kind).public_key().public_bytes(serialization.Encoding.PEM, form)


def key(kind: str = "P-384") -> SigningKey:
    """Return a key as the library has it."""
    return SigningKey.from_pem(pem(kind))


@functools.cache
def certificate(kind: str = "P-384") -> bytes:
    """Return a certificate of a key in PEM, which that has signed itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "images.example")])
    today, own = datetime(2026, 1, 1, tzinfo=timezone.utc), private(kind)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(7)
        .not_valid_before(today)
        .not_valid_after(today + timedelta(days=3650))
        .sign(own, None if kind == "Ed25519" else hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def verify_image(said: Mapping[str, str], data: bytes, public: str) -> None:
    """Check the signature of an image as Nova and Cinder do.

    Source: cursive.signature_utils and cursive.verifiers.

    :raises: InvalidSignature, KeyError where nothing is known by such names
    """
    signature = base64.b64decode(said["img_signature"], validate=True)
    method = _HASHES[said["img_signature_hash_method"]]
    checking = serialization.load_pem_public_key(public.encode())
    match said["img_signature_key_type"]:
        case "RSA-PSS":
            assert isinstance(checking, rsa.RSAPublicKey)
            scheme = padding.PSS(padding.MGF1(method), padding.PSS.MAX_LENGTH)
            checking.verify(signature, data, scheme, method)
        case "ECC_SECP384R1" | "ECC_SECP521R1" as name:
            assert isinstance(checking, ec.EllipticCurvePublicKey)
            assert name == f"ECC_{checking.curve.name.upper()}"
            checking.verify(signature, data, ec.ECDSA(method))
        case other:
            raise KeyError(other)
