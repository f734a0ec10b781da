"""Tests of images that are there already: booted in a server that goes again."""

from __future__ import annotations

import functools
from typing import Any

from osc_imagebuild.builder.testing import Tested
from osc_imagebuild.errors import CloudError, RecordError, SpecError
from osc_imagebuild.model.own_tests import OwnTest
from osc_imagebuild.model.request import Request
from tests.fakes.faults import LOST, answered, once, outage
from tests.fakes.wire import Call
from tests.unit.base import PARENT, CloudTestCase

WEB, SHOP = OwnTest(name="web", run="curl"), OwnTest(run="exit 3", expect_exit=3)


class TrialCase(CloudTestCase):
    """A cloud with an image that no build of today made."""

    def setUp(self) -> None:
        """Have one that says which system it is."""
        super().setUp()
        self.image = self.add_parent(properties={"imagebuild_os": "mini-tests"})

    def asked(self, **fields: Any) -> Request:
        """A request with tests."""
        given = {"tests": (WEB, SHOP), "from_image": PARENT, **fields}
        return Request(name="x", **given)

    def tested(self, word: str = PARENT, **fields: Any) -> Tested:
        """Test an image; nothing is left of it."""
        builder = self.builder()
        found = builder.test(builder.plan_test(word, self.asked(**fields)))
        self.assert_untouched()
        return found

    def assert_untouched(self) -> None:
        """The image is as it was, and alone."""
        self.cloud.tick()
        self.assertEqual({}, self.cloud.nova.servers)
        [image] = list(self.cloud.glance.images.values())
        self.assertEqual((PARENT, []), (image.name, image.tags))


class OutcomeTest(TrialCase):
    """What came of them."""

    def test_passed(self) -> None:
        """By name and by ID; also after a reboot."""
        for word, fields in ((PARENT, {}), (self.image.id, {"test_reboot": True})):
            found = self.tested(word, **fields)
            self.assertTrue(found.passed, found.trouble)
            self.assertEqual("mini-tests", found.os)
            self.assertEqual(2 * (1 + len(fields)), len(found.checks))
            self.assertTrue(all(check.passed for check in found.checks))
        self.assertEqual({"test", "verify", "verify-server"}, self.steps())

    def steps(self) -> set[str]:
        """What a listener heard of."""
        return {event.step for event in self.events}

    def test_results_of_builds(self) -> None:
        """The image of a build, by its ID, its family, or its own."""
        build = self.builder().create(self.request(os="mini-tests"))
        before = dict(self.cloud.glance.images)
        for word in (build.id, build.spec.result.family, build.result_id):
            builder = self.builder()
            found = builder.test(builder.plan_test(word, self.asked()))
            self.assertEqual(build.result_id, found.image_id)
            self.assertTrue(found.passed)
        self.assertEqual(before, dict(self.cloud.glance.images))

    def test_failed(self) -> None:
        """A test, a hang, an image that does not boot: each is told."""
        plan = self.cloud.nova.plan
        plan.test_exits = {"curl": 22}
        found = self.tested()
        self.assertFalse(found.passed)
        self.assertIn("1 of 2 tests were not passed: web: exit code 22", found.trouble)
        self.assertEqual([False, True], [check.passed for check in found.checks])
        plan.test_exits, plan.test_hangs = {}, "curl"
        found = self.tested()
        self.assertIn("did not end within 15 minutes", found.trouble)
        plan.test_hangs, plan.result_boots = "", False
        found = self.tested()
        self.assertIn("the result did not come up within 10 minutes", found.trouble)
        self.assertEqual([False, False], [check.passed for check in found.checks])
        self.cloud.nova.server_fault = "no host"
        self.assertIn("the result does not start: no host", self.tested().trouble)


class RefusedTest(TrialCase):
    """What is told before a server is made."""

    def refused(self, *wanted: str, **fields: Any) -> None:
        """All of it is in one error."""
        builder = self.builder()
        error = self.assertRaises(
            SpecError, builder.plan_test, PARENT, self.asked(**fields)
        )
        for part in wanted:
            self.assertIn(part, str(error))
        self.assert_untouched()

    def test_requests(self) -> None:
        """What is asked for."""
        self.refused("nothing says what is to be tested", tests=())
        for fields in ({"flavor": "none"}, {"networks": ("none",)}):
            self.refused("'none'", **fields)
        self.refused("this is no command", tests=(OwnTest(run=""),))
        self.refused("leave out --no-verify", verify=False)

    def test_images(self) -> None:
        """What is to be tested."""
        self.image.properties["imagebuild_os"] = "mini"
        self.refused("cannot be given tests: the user data of its test server")
        self.image.properties.clear()
        self.refused("does not tell which system it is")
        self.assertTrue(self.tested(os="mini-tests").passed)
        self.image.status = "deactivated"
        self.refused(
            "it is deactivated, and only an active image boots", os="mini-tests"
        )
        builder = self.builder()
        for word in ("none", self.image.id[:-1] + "0"):
            self.assertRaises(RecordError, builder.plan_test, word, self.asked())


class TroubleTest(TrialCase):
    """Clouds that stumble, and clients that go."""

    def test_faults(self) -> None:
        """A service that is away for a moment, or an answer that is lost."""
        for kind in ("create server", "delete server"):
            for fault in (answered(503), LOST):
                hook = once(functools.partial(_is, kind), fault)
                self.cloud.hooks.append(hook)
                self.assertTrue(self.tested().passed)
        self.cloud.hooks.append(outage(self.cloud.world.now + 20, 1e12, "compute"))
        builder = self.builder()
        plan = builder.plan_test(PARENT, self.asked())
        self.assertRaises(CloudError, builder.test, plan)

    def test_refused_server(self) -> None:
        """Why there is none is said, and nothing is left."""
        # Without a config drive it is asked for once more.
        for _ in range(2):
            hook = once(functools.partial(_is, "create server"), answered(403))
            self.cloud.hooks.append(hook)
        builder = self.builder()
        plan = builder.plan_test(PARENT, self.asked())
        self.assertRaises(CloudError, builder.test, plan)
        self.assert_untouched()

    def test_interrupted(self) -> None:
        """Who is interrupted takes the server away first."""
        for step in ("verify-server", "verify", "test"):

            def stop(event: Any, step: str = step) -> None:
                if event.step == step:
                    raise KeyboardInterrupt

            builder = self.builder()
            plan = builder.plan_test(PARENT, self.asked())
            builder.listener = stop
            self.assertRaises(KeyboardInterrupt, builder.test, plan)
            self.assert_untouched()

    def test_killed(self) -> None:
        """What a client that died has left is an orphan once no test can be at work."""
        builder = self.builder()
        plan = builder.plan_test(PARENT, self.asked())

        self.cloud = self.cloud_after("create server", builder.test, plan)
        builder = self.builder()
        self.assertEqual([], list(builder.orphans()))
        self.cloud.world.advance(6 * 3600)
        [orphan] = builder.orphans()
        self.assertEqual(("server", plan.id), (orphan.kind, orphan.build_id))
        builder.delete_orphans([orphan])
        self.cloud.world.advance(60)
        self.assert_untouched()


def _is(kind: str, call: Call) -> bool:
    return call.kind == kind
