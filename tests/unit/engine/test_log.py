"""What a debug log tells of a build."""

from __future__ import annotations

import logging

import fixtures

from tests.unit.base import CloudTestCase

ANSWER = "correct horse battery"


class LogTest(CloudTestCase):
    """Each request, decision and action, and nothing that is secret."""

    def test_a_build(self) -> None:
        """From it one can see what was done, and why."""
        log = self.useFixture(
            fixtures.FakeLogger("osc_imagebuild", level=logging.DEBUG)
        )
        own = f"# {ANSWER} @BUILD_ID@\nreport() {{ poweroff; }}\n"
        build = self.builder().create(self.request(answer_file=own))
        text = log.output
        for line in (
            "compute POST /servers: 202\n",
            f"build {build.id}: image-stub: act CreateImage stub: ",
            f"build {build.id}: install: wait: ",
            f"build {build.id}: complete: act Finish",
        ):
            self.assertIn(line, text)
        self.assertTrue(self.cloud.keystone.tokens)
        for secret in (ANSWER, "user_data", *self.cloud.keystone.tokens):
            self.assertNotIn(secret, text)
