"""What Glance's own code takes where a site requires properties, and the fake Glance does.

No service is asked: the devcloud's Glance requires nothing. Its code is called where it is
installed.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.clock import World
from tests.fakes.glance import Glance
from tests.fakes.wire import Refusal
from tests.functional.service_code import ServiceCodeCase

# What schema-image.json of such a site says.
REQUIRED = {"cost": ["a", "b"], "team": []}
ONE = {"cost": ["a", "b"]}
# Bodies of POST /v2/images, or single operations of a PATCH; whether they are taken.
CASES: tuple[tuple[dict[str, list[str]], dict[str, Any], bool], ...] = (
    (REQUIRED, {"name": "x"}, False),
    (REQUIRED, {"name": "x", "cost": "a"}, False),
    (REQUIRED, {"name": "x", "cost": "a", "team": "t"}, True),
    (REQUIRED, {"name": "x", "cost": "c", "team": "t"}, False),
    (REQUIRED, {"op": "replace", "path": "/name", "value": "y"}, False),
    (REQUIRED, {"op": "add", "path": "/cost", "value": "a"}, False),
    (REQUIRED, {"op": "add", "path": "/imagebuild_probe", "value": "1"}, False),
    (REQUIRED, {"op": "remove", "path": "/other"}, True),
    (ONE, {"op": "add", "path": "/cost", "value": "a"}, True),
    (ONE, {"op": "add", "path": "/cost", "value": "c"}, False),
    (ONE, {"op": "add", "path": "/other", "value": "1"}, False),
    ({}, {"op": "add", "path": "/other", "value": "1"}, True),
    ({}, {"disk_format": "floppy"}, False),
)
_SCRIPT = """
import json, sys
import webob, webob.exc
from glance.api.v2 import images
from glance.common import config, wsgi

def taken(required, body):
    known = {k: {"type": "string", **({"enum": v} if v else {})} for k, v in required.items()}
    schema = images.get_schema({"properties": known, "required": list(required)})
    reader = images.RequestDeserializer(schema)
    patch = "op" in body
    kind = "application/openstack-images-v2.1-json-patch" if patch else "application/json"
    request = webob.Request.blank(
        "/v2/images", method="PATCH" if patch else "POST", content_type=kind,
        body=json.dumps([body] if patch else body).encode(),
    )
    try:
        (reader.update if patch else reader.create)(wsgi.Request(request.environ))
    except webob.exc.HTTPBadRequest:
        return False
    return True

print(json.dumps([taken(*case) for case in json.load(sys.stdin)]))
"""


def taken_by_the_fake(required: dict[str, list[str]], body: dict[str, Any]) -> bool:
    """Whether the fake Glance takes it."""
    glance = Glance(World())
    glance.required = required
    try:
        if body.get("op") != "remove":
            sent = {body["path"][1:]: body["value"]} if "op" in body else body
            glance.require(sent)
    except Refusal:
        return False
    return True


class ImageSchemaTest(ServiceCodeCase):
    """Both refuse the same."""

    def test_required_properties(self) -> None:
        """When an image is made, and in each single change of one."""
        wanted = [case[2] for case in CASES]
        self.assertEqual(wanted, self.run_there(_SCRIPT, [case[:2] for case in CASES]))
        self.assertEqual(wanted, [taken_by_the_fake(*case[:2]) for case in CASES])
