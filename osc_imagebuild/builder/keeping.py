"""Keep images fresh: families, what is outdated, and many templates at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from osc_imagebuild.builder.copying import Copying
from osc_imagebuild.builder.driving import Driving
from osc_imagebuild.builds import families
from osc_imagebuild.builds.families import Family
from osc_imagebuild.builds.record import Record
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.model.freshness import Freshness
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.freshness import find_freshness
from osc_imagebuild.upkeep import apply, lacking, survey
from osc_imagebuild.upkeep.tasks import Applied, Looked, Task, Wish


@dataclass(frozen=True)
class Refreshed:
    """What `Builder.create_if_changed` found, and the build that it made of it.

    ``build`` is None where nothing had changed: ``freshness.current`` is the image then,
    and ``made_good`` what became of the copies that it lacked.
    """

    freshness: Freshness
    build: Record | None = None
    made_good: Applied | None = None


class Keeping(Driving, Copying):
    """Builds what is outdated."""

    def outdated(
        self,
        request: Request,
        *,
        max_age_s: int | None = None,
        catalog: Catalog | None = None,
        parent_anew: bool = False,
    ) -> Freshness:
        """Tell what changed since the newest result of a request's family was built.

        Nothing is written. ``max_age_s`` is how old a result may be, None for any age;
        ``catalog`` is as for `plan`. With ``parent_anew`` the image that it changes is to
        be built anew, so it need not be there, and counts as changed.

        :raises: SpecError naming all that is wrong with the request, CloudError
        """
        door = self.door.typed()
        return find_freshness(
            self.api,
            catalog or self.catalog,
            request,
            door,
            max_age_s,
            parent_anew=parent_anew,
        )

    def look(
        self, wishes: Sequence[Wish], *, max_age_s: int | None = None
    ) -> Sequence[Looked]:
        """Tell what `outdated` does of many templates, of which some may change others' images.

        What is wrong with one keeps none from being looked at.

        :raises: CloudError
        """
        return survey.look(self, wishes, max_age_s=max_age_s)

    def create_if_changed(
        self, request: Request, *, max_age_s: int | None = None, wait: bool = True
    ) -> Refreshed:
        """Build an image unless the newest one of its family is still the same.

        Where it is, nothing is built, and copies of it that are wanted and missing are made.

        :raises: as `outdated` and `create`
        """
        freshness = self.outdated(request, max_age_s=max_age_s)
        if not freshness.is_outdated:
            made_good = self.make_good(request, freshness)
            return Refreshed(freshness, made_good=made_good)
        return Refreshed(freshness, self.create(request, wait=wait))

    def make_good(self, request: Request, freshness: Freshness) -> Applied:
        """Copy the image that `outdated` found fresh to where it is wanted and missing.

        Those are clouds and stores. What goes wrong is told, not raised.
        """
        return lacking.make_good(self, request, freshness)

    def survey(
        self, wishes: Sequence[Wish], *, max_age_s: int | None = None
    ) -> Sequence[Task]:
        """Return what is to be done for each of many templates; nothing is written.

        ``max_age_s`` is how old an image may be, None for any age.

        :raises: SpecError naming all that is wrong with all of them, CloudError
        """
        return survey.survey(self, wishes, max_age_s=max_age_s)

    def apply(
        self,
        tasks: Sequence[Task],
        *,
        most: int = 4,
        wait: bool = True,
        begun: Callable[[Task], None] = lambda task: None,
    ) -> Iterator[Applied]:
        """Do what `survey` returned; yield what became of each as soon as it is known.

        ``most`` builds are under way at a time. Without ``wait`` they are left once their
        installers run; ``begun`` is called with each task that has a build.

        :raises: CloudError where the builds cannot be listed
        """
        return apply.Apply(self, self.api.clock, most, begun).run(tasks, wait=wait)

    def families(self, kind: str = "image") -> Sequence[Family]:
        """Return the families that results of a kind are of, by their names.

        ``kind`` is 'image', 'volume' or 'snapshot'.

        :raises: SpecError where there is no such kind, CloudError
        """
        return families.all_families(self.api, kind)

    def family(self, name: str, kind: str = "image") -> Family:
        """Return one family, and the servers that use its results.

        :raises: SpecError where no result of that kind is of it, CloudError
        """
        return families.look(self.api, name, kind)
