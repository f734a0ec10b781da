"""Check contents of any size, and prepare them for the templates. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model import contents
from osc_imagebuild.model.contents import Content, Kind
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.urls import shown_url

# Source: useradd(8), the names that it takes everywhere.
_NAME = r"[a-z_][a-z0-9_-]{0,31}"
# Neither a name nor a password is in it: who sees the answer file would have them.
_URL = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[!-~]{0,4000})?"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Stands for the digest of what nobody has looked at.
_NO_SHA256 = "0" * 64
# The program that unpacks, and its package where systems have names of their own.
_PROGRAMS = {
    "gz": ("gzip", {}),
    "bz2": ("bzip2", {}),
    "xz": ("xz", {"debian": "xz-utils", "ubuntu": "xz-utils"}),
    "zst": ("zstd", {}),
}
# Where even tar is no part of a small system.
_WITHOUT_TAR = ("redhat", "suse", "agama")


def validate_contents(items: Iterable[Content]) -> list[str]:
    """Return what is wrong with contents, as far as that can be told without a look."""
    items = tuple(items)
    problems = [problem for item in items for problem in _problems(item)]
    # What is unpacked adds to a directory, and several may do so.
    places = [item.place for item in items if not item.unpack]
    problems += [
        f"content {place:.60}: it is there twice"
        for place in sorted(set(places))
        if places.count(place) > 1
    ]
    if len(items) > contents.MOST:
        problems.append(
            f"there may be {contents.MOST} contents at most: put them into one archive"
        )
    return problems


def _problems(item: Content) -> list[str]:
    problems = []
    parts = item.place.split("/")
    plain = item.path.isprintable() and not {".", "..", ""} & set(parts[1:])
    whole = item.path.startswith("/") and (plain or item.place == "/")
    if not whole or len(item.path.encode("utf-8", "surrogatepass")) > 1000:
        problems.append("it needs a whole path such as /srv/app")
    elif any(0xD800 <= ord(c) < 0xE000 for c in item.path):
        problems.append("its path has what is no text")
    if bool(item.source) == bool(item.url):
        problems.append("it needs a source or a url, and not both")
    problems += _url_problems(item)
    origin = urlsplit(item.url).path if item.url else item.source
    if item.unpack and not contents.compression(origin):
        problems.append(
            "only an archive can be unpacked, and its name tells which: "
            + ", ".join(contents.ARCHIVES)
        )
    if item.mode and item.unpack:
        problems.append("an archive has modes of its own: leave mode out")
    if item.mode and not re.fullmatch(r"[0-7]{3,4}", item.mode):
        problems.append(f"its mode is not one like 0644: {item.mode!r:.20}")
    if item.owner and not re.fullmatch(rf"{_NAME}(:{_NAME})?", item.owner):
        problems.append(f"its owner is not one like root:root: {item.owner!r:.60}")
    return [f"content {item.path!r:.60}: {problem}" for problem in problems]


def _url_problems(item: Content) -> list[str]:
    if not item.url:
        if item.sha256 and not item.kind:
            return ["sha256 is for what a url names"]
        return []
    problems = []
    if not _URL.fullmatch(item.url):
        problems.append(
            "it needs an http(s) URL without a name or password in it, not "
            f"{shown_url(item.url)!r:.100}"
        )
    if not _SHA256.fullmatch(item.sha256):
        problems.append("what a url names needs its sha256, 64 hexadecimal digits")
    if not item.unpack and item.path.endswith("/"):
        problems.append("the path is a directory; name the file, or unpack an archive")
    return problems


def equipped(entry: Entry, request: Request) -> Request:
    """Return a request whose packages are those too that contents are unpacked with.

    An existing image is given none that it was not asked to be given: it may have them,
    and see no repository.
    """
    if not request.contents or request.has_parent:
        return request
    tools = {"tar"} if entry.family in _WITHOUT_TAR else set()
    for item in request.contents:
        program, names = _PROGRAMS.get(_compression(item), ("", {}))
        tools |= {names.get(entry.family, program)} - {""}
    if entry.family == "freebsd":
        tools = set()  # its base system has them all
    packages = (*request.packages, *sorted(tools - set(request.packages)))
    return dataclasses.replace(request, packages=packages)


def _compression(item: Content) -> str:
    """Return how what is to be unpacked is compressed, '' where nothing is."""
    origin = urlsplit(item.url).path if item.url else item.source
    return contents.compression(origin) if item.unpack else ""


def prepared(request: Request) -> list[Mapping[str, Any]]:
    """Return contents as templates take them; sizes are bytes, places those of the disc."""
    local = contents.local(request.contents)
    begins = contents.begins(item.size_bytes for item in local)
    places = iter(begins)
    return [
        _prepared(item, next(places) if item.source else 0) for item in request.contents
    ]


def _prepared(item: Content, begin: int) -> Mapping[str, Any]:
    user, _, group = item.owner.partition(":")
    return {
        "path": item.place,
        "folder": item.folder,
        "url": item.url,
        "begin": begin,
        "units": contents.units(item.size_bytes),
        "size": item.size_bytes,
        "sha256": item.sha256 or _NO_SHA256,
        "unpack": item.unpack,
        "program": _PROGRAMS.get(_compression(item), ("", {}))[0],
        "user": user,
        "group": group,
        "mode": item.mode or "0644",
        "owner": item.owner or "root",
        "packed_here": item.kind != Kind.ARCHIVE and not item.url,
    }
