"""Ceilometer's counters, read from a real Gnocchi."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone

import testtools
from keystoneauth1 import http_basic
from keystoneauth1 import session as ksa_session
from openstack.connection import Connection

from osc_imagebuild.cloud import gnocchi
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.model.readings import Counters
from osc_imagebuild.monitors import metrics
from tests.functional.gnocchi_server import GnocchiServer


class MetricsTest(testtools.TestCase):
    """One server's, as Ceilometer posts them."""

    def setUp(self) -> None:
        super().setUp()
        self.gnocchi = self.useFixture(GnocchiServer())
        auth = http_basic.HTTPBasicAuth(
            username="admin", password="", endpoint=self.gnocchi.url
        )
        self.api = Api(Connection(session=ksa_session.Session(auth=auth)))
        self.server_id = str(uuid.uuid4())

    def prepare(self) -> dict[str, str]:
        """Make Ceilometer's resources; return IDs of metrics by name."""
        text = {"type": "string", "required": False}
        owner = {"type": "uuid", "required": True}
        self.gnocchi.post("resource_type", {"name": "instance"})
        for kind in ("instance_disk", "instance_network_interface"):
            attributes = {"name": text, "instance_id": owner}
            self.gnocchi.post("resource_type", {"name": kind, "attributes": attributes})
        found: dict[str, str] = {}
        for kind, names in (
            ("instance", ("cpu", "memory.usage")),
            ("instance_disk", ("disk.device.write.bytes",)),
            (
                "instance_network_interface",
                ("network.incoming.bytes", "network.outgoing.bytes"),
            ),
        ):
            own = kind == "instance"
            body = {
                "id": self.server_id if own else str(uuid.uuid4()),
                "metrics": {name: {"archive_policy_name": "low"} for name in names},
            }
            if not own:
                body |= {"name": "vda", "instance_id": self.server_id}
            found |= self.gnocchi.post(f"resource/{kind}", body)["metrics"]
        return found

    def measure(self, known: dict[str, str], ago_s: float, value: float) -> None:
        """Post ``value`` to all metrics, and have it worked in."""
        at = datetime.now(timezone.utc) - timedelta(seconds=ago_s)
        for metric in known.values():
            measure = {"timestamp": at.strftime("%Y-%m-%dT%H:%M:%S"), "value": value}
            self.gnocchi.post(f"metric/{metric}/measures", [measure])
            self.gnocchi.get(f"metric/{metric}/measures?refresh=true")

    def test_counters(self) -> None:
        """None before there is any, then the newest, and none that is stale."""
        self.assertIsNone(gnocchi.counters(self.api, self.server_id))
        known = self.prepare()
        self.assertIsNone(gnocchi.counters(self.api, self.server_id))
        self.measure(known, 3600, 1e9)
        self.assertIsNone(gnocchi.counters(self.api, self.server_id))
        self.measure(known, 400, 2e9)
        old = gnocchi.counters(self.api, self.server_id)
        self.assertEqual(Counters(2e9, 4e9, 2.0), old)
        self.measure(known, 1, 3e9)
        new = gnocchi.counters(self.api, self.server_id)
        self.assertEqual(Counters(3e9, 6e9, 3.0), new)
        assert old is not None and new is not None
        self.assertTrue(metrics.alive(old, new, 300))
        self.assertFalse(metrics.alive(new, new, 300))
        self.assertIsNone(gnocchi.counters(self.api, str(uuid.uuid4())))
