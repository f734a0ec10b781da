"""image build attest, image build verify-attestation: real builds, forged files."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from securesystemslib import dsse as theirs
from securesystemslib.signer import SSlibKey

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import RecordError
from osc_imagebuild.signing import dsse
from osc_imagebuild.signing.dsse import Envelope, Signature
from tests import signing
from tests.fakes.image import FakeImage
from tests.unit.base import NAME, PARENT
from tests.unit.shell import Ran, ShellTestCase

FILE = "it.intoto.json"


class AttestTestCase(ShellTestCase):
    """A project with an image, and keys to sign what is said of it."""

    def setUp(self) -> None:
        """Have keys."""
        super().setUp()
        Path("key.pem").write_bytes(signing.pem())
        Path("pub.pem").write_bytes(signing.public_pem())
        os.chmod("key.pem", 0o600)

    def built(self, **fields: Any) -> Record:
        """Build an image."""
        return self.builder().create(self.request(**fields))

    def image(self, build: Record) -> FakeImage:
        """Return what a build made."""
        return self.cloud.glance.images[build.result_id]

    def attested(self, image: str = NAME, kind: str = "P-384") -> dict[str, Any]:
        """Attest an image into a file, as the command does; return the statement."""
        Path(FILE).write_text(self.builder().attest(image, signing.key(kind)).text)
        return self.statement()

    def statement(self) -> dict[str, Any]:
        """Return the statement in the file."""
        said: dict[str, Any] = json.loads(
            dsse.from_json(Path(FILE).read_bytes()).payload
        )
        return said

    def verify(self, image: str = NAME, key: str = "pub.pem") -> Ran:
        """Check the file."""
        return self.build("verify-attestation", image, FILE, "--key", key, "-f", "json")

    def broken(self, image: str = NAME, kind: str = "P-384") -> dict[str, str]:
        """Return what does not hold, by what it is about."""
        key, data = signing.key(kind).public, Path(FILE).read_bytes()
        verified = self.builder().verify_attestation(image, data, key)
        wrong = {f.about: f.text for f in verified.findings if f.holds is False}
        self.assertEqual(not wrong, verified.holds)
        for text in wrong.values():
            self.assertRegex(text, r"^[A-Z].*\.$")
        return wrong

    def resign(
        self, change: Callable[[dict[str, Any]], object], kind: str = ""
    ) -> None:
        """Change the statement in the file, and sign it again by the right key."""
        envelope, said = dsse.from_json(Path(FILE).read_bytes()), self.statement()
        change(said)
        new = dataclasses.replace(
            envelope,
            payload=json.dumps(said).encode(),
            payload_type=kind or envelope.payload_type,
        )
        signature = Signature("", signing.key().sign(new.signed))
        new = dataclasses.replace(new, signatures=(signature,))
        Path(FILE).write_text(new.to_json())


class AttestTest(AttestTestCase):
    """What is stated of an image."""

    def test_statement(self) -> None:
        """By the schemas of in-toto and SLSA, and signed as others check it."""
        build = self.built()
        said = self.attested()
        image = self.image(build)
        [subject] = said["subject"]
        sha512 = image.shown()["os_hash_value"]
        self.assertEqual({"name": NAME, "digest": {"sha512": sha512}}, subject)
        # Names that are not in the schemas, and values of other kinds, are errors here.
        json_format.ParseDict(said, statement_pb2.Statement())
        predicate = json_format.ParseDict(
            said["predicate"], provenance_pb2.Provenance()
        )
        run = predicate.run_details
        self.assertEqual(build.id, run.metadata.invocation_id)
        self.assertGreater(
            run.metadata.finished_on.seconds, run.metadata.started_on.seconds
        )
        self.assertEqual("pkg:pypi/osc-imagebuild", run.builder.id)
        definition = predicate.build_definition
        self.assertEqual("mini", definition.external_parameters["os"])
        digests = {d.name: dict(d.digest) for d in definition.resolved_dependencies}
        answers = image.properties["imagebuild_answer_sha256"]
        self.assertEqual({"sha256": answers}, digests["answer-file"])
        self.assertIn("template", digests)
        [manifest] = run.byproducts
        self.assertEqual("manifest.json", manifest.name)
        public = SSlibKey.from_crypto(
            signing.private("P-384").public_key(),
            keyid=signing.key().public.id,
            scheme="ecdsa-sha2-nistp384",
        )
        envelope = theirs.Envelope.from_dict(json.loads(Path(FILE).read_text()))
        self.assertTrue(envelope.verify([public], 1))
        self.assertEqual({}, self.broken())

    def test_media(self) -> None:
        """An ISO by its digests, and without what opens doors."""
        self.built(boot_method="kernel", source="http://mirror.fake/installer.iso")
        said = self.attested()
        listed = said["predicate"]["buildDefinition"]["resolvedDependencies"]
        [iso] = [item for item in listed if item["name"] == "installer.iso"]
        self.assertEqual("http://mirror.fake/installer.iso", iso["uri"])
        self.assertEqual({}, self.broken())

    def test_parent(self) -> None:
        """The image that was changed, as it was then."""
        parent = self.add_parent()
        build = self.built(from_image=PARENT)
        said = self.attested()
        listed = said["predicate"]["buildDefinition"]["resolvedDependencies"]
        [found] = [item for item in listed if item["name"] == "parent-image"]
        sha512 = parent.shown()["os_hash_value"]
        self.assertEqual(f"urn:uuid:{parent.id}", found["uri"])
        self.assertEqual({"sha512": sha512}, found["digest"])
        self.assertEqual({}, self.broken())
        parent.data = b"changed"
        self.assertIn("parent-image today", self.broken())
        del self.cloud.glance.images[parent.id]
        self.assertEqual({}, self.broken())
        properties = self.image(build).properties
        del properties["imagebuild_parent_id"]
        wrong = self.broken()
        self.assertIn("the image says nothing of that", wrong["parent-image sha512"])

    def test_every_key(self) -> None:
        """Each kind, by itself alone."""
        self.built()
        for kind in ("P-256", "P-521", "Ed25519", "RSA-2048"):
            self.attested(kind=kind)
            self.assertEqual({}, self.broken(kind=kind), kind)
            self.assertEqual({"signature"}, set(self.broken()), kind)

    def test_files(self) -> None:
        """A file that is there is not overwritten; one that is not named gets a name."""
        build = self.built()
        self.attested()
        ran = self.build("attest", NAME, "--sign-key-path", "key.pem", "--file", FILE)
        self.assertIn(f"cannot write {FILE}: File exists", ran.err)
        names = [f"imagebuild-{build.id}.intoto{n}.json" for n in ("", "-2")]
        for name in names:
            ran = self.build("attest", build.id, "--sign-key-path", "key.pem")
            self.assertEqual(f"{name}\n", ran.out, ran.err)
            self.assertEqual(0o600, os.stat(name).st_mode & 0o777)

    def test_whose_word(self) -> None:
        """What nobody could prove is told; what is disproved is not attested."""
        build = self.built()
        record = self.cloud.glance.images[build.id]
        words = ("attest", build.result_id, "--sign-key-path", "key.pem")
        record.properties["imagebuild_signature"] = ""
        self.assertIn("any member of the project could", self.build(*words).err)
        image = self.image(build)
        data, image.data = image.data, b"changed"
        error = self.assertRaises(
            RecordError, self.builder().attest, build.result_id, signing.key()
        )
        self.assertIn("its content is another", str(error))
        image.data = data
        del self.cloud.glance.images[build.id]
        ran = self.build(*words, "--file", FILE)
        self.assertIn("it is the image's own word", ran.err)
        self.assertEqual(0, ran.code)
        self.assertEqual({}, self.broken(build.result_id))

    def test_refused(self) -> None:
        """No image, no digest, no key."""
        build = self.built()
        ran = self.build("attest", "nothing", "--sign-key-path", "key.pem")
        self.assertIn("there is no finished image 'nothing'", ran.err)
        ran = self.build("attest", NAME, "--sign-key-path", "pub.pem")
        self.assertIn("is a public key: to sign needs the private one", ran.err)
        self.image(build).hash_algo = "sha256"
        ran = self.build("attest", NAME, "--sign-key-path", "key.pem")
        self.assertIn("Glance tells no sha512", ran.err)


class VerifyTest(AttestTestCase):
    """What does not hold, each in a sentence."""

    def test_later(self) -> None:
        """Another name by a rotation, and without the record, it still holds."""
        first = self.built(replace=True)
        self.attested()
        self.cloud.world.sleep(86_400)
        second = self.built(replace=True)
        self.assertEqual({}, self.broken(first.result_id))
        self.assertIn("digest", self.broken(second.result_id))
        self.builder().delete(first.id)
        ran = self.verify(first.result_id)
        self.assertEqual(0, ran.code, ran.out)
        unknown = [row["About"] for row in ran.json if row["Holds"] is None]
        self.assertIn("internal bootMethod", unknown)

    def test_image_changed(self) -> None:
        """All that differs is told, not the first thing."""
        build = self.built()
        self.attested()
        image = self.image(build)
        image.data = b"changed"
        image.properties["imagebuild_answer_sha256"] = "0" * 64
        image.properties["imagebuild_os"] = "other"
        image.name = "renamed"
        wrong = self.broken(build.result_id)
        about = {"digest", "answer-file sha256", "parameter os"}
        self.assertEqual(about, set(wrong))
        self.assertIn(
            "It says 'mini', and the cloud says 'other'", wrong["parameter os"]
        )

    def test_statement_changed(self) -> None:
        """Signed by the right key or not."""
        self.built()
        for change, about in (
            (lambda s: s.update(_type="x"), {"statement"}),
            (lambda s: s.update(predicateType="https://slsa.dev/provenance/v0.2"),
             {"predicate type"}),
            (lambda s: s.update(subject=[]), {"digest"}),
            (lambda s: s["subject"][0].update(name="other"), {"name"}),
            (lambda s: s["subject"][0].update(digest={"sha256": "0"}), {"digest"}),
            (lambda s: definition(s)["externalParameters"].update(more="x"),
             {"parameter more"}),
            (lambda s: definition(s).update(buildType="x"), {"build type"}),
            (lambda s: details(s)["builder"].update(id="x"), {"builder"}),
            (lambda s: details(s)["metadata"].update(invocationId="x"), {"build"}),
            (lambda s: definition(s).pop("resolvedDependencies"), {"answer-file sha256"}),
            (lambda s: s.update(predicate=7), {"answer-file sha256"}),
        ):  # fmt: skip
            self.attested()
            self.resign(change)
            self.assertEqual(about, set(self.broken()), str(about))
        self.attested()
        self.resign(lambda said: None, kind="application/json")
        self.assertEqual({"payload type"}, set(self.broken()))

    def test_signatures(self) -> None:
        """One of several is enough; a changed payload is told beside what it says."""
        self.built()
        self.attested()
        whole = json.loads(Path(FILE).read_text())
        good = whole["signatures"][0]
        bad = {"sig": base64.b64encode(b"x" * 99).decode(), "keyid": good["keyid"]}
        Path(FILE).write_text(json.dumps({**whole, "signatures": [bad, good]}))
        self.assertEqual({}, self.broken())
        Path(FILE).write_text(json.dumps({**whole, "signatures": [bad, bad]}))
        wrong = self.broken()
        self.assertIn("None of its 2 signatures is by the key", wrong["signature"])
        said = self.statement()
        said["subject"][0]["name"] = "other"
        payload = base64.b64encode(json.dumps(said).encode()).decode()
        Path(FILE).write_text(json.dumps({**whole, "payload": payload}))
        self.assertEqual({"signature", "name"}, set(self.broken()))

    def test_builder(self) -> None:
        """Whoever is to have built it must be the one that is named."""
        self.built()
        words = ("--sign-key-path", "key.pem", "--file", FILE)
        mine = ("--builder-id", "https://ci.example/images")
        self.assertEqual(0, self.build("attest", NAME, *words, *mine).code)
        ran = self.verify()
        self.assertEqual(1, ran.code)
        wrong = [row["About"] for row in ran.json if row["Holds"] is False]
        self.assertEqual(["builder"], wrong)
        check = ("verify-attestation", NAME, FILE, "--key", "pub.pem")
        self.assertEqual(0, self.build(*check, *mine).code)

    def test_hostile_files(self) -> None:
        """Whatever is in the file, it is told in words, and nothing of it is done."""
        self.built()
        escape = Envelope(
            "application/vnd.in-toto+json\x1b[2J",
            json.dumps({"_type": "\x1b[2J" * 999, "subject": [[]] * 9}).encode(),
            (Signature("", b"x"),),
        )
        for data, about in (
            (b"", {"envelope"}),
            (b"\x00" * 2_000_000, {"envelope"}),
            (b'{"payload":' + b"[" * 90_000, {"envelope"}),
            (
                escape.to_json().encode(),
                {"signature", "payload type", "statement", "predicate type", "digest",
                 "answer-file sha256"},
            ),
            (Envelope("x", b"[", (Signature("", b"x"),)).to_json().encode(),
             {"signature", "payload type", "statement"}),
        ):  # fmt: skip
            Path(FILE).write_bytes(data)
            self.assertEqual(about, set(self.broken()))
        Path(FILE).write_text(escape.to_json())
        shown = self.build("verify-attestation", NAME, FILE, "--key", "pub.pem")
        self.assertEqual(1, shown.code)
        self.assertNotIn("\x1b[2J", shown.out + shown.err)

    def test_refused(self) -> None:
        """No file, no key, no image."""
        self.built()
        ran = self.build("verify-attestation", NAME, "no", "--key", "pub.pem")
        self.assertIn("cannot read no: No such file", ran.err)
        self.attested()
        ran = self.build("verify-attestation", NAME, FILE, "--key", "key.pem")
        self.assertIn("has a private key, which nobody should need", ran.err)
        ran = self.build("verify-attestation", "nothing", FILE, "--key", "pub.pem")
        self.assertIn("there is no image 'nothing'", ran.err)


def definition(said: dict[str, Any]) -> Any:
    """Return what was built."""
    return said["predicate"]["buildDefinition"]


def details(said: dict[str, Any]) -> Any:
    """Return by whom."""
    return said["predicate"]["runDetails"]
