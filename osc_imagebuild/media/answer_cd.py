"""Make the CDs that carry answers."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

_LEAST = 1 << 20


def answer_cd(label: str, files: Mapping[str, str]) -> bytes:
    """Return an ISO image labelled ``label`` with ``files``, paths to contents.

    With Rock Ridge for Linux and FreeBSD, and Joliet for Windows: both keep
    the names as they are. Always the same bytes for the same input but for
    the time of its making.

    :raises: ValueError where a path leads out of the CD
    """
    import pycdlib

    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, vol_ident=label, joliet=3, rock_ridge="1.09")
    try:
        made: set[str] = set()
        for number, (path, text) in enumerate(sorted(files.items())):
            parts = path.split("/")
            if not all(parts) or {".", ".."} & set(parts):
                raise ValueError(f"not a path on a CD: {path!r}")
            for depth in range(1, len(parts)):
                _make_directory(iso, parts[:depth], made)
            data = text.encode()
            iso.add_fp(
                io.BytesIO(data),
                len(data),
                _plain(parts[:-1]) + f"/F{number:07d}.;1",
                rr_name=parts[-1],
                joliet_path="/" + path,
            )
        target = io.BytesIO()
        iso.write_fp(target)
    finally:
        iso.close()
    # Busybox looks for other file systems first, and takes the end of a disk for
    # a broken one; mkisofs pads for such readers too.
    return target.getvalue().ljust(_LEAST, b"\0")


def _make_directory(iso: object, parts: list[str], made: set[str]) -> None:
    path = "/".join(parts)
    if path not in made:
        made.add(path)
        iso.add_directory(  # type: ignore[attr-defined]
            _plain(parts), rr_name=parts[-1], joliet_path="/" + path
        )


def _plain(parts: list[str]) -> str:
    """A path as plain ISO 9660 has it, which nobody reads here."""
    return "".join("/" + re.sub(r"[^A-Z0-9_]", "_", p.upper())[:31] for p in parts)
