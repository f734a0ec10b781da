"""Where the installer is: an install tree, or an ISO by URL, image or file.

Found out and checked while a build is planned; nothing is written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from osc_imagebuild import answer_iso, choose, guests, media, streams
from osc_imagebuild.catalog import Entry
from osc_imagebuild.cloud import images, inventory
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError, TransientError
from osc_imagebuild.guests import InstallTree
from osc_imagebuild.model import Image, Request

_GIB = 1 << 30
# What vendors call the file of digests beside an ISO; {} is the ISO's name, {stem}
# that without its last word.
_SUMS = (
    "SHA512SUMS",
    "SHA256SUMS",
    "{}.sha512",
    "{}.sha256",
    "{}.CHECKSUM",
    "CHECKSUM",
    "CHECKSUM.SHA512-{stem}",
)


@dataclass(frozen=True, kw_only=True)
class Media:
    """Install media as the spec keeps them; '' and 0 where they are of no use."""

    boot_method: str
    source: str
    kernel_url: str = ""
    ramdisk_url: str = ""
    kernel_sha256: str = ""
    ramdisk_sha256: str = ""
    iso_url: str = ""
    iso_image_id: str = ""
    iso_size_gib: int = 0
    iso_sha256: str = ""
    iso_sha512: str = ""
    iso_import: bool = False
    iso_key: str = ""


@dataclass(frozen=True)
class Finder:
    """Finds the media of one request. ``tell`` is for choices, ``warn`` for doubts."""

    api: Api
    request: Request
    entry: Entry
    tell: Callable[[str], None]
    warn: Callable[[str], None]

    def find(self) -> Media:
        """Return the media, reachable as far as that can be seen from here.

        :raises: SpecError, CloudError
        """
        source = self._source()
        if "://" in source and not _is_web(source):
            raise SpecError(f"the install tree must be an http(s) URL: {source!r:.200}")
        if _is_web(source) and not _is_iso(source):
            return self._tree(guests.install_tree(self.entry, self.request))
        return self._iso(source)

    def _source(self) -> str:
        """The user's, or the entry's: its ISO only where that is asked for."""
        tree = guests.install_tree(self.entry, self.request)
        method = self.request.boot_method
        wanted = method == "cdrom" or (
            method == "auto" and self.entry.boot_methods[0] == "cdrom"
        )
        a_tree = _is_web(tree.source) and not _is_iso(tree.source)
        return tree.iso_url if tree.iso_url and wanted and a_tree else tree.source

    # --- install trees

    def _tree(self, tree: InstallTree) -> Media:
        if self.request.checksum:
            raise SpecError(
                f"--checksum is an ISO's, and {tree.source} is an install tree"
            )
        source, kernel, ramdisk = tree.source, tree.kernel_url, tree.ramdisk_url
        if self.request.checksum:
            raise SpecError(
                f"--checksum is an ISO's, and {source} is an install tree, of which "
                "nothing would be compared with it"
            )
        missing = media.missing_parts(choose.firmware(self.request), self.request.arch)
        method, line = choose.boot_method(self.request, self.entry, kernel, missing)
        if line:
            self.tell(line)
        if method == "cdrom":
            raise SpecError(
                f"boot method cdrom takes the installer's ISO, and {source} is an "
                "install tree; give the ISO with --source"
            )
        found = Media(
            boot_method=method,
            source=source,
            kernel_url=kernel,
            ramdisk_url=ramdisk,
        )
        try:
            if method == "kernel":
                return dataclasses.replace(
                    found,
                    kernel_sha256=media.digest(kernel)[0],
                    ramdisk_sha256=media.digest(ramdisk)[0],
                )
            for url in (kernel, ramdisk):
                media.check(url)
        except TransientError as error:
            if method == "kernel":
                raise SpecError(str(error)) from error
            self.warn(f"not reachable from here, perhaps for guests: {error}")
        return found

    # --- ISOs

    def _iso(self, source: str) -> Media:
        method, line = choose.iso_boot_method(self.request, self.entry)
        if line:
            self.tell(line)
        if _is_web(source):
            return self._remote_iso(source, method)
        path = os.path.abspath(os.path.expanduser(source))
        if os.path.isfile(path):
            return self._local_iso(path, method)
        return self._image(source, method)

    def _remote_iso(self, url: str, method: str) -> Media:
        try:
            size, changed = streams.describe(url)
        except TransientError as error:
            raise SpecError(str(error)) from error
        sha256, sha512 = self._digests(url)
        imports = inventory.import_methods(self.api)
        by_glance = "web-download" in imports and bool(sha512 or not sha256)
        if self._remaster(url, size):
            by_glance = False
        elif "web-download" not in imports:
            self.tell("the ISO passes through this client: Glance fetches none here")
        elif by_glance:
            self.tell("Glance fetches the ISO by itself")
        else:
            self.tell("the ISO passes through this client, which checks its sha256")
        return Media(
            boot_method=method,
            source=url,
            iso_url=url,
            iso_size_gib=-(-size // _GIB),
            iso_sha256=sha256,
            iso_sha512=sha512,
            iso_import=by_glance,
            iso_key=sha512 or sha256 or _key(f"{url} {size} {changed}"),
        )

    def _local_iso(self, path: str, method: str) -> Media:
        self.tell(f"the ISO passes through this client, from {path}")
        sha256, sha512 = _given(self.request.checksum)
        size, found = streams.measure(path)
        self._remaster(path, size)
        if (sha256 and found.sha256 != sha256) or (sha512 and found.sha512 != sha512):
            raise SpecError(f"{path} does not have the given checksum")
        return Media(
            boot_method=method,
            source=os.path.basename(path),
            iso_url=path,
            iso_size_gib=-(-size // _GIB),
            iso_sha256=found.sha256,
            iso_sha512=found.sha512,
            iso_key=found.sha512,
        )

    def _remaster(self, place: str, size: int) -> bool:
        """Whether the answers go into the ISO; see to it that they can."""
        line = answer_iso.check(self.entry.answer_cd, place, size)
        if line:
            self.tell(line)
        return bool(line)

    def _image(self, name: str, method: str) -> Media:
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
                f"{image.disk_format}; boot method cdrom takes an active iso"
            )
        self._check_image(image)
        return Media(
            boot_method=method,
            source=f"image {image.id}",
            iso_image_id=image.id,
            iso_size_gib=max(1, -(-image.size // _GIB), image.min_disk_gib),
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
        folder, _, name = url.partition("?")[0].rpartition("/")
        stem = name.rpartition("-")[0]
        for file in (pattern.format(name, stem=stem) for pattern in _SUMS):
            try:
                text = media.fetch_text(f"{folder}/{file}")
            except (SpecError, TransientError):
                continue
            if found := listed_digest(text, name):
                self.tell(f"checksum of the ISO: by {file} beside it")
                return _given(found)
        self.warn(
            f"nobody tells the checksum of {name}: it cannot be verified; "
            "give it with --checksum"
        )
        return "", ""


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


def _is_web(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _is_iso(source: str) -> bool:
    return urlsplit(source).path.lower().endswith(".iso")
