"""Read one file of an initrd, with nothing but Python: cpio may not be installed yet."""

from __future__ import annotations

import gzip
from pathlib import Path

from devcloud.errors import DevcloudError

HEADER = 110


def member(initrd: Path, name: str) -> bytes:
    """The content of a file in a gzip-compressed cpio archive.

    Source: cpio(5), the new ASCII format

    :raises: DevcloudError where it has no such file, or is no such archive
    """
    try:
        with gzip.open(initrd) as stream:
            return _find(stream, name)
    except (OSError, EOFError, ValueError) as exc:
        raise DevcloudError(f"cannot read {name} in {initrd.name}: {exc}") from exc


def _find(stream: gzip.GzipFile, wanted: str) -> bytes:
    while True:
        header = stream.read(HEADER)
        if len(header) < HEADER or not header.startswith(b"07070"):
            raise ValueError("not a cpio archive of the new format")
        size, length = int(header[54:62], 16), int(header[94:102], 16)
        name = stream.read(length).rstrip(b"\0").decode(errors="replace")
        stream.read(-(HEADER + length) % 4)
        if name == "TRAILER!!!":
            raise ValueError("there is no such file")
        content = stream.read(size + -size % 4)[:size]
        if name.removeprefix("./") == wanted:
            return content
