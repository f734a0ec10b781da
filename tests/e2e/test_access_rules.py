"""A whole build by an application credential that allows what the plugin asks, and no more."""

from __future__ import annotations

import json
import os
from pathlib import Path

import openstack
import yaml
from keystoneauth1.exceptions import HttpError

from devcloud import settings
from tests.e2e.base import EndToEndTest

RESTRICTED = "restricted"


class TestAccessRules(EndToEndTest):
    """The credential is of the same user and project."""

    def setUp(self) -> None:
        """Make a credential with the rules that the command prints, and use no other."""
        super().setUp()
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            self.skipTest("these tests are for the devcloud")
        done = self.run_command("image", "build", "access-rules")
        self.assertEqual(0, done.returncode, done.stderr)
        path = f"/users/{self.cloud.current_user_id}/application_credentials"
        wanted = {"name": self.name, "access_rules": json.loads(done.stdout)}
        answer = self.cloud.identity.post(path, json={"application_credential": wanted})
        self.assertEqual(201, answer.status_code, answer.text)
        made = answer.json()["application_credential"]
        self.addCleanup(self.cloud.identity.delete, f"{path}/{made['id']}")
        clouds = yaml.safe_load(settings.CLOUDS.read_text(encoding="utf-8"))
        known = clouds["clouds"][os.environ["OS_CLOUD"]]
        config = Path(self.directory, "clouds.yaml")
        restricted = {
            "region_name": known["region_name"],
            "auth_type": "v3applicationcredential",
            "auth": {
                "auth_url": known["auth"]["auth_url"],
                "application_credential_id": made["id"],
                "application_credential_secret": made["secret"],
            },
        }
        config.write_text(yaml.safe_dump({"clouds": {RESTRICTED: restricted}}))
        self.environment |= {
            "OS_CLIENT_CONFIG_FILE": str(config),
            "OS_CLOUD": RESTRICTED,
        }
        self.restricted = openstack.connection.Connection(
            config=openstack.config.OpenStackConfig([str(config)]).get_one(RESTRICTED)
        )
        self.addCleanup(self.restricted.close)

    def test_a_whole_life(self) -> None:
        """Checked, begun, resumed, looked at and deleted; from a disk and from a volume."""
        rows = self.openstack("image", "build", "check", "--os", "mini")
        works = {f"{row['Area']} {row['What']}": row["Works"] for row in rows}
        self.assertEqual("yes", works["systems mini"], str(rows))
        for words in ((), ("--output", "volume", "--disk", "1")):
            self.create("--no-wait", *words)
            build = self.openstack("image", "build", "resume", self.name)
            self.assertEqual("complete", build["status"])
            self.openstack("image", "build", "show", self.name)
            done = self.run_command(
                "image", "build", "delete", "--with-image", self.name
            )
            self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual({}, dict(self.left()))

    def test_nothing_else(self) -> None:
        """What the plugin never asks is refused by each service."""
        compute, image = self.restricted.compute, self.restricted.image
        network, volume = self.restricted.network, self.restricted.block_storage
        for service, path in (
            (compute, "/os-keypairs"),
            (compute, "/servers"),
            (image, "/metadefs/namespaces"),
            (network, "/routers"),
            (volume, "/backups"),
        ):
            try:
                status = service.get(path).status_code
            except HttpError as error:
                status = error.http_status
            self.assertEqual(401, status, path)
        self.assertEqual(200, compute.get("/servers/detail").status_code)
