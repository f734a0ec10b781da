"""API faults: a build completes, or it says who failed and what to do next."""

from __future__ import annotations

import email.utils
import itertools
from collections.abc import Iterator
from typing import Any

from osc_imagebuild.errors import (
    CloudError,
    ImageBuildError,
    InstallError,
    NextStep,
    TransientError,
    Verb,
)
from tests import signing
from tests.fakes import faults
from tests.fakes.cloud import FakeCloud
from tests.fakes.faults import Fault, Hook
from tests.fakes.wire import Call
from tests.unit.base import CloudTestCase
from tests.unit.samples import INSTALLING

# One call in so many meets the fault; each call has its turn in one build. No
# round of looks at the cloud has so many, or the same call would always meet it.
SPACING = 11

# A broken answer of Keystone's own is not known to be one that may pass.
WELL = ("complete", "TransientError", "CloudError")
FINAL = (*WELL, "ConflictError", "NotFoundError", "InstallError")


def every(offset: int, fault: Fault) -> Hook:
    """``fault`` for one call in `SPACING`, beginning with number ``offset``."""
    numbers = itertools.count()
    return lambda call: fault if next(numbers) % SPACING == offset else None


def at_login(fault: Fault) -> Hook:
    """``fault`` for all that is asked of Keystone."""
    return lambda call: fault if call.service == "identity" else None


class FaultTestCase(CloudTestCase):
    """Builds that meet faults; their images are signed.

    Glance ``takes`` disks in some formats only, if told so.
    """

    takes: tuple[str, ...] = ()

    def setUp(self) -> None:
        """Have a key."""
        super().setUp()
        self.signing_key = signing.key()

    def attempt(self, hook: Hook, boot_method: str = "ipxe", **fields: Any) -> str:
        """Build; return 'complete', or how it failed and was removed."""
        self.cloud = FakeCloud()
        self.cloud.glance.formats = list(self.takes) or self.cloud.glance.formats
        self.cloud.hooks.append(hook)
        try:
            # Only images are signed.
            signed = "" if "output" in fields else signing.CERTIFICATE
            request = self.request(
                boot_method=boot_method, certificate_id=signed, **fields
            )
            build = self.builder().create(request)
        except ImageBuildError as error:
            return self._failed(error)
        self.cloud.hooks.clear()
        # Where the lease could not be let go, this does it.
        self.assert_complete(self.builder("reader").resume(build.id))
        return "complete"

    def _failed(self, error: ImageBuildError) -> str:
        self.cloud.hooks.clear()
        self.cloud.forget_versions()
        builds = self.builder("looker").list().builds
        if isinstance(error, CloudError):
            self.assertIn(
                error.service, ("image", "compute", "network", "volume", "identity")
            )
            self.assertIn(error.service, str(error))
            if error.status >= 400:
                self.assertIn(f"request {faults.REQUEST_ID}", str(error))
        for build in builds:
            self.assertIn(build.id, str(error))
            self.assertIn(build.id, [step.target for step in error.next_steps])
            self.assertEqual(build.id, error.build_id)
            self.builder("remover").delete(build.id, with_image=True)
        self.assert_empty()
        return type(error).__name__


class EachCallTest(FaultTestCase):
    """Every fault for every call; none of them may cost more than a retry."""

    def outcomes(self, *some: Fault) -> Iterator[tuple[str, str]]:
        """Yield the case and how it ended."""
        methods = INSTALLING
        for (number, fault), offset in itertools.product(
            enumerate(some), range(SPACING)
        ):
            # In turns, so that each call of each method meets one of the kind.
            method = methods[(number + offset) % len(methods)]
            where = f"{fault.name} from call {offset} on, {method}"
            # Every other one boots its result once more, from a volume.
            boots = method == methods[0] and offset % 2 == 0
            more = {"os": "mini-tests", "test_firmware": ("uefi",)} if boots else {}
            with self.one_of_many(where):
                yield where, self.attempt(every(offset, fault), method, **more)

    def test_services_that_break(self) -> None:
        """5xx, before the request was carried out and after."""
        for where, outcome in self.outcomes(*faults.EVERY_FAULT[:4]):
            self.assertIn(outcome, WELL, where)

    def test_services_that_refuse(self) -> None:
        """Too many requests, conflicts, expired tokens, lagging replicas."""
        for where, outcome in self.outcomes(*faults.EVERY_FAULT[4:8]):
            refused = where.startswith("409") and outcome == "RecordError"
            self.assertTrue(refused or outcome in FINAL, where)

    def test_networks_that_break(self) -> None:
        """Time-outs, resets, lost and broken replies."""
        for where, outcome in self.outcomes(*faults.EVERY_FAULT[8:]):
            self.assertIn(outcome, WELL, where)

    def test_answers_that_are_garbled(self) -> None:
        """Status 200, and a body that is nothing of what was asked for."""
        for where, outcome in self.outcomes(*faults.GARBLED):
            self.assertIn(outcome, WELL, where)


class EachMutationTest(FaultTestCase):
    """One fault in a build, at each mutation in turn."""

    def sweep(self, *some: Fault) -> dict[str, list[str]]:
        """Return cases by how they ended."""
        self.attempt(lambda call: None)
        kinds = [call.kind for call in self.cloud.mutations]
        found: dict[str, list[str]] = {}
        for fault, (number, kind) in itertools.product(some, enumerate(kinds, 1)):
            where = f"{fault.name} for {number} {kind}"
            with self.one_of_many(where):
                outcome = self.attempt(faults.on_mutation(number, fault))
                found.setdefault(outcome, []).append(where)
        return found

    def test_broken(self) -> None:
        """A mutation that did not happen is made again."""
        found = self.sweep(faults.answered(503))
        self.assertEqual({"complete"}, set(found), str(found))

    def test_conflicting(self) -> None:
        """A conflict is looked at again."""
        found = self.sweep(faults.answered(409))
        # The first one is the record's: that ID cannot be somebody else's.
        failed = sum(len(c) for o, c in found.items() if o != "complete")
        self.assertLessEqual(failed, 1, str(found))

    def test_forbidden(self) -> None:
        """What is refused for good fails the build and leaves nothing."""
        found = self.sweep(faults.answered(403))
        self.assertIn("InstallError", found)


class BlankRootTest(FaultTestCase):
    """The same for a root volume that is made of nothing, as Glance takes no disks."""

    takes = ("aki", "ari", "iso")

    def test_each_change_of_it(self) -> None:
        """What did not happen is made again; what is refused leaves nothing."""
        way: dict[str, Any] = {"boot_method": "kernel", "output": "volume"}
        self.attempt(lambda call: None, **way)
        numbers = [
            number
            for number, call in enumerate(self.cloud.mutations, 1)
            if call.kind == "create volume" or call.kind.startswith("os-")
        ]
        self.assertGreater(len(numbers), 3)
        for number, (status, ends) in itertools.product(
            numbers, ((503, ["complete"]), (403, ["InstallError", "CloudError"]))
        ):
            with self.one_of_many(f"{status} for {number}"):
                fault = faults.on_mutation(number, faults.answered(status))
                self.assertIn(self.attempt(fault, **way), ends)


class OutageTest(FaultTestCase):
    """No cloud for a while."""

    def outage(self, begin_s: float, length_s: float) -> Hook:
        """No answer from ``begin_s`` after the start on."""
        start = self.cloud.world.start + begin_s
        return faults.outage(start, start + length_s)

    def test_half_an_hour_is_sat_out(self) -> None:
        """In every phase of a build."""
        for begin_s in (3, 30, 100, 130, 160):
            with self.one_of_many(f"{begin_s}"):
                outcome = self.attempt(self.outage(begin_s, 1800))
                self.assertEqual("complete", outcome)

    def test_two_hours_are_not(self) -> None:
        """The error says how to go on, and that works."""
        self.cloud.hooks.append(self.outage(30, 7200))
        error = self.assertRaises(
            CloudError, self.builder().create, self.request(verify=False)
        )
        self.cloud.hooks.clear()
        build = self.builder("looker").list().builds[0]
        self.assertIn(NextStep(Verb.RESUME, build.id), error.next_steps)
        self.assert_complete(self.resumed(build.id))

    def test_tokens_expire(self) -> None:
        """A build outlives many tokens."""
        self.cloud.keystone.life_s = 20
        self.assert_complete(self.builder().create(self.request()))
        self.assertGreater(len(self.cloud.keystone.tokens), 5)

    def test_retry_after_is_obeyed(self) -> None:
        """A service that asks for a minute gets it."""
        seen: list[Call] = []

        def hook(call: Call) -> Fault | None:
            if call.kind == "create server":
                seen.append(call)
                if len(seen) == 1:
                    return faults.answered(429, Retry_After="61")
            return None

        self.cloud.hooks.append(hook)
        self.assert_complete(self.builder().create(self.request(verify=False)))
        self.assertGreaterEqual(seen[1].at - seen[0].at, 61)

    def test_retry_after_may_be_a_date(self) -> None:
        """By the clock of the service that sends it."""
        begin, end = (email.utils.formatdate(t, usegmt=True) for t in (1000, 1090))
        fault = faults.answered(503, Retry_After=end, Date=begin)
        self.cloud.hooks.append(lambda call: fault)
        api = self.builder().api
        error = self.assertRaises(TransientError, api.call, "image", "GET", "/images")
        self.assertEqual(90, error.retry_after)

    def test_retry_after_of_days(self) -> None:
        """No look at the cloud sleeps that long; the error comes at once."""
        self.cloud.hooks.append(lambda call: faults.answered(503, Retry_After="86400"))
        begin = self.cloud.world.now
        self.assertRaises(TransientError, self.builder().list)
        self.assertLess(self.cloud.world.now - begin, 60)

    def test_keystone_is_named(self) -> None:
        """What goes wrong with a login is not what the service did."""
        for fault, kind in (
            (faults.answered(503, Retry_After="7"), TransientError),
            *((faults.answered(status), CloudError) for status in (401, 403, 404)),
            (Fault("reset", error=faults.RESET), TransientError),
            (Fault("time-out", error=faults.TIMED_OUT), TransientError),
        ):
            self.cloud = FakeCloud()
            self.cloud.hooks.append(at_login(fault))
            api = self.builder().api
            error = self.assertRaises(kind, api.call, "image", "GET", "/images/1")
            self.assertIs(kind, type(error), fault.name)
            self.assertIn("POST /auth/tokens", str(error))
            self.assertEqual("identity", error.service)
            if fault.reply:
                self.assertEqual(faults.REQUEST_ID, error.request_id)
        self.assertNotIn("image", str(error))

    def test_replicas_that_lag(self) -> None:
        """What was just made is not found for some seconds, by none of its names."""
        for method in INSTALLING:
            with self.one_of_many(method):
                self.assertEqual("complete", self.attempt(self.lag(), method))

    def lag(self) -> Hook:
        """404 for five seconds for each image, server and volume that is new."""
        born: dict[str, float] = {}

        def hook(call: Call) -> Fault | None:
            cloud = self.cloud
            for made in (cloud.glance.images, cloud.nova.servers, cloud.cinder.volumes):
                for resource_id in made:
                    born.setdefault(resource_id, call.at)
            asked = set(call.path.split("/")) if call.method == "GET" else set()
            new = any(call.at - born[i] < 5 for i in asked & born.keys())
            return faults.answered(404) if new else None

        return hook


class UploadTest(FaultTestCase):
    """The one request with a body that can be used up."""

    def test_expired_token(self) -> None:
        """Sent again after a 401, an upload carries its data again."""
        wanted = faults.once(
            lambda call: call.kind == "upload image", faults.answered(401)
        )
        for method in INSTALLING:
            self.assertEqual("complete", self.attempt(wanted, method))
            uploads = [c for c in self.cloud.mutations if c.kind == "upload image"]
            self.assertTrue(all(call.body for call in uploads), method)

    def test_quota(self) -> None:
        """A quota that was used up meanwhile fails the build with the reason."""
        self.cloud.hooks.append(
            faults.once(lambda call: call.kind == "create server", faults.answered(403))
        )
        error = self.assertRaises(InstallError, self.builder().create, self.request())
        self.assertIn("compute", str(error))
