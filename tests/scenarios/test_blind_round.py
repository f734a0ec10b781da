"""Attacks and faults of a blind round that worked once, each of a kind of its own."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Callable
from typing import Any

from osc_imagebuild.builds import fleet, record
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import ImageBuildError, RecordError
from osc_imagebuild.model.names import (
    IMAGE_FIELDS,
    PART_TAG,
    build_tag,
    resource_name,
)
from tests.fakes.cloud import FakeCloud
from tests.fakes.wire import Call, Found, Reply, Service
from tests.scenarios.test_forged_records import ISO, ForgeryTestCase
from tests.unit.base import CloudTestCase

HALF = "\ud800"


class WordsTest(ForgeryTestCase):
    """Words of a record that some part of the package cannot work with."""

    def test_halves_of_surrogates(self) -> None:
        """In the user data and in the spec: said of that build alone."""
        good = self.started()
        texts = self.forge(self.planned(), texts=record.pack({"answer": HALF}))
        data = json.dumps(dataclasses.asdict(self.planned()))
        spec = self.forge(self.planned())
        properties = self.cloud.glance.images[spec].properties
        properties["imagebuild_spec"] = data.replace('"mini"', '"mini\\ud800"')
        self.cloud.world.sleep(400)
        outcome = self.builder().resume_all()
        self.assertEqual([good.id], outcome.complete)
        self.assertIn("user data is damaged", outcome.failed[texts])
        self.assertEqual((spec,), self.builder().list().unreadable)
        for build_id in (texts, spec):
            self.builder().delete(build_id)

    def test_fields_of_images_as_properties(self) -> None:
        """They would be the image's own name, visibility, or ID."""
        plan = self.planned()
        for key in sorted(IMAGE_FIELDS):
            for part in ("hardware", "result"):
                build_id, data = self.forge(plan), dataclasses.asdict(plan)
                data[part]["properties"] = {key: "public"}
                properties = self.cloud.glance.images[build_id].properties
                properties["imagebuild_spec"] = json.dumps(data)
                self.assertRaises(RecordError, self.builder().find, build_id)
                self.builder().delete(build_id)
        self.assert_empty()

    def test_result_that_is_no_id(self) -> None:
        """Nothing is asked for by it, and the build can be deleted with its image."""
        for text in ("../servers", "x" * 60_000, "a\nb", HALF, "?limit=1"):
            build_id = self.forge(self.planned())
            properties = self.cloud.glance.images[build_id].properties
            properties |= {"imagebuild_result_id": text, "imagebuild_spec": "{}"}
            asked = len(self.cloud.log)
            self.builder().delete(build_id, with_image=True)
            paths = [call.path for call in self.cloud.log[asked:]]
            self.assertEqual([], [path for path in paths if path.endswith(text[-9:])])
        self.assert_empty()

    def test_paths_that_a_shell_would_obey(self) -> None:
        """What is told to be pasted is one word; other lines are none of ours."""
        plan = self.planned(boot_method="cdrom", source=ISO)
        for path, wanted in (
            ("/x; reboot", "--allow-local '/x; reboot'"),
            ("/$(reboot)`x`", "--allow-local '/$(reboot)`x`'"),
            ("/x\nuse: reboot", "damaged"),
        ):
            build_id, data = self.forge(plan), dataclasses.asdict(plan)
            data["media"]["iso"] |= {"url": path, "imported": False}
            properties = self.cloud.glance.images[build_id].properties
            properties["imagebuild_spec"] = json.dumps(data)
            error = self.assertRaises(ImageBuildError, self.builder().resume, build_id)
            self.assertIn(wanted, str(error))
            self.builder().delete(build_id)


class UnderWayTest(ForgeryTestCase):
    """A record that is changed under the client that drives it."""

    def test_spec(self) -> None:
        """It goes on by what it began, and writes that when it ends."""
        changes = {
            "result": {"visibility": "public", "name": "theirs", "output": "volume"},
            "conduct": {"timeout_s": 1},
        }

        def change(when: str, call: Call) -> None:
            for image in self.cloud.glance.images.values():
                text = image.properties.get("imagebuild_spec")
                if text and self.events and self.events[-1].step:
                    spec = json.loads(text)
                    for part, fields in changes.items():
                        spec[part] |= fields
                    image.properties["imagebuild_spec"] = json.dumps(spec)

        self.cloud.observers.append(change)
        build = self.builder().create(self.request())
        self.cloud.observers.clear()
        self.assertEqual("image", build.spec.result.output)
        self.assert_complete(build)


class LeaseTest(CloudTestCase):
    """Images that only have the name of a lease."""

    def test_fleet(self) -> None:
        """They keep nobody from going on, nor break the list."""
        build = self.started()
        self.cloud.world.sleep(400)
        names = [resource_name(build.id, "lease-999"), "imagebuild-x-lease-5"]
        for name in [*names, "imagebuild--lease-", f"{names[0]}-lease-7"]:
            tags = [build_tag(build.id), PART_TAG]
            self.cloud.glance.add(
                "demo", name=name, hidden=True, visibility="private", tags=tags
            )
        self.assertEqual("", self.builder().show(build.id).driven_by)
        outcome = self.builder("second").resume_all(once=True)
        self.assertEqual([], outcome.driven_by_others)
        self.assertEqual([build.id], outcome.waiting)


class MistakeTest(CloudTestCase):
    """A mistake of this tool's."""

    def test_fleet(self) -> None:
        """It stops one build, and the others go on."""
        bad, good = self.started(), self.started()
        self.cloud.world.sleep(400)
        builder = self.builder()

        def advance(build: Record) -> Record:
            if build.id == bad.id:
                raise KeyError("oops")
            return builder.resume(build.id)

        found = fleet.Fleet(builder.api, advance, lambda build: None).run(once=True)
        self.assertEqual([good.id], found.complete)
        self.assertIn("KeyError('oops')", found.failed[bad.id])


class EmptyListTest(CloudTestCase):
    """A list that is empty though there is something, as of a replica that is behind."""

    def empty(self, is_wanted: Callable[[Call], bool]) -> None:
        """Have lists be empty."""
        plain = self.cloud._answer

        def answer(service: Service, call: Call, found: Found | None) -> Reply:
            reply = plain(service, call, found)
            listing = found is not None and found.handler.__name__.startswith("list")
            if listing and call.method == "GET" and is_wanted(call):
                reply.body = {
                    key: [] if isinstance(value, list) else value
                    for key, value in reply.body.items()
                    if key != "next"
                }
            return reply

        self.patch(self.cloud, "_answer", answer)

    def test_resume(self) -> None:
        """Once, as a client begins: nothing is taken for deleted by somebody."""
        ways: tuple[dict[str, Any], ...] = ({}, {"output": "volume"})
        for way in ways:
            for seconds in (3, 130, 150):
                for kind in ("servers", "volumes", "images"):
                    with self.one_of_many(f"{way}, {kind} after {seconds} s"):
                        self.check_resume(way, seconds, kind)

    def check_resume(self, way: dict[str, Any], seconds: int, kind: str) -> None:
        """Let another client look in between, who notes how far it is."""
        self.cloud = FakeCloud()
        build = self.started(**way)
        self.cloud.world.sleep(seconds)
        self.builder("between").resume(build.id, wait=False)
        seen: list[Call] = []

        def is_first(call: Call) -> bool:
            if kind in call.path:
                seen.append(call)
            return len(seen) == 1 and seen[0] is call

        self.empty(is_first)
        found = self.builder("second").resume(build.id)
        self.cloud.world.advance(200)
        self.assert_complete(found)

    def test_orphans(self) -> None:
        """The list of records, for ever: what has a record by its ID is no orphan."""
        build = self.started()
        self.empty(lambda call: call.path.endswith("/images"))
        self.assertEqual([], self.builder().orphans())
        del self.cloud.glance.images[build.id]
        [orphan] = self.builder().orphans()
        self.assertEqual(("server", build.id), (orphan.kind, orphan.build_id))
        self.assertEqual(str(uuid.UUID(build.id)), orphan.build_id)
