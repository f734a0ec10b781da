"""Images that are signed: whole builds, and clients with and without the key."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import (
    CloudError,
    InstallError,
    NextStep,
    SigningError,
    SpecError,
    Verb,
)
from osc_imagebuild.model import signatures
from tests import signing
from tests.fakes import barbican
from tests.fakes.barbican import Secret
from tests.fakes.faults import Fault, answered, once
from tests.fakes.image import FakeImage
from tests.fakes.wire import Call
from tests.scenarios.elsewhere import ElsewhereTestCase
from tests.signing import CERTIFICATE
from tests.unit.base import NAME, CloudTestCase


class SigningTestCase(CloudTestCase):
    """A client with a key, and a cloud with the certificate of it."""

    def setUp(self) -> None:
        """Have a key manager."""
        super().setUp()
        self.signing_key = signing.key()
        self.with_certificate(signing.certificate())

    def with_certificate(self, payload: bytes, **fields: Any) -> None:
        """Let the key manager hold this as the certificate."""
        self.cloud.keystone.services["key-manager"] = barbican.URL
        self.cloud.barbican.secrets[CERTIFICATE] = Secret(payload, **fields)

    def signed(self, **fields: Any) -> Record:
        """Return a build that is to be signed, driven to its end."""
        return self.builder().create(self.request(certificate_id=CERTIFICATE, **fields))

    def image(self, build: Record) -> FakeImage:
        """Return what a build made."""
        return self.cloud.glance.images[build.made[0]]


class SignedTest(SigningTestCase):
    """What is in the cloud in the end, and when it came there."""

    def test_signed_before_it_is_seen(self) -> None:
        """And after it has booted; nothing is downloaded."""
        seen: list[tuple[str, bool, bool]] = []

        def observe(when: str, call: Call) -> None:
            if (
                when == "after"
                and call.kind == "change image"
                and b"img_sig" in call.body
            ):
                image = self.cloud.glance.images[call.path.split("/")[-1]]
                seen.append(
                    (str(image.name), image.hidden, bool(self.cloud.nova.servers))
                )

        self.cloud.observers.append(observe)
        build = self.signed()
        self.assert_complete(build)
        [(name, hidden, servers)] = seen
        self.assertTrue(name.endswith("-result"))
        self.assertTrue(hidden)
        self.assertFalse(servers)
        self.assertIn("verified", build.marks)
        reads = [c for c in self.cloud.log if c.path.endswith("/file")]
        self.assertEqual([], [c for c in reads if c.method == "GET"])
        steps = [name for name, _ in build.steps]
        self.assertEqual(["sign", "publish"], steps[steps.index("sign") :][:2])

    def test_every_key(self) -> None:
        """Each kind that services check."""
        for kind in ("P-384", "P-521", "RSA-2048"):
            with self.one_of_many(kind):
                self.signing_key = signing.key(kind)
                self.with_certificate(signing.certificate(kind))
                build = self.signed(name=kind)
                image = self.image(build)
                data, pem = image.data, self.signing_key.public.pem
                signing.verify_image(image.properties, data, pem)
                flipped = bytes((data[0] ^ 1, *data[1:]))
                self.assertRaises(
                    InvalidSignature,
                    signing.verify_image,
                    image.properties,
                    flipped,
                    pem,
                )

    def test_other_ways(self) -> None:
        """Also where nothing is booted, on a volume, and with members and a rotation."""
        for fields in ({"verify": False}, {"disk_gib": 2}, {"replace": True}):
            self.assert_complete(self.signed(**fields))
            self.builder().delete(self.builder().list().builds[0].id, with_image=True)
        shared = self.image(self.signed(members=("other",), replace=True))
        self.assertEqual(CERTIFICATE, signatures.certificate_of(shared.properties))

    def test_of_a_signed_parent(self) -> None:
        """Its signature is not that of what is made of it."""
        parent = self.image(self.signed())
        before = parent.properties[signatures.SIGNATURE]
        self.signing_key = None
        build = self.builder().create(self.request(from_image=NAME, name="layer"))
        self.assertEqual("", signatures.certificate_of(self.image(build).properties))
        self.signing_key = signing.key()
        both = self.image(self.signed(from_image=NAME, name="other"))
        self.assertNotEqual(before, both.properties[signatures.SIGNATURE])

    def test_key_in_no_record(self) -> None:
        """Nor anything made of it but the signature."""
        build = self.signed()
        record = self.cloud.glance.images[build.id]
        self.assertIn(CERTIFICATE, record.properties["imagebuild_spec"])
        written = str(record.properties) + str([c.body for c in self.cloud.mutations])
        self.assertNotIn("PRIVATE", written)


class RefusedTest(SigningTestCase):
    """What is told before anything is written."""

    def refused(self, **fields: Any) -> str:
        """Return why a build cannot start."""
        error = self.assertRaises(SpecError, self.signed, **fields)
        self.assertEqual([], self.images())
        return str(error)

    def test_keys(self) -> None:
        """None, one that nothing checks, and that of another certificate."""
        for key, wanted in (
            (None, "give --sign-key-path"),
            (
                signing.key("P-256"),
                "no cloud checks images that are signed by ECDSA P-256",
            ),
            (signing.key("Ed25519"), "signed by Ed25519: take a key of"),
            (signing.key("other P-384"), f"not that of certificate {CERTIFICATE}"),
            (signing.key("P-521"), "is ECDSA P-521, and not that of"),
        ):
            self.signing_key = key
            self.assertIn(wanted, self.refused())

    def test_certificates(self) -> None:
        """One that is not there, or none at all."""
        self.with_certificate(b"a password")
        self.assertIn("cannot be read", self.refused())
        del self.cloud.barbican.secrets[CERTIFICATE]
        self.assertIn("the key manager has no certificate", self.refused())

    def test_requests(self) -> None:
        """What has no signature, and what is no ID; all of it at once."""
        properties = {"img_signature": "x"}
        text = self.refused(output="volume", properties=properties)
        self.assertIn("nobody checks a signature of a volume", text)
        self.assertIn("the build sets img_signature itself", text)
        self.assertIn("--sign-cert-id is for images", self.refused(output="snapshot"))
        request = self.request(certificate_id="http://key/v1/secrets/1")
        error = self.assertRaises(SpecError, self.builder().plan, request)
        self.assertIn("such as the last part of its secret's address", str(error))


class UncheckedTest(SigningTestCase):
    """Where nobody tells whether the key is the right one, that is said."""

    def test_warnings(self) -> None:
        """No right to read it, a key manager that breaks, and none."""
        request = self.request(certificate_id=CERTIFICATE)

        def broken(call: Call) -> Fault | None:
            return answered(500) if "/secrets/" in call.path else None

        for change, wanted in (
            (lambda: self.with_certificate(b"", is_readable=False), "not allowed"),
            (lambda: self.cloud.hooks.append(broken), "500"),
            (lambda: self.cloud.keystone.services.pop("key-manager"), "no key manager"),
        ):
            change()
            self.cloud.forget_versions()
            plan = self.builder().plan(request)
            [warning] = [w for w in plan.warnings if "certificate" in w]
            self.assertIn("cannot be told", warning)
            self.assertIn(wanted, warning)
        self.assert_complete(self.builder().start(plan))

    def test_as_castellan_stores_it(self) -> None:
        """The key manager says of what type it is, and it is asked for so."""
        self.with_certificate(signing.certificate(), kind="application/pkix-cert")
        self.assert_complete(self.signed())


class OtherClientTest(SigningTestCase):
    """Whoever has no key leaves the build as it is."""

    def begun(self) -> Record:
        """Return a build whose first client has died."""
        request = self.request(certificate_id=CERTIFICATE)
        build = self.builder().create(request, wait=False)
        self.signing_key = None
        return build

    def test_waits_for_the_key(self) -> None:
        """It is told at once, and again when the image is proven; then the key comes."""
        build = self.begun()
        error = self.assertRaises(SigningError, self.builder("b").resume, build.id)
        notes = [e.text for e in self.events if e.kind == "note"]
        self.assertTrue(any("this client has no key" in note for note in notes), notes)
        self.assertIn("this client was given no key", str(error))
        wanted = NextStep(Verb.RESUME, build.id, (("signing_key", "<key>"),))
        self.assertEqual((wanted,), error.next_steps)
        self.assertEqual((build.id, "sign"), (error.build_id, error.step))
        left = self.builder("c").show(build.id)
        self.assertEqual(("building", ""), (left.build.status, left.driven_by))
        self.assertEqual("sign", left.build.step)
        image = self.image(left.build)
        self.assertTrue(image.hidden)
        self.assertEqual("", signatures.certificate_of(image.properties))
        wrong = self.assertRaises(
            SpecError,
            self.builder("c").resume,
            build.id,
            signing_key=signing.key("other P-384"),
        )
        self.assertIn("not that of certificate", str(wrong))
        done = self.builder("d").resume(build.id, signing_key=signing.key())
        self.signing_key = signing.key()
        self.assert_complete(done)

    def test_all(self) -> None:
        """Without a key it is told with the others; with one, only what is one's own."""
        build = self.begun()
        self.cloud.world.sleep(3600)
        outcome = self.builder("b").resume_all()
        self.assertIn("this client was given no key", outcome.failed[build.id])
        self.signing_key = signing.key()
        record = self.cloud.glance.images[build.id]
        signature = record.properties["imagebuild_signature"]
        record.properties["imagebuild_signature"] = ""
        outcome = self.builder("c").resume_all()
        self.assertIn("this client was given no key", outcome.failed[build.id])
        record.properties["imagebuild_signature"] = signature
        self.assertEqual([build.id], self.builder("d").resume_all().complete)

    def test_not_wanted(self) -> None:
        """A key for a build without a signature is a mistake."""
        self.signing_key = None
        build = self.started()
        error = self.assertRaises(
            SpecError, self.builder().resume, build.id, signing_key=signing.key()
        )
        self.assertIn("is not to be signed", str(error))

    def test_another_certificate_meanwhile(self) -> None:
        """What was right when it was planned is looked at again before it signs."""
        request = self.request(certificate_id=CERTIFICATE)
        build = self.builder().create(request, wait=False)
        self.with_certificate(signing.certificate("other P-384"))
        error = self.assertRaises(SigningError, self.builder().resume, build.id)
        self.assertIn("not that of certificate", str(error))


class TroubleTest(SigningTestCase):
    """Services and users that come in between."""

    def failed(self, hook: Any) -> Record:
        """Return a build that fails."""
        self.cloud.hooks.append(hook)
        self.assertRaises(InstallError, self.signed)
        self.cloud.hooks.clear()
        return self.builder().list().builds[0]

    def test_forbidden(self) -> None:
        """A policy may keep such properties from members; a retry signs anew."""
        build = self.failed(once(lambda c: b"img_sig" in c.body, answered(403)))
        self.assertEqual("sign", build.step)
        again = self.builder().retry(build.id, "verify")
        self.assert_complete(again)

    def test_published_unsigned_never(self) -> None:
        """What takes the signature away before the image has its name has it set again."""

        def strip(when: str, call: Call) -> None:
            if (
                when == "after"
                and b"img_sig" in call.body
                and call.kind == "change image"
            ):
                self.cloud.observers.remove(strip)
                image = self.cloud.glance.images[call.path.split("/")[-1]]
                del image.properties[signatures.SIGNATURE]

        self.cloud.observers.append(strip)
        self.assert_complete(self.signed())

    def test_retry_with_another_key(self) -> None:
        """The signature is that of the key which the last try was given."""
        build = self.failed(
            once(lambda c: b'"/os_hidden", "value": false' in c.body, answered(403))
        )
        self.assertEqual("publish", build.step)
        self.with_certificate(signing.certificate("other P-384"))
        self.signing_key = None
        other = signing.key("other P-384")
        again = self.builder().retry(build.id, "verify", signing_key=other)
        self.signing_key = other
        self.assert_complete(again)

    def test_glance_has_another_digest(self) -> None:
        """Then nothing can be signed, which is told."""

        def blind(when: str, call: Call) -> None:
            for image in self.cloud.glance.images.values():
                if str(image.name).endswith("-result"):
                    image.hash_algo = "sha256"

        self.cloud.observers.append(blind)
        error = self.assertRaises(InstallError, self.signed)
        self.assertIn("Glance tells no sha512", str(error))

    def test_patch_is_refused_for_long(self) -> None:
        """The cloud is away just then; the build can go on."""
        self.cloud.hooks.append(
            lambda c: answered(503) if b"img_sig" in c.body else None
        )
        self.assertRaises(CloudError, self.signed)
        self.cloud.hooks.clear()
        [build] = self.builder().list().builds
        self.assert_complete(self.resumed(build.id))


class CopiesTest(ElsewhereTestCase):
    """A copy has no signature: its certificate is in the first cloud."""

    def test_without(self) -> None:
        """And it is found again as the copy that it is."""
        self.signing_key = signing.key()
        build = self.built(certificate_id=CERTIFICATE)
        image = self.cloud.glance.images[build.result_id]
        self.assertEqual(CERTIFICATE, signatures.certificate_of(image.properties))
        [copy] = self.there()
        self.assertEqual(image.data, copy.data)
        said = {"imagebuild_result_id": copy.id}
        self.assertEqual(
            signatures.without(image.properties) | said, dict(copy.properties)
        )
        [again] = self.builder().copy(build.id)
        self.assertEqual((copy.id, ""), (again.image_id, again.trouble))
