"""Look at the files and directories of this machine that are to go into an image."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import tarfile
from collections.abc import Iterable

from osc_imagebuild.cloud import limits
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.errors import SpecError, unread
from osc_imagebuild.media import contents_disc
from osc_imagebuild.media.tree_tar import TreeTar
from osc_imagebuild.model import contents
from osc_imagebuild.model.contents import Content, Kind
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning.stage import Stage

_MIB = 1 << 20


def find_contents(request: Request, *, measure: bool) -> Stage[Request]:
    """Return the request with what its contents are, and how large.

    With ``measure`` all that is to be packed is read once.
    """
    items, problems = [], []
    for item in request.contents:
        try:
            items.append(_looked_at(item, measure=measure))
        except SpecError as error:
            items.append(item)
            problems += [f"content {item.path!r:.60}: {p}" for p in error.problems]
    disc = contents.disc(items, as_disk=False)
    if disc.size_bytes > contents.MOST_BYTES:
        problems.append(
            f"the contents have {disc.size_bytes / 1e12:.1f} TB together, which is more "
            "than any server is given on one disc"
        )
    note = f"contents: {disc.size_bytes // _MIB} MiB on a disc of their own"
    return Stage(
        dataclasses.replace(request, contents=tuple(items)),
        notes=(note,) if disc else (),
        problems=tuple(problems),
    )


def _looked_at(item: Content, *, measure: bool) -> Content:
    """Return a content with its kind, and if wanted with its size and digests.

    :raises: SpecError
    """
    if not item.source:
        return item
    try:
        mode = os.stat(item.source).st_mode
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot read {item.source}: {unread(error)}") from error
    kind = Kind.TREE if stat.S_ISDIR(mode) else Kind.FILE
    if item.unpack:
        _require_archive(item.source, mode)
        kind = Kind.ARCHIVE
    elif kind == Kind.TREE and item.mode:
        raise SpecError("a directory has modes of its own: leave mode out")
    elif kind == Kind.FILE and item.path.endswith("/"):
        raise SpecError("the path is a directory; name the file, or unpack an archive")
    item = dataclasses.replace(item, kind=str(kind))
    return _measured(item) if measure else item


def _require_archive(path: str, mode: int) -> None:
    """Check that an archive begins as one, as far as Python knows its compression.

    :raises: SpecError
    """
    if not stat.S_ISREG(mode):
        raise SpecError(f"{path} is no plain file, and so no archive")
    if contents.compression(path) == "zst":
        return
    try:
        with tarfile.open(path, "r:*") as archive:
            archive.next()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise SpecError(f"{path} is no archive that tar can read: {error}") from error


def _measured(item: Content) -> Content:
    """:raises: SpecError where something in it cannot be packed"""
    sha256, size = hashlib.sha256(), 0
    packer = TreeTar(item.source, item.name, item.mode, item.owner)
    is_archive = item.kind == Kind.ARCHIVE
    stream = (
        contents_disc.whole(item.source, lambda: None)
        if is_archive
        else packer.chunks()
    )
    for data in stream:
        sha256.update(data)
        size += len(data)
        if size > contents.MOST_BYTES:
            raise SpecError(f"{item.source} is larger than any disc for it may be")
    digest = sha256.hexdigest()
    return dataclasses.replace(
        item,
        size_bytes=size,
        sha256=digest,
        digest=digest if is_archive else packer.digest,
    )


def check_contents(api: Api, request: Request) -> list[str]:
    """Return why the cloud takes no disc with contents; quotas of volumes are no part.

    :raises: CloudError
    """
    wanted = contents.disc(request.contents, as_disk=False)
    if not wanted:
        return []
    if not api.has("volume"):
        paths = ", ".join(item.path for item in contents.local(request.contents))
        return [
            "contents of this machine reach a server on a volume, and this cloud offers "
            f"none (Cinder): put {paths:.200} on a web server, and give url and sha256"
        ]
    _, size_mib = limits.image_room(api)
    needed = wanted.size_bytes // _MIB
    if size_mib is not None and size_mib < needed:
        return [
            f"the quota for the size of images has {max(size_mib, 0)} MiB left, the disc "
            f"with contents needs {needed}"
        ]
    return []


def timeless(items: Iterable[Content]) -> tuple[Content, ...]:
    """Return contents as they decide a result: wherever they are, and of whatever time."""
    return tuple(
        dataclasses.replace(
            item, source=item.kind, sha256=item.digest, size_bytes=0, digest=""
        )
        if item.source
        else item
        for item in items
    )
