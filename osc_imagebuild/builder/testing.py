"""Test finished images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osc_imagebuild.builder.session import Session
from osc_imagebuild.builds import copying_anew
from osc_imagebuild.cloud import images
from osc_imagebuild.engine.events import Event, EventKind
from osc_imagebuild.engine.trial import Trial
from osc_imagebuild.errors import RecordError
from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.planning.trials import TrialPlan, plan_trial


@dataclass(frozen=True)
class Tested:
    """What came of the tests of an image; ``trouble`` is '' where all were passed."""

    image_id: str
    image_name: str
    os: str
    checks: Sequence[Check]
    trouble: str

    @property
    def passed(self) -> bool:
        """Whether the image came up, and all tests were passed."""
        return not self.trouble


class Testing(Session):
    """Tests finished images."""

    def plan_test(self, image: str, request: Request) -> TrialPlan:
        """Return how an image would be tested; nothing is written.

        ``image`` is its ID or its build's, or the name of its family or of an image. Of the
        request only its tests count, and what it says of their server; its system where the
        image does not tell its own.

        :raises: SpecError naming all that is wrong, RecordError where there is no such
            image, CloudError
        """
        return plan_trial(self.api, self.catalog, request, self._image(image))

    def test(self, plan: TrialPlan) -> Tested:
        """Boot an image as planned, run the tests, and remove the server.

        :raises: CloudError
        """

        def tell(step: str, text: str) -> None:
            now = self.api.now()
            self.listener(Event(EventKind.WAIT, plan.id, step, text, now))

        run = Trial(self.api, plan.id, plan.image, plan.spec, plan.user_data, tell)
        ended = run.run()
        return Tested(
            plan.image.id,
            plan.image.name,
            plan.spec.installer.os,
            ended.checks,
            ended.trouble,
        )

    def _image(self, word: str) -> Image:
        """Return an image of a build, or any other that is visible.

        :raises: RecordError, CloudError
        """
        try:
            return copying_anew.find_image(self.api, word)
        except RecordError:
            found = images.visible(self.api, word)
        if not found:
            raise RecordError(f"there is no image {word!r:.100}")
        if len(found) > 1:
            ids = ", ".join(image.id for image in found)
            raise RecordError(
                f"several images are named {word!r:.100}",
                resolution=f"give one's ID: {ids}",
            )
        return found[0]
