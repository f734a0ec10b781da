"""From a request to a spec: choose, resolve, check. Nothing is written.

All that is wrong is found in one go, so a user mends it once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from osc_imagebuild import (
    boot,
    choose,
    driver_cd,
    guests,
    hardware,
    media,
    offline,
    outputs,
    place,
    preflight,
)
from osc_imagebuild import spec as specs
from osc_imagebuild.catalog import Catalog, Entry
from osc_imagebuild.cloud import inventory
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.inventory import Flavor
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests import Answers
from osc_imagebuild.install_media import Finder
from osc_imagebuild.model import Request, Spec
from osc_imagebuild.parts import DriverCd, Media
from osc_imagebuild.place import Place
from osc_imagebuild.record import tool_version

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
        self.problems = specs.problems(request)
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
        groups = self._try(lambda: place.security_groups(self.api, self.request))
        self._try(lambda: place.check_zone(self.api, self.request))
        self._try(self._output)
        self.problems += preflight.room(self.api, flavor)
        self.problems += preflight.visibility(self.api, self.request.visibility)
        minutes = self.request.timeout_min or (entry.timeout_min if entry else 0)
        self.problems += preflight.surroundings(self.api, minutes * 60)
        answers = self._try(lambda: self._answers(entry, install, where))
        if not (entry and flavor and where and install and answers):
            return None
        spec = self._spec(entry, flavor, where, groups or (), install, answers)
        self.problems += boot.load(install.boot_method).problems(spec)
        self.problems += hardware.problems(self.request, install.boot_method)
        self.warnings += preflight.tpm(self.api, self.request)
        if spec.boot_method == "cdrom":
            self.problems += preflight.answer_cd(entry)
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
        return driver_cd.equipped(entry, self.request)

    def _flavor(self, entry: Entry | None, install: Media | None) -> Flavor | None:
        known = inventory.flavors(self.api)
        if entry is None:
            # How large it must be is unknown, but whether it exists is not.
            name = self.request.flavor
            return choose.named_flavor(known, name) if name else None
        on_volume = self._root(entry, install, None) > 0
        name = self.request.flavor
        return self._chosen(choose.flavor(known, name, entry, on_volume=on_volume))

    def _place(self) -> Place:
        found = place.networks(self.api, self.request)
        self.choices += found.choices
        return found

    def _output(self) -> None:
        if self.request.output not in outputs.names():
            raise SpecError(
                f"no output {self.request.output!r}; there are: "
                + ", ".join(outputs.names())
            )

    def _answers(
        self, entry: Entry | None, install: Media | None, where: Place | None
    ) -> Answers | None:
        if entry is None:
            return None
        method = install.boot_method if install else ""
        address = where.address if where else {}
        metadata = where.metadata if where else True
        answers, problems = offline.find_answers(
            entry, self.request, self.build_id, install, address, metadata=metadata
        )
        self.problems += problems
        if method and address:
            found = preflight.address(
                entry, method, address, answers, metadata=metadata
            )
            (self.warnings if method == "cdrom" else self.problems).extend(found)
        self.warnings += preflight.doubts(entry, self.request)
        return answers

    def _media(self, entry: Entry) -> Media:
        finder = Finder(
            self.api,
            self.request,
            entry,
            tell=self.choices.append,
            warn=self.warnings.append,
        )
        found = finder.find()
        self.drivers = driver_cd.find(finder, found)
        return found

    def _root(self, entry: Entry, install: Media | None, flavor: Flavor | None) -> int:
        """Size of the root volume, 0 where the root disk is the flavor's."""
        kind = self.request.output
        size, line = choose.root(
            self.request,
            entry,
            install.boot_method if install else "",
            needed=kind in outputs.names() and outputs.load(kind).NEEDS_VOLUME,
            cds=install is not None and install.iso_as_cd,
            no_disk=flavor is not None and flavor.disk_gib == 0,
        )
        if flavor is not None and size:
            self.choices.append(line)
            cds = preflight.cds_gib(entry, install, self.drivers)
            self.problems += preflight.volume_room(self.api, self.request, size, cds)
            zone = place.volume_zone(self.api, self.request)
            self.volume_zone = self._chosen(zone)
        return size

    def _spec(
        self,
        entry: Entry,
        flavor: Flavor,
        where: Place,
        groups: tuple[str, ...],
        install: Media,
        answers: Answers,
    ) -> Spec:
        request, warn = self.request, self.warnings.append
        minutes = request.timeout_min or entry.timeout_min
        volume_gib = self._root(entry, install, flavor)
        cd = entry.answer_cd if install.boot_method == "cdrom" else {}
        return Spec(
            **dataclasses.asdict(install),
            name=request.name,
            os=entry.name,
            arch=request.arch,
            output=request.output,
            flavor_id=flavor.id,
            flavor_name=flavor.name,
            root="volume" if volume_gib else "local",
            disk_gib=volume_gib or flavor.disk_gib,
            firmware=hardware.firmware(request),
            config_drive=where.config_drive,
            answer_cd_label=cd.get("label", ""),
            answer_cd_files=_answer_files(cd),
            answer_cd_texts={str(k): str(v) for k, v in cd.get("texts", {}).items()},
            answers_in_iso=bool(cd.get("remaster")),
            driver_cd=self.drivers,
            press_key=preflight.press_key(entry, request, install, warn),
            networks=where.networks,
            address=where.address,
            security_groups=groups,
            availability_zone=request.availability_zone,
            volume_zone=self.volume_zone,
            hints=dict(request.hints),
            kernel_args=answers.kernel_args,
            boot_properties=hardware.properties(request, entry.boot_properties),
            result_properties={
                **self._result_properties(entry, install, answers),
                "imagebuild_flavor": flavor.name,
            },
            result_tags=tuple(request.tags),
            result_visibility=request.visibility,
            min_ram_mib=entry.result_min_ram_mib,
            timeout_s=minutes * 60,
            verify=request.verify,
            verify_user_data=answers.verify,
            verify_sign=answers.verify_sign,
            verify_timeout_s=60 * int(entry.verify.get("timeout_min", 30)),
            keep_on_failure=request.keep_on_failure,
            family=entry.family,
            progress=entry.progress,
            failures=entry.failures,
            banners=entry.banners,
            stall_s=60 * (request.stall_min or entry.stall_min),
            expected_s=inventory.earlier_duration_s(self.api, entry.name, flavor.name),
        )

    def _result_properties(
        self, entry: Entry, install: Media, answers: Answers
    ) -> dict[str, str]:
        """What the finished image declares, and where it comes from."""
        found = {
            **hardware.properties(self.request, entry.properties),
            "architecture": self.request.arch,
            **self.request.properties,
            "imagebuild_build_id": self.build_id,
            "imagebuild_os": entry.name,
            "imagebuild_source": install.source,
            "imagebuild_answer_sha256": hashlib.sha256(
                answers.answer.encode()
            ).hexdigest(),
            "imagebuild_tool_version": tool_version(),
        }
        if entry.release_file and install.kernel_url:
            try:
                tree = guests.install_tree(entry, self.request)
                found["imagebuild_source_sha256"] = media.digest(tree.release_url)[0]
            except TransientError:
                pass  # a warning on the tree was given already
            except SpecError as error:
                self.problems += error.problems
        return found


def _answer_files(cd: Mapping[str, Any]) -> dict[str, str]:
    """Files of the answer CD, each with the name of the text in it."""
    if not cd:
        return {}
    return {str(cd["file"]): "answer", **dict.fromkeys(cd.get("empty", ()), "")}
