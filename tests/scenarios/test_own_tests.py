"""The user's own tests in the test server: they keep a result hidden that does not pass."""

from __future__ import annotations

from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import InstallError, SpecError
from osc_imagebuild.model.own_tests import OwnTest
from osc_imagebuild.model.request import File
from tests.unit.base import CloudTestCase

WEB = OwnTest(name="web", run="curl -f http://localhost/")
SHOP = OwnTest(name="shop", run="exit 3", expect_exit=3, timeout_s=60)
NAMELESS = OwnTest(run="true")


class OwnTestsCase(CloudTestCase):
    """Builds of a system whose test server runs tests."""

    def asked(self, **fields: Any) -> dict[str, Any]:
        """What is asked for in each of these."""
        return {"os": "mini-tests", "tests": (WEB, SHOP, NAMELESS), **fields}

    def built(self, **fields: Any) -> Record:
        """Build, to a good end."""
        build = self.builder().create(self.request(**self.asked(**fields)))
        self.assert_complete(build)
        return build

    def fails(self, **fields: Any) -> InstallError:
        """Build, and return why that failed; the result is there, and hidden."""
        request = self.request(**self.asked(**fields))
        error = self.assertRaises(InstallError, self.builder().create, request)
        self.assertEqual("test", error.step)
        build = self.builder().find(error.build_id)
        [result] = [i for i in self.images() if i.id in build.made]
        self.assertTrue(result.hidden)
        self.assert_empty(build.id, result.id)
        return error


class OutcomeTest(OwnTestsCase):
    """What came of them."""

    def test_passed(self) -> None:
        """All are told of, in their order."""
        for fields in ({}, {"output": "volume"}, {"test_reboot": True}):
            build = self.built(**fields)
            again = [", after a reboot"] * bool(fields.get("test_reboot"))
            wanted = [
                f"{name}{then} passed: exit code {code} after 2.0 s"
                for then in ("", *again)
                for name, code in (("web", 0), ("shop", 3), ("test-3", 0))
            ]
            self.assertEqual(wanted, [str(check) for check in build.checks])
            self.assertEqual(
                "said by curl -f http://localhost/", build.checks[0].output
            )
            self.builder().delete(build.id, with_image=True)

    def test_failed(self) -> None:
        """The reason has the name, the exit code and the last line; so has the record."""
        self.cloud.nova.plan.test_exits = {WEB.run: 22, SHOP.run: 0}
        error = self.fails()
        for part in (
            "2 of 3 tests were not passed: web: exit code 22 instead of 0 after 2.0 s: "
            "said by curl -f http://localhost/; shop: exit code 0 instead of 3",
            "stays hidden for inspection",
            "try again, from verify or install on",
        ):
            self.assertIn(part, str(error))
        shown = [str(check) for check in self.builder().find(error.build_id).checks]
        self.assertEqual(
            "web failed: exit code 22 instead of 0 after 2.0 s\n"
            "    said by curl -f http://localhost/",
            shown[0],
        )
        self.assertEqual("test-3 passed: exit code 0 after 2.0 s", shown[2])

    def test_hangs(self) -> None:
        """Also a test that takes the whole guest with it."""
        self.cloud.nova.plan.test_hangs = SHOP.run
        error = self.fails()
        self.assertIn(
            "the tests did not end within 16 minutes; the last one that began is shop",
            str(error),
        )
        shown = [str(check) for check in self.builder().find(error.build_id).checks]
        self.assertEqual(3, len(shown))
        self.assertTrue(
            shown[1].startswith("shop failed: it has no outcome: the tests")
        )

    def test_powers_off(self) -> None:
        """It is said at once."""
        self.cloud.nova.plan.test_powers_off, self.cloud.nova.plan.test_s = (
            SHOP.run,
            60.0,
        )
        begun = self.cloud.world.now
        self.assertIn("the guest went off while its tests ran", str(self.fails()))
        self.assertLess(self.cloud.world.now - begun, 600)

    def test_deleted_server(self) -> None:
        """A server that is gone is no proof."""
        self.cloud.nova.plan.test_s = 100.0

        def listen(event: Any) -> None:
            if event.step == "test":
                self.cloud.nova.servers.clear()

        builder = self.builder()
        builder.listener = listen
        request = self.request(**self.asked())
        error = self.assertRaises(InstallError, builder.create, request)
        self.assertIn("server that tests the result was deleted by", str(error))

    def test_retry(self) -> None:
        """They run again on another server, of the same image."""
        self.cloud.nova.plan.test_exits = {WEB.run: 22}
        error = self.fails()
        made = self.builder().find(error.build_id).made
        again = self.assertRaises(InstallError, self.builder().retry, error.build_id)
        self.assertIn("1 of 3 tests were not passed: web: exit code 22", str(again))
        self.cloud.nova.plan.test_exits = {}
        build = self.builder().retry(error.build_id, "verify")
        self.assert_complete(build)
        self.assertEqual(made, build.made)
        self.assertTrue(all(check.passed for check in build.checks))

    def test_late_client(self) -> None:
        """Who comes hours after the tests reads them too."""
        self.cloud.nova.plan.test_exits = {WEB.run: 1}
        builder, left = self.builder(), list[str]()

        def leave(event: Any) -> None:
            if event.step == "test" and not left:
                left.append(event.build_id)
                raise KeyboardInterrupt

        builder.listener = leave
        request = self.request(**self.asked())
        self.assertRaises(KeyboardInterrupt, builder.create, request)
        self.cloud.world.advance(5 * 3600)
        error = self.assertRaises(InstallError, self.resumed, left[0])
        self.assertIn("web: exit code 1 instead of 0", str(error))


class RefusedTest(OwnTestsCase):
    """What is refused before anything is made."""

    def test_refused(self) -> None:
        """All at once, with reasons."""
        bad = OwnTest(name="web", run=" ", expect_exit=256, timeout_s=0)
        error = self.assertRaises(
            SpecError,
            self.builder().create,
            self.request(
                os="mini",
                tests=(WEB, bad),
                verify=False,
                test_files=(File(path="x", content=b""),),
            ),
        )
        for part in (
            "test web: this is no command: ' '",
            "test web: expect_exit is 0 to 255",
            "test web: timeout_s is 1 to 3600",
            "two tests are named 'web'",
            "leave out --no-verify",
            "a file needs a whole path such as /etc/motd: 'x'",
            "Mini installer cannot be given tests: the user data of its test server",
        ):
            self.assertIn(part, str(error))
        self.assertEqual([], self.images())
