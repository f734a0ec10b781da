"""List where a build came from and what it left, as rows of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from osc_imagebuild.model import family
from osc_imagebuild.model.inputs import from_text
from osc_imagebuild.model.resources import Image, Snapshot, Volume
from osc_imagebuild.reports.report import Report

Rows = tuple[tuple[str, str], ...]
# Of a result's own words, those that other parts of a report tell.
_ELSEWHERE = (family.INPUTS,)
_INPUTS = {
    "answers": "answer file",
    "media": "install media",
    "mirror": "mirror's release file",
    "updates": "package indexes",
    "template": "template",
    "catalogue": "catalogue's entry",
    "name": "name",
    "parent": "parent image",
}


def _known(rows: Iterator[tuple[str, str]]) -> Rows:
    return tuple((label, value) for label, value in rows if value)


def origin(report: Report) -> Rows:
    """Return what a build was made from."""
    return _known(_origin(report))


def _origin(report: Report) -> Iterator[tuple[str, str]]:
    spec, words = report.build.spec, report.words
    media, hardware = spec.media, spec.hardware
    yield "Operating system", f"{spec.installer.os}, {spec.installer.arch}"
    if media.parent:
        yield "Made of image", f"{media.parent.name} ({media.parent.image_id})"
        yield "Its content", _digest("sha512", media.parent.sha512)
    else:
        yield "Installed from", media.source
    yield "Boot method", spec.installer.boot_method
    yield "Release file", _digest("sha256", words.get("imagebuild_source_sha256", ""))
    yield "Kernel", _digest("sha256", media.kernel_sha256)
    yield "Ramdisk", _digest("sha256", media.ramdisk_sha256)
    yield "ISO", _digest("sha256", media.iso.sha256)
    yield "Answer file", _digest("sha256", words.get("imagebuild_answer_sha256", ""))
    root = "volume" if hardware.has_root_volume else "flavor's disk"
    yield "Server", f"{hardware.flavor_name}, {hardware.disk_gib} GiB ({root})"
    yield "Firmware", hardware.firmware
    yield "Networks", ", ".join(spec.network.networks)
    yield "Built by", f"osc-imagebuild {report.build.tool_version}"


def outcome(report: Report) -> Rows:
    """Return what a build left."""
    return _known(_outcome(report))


def _outcome(report: Report) -> Iterator[tuple[str, str]]:
    build, result, words = report.build, report.result, report.words
    yield build.spec.result.output.capitalize(), build.result_id
    match result:
        case Image():
            yield "Content", _digest("sha512", result.sha512)
            yield "Size", _size(result.size)
            yield "Servers need", f"{result.min_disk_gib} GiB disk, {_ram(result)}"
            yield "Seen by", ", ".join((result.visibility, *family.states(result)))
        case Volume() | Snapshot():
            yield "Status", result.status
        case None:
            yield "Now", "it is not there" if build.result_id else ""
    system = report.manifest.system if report.manifest else None
    release = system.release if system else words.get("imagebuild_release", "")
    yield "Release", release
    yield "Kernel", system.kernel if system else words.get("imagebuild_kernel", "")
    if report.manifest and report.manifest.packages:
        yield "Packages", f"{len(report.manifest.packages)}"
    yield "Up to date as of", words.get("imagebuild_patched_at", "")
    yield "Newest package of", words.get("imagebuild_newest_package_at", "")
    yield "Family", build.spec.result.family
    yield "Tags", ", ".join(build.spec.result.tags)


def properties(report: Report) -> Rows:
    """Return all that the result says of itself."""
    words = report.words
    return tuple((k, words[k]) for k in sorted(words) if k not in _ELSEWHERE)


def inputs(words: Mapping[str, str]) -> Rows:
    """Return what decided a result, each with its digest."""
    said = from_text(words.get(family.INPUTS))
    return _known((label, getattr(said, name)) for name, label in _INPUTS.items())


def _digest(algorithm: str, digest: str) -> str:
    return f"{algorithm} {digest}" if digest else ""


def _size(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB" if size >= 1 << 20 else f"{size} bytes"


def _ram(image: Image) -> str:
    return f"{image.min_ram_mib} MiB RAM"
