"""A root password leaves this machine as a hash, and is nowhere as it is."""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
import threading
from pathlib import Path

import openstack

from devcloud import settings
from osc_imagebuild.builds import record_store
from osc_imagebuild.cloud.api import Api
from tests.e2e.base import EndToEndTest

SECRET = "correct-horse-battery-staple"


class TestSecrets(EndToEndTest):
    """A real Debian with a root password, as far as its installer's start."""

    MEDIA = ("debian",)

    def setUp(self) -> None:
        """Have a password in a file."""
        super().setUp()
        self.environment["OSC_IMAGEBUILD_CATALOG"] = os.environ.get(
            "OSC_IMAGEBUILD_CATALOG", ""
        )
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("only the devcloud lets its user data be read")
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = Path(directory.name, "password")
        self.file.write_text(f"{SECRET}\n")
        self.file.chmod(0o600)

    def test_password_is_nowhere(self) -> None:
        """Not in arguments, logs at --debug, Glance, Nova, the record, the console."""
        seen: set[str] = set()
        process = self.start(
            *("--debug", "image", "build", "create", "--os", "debian-13", "--no-wait"),
            *("--root-password-file", str(self.file), self.name),
        )
        done = threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, seen, done))
        watch.start()
        try:
            out, errors = process.communicate(timeout=300)
        finally:
            done.set()
            watch.join(timeout=60)
        self.assertEqual(0, process.returncode, errors[-2000:])
        self.assertTrue(seen, "the process list was never read")
        self.assertIn("REQ: curl", errors)
        build = self.openstack("image", "build", "show", self.name)
        held = self.held_by_cloud(build["id"])
        self.assertTrue(any("$6$" in text for text in held), "no hash anywhere")
        for text in (out, errors, *seen, *held):
            self.assertNotIn(SECRET, text)
        log = self.run_command("image", "build", "log", self.name)
        self.assertNotIn(SECRET, log.stdout + log.stderr)

    def held_by_cloud(self, build_id: str) -> list[str]:
        """All that Glance and Nova know of the build, as an admin sees it."""
        admin = openstack.connect(cloud="devcloud-admin")
        self.addCleanup(admin.close)
        texts = list(record_store.texts(Api(self.cloud), build_id).values())
        listed = admin.image.get(
            f"/images?limit=500&os_hidden=true&tag=imagebuild-{build_id}"
        ).json()["images"]
        texts += [json.dumps(image) for image in listed]
        self.assertGreaterEqual(len(listed), 2)
        for server in self.cloud.compute.servers(tags=f"imagebuild-{build_id}"):
            shown = admin.compute.get(
                f"/servers/{server.id}", microversion="2.96"
            ).json()["server"]
            texts.append(json.dumps(shown))
            encoded = shown.get("OS-EXT-SRV-ATTR:user_data") or ""
            texts.append(_decoded(encoded))
        return texts


def _decoded(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


def _watch(pid: int, seen: set[str], done: threading.Event) -> None:
    """Note the arguments and the environment of a process, again and again."""
    while not done.wait(0.2):
        for name in ("cmdline", "environ"):
            try:
                text = Path(f"/proc/{pid}/{name}").read_text(errors="replace")
            except OSError:
                return
            seen.add(re.sub("\0", " ", text))
