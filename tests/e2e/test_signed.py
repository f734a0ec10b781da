"""A signed image on a real cloud that boots nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import openstack
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from devcloud import settings, switches
from osc_imagebuild.model import signatures
from tests.devcloud import running
from tests.e2e.base import EndToEndTest

LIMIT_S = 300
SHA512 = hashes.SHA512()
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
UP = "installed system is up"
REFUSED = "Image signature verification failed for image"
UNSIGNED = "Required image properties for signature verification do not exist"


def signed(
    digest: bytes, key: rsa.RSAPrivateKey, certificate_id: str
) -> dict[str, str]:
    """What says that content with this sha512 is signed by RSA.

    Source: cursive/signature_utils.py and verifiers.py (0.3.1): it is PSS with the longest
    salt, and the digest is that of the whole image.
    """
    longest = padding.PSS(padding.MGF1(SHA512), padding.PSS.MAX_LENGTH)
    signature = key.sign(digest, longest, utils.Prehashed(SHA512))
    return signatures.properties(
        base64.b64encode(signature).decode(), "RSA-PSS", certificate_id
    )


def certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A certificate that the key has made for itself, in PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "e2e")])
    now, day = datetime.now(timezone.utc), timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def flipped(properties: dict[str, str]) -> dict[str, str]:
    """These with one character of the signature another one, in its middle."""
    text = properties["img_signature"]
    at = len(text) // 2
    other = "B" if text[at] == "A" else "A"
    return {**properties, "img_signature": text[:at] + other + text[at + 1 :]}


class TestSigned(EndToEndTest):
    """What Nova, Cinder and Glance make of a signature, on a cloud that asks for one."""

    def setUp(self) -> None:
        """Switch it on for the time of the test."""
        super().setUp()
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("these tests are for the devcloud")
        before = switches.noted()
        self.addCleanup(running.up, DEVCLOUD_WITH=before)
        running.up(DEVCLOUD_WITH=f"{before},signed-only")
        # An earlier token does not know that there is a key manager now.
        self.demo: Any = openstack.connect()
        self.addCleanup(self.demo.close)

    def test_signed(self) -> None:
        """One image by both kinds of key; what is wrong comes first, as Nova caches."""
        self.assert_unsigned_refused()
        image_id = self.create("--disk", "1", *self.signing())["image_id"]
        properties = self.properties(image_id)
        by_ec = {name: properties[name] for name in signatures.PROPERTIES}
        self.set_properties(image_id, flipped(by_ec))
        self.assert_refused(image_id)
        self.assertEqual("error", self.volume(image_id).status)
        self.set_properties(image_id, by_ec)
        self.assert_boots(image_id)
        said = self.volume(image_id).volume_image_metadata
        self.assertEqual("True", said["signature_verified"])
        # Nova has it now, and does not look again.
        self.set_properties(image_id, flipped(by_ec))
        self.assert_boots(image_id)
        self.assert_uploads(image_id)

    def signing(self) -> tuple[str, ...]:
        """Make a key that the build's client has, and store its certificate."""
        key = ec.generate_private_key(ec.SECP384R1())
        path = Path(self.directory, "key.pem")
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        path.write_bytes(key.private_bytes(pem, pkcs8, plain))
        return "--sign-key-path", str(path), "--sign-cert-id", self.store(key)

    def assert_unsigned_refused(self) -> None:
        """A build that has Nova boot an image of its own ends with Nova's words."""
        words = ("image", "build", "create", "--os", "mini", "--boot-method", "ipxe")
        done = self.run_command(*words, self.name)
        self.assertNotEqual(0, done.returncode)
        self.assertIn(UNSIGNED, " ".join(done.stderr.split()))

    def assert_uploads(self, image_id: str) -> None:
        """Glance takes the same content with a signature that fits, and Nova boots it."""
        content = self.demo.image.get(f"/images/{image_id}/file").content
        digest = hashlib.sha512(content).digest()
        key = rsa.generate_private_key(65537, 3072)
        by_rsa = signed(digest, key, self.store(key))
        status, refused = self.upload(content, flipped(by_rsa))
        self.assertEqual(400, status)
        state = self.demo.image.get(f"/images/{refused}").json()["status"]
        self.assertEqual("queued", state)
        status, taken = self.upload(content, by_rsa)
        self.assertEqual(204, status)
        self.set_properties(taken, flipped(by_rsa))
        self.assert_refused(taken)
        self.set_properties(taken, by_rsa)
        self.assert_boots(taken)

    def store(self, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
        """Store a key's certificate; return its ID.

        Source: castellan/key_manager/barbican_key_manager.py (5.8.0): it is read as PEM, and
        as bytes, which a secret of text/plain is not.
        """
        secret = self.demo.key_manager.create_secret(
            name=self.name,
            secret_type="certificate",
            payload=base64.b64encode(certificate(key)).decode(),
            payload_content_type="application/octet-stream",
            payload_content_encoding="base64",
        )
        self.addCleanup(self.demo.key_manager.delete_secret, secret.secret_id)
        return str(secret.secret_id)

    def set_properties(self, image_id: str, wanted: dict[str, str]) -> None:
        """Set these properties of an image that is there."""
        changes = [
            {"op": "add", "path": f"/{name}", "value": value}
            for name, value in wanted.items()
        ]
        path = f"/images/{image_id}"
        answer = self.demo.image.patch(path, data=json.dumps(changes), headers=PATCH)
        self.assertEqual(200, answer.status_code, answer.text)

    def upload(self, content: bytes, properties: dict[str, str]) -> tuple[int, str]:
        """Upload an image; return what Glance answered, and its ID."""
        body = {
            "name": self.name,
            "disk_format": "qcow2",  # as Cinder has made it
            "container_format": "bare",
            **properties,
        }
        image_id = self.demo.image.post("/images", json=body).json()["id"]
        self.addCleanup(self.demo.image.delete_image, image_id)
        answer = self.demo.image.put(
            f"/images/{image_id}/file",
            data=content,
            headers={"Content-Type": "application/octet-stream"},
        )
        return answer.status_code, image_id

    def server(self, image_id: str) -> Any:
        """Have Nova make a server of the image; return it as it is then."""
        compute = self.demo.compute
        server = compute.create_server(
            name=self.name,
            image_id=image_id,
            flavor_id=compute.find_flavor("m1.mini").id,
            networks=[{"uuid": self.demo.network.find_network("private").id}],
        )
        self.addCleanup(self.remove, server)
        return self.wait(lambda: compute.get_server(server), "ACTIVE", "ERROR")

    def remove(self, server: Any) -> None:
        """Delete it, and wait until its port is gone too."""
        self.demo.compute.delete_server(server)
        self.demo.compute.wait_for_delete(server, wait=LIMIT_S)

    def volume(self, image_id: str) -> Any:
        """Have Cinder make a volume of the image; return it as it is then."""
        storage = self.demo.block_storage
        volume = storage.create_volume(name=self.name, size=1, image_id=image_id)
        self.addCleanup(storage.delete_volume, volume)
        return self.wait(lambda: storage.get_volume(volume), "available", "error")

    def wait(self, look: Any, *statuses: str) -> Any:
        """Look until it has one of these."""
        deadline = time.monotonic() + LIMIT_S
        while (found := look()).status not in statuses:
            self.assertLess(time.monotonic(), deadline, found.status)
            time.sleep(1)
        return found

    def assert_boots(self, image_id: str) -> None:
        """It does, to the end."""
        server = self.server(image_id)
        self.assertEqual("ACTIVE", server.status, server.fault)
        compute = self.demo.compute
        deadline = time.monotonic() + LIMIT_S
        while UP not in str(compute.get_server_console_output(server)["output"]):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(1)

    def assert_refused(self, image_id: str) -> None:
        """It does not; why is in the log of nova-compute, and not among Nova's words."""
        log = settings.LOG / "nova-compute.log"
        before = log.stat().st_size
        server = self.server(image_id)
        self.assertEqual("ERROR", server.status)
        self.assertNotIn("ignature", server.fault["message"])
        with log.open("rb") as file:
            file.seek(before)
            self.assertIn(f"{REFUSED} {image_id}", file.read().decode(errors="replace"))
