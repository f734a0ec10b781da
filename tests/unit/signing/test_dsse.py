"""Envelopes: the bytes that are signed, and files that are none."""

from __future__ import annotations

import base64
import json
from typing import Any

import testtools
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib import dsse as theirs
from securesystemslib.signer import CryptoSigner, SSlibKey

from osc_imagebuild.signing import dsse
from osc_imagebuild.signing.dsse import Envelope, EnvelopeError, Signature
from tests import signing

KIND = "http://example.com/HelloWorld"
HELLO = b"hello world"


class SignedTest(testtools.TestCase):
    """What a signature is over."""

    def test_vector(self) -> None:
        """That of the protocol's own text."""
        wanted = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        self.assertEqual(wanted, dsse.signed(KIND, HELLO))

    @given(st.text(max_size=40), st.binary(max_size=99))
    @settings(max_examples=30, deadline=None)
    def test_as_securesystemslib(self, kind: str, payload: bytes) -> None:
        """Lengths are of bytes."""
        found = theirs.Envelope(payload, kind, {}).pae()
        self.assertEqual(found, dsse.signed(kind, payload))

    def test_theirs_verifies_ours(self) -> None:
        """Each kind of key, by another implementation."""
        for kind, scheme in (
            ("P-256", "ecdsa-sha2-nistp256"),
            ("P-384", "ecdsa-sha2-nistp384"),
            ("Ed25519", "ed25519"),
            ("RSA-2048", "rsa-pkcs1v15-sha256"),
        ):
            public = SSlibKey.from_crypto(
                signing.private(kind).public_key(), scheme=scheme
            )
            key, data = signing.key(kind), dsse.signed(KIND, HELLO)
            ours = Envelope(KIND, HELLO, (Signature(public.keyid, key.sign(data)),))
            read = theirs.Envelope.from_dict(json.loads(ours.to_json()))
            self.assertEqual({public.keyid: public}, read.verify([public], 1))

    def test_ours_verifies_theirs(self) -> None:
        """The other way round."""
        private = signing.private("P-384")
        scheme = "ecdsa-sha2-nistp384"
        signer = CryptoSigner(
            private, SSlibKey.from_crypto(private.public_key(), scheme=scheme)
        )
        made = theirs.Envelope(HELLO, KIND, {})
        made.sign(signer)
        read = dsse.from_json(json.dumps(made.to_dict()).encode())
        [signature] = read.signatures
        self.assertTrue(signing.key().public.has_signed(signature.value, read.signed))


def envelope(**fields: Any) -> bytes:
    """Return a file that is an envelope but for these fields."""
    said = {
        "payloadType": KIND,
        "payload": base64.b64encode(HELLO).decode(),
        "signatures": [{"keyid": "k", "sig": "AAAA"}],
    }
    return json.dumps(
        {k: v for k, v in (said | fields).items() if v is not None}
    ).encode()


class FileTest(testtools.TestCase):
    """Files, whoever wrote them."""

    def test_good(self) -> None:
        """Both forms of base64; what is written is read."""
        for text in ("_-8=", "/+8="):
            [signature] = dsse.from_json(
                envelope(signatures=[{"sig": text}])
            ).signatures
            self.assertEqual(Signature("", b"\xff\xef"), signature)
        ours = Envelope(KIND, HELLO, (Signature("k", b"\x01"), Signature("", b"\x02")))
        self.assertEqual(ours, dsse.from_json(ours.to_json().encode()))

    def test_bad(self) -> None:
        """Each in words, and none with a long wait."""
        deep = "[" * 100_000
        for data, wanted in (
            (b"x" * (dsse.SIZE_LIMIT + 1), "more than 1 MiB"),
            (b"\xff", "not text in UTF-8"),
            (b"{", "not JSON"),
            (deep.encode(), "not JSON"),
            (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
            (b"[]", "no object of JSON"),
            (b'{"payload": "", "payload": ""}', "says 'payload' twice"),
            (envelope(x=json.loads("[" * 40 + "]" * 40)), "nested more than 32 deep"),
            (envelope(payloadType=None), "does not say what its payload is"),
            (envelope(payloadType=7), "does not say what its payload is"),
            (envelope(payloadType="x" * 201), "does not say what its payload is"),
            (envelope(payloadType="\ud800"), "is no text"),
            (envelope(payload=None), "its payload is missing"),
            (envelope(payload="a b="), "its payload is not base64"),
            (envelope(payload="AAA"), "its payload is not base64"),
            (envelope(payload="\u2603"), "its payload is not base64"),
            (envelope(signatures=None), "has no signature"),
            (envelope(signatures=[]), "has no signature"),
            (envelope(signatures={}), "has no signature"),
            (envelope(signatures=["x"]), "a signature of it is no object"),
            (envelope(signatures=[{}]), "a signature of it is missing"),
            (envelope(signatures=[{"sig": "?"}]), "a signature of it is not base64"),
            (envelope(signatures=[{"sig": "AA==", "keyid": 7}]), "key ID that is none"),
            (envelope(signatures=[{"sig": "AA=="}] * 17), "more than 16 signatures"),
        ):
            error = self.assertRaises(EnvelopeError, dsse.from_json, data)
            self.assertIn(wanted, str(error))

    @given(st.recursive(st.none() | st.text(max_size=3), st.lists, max_leaves=9))
    @settings(max_examples=50, deadline=None)
    def test_anything(self, value: Any) -> None:
        """Whatever JSON it is, it is an envelope or is told to be none."""
        for name in ("payloadType", "payload", "signatures"):
            try:
                self.assertTrue(dsse.from_json(envelope(**{name: value})))
            except EnvelopeError as error:
                self.assertTrue(str(error))
