"""What planning asks the cloud, where the cloud answers nonsense."""

from __future__ import annotations

from unittest.mock import Mock

import requests

from osc_imagebuild.cloud import api_errors, limits
from osc_imagebuild.errors import TransientError
from osc_imagebuild.media import http
from tests.unit.base import CloudTestCase
from tests.unit.model.test_numbers import LONG, NO_NUMBERS


class DurationTest(CloudTestCase):
    """How long the installer took before, by images that anybody may have shared."""

    def add(self, duration: str) -> None:
        """Have an image of an earlier build."""
        self.cloud.glance.add(
            "demo",
            status="active",
            properties={
                "imagebuild_os": "mini",
                "imagebuild_flavor": "m1.tiny",
                "imagebuild_duration_s": duration,
            },
        )

    def test_nonsense(self) -> None:
        """What is no time, or longer than any build, counts for nothing."""
        api = self.builder().api
        for text in (*NO_NUMBERS, "0", "86401"):
            self.add(text)
        self.assertEqual(0, limits.earlier_duration_s(api, "mini", "m1.tiny"))
        self.add("86400")
        self.assertEqual(86400, limits.earlier_duration_s(api, "mini", "m1.tiny"))

    def test_plan(self) -> None:
        """A build of that OS is planned all the same."""
        self.add("²")
        self.add(LONG)
        self.add("120")
        self.assertEqual(
            120, self.builder().plan(self.request()).spec.installer.expected_s
        )

    def test_running(self) -> None:
        """A build that runs does not ask: nothing of it changes when nonsense appears."""
        build = self.started()
        for text in (*NO_NUMBERS, LONG, "86400", "120"):
            self.add(text)
        expected_s = self.builder().find(build.id).spec.installer.expected_s
        self.assertEqual(0, expected_s)
        again = self.started(name="again")
        self.cloud.world.sleep(200)
        outcome = self.builder("second").resume_all()
        self.assertEqual({build.id, again.id}, set(outcome.complete))
        self.assertEqual({}, outcome.failed)
        for build_id in outcome.complete:
            properties = self.cloud.glance.images[
                self.builder().find(build_id).result_id
            ].properties
            self.assertLess(int(properties["imagebuild_duration_s"]), 1000)


class HeaderTest(CloudTestCase):
    """Numbers in headers of services and mirrors."""

    def test_retry_after(self) -> None:
        """Seconds are believed, anything else is no wait."""
        waits = [("120", 120.0), *((text, 0.0) for text in NO_NUMBERS)]
        for text, wanted in waits:
            error = api_errors.from_response(
                "compute", "GET", "/", answer("Retry-After", text)
            )
            assert isinstance(error, TransientError)
            self.assertEqual(wanted, error.retry_after, repr(text)[:20])

    def test_content_length(self) -> None:
        """0 where it is none."""
        for text, wanted in (("120", 120), *((text, 0) for text in NO_NUMBERS)):
            self.assertEqual(wanted, http.length(answer("Content-Length", text)))


def answer(header: str, value: str) -> requests.Response:
    """Return a refusal with one header."""
    found = Mock(spec=requests.Response, status_code=503, headers={header: value})
    found.json.side_effect = ValueError
    found.text = ""
    return found
