"""Answers with status 200 that are nothing of what was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from osc_imagebuild.cloud import gnocchi, images, limits, networks, servers, volumes
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import ConflictError, TransientError
from tests.fakes.faults import GARBLED, Fault
from tests.fakes.wire import Reply
from tests.unit.base import CloudTestCase

ID = "6f1ed002-ab59-4c42-8ea0-00000000000a"
READS: tuple[Callable[[Api], Any], ...] = (
    lambda api: images.find(api, ID),
    lambda api: images.tagged(api, "x", hidden=True),
    lambda api: images.any_id(api),
    lambda api: images.create(api, name="x", tags=(), properties={}),
    lambda api: images.patch(api, ID, []),
    lambda api: servers.find(api, ID),
    lambda api: servers.tagged(api, "x"),
    lambda api: servers.create(api, {}, {}),
    lambda api: servers.actions(api, ID),
    lambda api: servers.console(api, ID),
    lambda api: servers.password(api, ID),
    lambda api: servers.screen_url(api, ID),
    lambda api: volumes.find(api, ID),
    lambda api: volumes.marked(api, ID),
    lambda api: volumes.find_snapshot(api, ID),
    lambda api: volumes.marked_snapshots(api, ID),
    lambda api: networks.networks(api),
    lambda api: networks.used_addresses(api, ID),
    lambda api: networks.security_groups(api),
    lambda api: limits.flavors(api),
    lambda api: limits.zones(api),
    lambda api: limits.room(api),
    lambda api: limits.image_room(api),
    lambda api: limits.volume_room(api),
    lambda api: limits.container_hypervisors(api),
    lambda api: limits.earlier_duration_s(api, "x", "y"),
)
NONE_OF_THESE = Fault("x", Reply(200, [{"id": []}, 1, None]))


class GarbledTest(CloudTestCase):
    """Each look, and each change whose answer is read."""

    def setUp(self) -> None:
        """Log in and ask for versions before anything is garbled."""
        super().setUp()
        self.api = self.builder().api
        images.any_id(self.api)
        servers.tagged(self.api, "x")
        networks.security_groups(self.api)
        volumes.marked(self.api)

    def answer(self, fault: Fault) -> None:
        """Answer so from now on, whatever is asked."""
        shown = dataclasses.replace(fault, carried_out=False)
        self.cloud.hooks = [lambda call: shown]

    def test_every_read(self) -> None:
        """It is the service's fault, and may be right the next time."""
        for number, read in enumerate(READS):
            for fault in (*GARBLED, NONE_OF_THESE):
                self.answer(fault)
                error = self.assertRaises(TransientError, read, self.api)
                where = f"{number}, {fault.name}: {error}"
                self.assertIn("is garbled", str(error), where)
                self.assertNotIn("\n", str(error), where)

    def test_fields_of_wrong_types(self) -> None:
        """One field of an image is enough."""
        good = {"id": ID, "status": "active"}
        self.assertEqual(ID, images.parse(good).id)
        for key in ("id", "status", "name", "tags", "owner", "created_at", "size"):
            for value in ([1], {"a": 1}, 7 if key != "size" else "x"):
                self.answer(Fault("x", Reply(200, good | {key: value})))
                self.assertRaises(TransientError, images.find, self.api, ID)

    def test_pages_without_end(self) -> None:
        """The same page again and again is told after the second time."""
        page = {"images": [{"id": ID, "status": "active"}], "next": "/v2/images?x"}
        self.cloud.hooks = [lambda call: Fault("x", Reply(200, page))]
        before = len(self.cloud.log)
        error = self.assertRaises(
            TransientError, images.tagged, self.api, "x", hidden=True
        )
        self.assertIn("has no end", str(error))
        self.assertLess(len(self.cloud.log) - before, 4)

    def test_metrics(self) -> None:
        """Gnocchi answers with lists."""
        self.cloud.keystone.services["metric"] = "http://glance.fake"
        api = self.builder("other").api
        api.has("metric")
        self.cloud.hooks = [lambda call: GARBLED[0]]
        self.assertRaises((TransientError, ConflictError), gnocchi.counters, api, ID)
