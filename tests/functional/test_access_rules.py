"""Which paths keystonemiddleware takes a rule to be for, and the fake cloud does.

No service is asked: its code is called where the devcloud has it.
"""

from __future__ import annotations

from osc_imagebuild.cloud.access_rules import AccessRule
from tests.fakes.access_rules import matching
from tests.fakes.wire import Call
from tests.functional.service_code import ServiceCodeCase

# Path of a rule, path of a request, whether the one is for the other.
CASES = (
    ("/v2/images", "/v2/images", True),
    ("/v2/images", "/v2/images/", False),
    ("/v2/images", "/v2/images/1", False),
    ("/v2/images", "/image/v2/images", False),
    ("/v2/images/*", "/v2/images/1", True),
    ("/v2/images/*", "/v2/images/", False),
    ("/v2/images/*", "/v2/images/1/file", False),
    ("/v2/images/*/tags/*", "/v2/images/1/tags/imagebuild-1-2", True),
    ("/v2/images/{image_id}/file", "/v2/images/1/file", True),
    ("/v2/**", "/v2/images/1/file", True),
    ("/v2/**", "/v3/images/1/file", False),
)
_SCRIPT = """
import json, sys
from keystonemiddleware.auth_token import _path_matches
print(json.dumps([bool(_path_matches(asked, rule)) for rule, asked in json.load(sys.stdin)]))
"""


def taken_by_the_fake(rule: str, asked: str) -> bool:
    """Whether the fake cloud takes a rule to be for a request."""
    call = Call("c", "image", "GET", asked, {}, {}, bytes, 0.0)
    return bool(matching([AccessRule("image", "GET", rule)], call))


class PathsTest(ServiceCodeCase):
    """Both say the same."""

    def test_paths(self) -> None:
        """With stars and names."""
        wanted = [case[2] for case in CASES]
        self.assertEqual(wanted, self.run_there(_SCRIPT, [case[:2] for case in CASES]))
        self.assertEqual(wanted, [taken_by_the_fake(*case[:2]) for case in CASES])
