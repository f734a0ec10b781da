"""The real command on a real cloud, as a plain member of a project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import fixtures
import openstack
import testtools
from testtools import content

from devcloud import settings
from devcloud.media import outcome
from osc_imagebuild.cloud.images import CORE
from osc_imagebuild.model.manifest import MANIFEST_OF
from osc_imagebuild.model.names import RECORD_TAG, builds_of
from tests import paths

CATALOG = paths.MINI_CATALOG
COMMAND_LIMIT_S = 600
DELETION_LIMIT_S = 60
_STEP = re.compile(r"^\[ *\d+:\d\d\] ([a-z0-9-]+)$")
# The number of steps is bounded; so must be the kills.
MAX_KILLS = 40
OPENSTACK = str(Path(sys.executable).with_name("openstack"))


class EndToEndTest(testtools.TestCase):
    """Runs `openstack ...`; whatever a test builds is deleted at its end."""

    # The parts of the devcloud's installer media that a class of tests needs.
    MEDIA: tuple[str, ...] = ("mini",)

    def setUp(self) -> None:
        super().setUp()
        if "OS_CLOUD" not in os.environ:
            self.skipTest("no cloud: set OS_CLOUD, or use make e2e")
        for part in self.MEDIA:
            self.need_media(part)
        self.cloud = openstack.connect()
        self.addCleanup(self.cloud.close)
        self.environment = {
            **os.environ,
            "OSC_IMAGEBUILD_CATALOG": str(CATALOG),
            # The key by which a client knows its own builds, whose mirror is private.
            "XDG_STATE_HOME": self.useFixture(fixtures.TempDir()).path,
            "PYTHONUNBUFFERED": "1",
        }
        # Failed builds save their consoles in the working directory.
        self.directory = self.useFixture(fixtures.TempDir()).path
        self.addOnException(self._show_consoles)
        self.name = f"e2e-{uuid.uuid4().hex[:8]}"
        self._strangers: set[str] = set()
        self._before = {item["id"] for items in self._all().values() for item in items}
        self.addCleanup(self._clean)

    def need_media(self, part: str) -> None:
        """Fail at once, with the reason, where the devcloud could not make this."""
        if os.environ.get("OS_CLIENT_CONFIG_FILE") != str(settings.CLOUDS):
            return
        if reason := outcome.missing(part):
            self.fail(reason)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command; its output is read by the test."""
        process = subprocess.Popen(
            [OPENSTACK, *words],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(_reap, process)
        return process

    def run_command(
        self, *words: str, limit_s: float = COMMAND_LIMIT_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [OPENSTACK, *words],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
        )

    def openstack(self, *words: str) -> Any:
        """Run a command that must succeed and return its JSON."""
        done = self.run_command(*words, "-f", "json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def create(self, *words: str) -> Any:
        """Build an image named after the test."""
        return self.openstack(
            "image", "build", "create", "--os", "mini", *words, self.name
        )

    def left(self) -> Counter[str]:
        """How many of what kind are there now that were not before this test.

        Other tests' do not count, nor does content that several builds use and
        one of them claims: who makes it depends on who comes first.
        """
        self._learn_strangers()
        everything = self._all()
        self._learn_strangers()
        theirs = {s["id"] for s in everything["servers"] if self._is_strange(s)}
        there = {item["id"] for items in everything.values() for item in items}
        return Counter(
            kind
            for kind, items in everything.items()
            for item in items
            if item["id"] not in self._before
            and item.get("device_id") not in theirs
            and not self._is_strange(item)
            and not _is_shared(item)
            # What is known of a result is there as long as that is.
            and item.get(MANIFEST_OF) not in there
        )

    def _all(self) -> dict[str, list[dict[str, Any]]]:
        """All that the project has and a build could leave behind."""
        images = self.cloud.image.get("/images?limit=500").json()["images"]
        hidden = self.cloud.image.get("/images?limit=500&os_hidden=true")
        cinder = self.cloud.block_storage
        return {
            "images": images,
            "hidden_images": hidden.json()["images"],
            "servers": [s.to_dict() for s in self.cloud.compute.servers()],
            "ports": [p.to_dict() for p in self._servers_ports()],
            "snapshots": [s.to_dict() for s in cinder.snapshots()],
            "volumes": [v.to_dict() for v in cinder.volumes()],
        }

    def _servers_ports(self) -> list[Any]:
        """Routers and DHCP agents have theirs as tests make and remove networks."""
        found = self.cloud.network.ports()
        return [p for p in found if not p.device_owner.startswith("network:")]

    def _learn_strangers(self) -> None:
        """Note the builds that are not this test's, before they go.

        An image that Glance is deleting may be listed without its properties.
        """
        listed = self.cloud.image.get(f"/images?os_hidden=true&tag={RECORD_TAG}")
        self._strangers |= {
            image["id"]
            for image in listed.json()["images"]
            if "imagebuild_spec" in image
            and json.loads(image["imagebuild_spec"])["result"]["name"] != self.name
        }

    def _is_strange(self, item: dict[str, Any]) -> bool:
        """Whether a resource is another test's, by its name and its builds."""
        name, tags = item.get("name") or "", item.get("tags") or []
        if re.match("e2e-", name) and not name.startswith(self.name):
            return True
        builds = {item["id"], *builds_of([name, *tags])}
        return bool(builds & self._strangers)

    def assert_left(self, **expected: int) -> None:
        """Nothing else is there, or will be once Nova has deleted what goes."""
        deadline = time.monotonic() + DELETION_LIMIT_S
        while (left := self.left()) != expected and time.monotonic() < deadline:
            time.sleep(2)
        self.assertEqual(expected, dict(left))

    def properties(self, image_id: str) -> dict[str, str]:
        """All that is set on an image beside what Glance shows of every one."""
        image = self.cloud.image.get(f"/images/{image_id}").json()
        return {k: v for k, v in image.items() if k not in CORE}

    def delete(self, build: str) -> None:
        """Delete a build with its image, which must succeed."""
        done = self.run_command("image", "build", "delete", "--with-image", build)
        self.assertEqual(0, done.returncode, done.stderr)

    def read_until_step(self, process: subprocess.Popen[str], name: str) -> None:
        """Read a build's progress until it begins a step."""
        assert process.stderr is not None
        for line in process.stderr:
            if _new_steps([line], [], f"{name}$"):
                return
        self.fail(f"the build ended before its step {name}")

    def killed_in(self, steps: str, *options: str) -> list[str]:
        """Build; kill and resume in each step that matches; return these steps.

        A step that finds its content there takes less than the time until the
        signal, and may be over by then; the kill hit it or the one after it.
        """
        words = ["image", "build", "create", "--os", "mini", *options, self.name]
        seen: list[str] = []
        for _ in range(MAX_KILLS):
            new = self._run_until_new_step(words, seen, steps)
            if not new:
                break
            seen += new
            words = ["image", "build", "resume", self.name]
        build = self.openstack("image", "build", "show", self.name)
        self.assertEqual("complete", build["status"])
        return seen

    def _run_until_new_step(
        self, words: list[str], seen: list[str], steps: str
    ) -> list[str]:
        """Kill the command in the first step not killed in yet; [] at its end.

        Steps that it began before the signal reached it are returned too.
        """
        process = self.start(*words)
        deadline = time.monotonic() + COMMAND_LIMIT_S
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if _new_steps([line], seen, steps):
                time.sleep(0.2)  # into the step
                process.kill()
                process.wait(timeout=30)
                return _new_steps([line, *process.stderr], seen, steps)
            self.assertLess(time.monotonic(), deadline, "".join(lines))
        try:
            self.assertEqual(0, process.wait(timeout=60), "".join(lines))
        except subprocess.TimeoutExpired:
            self.fail("the command closed its output but did not end")
        return []

    def _show_consoles(self, error: object) -> None:
        """What a failed build saved is gone with its directory: show it."""
        for saved in Path(self.directory).glob("*.log"):
            self.addDetail(
                saved.name, content.content_from_file(str(saved), buffer_now=True)
            )

    def _clean(self) -> None:
        for build in self.openstack("image", "build", "list"):
            if build["Name"] == self.name:
                self.delete(build["ID"])


def _new_steps(lines: list[str], seen: list[str], steps: str) -> list[str]:
    """The steps that these lines begin, of those that match and were not seen."""
    found = [match.group(1) for line in lines if (match := _STEP.match(line.rstrip()))]
    return [step for step in found if step not in seen and re.match(steps, step)]


def _is_shared(item: dict[str, Any]) -> bool:
    """Whether this is content that several builds may use, and one does."""
    tags = item.get("tags") or []
    shared = any(tag.startswith("imagebuild-content-") for tag in tags)
    return shared and any(builds_of(tags))


def _reap(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=30)
