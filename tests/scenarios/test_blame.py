"""What is not done names who does not do it, and only what has no effect ends a build."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from osc_imagebuild.builds import teardown
from osc_imagebuild.builds.orphans import Orphan
from osc_imagebuild.engine import loop
from osc_imagebuild.errors import CloudError, NextStep, NotFoundError, Verb
from tests.fakes import faults
from tests.fakes.faults import Fault, Hook
from tests.fakes.wire import Call, Reply
from tests.unit.base import CloudTestCase

# As Cinder answers a request that it accepts.
DONE = Fault("accepted, and nothing done", Reply(202))


def deletes(service: str) -> Callable[[Call], bool]:
    """Whether a call removes something of ``service``, but a lease or the record."""
    return lambda call: (
        (call.service, call.method) == (service, "DELETE") and "/tags/" not in call.path
    )


def always(wanted: Callable[[Call], bool], fault: Fault) -> Hook:
    """``fault`` for each call that is ``wanted``."""
    return lambda call: fault if wanted(call) else None


class TidyingTest(CloudTestCase):
    """The result is out, and what it was made of cannot be removed at once."""

    def unfinished(self, wanted: Callable[[Call], bool], fault: Fault) -> CloudError:
        """Return why a build by cdrom could not be ended; then it can."""
        self.cloud.hooks.append(always(wanted, fault))
        request = self.request(boot_method="cdrom", verify=False)
        error = self.assertRaises(CloudError, self.builder().create, request)
        self.cloud.hooks.clear()
        [build] = self.builder("looker").list().builds
        self.assertEqual("building", build.status)
        self.assertIn("the image is complete", str(error))
        self.assertIn(NextStep(Verb.RESUME, build.id), error.next_steps)
        self.assert_complete(self.resumed(build.id))
        return error

    def test_each_volume_is_counted_alone(self) -> None:
        """Four of them, each refused some times: all that was asked has had effect."""
        met: dict[str, int] = {}

        def hook(call: Call) -> Fault | None:
            if not deletes("volume")(call) or met.get(call.path, 0) == 2:
                return None
            met[call.path] = met.get(call.path, 0) + 1
            return faults.answered(404)

        self.cloud.hooks.append(hook)
        build = self.builder().create(self.request(boot_method="cdrom"))
        self.assertGreater(sum(met.values()), 6)
        self.assert_complete(build)

    def test_without_effect(self) -> None:
        """The service that accepts it each time is named."""
        for service, method in (("volume", "cdrom"), ("image", "ipxe")):
            with self.one_of_many(service):
                self.cloud = type(self.cloud)()
                self.cloud.hooks.append(always(deletes(service), DONE))
                request = self.request(boot_method=method, verify=False)
                error = self.assertRaises(CloudError, self.builder().create, request)
                self.assertIn("5 times without effect (cleanup: Delete", str(error))
                self.assertEqual((service, 0), (error.service, error.status))
                self.assertIn(f"({service})", str(error))

    def test_refused(self) -> None:
        """The refusal's request can be looked for in the service's log."""
        error = self.unfinished(deletes("volume"), faults.answered(409))
        found = (error.service, error.status, error.request_id)
        self.assertEqual(("volume", 409, faults.REQUEST_ID), found)
        text = f"(volume, HTTP 409, request {faults.REQUEST_ID})"
        self.assertEqual(1, str(error).count(text), str(error))

    def test_waited_for(self) -> None:
        """A volume that never becomes free is Cinder's."""
        request = self.request(boot_method="cdrom", verify=False)
        builder = self.builder()
        spec = builder.plan(request).spec
        own = 400 - spec.conduct.timeout_s - spec.verify.timeout_s
        self.patch(loop, "LONGEST_STEP_S", own)

        def hold(call: Call) -> Fault | None:
            for volume in self.cloud.cinder.volumes.values():
                if any(event.step == "cleanup" for event in self.events):
                    volume.status = "reserved"
            return None

        self.cloud.hooks.append(hold)
        error = self.assertRaises(CloudError, builder.create, request)
        self.assertIn("as reserved: for more than", str(error))
        self.assertEqual("volume", error.service)


class PassingTest(CloudTestCase):
    """Refusals that pass, however many there are in a long step."""

    def test_one_now_and_then(self) -> None:
        """Each third sign of life finds the record in use, for two hours."""
        met = itertools.count()
        refused: list[str] = []

        def hook(call: Call) -> Fault | None:
            if (call.service, call.method) != ("image", "PATCH") or next(met) % 3:
                return None
            refused.append(call.path)
            return faults.answered(409)

        self.cloud.nova.plan.install_s = 7200.0
        self.cloud.hooks.append(hook)
        build = self.builder().create(self.request(timeout_min=180, stall_min=180))
        self.assertGreater(len(refused), 10)
        self.assert_complete(build)


class RemovalTest(CloudTestCase):
    """`cancel` and `delete` say who keeps what stays."""

    def test_cancel(self) -> None:
        """The last refusal's service, status and request; else the service alone."""
        self.patch(teardown, "LIMIT_S", 30.0)
        self.patch(teardown, "VOLUME_LIMIT_S", 30.0)
        for service, fault, status, request_id in (
            ("compute", faults.answered(409), 409, faults.REQUEST_ID),
            ("compute", DONE, 0, ""),
            ("image", faults.answered(409), 409, faults.REQUEST_ID),
            ("volume", faults.answered(400), 400, faults.REQUEST_ID),
            ("volume", DONE, 0, ""),
        ):
            with self.one_of_many(f"{service} {fault.name}"):
                self.cloud = type(self.cloud)()
                method = "cdrom" if service == "volume" else "ipxe"
                build = self.started(boot_method=method)
                self.cloud.hooks.append(always(deletes(service), fault))
                error = self.assertRaises(CloudError, self.builder().cancel, build.id)
                self.cloud.hooks.clear()
                self.assertIs(CloudError, type(error))
                self.assertIn("still there after", str(error))
                found = (error.service, error.status, error.request_id)
                self.assertEqual((service, status, request_id), found)
                self.builder().delete(build.id)
                self.assert_empty()

    def test_volumes(self) -> None:
        """Of a result too."""
        self.patch(teardown, "LIMIT_S", 10.0)
        build = self.builder().create(self.request(output="volume", verify=False))
        self.cloud.hooks.append(always(deletes("volume"), faults.answered(400)))
        api = self.builder().api
        error = self.assertRaises(
            CloudError, teardown.remove_result, api, build.id, [build.result_id]
        )
        self.assertEqual(("volume", 400), (error.service, error.status))

    def test_orphans(self) -> None:
        """All are named with their refusals, told once each."""
        self.cloud.hooks.append(always(deletes("image"), faults.answered(403)))
        builder = self.builder()
        found = [Orphan("image", i, f"x-{i}", "b") for i in ("1", "2")]
        error = self.assertRaises(CloudError, builder.delete_orphans, found)
        self.assertEqual(("image", 403), (error.service, error.status))
        self.assertEqual(2, str(error).count(faults.REQUEST_ID))


class TextTest(CloudTestCase):
    """What an error says of the request that it comes from."""

    def test_told_once(self) -> None:
        """An error that has another's words in it tells the request once."""
        first = NotFoundError("no", service="image", status=404, request_id="req-1")
        again = CloudError(
            f"x stays: {first}", service="image", status=404, request_id="req-1"
        )
        self.assertEqual("x stays: no (image, HTTP 404, request req-1)", str(again))
