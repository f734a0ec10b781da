"""The steps that copy an image to more stores and to other clouds: tables."""

from __future__ import annotations

import dataclasses
from typing import Any

from osc_imagebuild.model.actions import CopyImage, CopyToStores, SetMark
from osc_imagebuild.model.copies import Copy, parse
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.outputs.image import OUTPUT
from osc_imagebuild.steps import copies
from osc_imagebuild.steps.copies import CopyElsewhere, Store
from tests.unit import samples
from tests.unit.decisions import StepTestCase, expressed
from tests.unit.samples import BUILD_ID, NOW

TWO, THREE = Copy("two", "R"), Copy("three")


def spec() -> Spec:
    """A spec with two stores and two copies."""
    whole = samples.spec()
    result = dataclasses.replace(
        whole.result, stores=("fast", "slow"), copies=(TWO, THREE)
    )
    return dataclasses.replace(whole, result=result)


def result(*stores: str, **properties: str) -> Image:
    """The result, as it is in stores."""
    found = samples.image("result", stores=frozenset(stores))
    said = {f"os_glance_{key}": text for key, text in properties.items()}
    return dataclasses.replace(found, properties=said)


def facts(image: Image | None, **marks: dict[str, str]) -> Facts:
    """Facts with marks of ten seconds ago."""
    noted = {k.replace("_", "-"): Mark(NOW - 10, data) for k, data in marks.items()}
    return samples.facts((image,) if image else (), marks=noted)


class CopiesTest(StepTestCase):
    """Each row: facts, and what is decided."""

    def decided(self, step: Any, seen: Facts) -> Any:
        """The decision, where the step is not done."""
        self.assertFalse(step.done(spec(), seen))
        return expressed(step.decide(spec(), seen))

    def test_stores(self) -> None:
        """Asked once, and waited for until each has answered."""
        late = facts(result("fast"))
        late = dataclasses.replace(late, marks={"storing": Mark(NOW - 3601, {})})
        for number, (seen, wanted) in enumerate(
            (
                (facts(None), self.stored("", "the image was deleted by somebody")),
                (facts(result("fast", "slow", "far")), self.stored("far fast slow")),
                (facts(result("fast")), CopyToStores("i-result", ("slow",))),
                (facts(result("x")), CopyToStores("i-result", ("fast", "slow"))),
                (
                    facts(result("fast", importing_to_stores="slow")),
                    SetMark("storing"),
                ),
                (
                    facts(result("fast"), storing={"trouble": "no"}),
                    self.stored("fast", "no"),
                ),
                (
                    facts(result("fast"), storing={}),
                    "wait: Glance copies it to slow (5 s)",
                ),
                (
                    facts(result("fast", failed_import="slow"), storing={}),
                    self.stored("fast", "Glance could not: slow"),
                ),
                (
                    facts(result(failed_import="slow"), storing={}),
                    "wait: Glance copies it to fast (5 s)",
                ),
                (late, self.stored("fast", "not within 60 minutes: slow")),
            )
        ):
            found = self.decided(Store(OUTPUT), seen)
            self.assertEqual(wanted, found, f"row {number}")
        self.assertTrue(Store(OUTPUT).done(spec(), facts(None, stored={})))
        self.assertEqual(OUTPUT.sees, Store(OUTPUT).sees)

    def stored(self, stores: str, trouble: str = "") -> SetMark:
        """The mark of what came of it."""
        data = {"stores": stores} | ({"trouble": trouble} if trouble else {})
        return SetMark("stored", data)

    def test_elsewhere(self) -> None:
        """Each is noted before it is begun, and when it is over."""
        begun, image = {"target": "two/R"}, result()
        over = {**begun, "image_id": BUILD_ID}
        gone = {"target": "two/R", "trouble": "the image was deleted by somebody"}
        for number, (seen, wanted) in enumerate(
            (
                (facts(image), SetMark("copy-0", begun)),
                (facts(image, copy_0=begun), CopyImage("i-result", TWO, 0)),
                (facts(image, copy_0=over), SetMark("copy-1", {"target": "three"})),
                (
                    facts(image, copy_0=gone, copy_1={"target": "three"}),
                    CopyImage("i-result", THREE, 1),
                ),
                (facts(None), SetMark("copy-0", gone)),
                (facts(None, copy_0=begun), SetMark("copy-0", gone)),
            )
        ):
            found = self.decided(CopyElsewhere(OUTPUT), seen)
            self.assertEqual(wanted, found, f"row {number}")
        step, done = CopyElsewhere(OUTPUT), facts(image, copy_0=over, copy_1=gone)
        self.assertTrue(step.done(spec(), done))
        self.assertEqual(
            "wait: all copies are noted (1 s)", expressed(step.decide(spec(), done))
        )
        self.assertEqual(OUTPUT.sees, step.sees)

    def test_told(self) -> None:
        """A line on each that was tried."""
        marks = {
            "stored": Mark(
                NOW, {"stores": "fast", "trouble": "Glance could not: slow"}
            ),
            "copy-0": Mark(NOW, {"target": "two/R", "image_id": BUILD_ID}),
            "copy-1": Mark(NOW, {"target": "three"}),
        }
        self.assertEqual(
            [
                "stores: fast, failed: Glance could not: slow",
                f"two/R: {BUILD_ID}",
                "three: being made",
            ],
            copies.told(spec(), marks),
        )
        self.assertEqual([], copies.told(spec(), {}))
        self.assertEqual([TWO, THREE], copies.begun(spec(), marks))
        self.assertEqual([], copies.begun(spec(), {}))

    def test_targets(self) -> None:
        """As users write them."""
        for text in ("two", "two/R"):
            self.assertEqual(text, parse(text).target)
