"""All that is known of one build, put together for whoever looks at it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import NextStep, Verb
from osc_imagebuild.model import family
from osc_imagebuild.model.checks import BOOTS, Check
from osc_imagebuild.model.copies import Copy
from osc_imagebuild.model.family import Member
from osc_imagebuild.model.manifest import Manifest
from osc_imagebuild.model.names import Status
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.reports.difference import Difference
from osc_imagebuild.reports.excerpt import Excerpt
from osc_imagebuild.reports.timeline import Stretch
from osc_imagebuild.steps import boots

# Of a picture in a report, in bytes; what a PNG file begins with.
LONGEST_PICTURE = 4 << 20
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """The screen of a build's server as a PNG file, and which server's it was."""

    role: str
    png: bytes = field(repr=False)


@dataclass(frozen=True)
class Console:
    """What a build's server has written, and which server's it is, such as 'install'."""

    role: str
    excerpt: Excerpt


@dataclass(frozen=True)
class Comparison:
    """What differs from the result that was there before, in the same family.

    ``untold`` is why nothing is known of the differences, '' where they are.
    """

    predecessor: Member
    differences: Sequence[Difference] = ()
    untold: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A build as it was at ``made_at``, in epoch seconds by the cloud's clock.

    ``result`` is what it made, None where that is not there, and ``manifest`` what is known
    of its packages. ``comparison`` is None where there was none before it. ``retry_from``
    are the steps that a failed build can be tried again from.
    """

    build: Record
    made_at: float
    timeline: tuple[Stretch, ...]
    total_s: float
    consoles: tuple[Console, ...] = ()
    result: Member | None = None
    manifest: Manifest | None = None
    comparison: Comparison | None = None
    retry_from: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def html(
        self,
        words: Callable[[NextStep], str] = str,
        again: Callable[[Request], str] | None = None,
    ) -> str:
        """Return it as a page that needs nothing else.

        ``words`` says how a next step is called, ``again`` how one builds what a request
        asks for: by default in calls of this library.
        """
        from osc_imagebuild.reports import page

        return page.html(self, words, again or call)

    @property
    def tests(self) -> tuple[Check, ...]:
        """What was checked of the result, and what came of it."""
        return (*_boot_test(self.build), *self.build.checks)

    @property
    def words(self) -> Mapping[str, str]:
        """What the result says of itself, or would have said where it is gone."""
        if self.result is not None:
            return family.words(self.result)
        return self.build.spec.result.properties

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """What to do with a build that did not come to its end."""
        build = self.build
        match build.status:
            case Status.FAILED:
                start = tuple(("start", step) for step in self.retry_from[:1])
                log = NextStep(Verb.LOG, build.id)
                return NextStep(Verb.RETRY, build.id, start), log
            case Status.BUILDING:
                return NextStep(Verb.RESUME, build.id), NextStep(Verb.LOG, build.id)
            case _:
                return ()

    @property
    def request(self) -> Request:
        """What was asked for, as far as the record knows: the result, its source and place.

        It keeps nothing of what was to be in the system.
        """
        spec = self.build.spec
        result, hardware, network = spec.result, spec.hardware, spec.network
        declared, rotation = result.declared, result.rotation
        return Request(
            name=result.name,
            output=result.output,
            arch=spec.installer.arch,
            **_source(spec),
            flavor=hardware.flavor_name or None,
            disk_gib=hardware.disk_gib if hardware.has_root_volume else None,
            volume_type=hardware.volume_type or None,
            ports=network.ports,
            # The first ones are those of the ports.
            networks=network.networks[len(network.ports) :],
            security_groups=network.security_groups,
            availability_zone=hardware.availability_zone,
            family=result.family if result.family != result.name else "",
            replace=rotation.replace,
            old=rotation.old.value if rotation.replace else Request.old,
            keep=rotation.keep if rotation.replace else Request.keep,
            visibility=result.visibility,
            tags=result.tags,
            members=result.members,
            copies=tuple(Copy(c.cloud, c.region) for c in result.copies),
            stores=result.stores,
            metadata=result.metadata,
            min_disk_gib=declared.disk_gib or None,
            min_ram_mib=declared.ram_mib or None,
            protected=result.protected,
            verify=spec.verify.enabled,
        )


def call(request: Request) -> str:
    """Return the call of this library that builds what a request asks for."""
    words = [
        f"{field.name}={getattr(request, field.name)!r}"
        for field in dataclasses.fields(request)
        if field.repr and getattr(request, field.name) != _default(field)
    ]
    return f"Builder.create(Request({', '.join(words)}))"


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _source(spec: Spec) -> dict[str, Any]:
    """Return what a system was installed from and on, as fields of a request."""
    if spec.media.parent:
        return {"from_image": spec.media.parent.image_id}
    address, machine = spec.media.source, spec.hardware.properties
    return {
        "os": spec.installer.os,
        "source": address if "://" in address else None,
        "boot_method": spec.installer.boot_method,
        "firmware": spec.hardware.firmware,
        "secure_boot": machine.get("os_secure_boot") == "required",
        "tpm": "hw_tpm_version" in machine,
    }


def _boot_test(build: Record) -> tuple[Check, ...]:
    """Return the test that every result is put to, as far as it was made.

    Where there are several boots the build's own checks have it.
    """
    if not build.spec.verify.enabled:
        return (Check(BOOTS, False, "was left out"),) * build.is_over
    if build.spec.verify.boots:
        return ()
    return boots.boot_test(build.marks, build.steps, 1, build.failed_in)
