"""All that is known of one build, put together for whoever looks at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from osc_imagebuild import outputs
from osc_imagebuild.builds.record import Record
from osc_imagebuild.errors import NextStep, Verb
from osc_imagebuild.model import family
from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.family import Member
from osc_imagebuild.model.manifest import Manifest
from osc_imagebuild.model.names import Milestone, Status
from osc_imagebuild.model.resources import Image
from osc_imagebuild.reports.difference import Difference
from osc_imagebuild.reports.excerpt import Excerpt
from osc_imagebuild.reports.timeline import Stretch

# The name of the check that every proven result has passed.
BOOTS = "boot"
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
    """What a build's server has written, and which server's it is: 'install' or 'verify'."""

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

    def html(self, words: Callable[[NextStep], str] = str) -> str:
        """Return it as a page that needs nothing else; ``words`` calls a next step."""
        from osc_imagebuild.reports import page

        return page.html(self, words)

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
    def again(self) -> NextStep:
        """How to build it once more, as far as the record knows."""
        return NextStep(Verb.CREATE, self.build.spec.result.name, _options(self.build))


def _boot_test(build: Record) -> tuple[Check, ...]:
    """Return the test that every result is put to, as far as it was made."""
    if not build.spec.verify.enabled:
        return (Check(BOOTS, False, "was left out (--no-verify)"),) * build.is_over
    verified = build.marks.get(Milestone.VERIFIED)
    if verified is not None:
        begun = [at for step, at in build.steps if step == "verify-server"]
        took = (
            f" {verified.at - begun[-1]:.0f} s after it was asked for" if begun else ""
        )
        return (Check(BOOTS, True, f"a server of the result was up{took}"),)
    if build.status == Status.FAILED and build.step.startswith("verify"):
        return (Check(BOOTS, False, build.reason),)
    return ()


def _options(build: Record) -> tuple[tuple[str, str], ...]:
    """Return the options of a build that its record knows, '' for those without a value."""
    spec = build.spec
    installer, result = spec.installer, spec.result
    parent = spec.media.parent
    address = spec.media.source
    said: list[tuple[str, str, bool]] = [
        ("os", installer.os, not parent),
        ("arch", installer.arch, installer.arch != "x86_64"),
        ("from_image", parent.image_id, bool(parent)),
        ("source", address, "://" in address and not parent),
        ("boot_method", installer.boot_method, not parent),
        ("firmware", "uefi", spec.hardware.firmware == "uefi" and not parent),
        ("output", result.output, outputs.load(result.output).kinds[0] is not Image),
        ("flavor", spec.hardware.flavor_name, bool(spec.hardware.flavor_name)),
        ("disk", str(spec.hardware.disk_gib), spec.hardware.has_root_volume),
        *(("network", network, True) for network in spec.network.networks),
        ("family", result.family, result.family not in ("", result.name)),
        ("replace", "", result.rotation.replace),
        ("visibility", result.visibility, result.visibility != "private"),
        *(("tag", tag, True) for tag in result.tags),
        ("metadata", result.metadata, bool(result.metadata)),
        ("no_verify", "", not spec.verify.enabled),
    ]
    return tuple((name, value) for name, value, is_given in said if is_given)
