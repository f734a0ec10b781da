"""Look at a cloud before anything is built in it."""

from __future__ import annotations

from osc_imagebuild.builder.session import Session
from osc_imagebuild.cloud import access_rules
from osc_imagebuild.cloud.access_rules import AccessRule
from osc_imagebuild.errors import ImageBuildError
from osc_imagebuild.model.findings import Finding, Works
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import cloud_check
from osc_imagebuild.planning.plan import make_plan


class Checking(Session):
    """Tells what works in a cloud, and what has to be allowed there."""

    def check(self, systems: tuple[str, ...] = ()) -> list[Finding]:
        """Return what works here for this user, and which of some systems could be built.

        Nothing that is written stays: an image without data is made and deleted. What is
        told names no address, no login and no project.
        """
        found = list(cloud_check.check_cloud(self.api))
        found += [self._check_system(name) for name in systems]
        return cloud_check.public(self.api, found)

    def access_rules(self) -> list[AccessRule]:
        """Return what an application credential must allow for all of this to work.

        :raises: CloudError
        """
        return access_rules.rules(self.api)

    def _check_system(self, name: str) -> Finding:
        try:
            request = Request(name=f"check {name}", os=name)
            plan = make_plan(
                self.api, self.catalog, request, self.door.typed(), self.clouds
            )
        except ImageBuildError as error:
            return Finding("systems", name, Works.NO, str(error))
        # How a catalogue's entry deviates is no matter of the cloud.
        chosen = (line for line in plan.choices if not line.startswith("note: "))
        told = "; ".join((*chosen, *plan.warnings))
        return Finding("systems", name, Works.YES, told)
