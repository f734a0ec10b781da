"""What the test server says of its result is kept beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from osc_imagebuild.model.actions import (
    CreateImage,
    DeleteImage,
    SetImage,
    SetMark,
    UploadImage,
)
from osc_imagebuild.model.boot_sources import PlainText
from osc_imagebuild.model.facts import Facts
from osc_imagebuild.model.manifest import MANIFEST_OF, Package
from osc_imagebuild.model.manifest_json import from_json
from osc_imagebuild.model.resources import Image
from osc_imagebuild.outputs.image import OUTPUT
from osc_imagebuild.steps.inspection import Inspect, letting_go
from osc_imagebuild.steps.publish import Cleanup
from tests.unit.decisions import OFF, StepTestCase, expressed
from tests.unit.monitors.console.test_frames import written
from tests.unit.samples import BUILD_ID, facts, image, marks, server, spec

SAID = {"system": {"release": "mini 1"}, "manager": "deb", "packages": [["a", "1"]]}
BOOTED = OFF | marks("harvested", image_id="i-result") | marks("verified")


def looked(console: str = "", *, there: bool = True, **fields: Any) -> Facts:
    """Return facts of a server that is up."""
    servers = (server("verify"),) if there else ()
    given = {"marks": BOOTED, **fields}
    return facts(servers=servers, consoles={"verify": console}, **given)


def said(data: Any = SAID) -> str:
    """The console of a guest that has said all."""
    return "\n".join(written(json.dumps(data).encode()))


class InspectTest(StepTestCase):
    """Until the manifest is kept, or there is none."""

    def action(self, step: Inspect, found: Facts) -> Any:
        """Return what a step does."""
        return expressed(step.decide(spec(), found))

    def test_kept(self) -> None:
        """An image is made of what the console has, filled, and noted."""
        step, asked = Inspect(), spec()
        made = self.action(step, looked(said()))
        assert isinstance(made, CreateImage)
        assert isinstance(made.image.content, PlainText)
        kept = from_json(made.image.content.text)
        self.assertEqual((BUILD_ID, "i-result"), (kept.build_id, kept.result_id))
        self.assertEqual((Package("a", "1"),), kept.packages)
        self.assertEqual("i-result", made.properties[MANIFEST_OF])
        queued = looked(said(), images=(image("manifest", "queued"),))
        filled = self.action(step, queued)
        assert isinstance(filled, UploadImage)
        self.assertEqual(made.image, filled.image)
        self.check(
            step,
            (looked(said(), images=(image("manifest"),)), SetMark("inspected")),
        )
        self.assertFalse(step.done(asked, looked(said())))
        self.assertTrue(step.done(asked, looked(marks=BOOTED | marks("inspected"))))

    def test_without(self) -> None:
        """No build fails by it, nor waits for ever."""
        late = BOOTED | marks("verified", ago=300)
        half = said().splitlines()[0].replace("1/1", "1/2")

        def none(trouble: str) -> SetMark:
            return SetMark("inspected", {"trouble": trouble})

        self.check(
            Inspect(),
            (looked(), "wait: the result lists what it has (5 s)"),
            (looked(half), "wait: the result lists what it has (5 s)"),
            (
                looked(marks=late),
                none("it wrote nothing of it on its console"),
            ),
            (
                looked(half, marks=late),
                none("not all of it came over the console"),
            ),
            (
                looked(said([1])),
                none("it is garbled: it is no object of JSON"),
            ),
            (
                looked(said(), there=False),
                none("the server that tests the result was deleted by somebody"),
            ),
        )


class CleanupTest(StepTestCase):
    """At the end it is the result's."""

    def test_let_go(self) -> None:
        """Its tags are no build's any more; one that was never filled goes."""
        step = Cleanup(OUTPUT, images=())
        published = replace(image("result"), name="golden", hidden=False)
        whole, empty = image("manifest"), image("manifest", "queued")

        def ended(kept: Image) -> Facts:
            items = {"result": published, "manifest": kept}
            return replace(looked(), images=items)

        self.check(
            step,
            (ended(whole), letting_go(whole)),
            (ended(empty), DeleteImage(empty.id)),
            output="image",
            root="local",
        )
        released = image("manifest", tags=frozenset({"imagebuild-manifest"}))
        self.assertTrue(step.done(spec(), ended(released)))
        self.assertFalse(step.done(spec(), ended(whole)))
        assert isinstance(letting_go(whole), SetImage)
