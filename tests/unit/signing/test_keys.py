"""Keys: which are taken, what they sign, and what is said of all others."""

from __future__ import annotations

import base64
import hashlib
import subprocess

import fixtures
import testtools
from cryptography.hazmat.primitives import serialization

from osc_imagebuild.errors import SpecError
from osc_imagebuild.signing.keys import (
    SIZE_LIMIT,
    SigningKey,
    VerifyingKey,
    is_encrypted,
)
from tests import signing

GOOD = ("P-256", "P-384", "P-521", "Ed25519", "RSA-2048")
BITS = b"a signed thing"
SHA512 = hashlib.sha512(BITS).hexdigest()


class GoodTest(testtools.TestCase):
    """Keys that sign."""

    def test_attestations(self) -> None:
        """Each is checked by its public key and its certificate, and by no other."""
        for kind in GOOD:
            key = signing.key(kind)
            signature = key.sign(BITS)
            public = VerifyingKey.from_pem(signing.public_pem(kind))
            self.assertEqual(key.public.id, public.id)
            self.assertTrue(public.has_signed(signature, BITS), kind)
            self.assertFalse(public.has_signed(signature, BITS + b"!"), kind)
            self.assertFalse(public.has_signed(b"", BITS), kind)
            self.assertFalse(public.has_signed(signature[:-1], BITS), kind)
            other = signing.key("other P-384").public
            self.assertFalse(other.has_signed(signature, BITS), kind)
            certificate = signing.certificate(kind)
            for found in (
                VerifyingKey.from_pem(certificate),
                VerifyingKey.from_certificate(certificate),
            ):
                self.assertEqual(public, found)

    def test_images(self) -> None:
        """Those that services check; of others nothing is made."""
        for kind in ("P-384", "P-521", "RSA-2048"):
            key = signing.key(kind)
            said = {
                "img_signature": key.sign_image(SHA512),
                "img_signature_hash_method": "SHA-512",
                "img_signature_key_type": key.public.image_key_type,
            }
            signing.verify_image(said, BITS, key.public.pem)
            self.assertRaises(ValueError, key.sign_image, SHA512[:-2])
        for kind in ("P-256", "Ed25519"):
            self.assertEqual("", signing.key(kind).public.image_key_type)
            self.assertRaises(ValueError, signing.key(kind).sign_image, SHA512)

    def test_names(self) -> None:
        """What is said of a key to people; the key itself is nowhere."""
        kinds = [signing.key(kind).public.kind for kind in GOOD]
        wanted = ["ECDSA P-256", "ECDSA P-384", "ECDSA P-521", "Ed25519", "RSA 2048"]
        self.assertEqual(wanted, kinds)
        self.assertEqual("SigningKey()", repr(signing.key()))

    def test_passwords(self) -> None:
        """An encrypted key is told apart, and read with its password alone."""
        locked = signing.pem("P-384", "s3cret")
        self.assertTrue(is_encrypted(locked))
        self.assertFalse(is_encrypted(signing.pem()))
        key = SigningKey.from_pem(locked, "k.pem", b"s3cret")
        self.assertEqual(signing.key().public.id, key.public.id)
        # A password that is not needed does no harm.
        self.assertTrue(SigningKey.from_pem(signing.pem(), "k.pem", b"x"))
        for password, wanted in (
            (None, "the key in k.pem is encrypted, and no password was given"),
            (b"other", "its password is another one, or it is damaged"),
        ):
            error = self.assertRaises(
                SpecError, SigningKey.from_pem, locked, "k.pem", password
            )
            self.assertIn(wanted, str(error))

    def test_older_forms(self) -> None:
        """PKCS1 and SEC1, as OpenSSL wrote them."""
        for kind in ("RSA-2048", "P-384"):
            old = signing.private(kind).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
            self.assertEqual(
                signing.key(kind).public.id, SigningKey.from_pem(old).public.id
            )


class BadTest(testtools.TestCase):
    """What is none of these, each in words."""

    def test_private(self) -> None:
        """Forms and kinds that cannot sign."""
        for data, wanted in (
            (b"", "k.pem is no key in PEM"),
            (b"x" * (SIZE_LIMIT + 1), "more than 32 KiB"),
            (signing.public_pem(), "is a public key: to sign needs the private one"),
            (signing.certificate(), "is a certificate: to sign needs the private key"),
            (signing.pem("DSA"), "is of DSA; there are ECDSA, RSA and Ed25519"),
            (signing.pem("K-256"), "is of the curve secp256k1; there are P-256"),
            (signing.pem("RSA-1024"), "of RSA with 1024 bits; 2048 to 8192 are good"),
            (signing.pem()[:-60], "the key in k.pem cannot be read"),
            (armored("ENCRYPTED SIGSTORE PRIVATE KEY"), "cosign import-key-pair --key"),
            (armored("ENCRYPTED COSIGN PRIVATE KEY"), "encrypted in cosign's own way"),
            (armored("OPENSSH PRIVATE KEY"), "ssh-keygen -p -m PKCS8"),
        ):
            error = self.assertRaises(SpecError, SigningKey.from_pem, data, "k.pem")
            self.assertIn(wanted, str(error))

    def test_public(self) -> None:
        """A private one is refused too: nobody should hand it around."""
        for data, wanted in (
            (b"ssh-ed25519 AAAA", "p.pem is no key in PEM"),
            (signing.pem(), "openssl pkey -in p.pem -pubout"),
            (signing.public_pem("DSA"), "is of DSA"),
            (signing.certificate("DSA"), "is of DSA"),
            (signing.public_pem("RSA-1024"), "of RSA with 1024 bits"),
            (signing.public_pem()[:-50], "cannot be read"),
            (armored("CERTIFICATE"), "cannot be read"),
        ):
            error = self.assertRaises(SpecError, VerifyingKey.from_pem, data, "p.pem")
            self.assertIn(wanted, str(error))

    def test_certificates(self) -> None:
        """Of a key manager, which has them in PEM or DER, or has something else."""
        for data in (b"", b"a password", b"\x30\x82\x00\x01", armored("CERTIFICATE")):
            error = self.assertRaises(
                SpecError, VerifyingKey.from_certificate, data, "certificate 7"
            )
            self.assertIn("certificate 7 cannot be read", str(error))


class OthersTest(testtools.TestCase):
    """Tools of others make the same of a key."""

    def test_openssl(self) -> None:
        """A signature of an image is one that OpenSSL checks, where that is installed."""
        try:
            said = subprocess.run(
                ["openssl", "version"], capture_output=True, check=True
            )
        except FileNotFoundError:
            self.skipTest("there is no openssl")
        self.assertIn(b"OpenSSL", said.stdout)
        temp = self.useFixture(fixtures.TempDir()).path
        key = signing.key()
        for name, data in (
            ("pub", key.public.pem.encode()),
            ("data", BITS),
            ("sig", base64.b64decode(key.sign_image(SHA512))),
        ):
            with open(f"{temp}/{name}", "wb") as file:
                file.write(data)
        words = ("openssl", "dgst", "-sha512", "-verify", "pub", "-signature", "sig")
        ran = subprocess.run(
            [*words, "data"], cwd=temp, capture_output=True, check=False
        )
        self.assertEqual(b"Verified OK\n", ran.stdout, ran.stderr.decode())


def armored(kind: str) -> bytes:
    """Return what looks like PEM of a kind."""
    return f"-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n".encode()
