"""Make the CDs that carry answers."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping

_LEAST = 1 << 20
# Joliet's limits. Source: the Joliet Specification, 3.2; pycdlib refuses more.
_LONGEST_LABEL, _LONGEST_NAME = 16, 64


def validate_disc(label: str, paths: Collection[str]) -> list[str]:
    """Return why a CD labelled ``label`` cannot have files of these ``paths``."""
    lines = []
    if not label.isascii() or not label.isprintable() or len(label) > _LONGEST_LABEL:
        lines.append(
            f"a CD's label has {_LONGEST_LABEL} ASCII characters at most: {label!r:.60}"
        )
    files = set(paths)
    for path in paths:
        folders = path.split("/")[:-1]
        above = {"/".join(folders[:depth]) for depth in range(1, len(folders) + 1)}
        if not _is_path(path):
            lines.append(f"not a path on a CD: {path!r:.100}")
        elif above & files:
            lines.append(f"on a CD, {min(above & files)!r} is a file and a directory")
    if len(files) < len(paths):
        twice = sorted(path for path in files if list(paths).count(path) > 1)
        lines.append(f"on a CD, a path is there once: {', '.join(map(repr, twice))}")
    return lines


def _is_path(path: str) -> bool:
    parts = path.split("/")
    return (
        all(parts)
        and not {".", ".."} & set(parts)
        and max(map(len, parts)) <= _LONGEST_NAME
        and path.isprintable()
    )


def answer_cd(label: str, files: Mapping[str, str]) -> bytes:
    """Return an ISO image labelled ``label`` with ``files``, paths to contents.

    With Rock Ridge for Linux and FreeBSD, and Joliet for Windows: both keep
    the names as they are. Always the same bytes for the same input but for
    the time of its making.

    :raises: ValueError where there is no such CD, as `validate_disc` tells
    """
    import pycdlib

    if problems := validate_disc(label, files):
        raise ValueError("; ".join(problems))
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, vol_ident=label, joliet=3, rock_ridge="1.09")
    try:
        made: dict[str, str] = {"": ""}
        for number, (path, text) in enumerate(sorted(files.items())):
            folder, _, name = path.rpartition("/")
            _make_directory(iso, folder, made)
            data = text.encode()
            iso.add_fp(
                io.BytesIO(data),
                len(data),
                made[folder] + f"/F{number:07d}.;1",
                rr_name=name,
                joliet_path="/" + path,
            )
        target = io.BytesIO()
        iso.write_fp(target)
    finally:
        iso.close()
    # Busybox looks for other file systems first, and takes the end of a disk for
    # a broken one; mkisofs pads for such readers too.
    return target.getvalue().ljust(_LEAST, b"\0")


def _make_directory(iso: object, path: str, made: dict[str, str]) -> None:
    """Make a directory, and those above it, unless they are in ``made``.

    That maps paths to what they are in plain ISO 9660, which nobody reads here: names
    there are numbers, as those that differ in other characters would be the same.
    """
    if path in made:
        return
    above, _, name = path.rpartition("/")
    _make_directory(iso, above, made)
    made[path] = f"{made[above]}/D{len(made):07d}"
    iso.add_directory(  # type: ignore[attr-defined]
        made[path], rr_name=name, joliet_path="/" + path
    )
