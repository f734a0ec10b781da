"""Find the installer's ISO by URL, file or image, and check it.

Found out and checked while a build is planned; nothing is written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from osc_imagebuild import boot
from osc_imagebuild.cloud import images, limits
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.media import http, iso_answers, iso_files, verified
from osc_imagebuild.media.backoff import retry_answered
from osc_imagebuild.media.door import Door
from osc_imagebuild.model.formats import CD_FORMATS
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Iso, Media
from osc_imagebuild.planning import selection
from osc_imagebuild.planning.spec_builder import InstallSource
from osc_imagebuild.planning.stage import Stage, chosen

_GIB = 1 << 30
# What vendors call the file of digests beside an ISO; {} is the ISO's name, {stem}
# that without its last word.
_SUMS = (
    "SHA512SUMS",
    "SHA256SUMS",
    "{}.sha512",
    "{}.sha256",
    "{}.SHA256SUM",
    "{}.CHECKSUM",
    "CHECKSUM",
    "CHECKSUM.SHA512-{stem}",
)


def find_iso(
    api: Api,
    system: System,
    request: Request,
    source: str,
    door: Door,
    *,
    look_inside: bool = True,
) -> Stage[InstallSource]:
    """Find the installer's ISO, reachable as far as that can be seen from here.

    Unless one is to ``look_inside``, kernel and ramdisk are not looked for in an image,
    which takes several calls, and which always is the one that it was.

    :raises: SpecError, CloudError
    """
    method = chosen(selection.iso_boot_method(request, system.entry))
    name = method.value or ""
    finder = IsoFinder(api, request, system.entry, door)
    if boot.load(name).uploads_kernel and (look_inside or not is_image(source)):
        found_iso = finder.find_with_kernel(source)
    else:
        found_iso = finder.find_cd(source)
    media = Media(source=found_iso.source, iso=found_iso.iso)
    return Stage(
        InstallSource(name, media),
        notes=(*method.notes, *found_iso.notes),
        warnings=found_iso.warnings,
    )


def is_image(source: str) -> bool:
    """Whether an ISO is named that is neither at a URL nor in a file of this machine."""
    return "://" not in source and not os.path.isfile(_path(source))


def _path(source: str) -> str:
    return os.path.abspath(os.path.expanduser(source))


@dataclass(frozen=True)
class FoundIso:
    """An ISO, what the user calls it, and what was noted of it."""

    iso: Iso
    source: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class IsoFinder:
    """Finds an ISO as one request asks for it; ``door`` leads to web servers."""

    api: Api
    request: Request
    entry: Entry
    door: Door

    def find_with_kernel(self, source: str) -> FoundIso:
        """Return the ISO with the places of kernel and ramdisk in it.

        :raises: SpecError, CloudError
        """
        with _blame_web_server(source):
            if "://" in source and not self.entry.iso_as_cd:
                return self._again(lambda: self._with_kernel(self._by_guest(source)))
            return self._again(lambda: self._with_kernel(self._cd(source)))

    def find_cd(self, source: str) -> FoundIso:
        """Return an ISO that the server gets as a CD, whatever is on it.

        :raises: SpecError, CloudError
        """
        with _blame_web_server(source):
            return self._again(lambda: self._cd(source))

    def _again(self, find: Callable[[], FoundIso]) -> FoundIso:
        return retry_answered(self.api.clock, find)

    def _cd(self, source: str) -> FoundIso:
        if "://" in source:
            return self._remote(source)
        if is_image(source):
            return self._image(source)
        return self._local(_path(source))

    def _with_kernel(self, found_iso: FoundIso) -> FoundIso:
        """Look for kernel and ramdisk in the ISO, of which little is read now."""
        arch, iso = self.entry.arches[self.request.arch], found_iso.iso
        paths = (str(arch["iso_kernel"]), str(arch["iso_ramdisk"]))
        ask_for = partial(images.reader, self.api)
        place = (iso.url, iso.image_id, ask_for, self.api.clock, self.door)
        with iso_files.open_iso(*place) as opened:
            disc = iso_files.contents(opened, paths)
        mib = sum(part.size for part in disc.parts) / (1 << 20)
        note = f"kernel and ramdisk are read out of the ISO: {mib:.0f} MiB of it"
        warnings = found_iso.warnings
        if (iso.sha256 or iso.sha512) and "://" in iso.url:
            warnings += (
                "the checksum is compared for the CD; kernel and ramdisk are parts of "
                "the ISO, which no checksum of the whole can verify",
            )
        iso = dataclasses.replace(
            iso,
            kernel=paths[0],
            ramdisk=paths[1],
            version=disc.version,
            label=disc.label,
        )
        return FoundIso(iso, found_iso.source, (*found_iso.notes, note), warnings)

    def _by_guest(self, url: str) -> FoundIso:
        if self.request.checksum:
            raise SpecError(
                "--checksum cannot be compared: the guest fetches the ISO by itself, "
                "and kernel and ramdisk are parts of it; give a copy on this machine, "
                "or the name of an image"
            )
        return FoundIso(Iso(url=url), url, ("the installer fetches the ISO by itself",))

    def _remote(self, url: str) -> FoundIso:
        size, version = verified.describe(url, self.door)
        iso_files.require_iso(url, size, door=self.door)
        digests = self._digests(url)
        # What nothing tells from what was there before is no other build's.
        key = _key(f"{url} {size} {version}") if version else ""
        imports = limits.import_methods(self.api)
        checked = bool(digests.sha512 or not digests.sha256)
        by_glance = "web-download" in imports and checked
        if note := self._remaster(url, size):
            by_glance = False
        elif "web-download" not in imports:
            note = "the ISO passes through this client: Glance fetches none here"
        elif by_glance:
            note = "Glance fetches the ISO by itself"
        else:
            note = "the ISO passes through this client, which checks its sha256"
        iso = Iso(
            url=url,
            size_gib=-(-size // _GIB),
            sha256=digests.sha256,
            sha512=digests.sha512,
            imported=by_glance,
            key=digests.sha512 or digests.sha256 or key,
            as_cd=True,
        )
        return FoundIso(iso, url, (*digests.notes, note), digests.warnings)

    def _local(self, path: str) -> FoundIso:
        note = f"the ISO passes through this client, from {path}"
        given = _given(self.request.checksum)
        iso_files.require_iso(path, os.path.getsize(path))
        size, is_there = verified.measure(path)
        remaster = self._remaster(path, size)
        for wanted, there in (
            (given.sha256, is_there.sha256),
            (given.sha512, is_there.sha512),
        ):
            if wanted and wanted != there:
                raise SpecError(f"{path} does not have the given checksum")
        iso = Iso(
            url=path,
            size_gib=-(-size // _GIB),
            sha256=is_there.sha256,
            sha512=is_there.sha512,
            key=is_there.sha512,
            as_cd=True,
        )
        notes = tuple(filter(None, (note, remaster)))
        return FoundIso(iso, os.path.basename(path), notes)

    def _remaster(self, place: str, size: int) -> str:
        """Check that answers can be put into the ISO; return a note, '' where none are."""
        return iso_answers.check(
            self.entry.answer_cd, place, size, self.api.clock, self.door
        )

    def _image(self, name: str) -> FoundIso:
        if self.entry.answer_cd.get("remaster"):
            raise SpecError(
                f"{name!r} is no URL and no file here; the answers of "
                f"{self.entry.title} go into its ISO, and so an image will not do"
            )
        visible = images.visible(self.api, name)
        if not visible:
            raise SpecError(
                f"{name!r} is no URL, no file here, and no image of this project"
            )
        if len(visible) > 1:
            ids = ", ".join(image.id for image in visible)
            raise SpecError(f"several images are named {name!r}, give one's ID: {ids}")
        image = visible[0]
        # Not every Glance takes an ISO as what it is; whether it is one is read below.
        if image.status != "active" or image.disk_format not in CD_FORMATS:
            raise SpecError(
                f"image {image.name} is {image.status} and of format "
                f"{image.disk_format}; an installer's CD is an active iso, or as raw"
            )
        self._check_image(image)
        ask_for = partial(images.reader, self.api)
        iso_files.require_iso("", image.size, image.id, ask_for)
        gib = max(1, -(-image.size // _GIB), image.min_disk_gib)
        iso = Iso(image_id=image.id, size_gib=gib, as_cd=True)
        return FoundIso(iso, f"image {image.id}")

    def _check_image(self, image: Image) -> None:
        given = _given(self.request.checksum)
        if given.sha256:
            raise SpecError("Glance knows the sha512 of images; give that --checksum")
        if given.sha512 and image.sha512 != given.sha512:
            raise SpecError(
                f"image {image.name} has the sha512 {image.sha512}, not {given.sha512}"
            )

    def _digests(self, url: str) -> Digests:
        """Return digests as given, or as the vendor publishes them beside the ISO."""
        if self.request.checksum:
            return _given(self.request.checksum)
        name = url.partition("?")[0].rpartition("/")[2]
        for place in sum_urls(url):
            try:
                text = http.fetch_text(place, door=self.door)
            except (SpecError, TransientError):
                continue
            if listed := listed_digest(text, name):
                file = place.rpartition("/")[2]
                note = f"checksum of the ISO: by {file} beside it"
                return dataclasses.replace(_given(listed), notes=(note,))
        return Digests(
            warnings=(
                f"nobody tells the checksum of {name}: it cannot be verified; "
                "give it with --checksum",
            )
        )


@dataclass(frozen=True)
class Digests:
    """What an ISO is to have, '' where it is not known, and where that is from."""

    sha256: str = ""
    sha512: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@contextmanager
def _blame_web_server(source: str) -> Iterator[None]:
    """Report a failing web server as a problem of the request, not of the cloud."""
    try:
        yield
    except TransientError as error:
        if "://" not in source:
            raise
        raise SpecError(str(error)) from error


def sum_urls(url: str) -> list[str]:
    """Return where a vendor may have the digest of the ISO at ``url``."""
    folder, _, name = url.partition("?")[0].rpartition("/")
    stem = name.rpartition("-")[0]
    return [f"{folder}/{pattern.format(name, stem=stem)}" for pattern in _SUMS]


def listed_digest(text: str, name: str) -> str:
    """Return the longest digest that a file of digests has for ``name``.

    Both ways of writing are read: DIGEST  NAME, and SHA256 (NAME) = DIGEST.
    """
    if not name:  # of an address that ends in a slash
        return ""
    hexes = r"[0-9a-f]{128}|[0-9a-f]{64}"
    plain = rf"^({hexes})\s+\*?(?:\./)?{re.escape(name)}\s*$"
    tagged = rf"^SHA\d+ \({re.escape(name)}\) = ({hexes})\s*$"
    matches = re.findall(f"{plain}|{tagged}", text, re.MULTILINE)
    digests = [digest for pair in matches for digest in pair if digest]
    return max(digests, key=len, default="")


def _given(checksum: str) -> Digests:
    """Return a digest that somebody gave.

    :raises: SpecError where it is neither
    """
    digest = checksum.rpartition(":")[2].strip().lower()
    if not checksum:
        return Digests()
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return Digests(sha256=digest)
    if re.fullmatch(r"[0-9a-f]{128}", digest):
        return Digests(sha512=digest)
    raise SpecError(f"neither a sha256 nor a sha512: --checksum {checksum!r:.140}")


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
