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
from osc_imagebuild.media import http, iso_answers, iso_files, verified
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import InstallSource
from osc_imagebuild.planning import selection

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


@dataclass(frozen=True)
class Search:
    """For what one request asks. ``tell`` is for choices, ``warn`` for doubts."""

    api: Api
    request: Request
    entry: Entry
    tell: Callable[[str], None]
    warn: Callable[[str], None]


class IsoFinder(Search):
    """Finds the ISO of one request."""

    def find(self, source: str) -> InstallSource:
        """Return the media, reachable as far as that can be seen from here.

        :raises: SpecError, CloudError
        """
        name, line = selection.iso_boot_method(self.request, self.entry)
        if line:
            self.tell(line)
        if not boot.load(name).uploads_kernel:
            return self.find_cd(source, name)
        with _in_our_words(source):
            if "://" in source and not self.entry.iso_as_cd:
                return self._with_kernel(self._fetched_by_guest(source, name))
            return self._with_kernel(self._cd(source, name))

    def find_cd(self, source: str, method: str = "") -> InstallSource:
        """Return an ISO that the server gets as a CD, whatever is on it.

        :raises: SpecError, CloudError
        """
        with _in_our_words(source):
            return self._cd(source, method)

    def _cd(self, source: str, method: str) -> InstallSource:
        if "://" in source:
            return self._remote(source, method)
        path = os.path.abspath(os.path.expanduser(source))
        if os.path.isfile(path):
            return self._local(path, method)
        return self._image(source, method)

    def _with_kernel(self, found: InstallSource) -> InstallSource:
        """Look for kernel and ramdisk in the ISO, of which little is read now."""
        arch = self.entry.arches[self.request.arch]
        paths = (str(arch["iso_kernel"]), str(arch["iso_ramdisk"]))
        ask_for = partial(images.reader, self.api)
        url, image_id = found.iso_url, found.iso_image_id
        with iso_files.opened(url, image_id, ask_for, self.api.clock) as opened:
            disc = iso_files.contents(opened, paths)
        mib = sum(part.size for part in disc.parts) / (1 << 20)
        self.tell(f"kernel and ramdisk are read out of the ISO: {mib:.0f} MiB of it")
        if (found.iso_sha256 or found.iso_sha512) and "://" in url:
            self.warn(
                "the checksum is compared for the CD; kernel and ramdisk are parts of "
                "the ISO, which no checksum of the whole can verify"
            )
        return dataclasses.replace(
            found,
            iso_kernel=paths[0],
            iso_ramdisk=paths[1],
            iso_version=disc.version,
            iso_label=disc.label,
        )

    def _fetched_by_guest(self, url: str, method: str) -> InstallSource:
        if self.request.checksum:
            raise SpecError(
                "--checksum cannot be compared: the guest fetches the ISO by itself, "
                "and kernel and ramdisk are parts of it; give a copy on this machine, "
                "or the name of an image"
            )
        self.tell("the installer fetches the ISO by itself")
        return InstallSource(boot_method=method, source=url, iso_url=url)

    def _remote(self, url: str, method: str) -> InstallSource:
        size, version = verified.describe(url)
        iso_files.require_iso(url, size)
        sha256, sha512 = self._digests(url)
        # What nothing tells from what was there before is no other build's.
        key = _key(f"{url} {size} {version}") if version else ""
        imports = limits.import_methods(self.api)
        by_glance = "web-download" in imports and bool(sha512 or not sha256)
        if self._remaster(url, size):
            by_glance = False
        elif "web-download" not in imports:
            self.tell("the ISO passes through this client: Glance fetches none here")
        elif by_glance:
            self.tell("Glance fetches the ISO by itself")
        else:
            self.tell("the ISO passes through this client, which checks its sha256")
        return InstallSource(
            boot_method=method,
            source=url,
            iso_url=url,
            iso_size_gib=-(-size // _GIB),
            iso_sha256=sha256,
            iso_sha512=sha512,
            iso_import=by_glance,
            iso_key=sha512 or sha256 or key,
            iso_as_cd=True,
        )

    def _local(self, path: str, method: str) -> InstallSource:
        self.tell(f"the ISO passes through this client, from {path}")
        sha256, sha512 = _given(self.request.checksum)
        iso_files.require_iso(path, os.path.getsize(path))
        size, found = verified.measure(path)
        self._remaster(path, size)
        if (sha256 and found.sha256 != sha256) or (sha512 and found.sha512 != sha512):
            raise SpecError(f"{path} does not have the given checksum")
        return InstallSource(
            boot_method=method,
            source=os.path.basename(path),
            iso_url=path,
            iso_size_gib=-(-size // _GIB),
            iso_sha256=found.sha256,
            iso_sha512=found.sha512,
            iso_key=found.sha512,
            iso_as_cd=True,
        )

    def _remaster(self, place: str, size: int) -> bool:
        """Whether the answers go into the ISO; see to it that they can."""
        line = iso_answers.check(self.entry.answer_cd, place, size, self.api.clock)
        if line:
            self.tell(line)
        return bool(line)

    def _image(self, name: str, method: str) -> InstallSource:
        if self.entry.answer_cd.get("remaster"):
            raise SpecError(
                f"{name!r} is no URL and no file here; the answers of "
                f"{self.entry.title} go into its ISO, and so an image will not do"
            )
        found = images.visible(self.api, name)
        if not found:
            raise SpecError(
                f"{name!r} is no URL, no file here, and no image of this project"
            )
        if len(found) > 1:
            ids = ", ".join(image.id for image in found)
            raise SpecError(f"several images are named {name!r}, give one's ID: {ids}")
        image = found[0]
        if image.status != "active" or image.disk_format != "iso":
            raise SpecError(
                f"image {image.name} is {image.status} and of format "
                f"{image.disk_format}; an installer's CD is an active iso"
            )
        self._check_image(image)
        ask_for = partial(images.reader, self.api)
        iso_files.require_iso("", image.size, image.id, ask_for)
        return InstallSource(
            boot_method=method,
            source=f"image {image.id}",
            iso_image_id=image.id,
            iso_size_gib=max(1, -(-image.size // _GIB), image.min_disk_gib),
            iso_as_cd=True,
        )

    def _check_image(self, image: Image) -> None:
        sha256, sha512 = _given(self.request.checksum)
        if sha256:
            raise SpecError("Glance knows the sha512 of images; give that --checksum")
        if sha512 and image.sha512 != sha512:
            raise SpecError(
                f"image {image.name} has the sha512 {image.sha512}, not {sha512}"
            )

    def _digests(self, url: str) -> tuple[str, str]:
        """sha256 and sha512 as given, or as the vendor publishes them beside it."""
        if self.request.checksum:
            return _given(self.request.checksum)
        name = url.partition("?")[0].rpartition("/")[2]
        for place in sum_urls(url):
            try:
                text = http.fetch_text(place)
            except (SpecError, TransientError):
                continue
            if found := listed_digest(text, name):
                file = place.rpartition("/")[2]
                self.tell(f"checksum of the ISO: by {file} beside it")
                return _given(found)
        self.warn(
            f"nobody tells the checksum of {name}: it cannot be verified; "
            "give it with --checksum"
        )
        return "", ""


@contextmanager
def _in_our_words(source: str) -> Iterator[None]:
    """Make a failing web server the user's problem, and no failing cloud."""
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
    hexes = r"[0-9a-f]{128}|[0-9a-f]{64}"
    plain = rf"^({hexes})\s+\*?(?:\./)?{re.escape(name)}\s*$"
    tagged = rf"^SHA\d+ \({re.escape(name)}\) = ({hexes})\s*$"
    found = re.findall(f"{plain}|{tagged}", text, re.MULTILINE)
    digests = [digest for pair in found for digest in pair if digest]
    return max(digests, key=len, default="")


def _given(checksum: str) -> tuple[str, str]:
    """A digest as sha256 and sha512, one of them ''.

    :raises: SpecError where it is neither
    """
    digest = checksum.rpartition(":")[2].strip().lower()
    if not checksum:
        return "", ""
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return digest, ""
    if re.fullmatch(r"[0-9a-f]{128}", digest):
        return "", digest
    raise SpecError(f"neither a sha256 nor a sha512: --checksum {checksum!r:.140}")


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
