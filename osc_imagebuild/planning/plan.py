"""Make a plan of a request: choose, resolve, check. Nothing is written.

All that is wrong is found in one go, so a user mends it once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from osc_imagebuild import boot, outputs
from osc_imagebuild.cloud import limits
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests import install_tree
from osc_imagebuild.guests.answers import Answers
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.media import http
from osc_imagebuild.model import machine
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Flavor
from osc_imagebuild.model.spec import DriverCd, InstallSource, Spec
from osc_imagebuild.planning import (
    driver_iso,
    fixed_address,
    networks,
    offline,
    preflight,
    request_checks,
    selection,
    spec_builder,
)
from osc_imagebuild.planning.install_source import Finder
from osc_imagebuild.planning.spec_builder import Chosen, Placement

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """A build that can start. ``texts`` are the user data of its servers.

    ``build_id`` is the name that nobody else has: the guest's reports carry it.

    ``choices`` are lines on what was chosen for the user, ``warnings`` on
    what could not be checked from here.
    """

    build_id: str
    spec: Spec
    texts: Mapping[str, str]
    choices: tuple[str, ...]
    warnings: tuple[str, ...]


def make_plan(api: Api, catalog: Catalog, request: Request) -> Plan:
    """Return the plan for ``request``.

    :raises: SpecError naming all that is wrong, CloudError
    """
    planner = _Planner(api, catalog, request)
    plan = planner.plan()
    if planner.problems or plan is None:
        raise SpecError(planner.problems)
    return plan


class _Planner:
    """Collects problems instead of stopping at the first one."""

    def __init__(self, api: Api, catalog: Catalog, request: Request) -> None:
        self.api = api
        self.catalog = catalog
        self.request = request
        self.build_id = str(uuid.uuid4())
        self.problems = request_checks.validate_request(
            request
        ) + machine.validate_machine(request)
        self.choices: list[str] = []
        self.warnings: list[str] = []
        self.drivers = DriverCd()
        self.volume_zone = ""

    def plan(self) -> Plan | None:
        """Look at everything, even where an earlier thing was wrong."""
        entry = self._try(self._entry)
        install = self._try(lambda: self._media(entry)) if entry else None
        flavor = self._try(lambda: self._flavor(entry, install))
        where = self._try(self._place)
        groups = self._try(lambda: networks.security_groups(self.api, self.request))
        self._try(lambda: networks.check_zone(self.api, self.request))
        self._try(self._output)
        self.problems += preflight.check_quota(self.api, self.request, flavor)
        self.problems += preflight.check_visibility(self.api, self.request)
        minutes = self.request.timeout_min or (entry.timeout_min if entry else 0)
        self.problems += preflight.check_session_and_hypervisors(self.api, minutes * 60)
        answers = self._try(lambda: self._answers(entry, install, where))
        if not (entry and flavor and where and install and answers):
            return None
        request, warn = self.request, self.warnings.append
        chosen = Chosen(
            build_id=self.build_id,
            request=request,
            entry=entry,
            install=install,
            flavor=flavor,
            where=where,
            security_groups=groups or (),
            answers=answers,
            root_gib=self._root(entry, install, flavor),  # finds the zone too
            drivers=self.drivers,
            volume_zone=self.volume_zone,
            press_key=preflight.press_key(entry, request, install, warn),
            tree_sha256=self._tree_sha256(entry, install),
            expected_s=limits.earlier_duration_s(self.api, entry.name, flavor.name),
        )
        return self._plan(chosen)

    def _plan(self, chosen: Chosen) -> Plan:
        """The plan for what was chosen, once that was looked at as a whole."""
        spec, entry, answers = spec_builder.spec(chosen), chosen.entry, chosen.answers
        method = boot.load(spec.boot_method)
        self.problems += method.problems(spec)
        self.problems += boot.unsigned(self.request, spec.boot_method)
        self.warnings += preflight.warn_tpm(self.api, self.request)
        if method.answers_on_cd:
            self.problems += preflight.check_answer_cd(entry)
        return Plan(
            self.build_id,
            spec,
            {"answer": answers.answer, "verify": answers.verify},
            (*self.choices, *(f"note: {line}" for line in entry.deviations)),
            tuple(self.warnings),
        )

    def _try(self, part: Callable[[], T]) -> T | None:
        try:
            return part()
        except SpecError as error:
            self.problems += error.problems
            return None

    def _chosen(self, pair: tuple[T, str]) -> T:
        choice, line = pair
        if line:
            self.choices.append(line)
        return choice

    def _entry(self) -> Entry:
        entry, problems = offline.find_entry(self.catalog, self.request)
        self.problems += problems
        return driver_iso.equipped(entry, self.request)

    def _flavor(
        self, entry: Entry | None, install: InstallSource | None
    ) -> Flavor | None:
        known = limits.flavors(self.api)
        if entry is None:
            # How large it must be is unknown, but whether it exists is not.
            name = self.request.flavor
            return selection.named_flavor(known, name) if name else None
        on_volume = self._root(entry, install, None) > 0
        name = self.request.flavor
        return self._chosen(selection.flavor(known, name, entry, on_volume=on_volume))

    def _place(self) -> Placement:
        found = networks.networks(self.api, self.request)
        self.choices += found.choices
        return found

    def _output(self) -> None:
        if self.request.output not in outputs.names():
            raise SpecError(
                f"no output {self.request.output!r}; there are: "
                + ", ".join(outputs.names())
            )

    def _answers(
        self,
        entry: Entry | None,
        install: InstallSource | None,
        where: Placement | None,
    ) -> Answers | None:
        if entry is None:
            return None
        address = where.address if where else {}
        metadata = where.metadata if where else True
        answers, problems = offline.find_answers(
            entry, self.request, self.build_id, install, address, metadata=metadata
        )
        self.problems += problems
        if install and address:
            on_cd = boot.load(install.boot_method).answers_on_cd
            found = preflight.check_address(
                entry, install.boot_method, address, answers, metadata=metadata
            )
            (self.warnings if on_cd else self.problems).extend(found)
            self.warnings += fixed_address.unresolved(address, install.source)
        self.warnings += preflight.warn_answer_file(entry, self.request)
        return answers

    def _media(self, entry: Entry) -> InstallSource:
        finder = Finder(
            self.api,
            self.request,
            entry,
            tell=self.choices.append,
            warn=self.warnings.append,
        )
        found = finder.find()
        self.drivers = driver_iso.find(finder, found)
        return found

    def _root(
        self, entry: Entry, install: InstallSource | None, flavor: Flavor | None
    ) -> int:
        """Size of the root volume, 0 where the root disk is the flavor's."""
        kind = self.request.output
        size, line = selection.root(
            self.request,
            entry,
            install.boot_method if install else "",
            needed=kind in outputs.names() and outputs.load(kind).needs_volume,
            cds=install is not None and install.iso_as_cd,
            no_disk=flavor is not None and flavor.disk_gib == 0,
        )
        if flavor is not None and size:
            self.choices.append(line)
            cds = preflight.cds_gib(entry, install, self.drivers)
            self.problems += preflight.check_volume_quota(
                self.api, self.request, size, cds
            )
            zone = networks.volume_zone(self.api, self.request)
            self.volume_zone = self._chosen(zone)
        return size

    def _tree_sha256(self, entry: Entry, install: InstallSource) -> str:
        """What identifies the install tree, '' where nothing does."""
        if not entry.release_file or not install.kernel_url:
            return ""
        tree = install_tree.install_tree(entry, self.request)
        try:
            return http.digest(tree.release_url)[0]
        except TransientError:
            return ""  # a warning on the tree was given already
        except SpecError as error:
            self.problems += error.problems
            return ""
