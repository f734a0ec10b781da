"""Keys that sign images and attestations, and those that check them.

The digests and paddings of attestations are those that Sigstore's clients take for a key by
default, so that these can check them too.
Source: sigstore/architecture-docs, algorithm-registry.md; of images cursive.signature_utils.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from osc_imagebuild.errors import SpecError

# More than any key of these kinds has in PEM.
SIZE_LIMIT = 32_768
RSA_BITS = (2048, 8192)
_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
# Of the curves above, those that cursive knows.
_OF_IMAGES = {"secp384r1": "ECC_SECP384R1", "secp521r1": "ECC_SECP521R1"}
_MAKE_ONE = (
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem"
)
# What stands in files of keys that are of another form, and what is to be said of it.
_OTHERS = {
    b"ENCRYPTED SIGSTORE PRIVATE KEY": "is encrypted in cosign's own way, which nothing but "
    f"cosign reads: make one that both read with: {_MAKE_ONE}; cosign takes it by: cosign "
    "import-key-pair --key key.pem",
    b"ENCRYPTED COSIGN PRIVATE KEY": "is encrypted in cosign's own way, which nothing but "
    f"cosign reads: make one that both read with: {_MAKE_ONE}",
    b"OPENSSH PRIVATE KEY": "is of OpenSSH's form: make a copy of it, and write that as PKCS8 "
    "with: ssh-keygen -p -m PKCS8 -f <copy>",
    b"PUBLIC KEY": "is a public key: to sign needs the private one",
    b"CERTIFICATE-----": "is a certificate: to sign needs the private key of it",
}


@dataclass(frozen=True)
class VerifyingKey:
    """A public key."""

    _key: _PublicKey = field(repr=False)

    @classmethod
    def from_pem(cls, data: bytes, what: str = "the file") -> VerifyingKey:
        """Return the public key in a PEM file, or that of the certificate in it.

        :raises: SpecError where it is none that can check a signature
        """
        _require_pem(data, what)
        if b"PRIVATE KEY-----" in data:
            raise SpecError(
                f"{what} has a private key, which nobody should need to check a signature: give "
                f"the public one, see: openssl pkey -in {what} -pubout"
            )
        try:
            if b"-----BEGIN CERTIFICATE-----" in data:
                return _of_certificate(x509.load_pem_x509_certificate(data), what)
            key = serialization.load_pem_public_key(data)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SpecError(
                f"the key in {what} cannot be read: {_line(error)}"
            ) from error
        if not isinstance(key, _PublicKey):
            _refuse(key, what)
        _require_known(key, what)
        return cls(key)

    @classmethod
    def from_certificate(
        cls, data: bytes, what: str = "the certificate"
    ) -> VerifyingKey:
        """Return the public key of a certificate, in PEM or DER.

        :raises: SpecError where it cannot be read, or its key is none that can check a signature
        """
        try:
            if data.lstrip().startswith(b"-----BEGIN"):
                return _of_certificate(x509.load_pem_x509_certificate(data), what)
            return _of_certificate(x509.load_der_x509_certificate(data), what)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SpecError(f"{what} cannot be read: {_line(error)}") from error

    @property
    def id(self) -> str:
        """What is the same for the same key: the sha256 of it as SubjectPublicKeyInfo."""
        return hashlib.sha256(self._der).hexdigest()

    @property
    def kind(self) -> str:
        """What it is, such as ECDSA P-384, for people."""
        match self._key:
            case rsa.RSAPublicKey():
                return f"RSA {self._key.key_size}"
            case ec.EllipticCurvePublicKey():
                return f"ECDSA P-{self._key.curve.key_size}"
            case _:
                return "Ed25519"

    @property
    def image_key_type(self) -> str:
        """What those who check images call such keys, '' where they take none of them."""
        match self._key:
            case rsa.RSAPublicKey():
                return "RSA-PSS"
            case ec.EllipticCurvePublicKey():
                return _OF_IMAGES.get(self._key.curve.name, "")
            case _:
                return ""

    @property
    def pem(self) -> str:
        """The key as PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(serialization.Encoding.PEM, form).decode()

    def has_signed(self, signature: bytes, data: bytes) -> bool:
        """Whether a signature is by this key, over these data."""
        try:
            match self._key:
                case rsa.RSAPublicKey():
                    scheme = padding.PKCS1v15()
                    self._key.verify(signature, data, scheme, hashes.SHA256())
                case ec.EllipticCurvePublicKey():
                    digest = _DIGESTS[self._key.curve.name]
                    self._key.verify(signature, data, ec.ECDSA(digest))
                case _:
                    self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    @property
    def _der(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(serialization.Encoding.DER, form)


@dataclass(frozen=True)
class SigningKey:
    """A private key; nothing of it is shown, and it cannot be written anywhere."""

    _key: _PrivateKey = field(repr=False)

    @classmethod
    def from_pem(
        cls, data: bytes, what: str = "the file", password: bytes | None = None
    ) -> SigningKey:
        """Return the private key in a PEM file; ``what`` says where it is.

        :raises: SpecError where it is none that can sign
        """
        _require_pem(data, what)
        for mark, told in _OTHERS.items():
            if b"-----BEGIN " + mark in data:
                raise SpecError(f"the key in {what} {told}")
        if is_encrypted(data) and not password:
            raise SpecError(
                f"the key in {what} is encrypted, and no password was given"
            )
        try:
            key = serialization.load_pem_private_key(
                data, password if is_encrypted(data) else None
            )
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            if is_encrypted(data):
                text = f"the key in {what} cannot be read: its password is another one, or it"
                raise SpecError(f"{text} is damaged") from error
            raise SpecError(
                f"the key in {what} cannot be read: {_line(error)}"
            ) from error
        if not isinstance(key, _PrivateKey):
            _refuse(key, what)
        _require_known(key.public_key(), what)
        return cls(key)

    @property
    def public(self) -> VerifyingKey:
        """The public key that goes with it."""
        return VerifyingKey(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the signature of an attestation."""
        match self._key:
            case rsa.RSAPrivateKey():
                return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey():
                return self._key.sign(data, ec.ECDSA(_DIGESTS[self._key.curve.name]))
            case _:
                return self._key.sign(data)

    def sign_image(self, sha512: str) -> str:
        """Return the signature of an image with a digest, in base64.

        :raises: ValueError where that is no sha512, or the key one for attestations only
        """
        digest, method = bytes.fromhex(sha512), hashes.SHA512()
        if not self.public.image_key_type:
            raise ValueError(f"no image is signed by {self.public.kind}")
        match self._key:
            case rsa.RSAPrivateKey():
                scheme = padding.PSS(padding.MGF1(method), padding.PSS.MAX_LENGTH)
                signature = self._key.sign(digest, scheme, Prehashed(method))
            case ec.EllipticCurvePrivateKey():
                signature = self._key.sign(digest, ec.ECDSA(Prehashed(method)))
            case _:
                raise AssertionError("it has a type")
        return base64.b64encode(signature).decode()


def is_encrypted(data: bytes) -> bool:
    """Whether a private key needs a password.

    Source: RFC 7468, section 11; RFC 1421 for what older tools write.
    """
    return (
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in data
        or b"Proc-Type: 4,ENCRYPTED" in data
    )


def _of_certificate(certificate: x509.Certificate, what: str) -> VerifyingKey:
    key = certificate.public_key()
    if not isinstance(key, _PublicKey):
        _refuse(key, what)
    _require_known(key, what)
    return VerifyingKey(key)


def _require_pem(data: bytes, what: str) -> None:
    if len(data) > SIZE_LIMIT:
        raise SpecError(
            f"{what} is no key: it has more than {SIZE_LIMIT // 1024} KiB, and no key has"
        )
    if b"-----BEGIN " not in data:
        raise SpecError(f"{what} is no key in PEM, which begins as -----BEGIN")


def _require_known(key: _PublicKey, what: str) -> None:
    """Refuse curves and lengths that those who check signatures do not take."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _DIGESTS:
        raise SpecError(
            f"the key in {what} is of the curve {key.curve.name}; there are P-256, P-384 and "
            "P-521"
        )
    least, most = RSA_BITS
    if isinstance(key, rsa.RSAPublicKey) and not least <= key.key_size <= most:
        raise SpecError(
            f"the key in {what} is of RSA with {key.key_size} bits; {least} to {most} are good"
        )


def _refuse(key: object, what: str) -> NoReturn:
    name = type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey")
    raise SpecError(
        f"the key in {what} is of {name or 'another kind'}; there are ECDSA, RSA and Ed25519, "
        f"make one with: {_MAKE_ONE}"
    )


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__
