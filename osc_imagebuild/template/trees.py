"""Read a directory that goes to the guest as a whole.

Who wrote a template may have put anything there: it is bounded, and no link leads out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from osc_imagebuild.errors import SpecError, unread
from osc_imagebuild.media import local_files
from osc_imagebuild.model.provision import TreeFile
from osc_imagebuild.template.document import Place
from osc_imagebuild.template.sources import Reader

# A directory of more has more than belongs to it.
MOST_FILES, MOST_DEPTH = 1000, 20
SIZE_LIMIT = 4 << 20
# What tools leave beside what people write.
_LEFT_OUT = ("__pycache__",)


def read_tree(directory: Path, reader: Reader, place: Place) -> tuple[TreeFile, ...]:
    """Return all files below ``directory`` by their paths, but hidden ones.

    A link to a file in it is that file; one to a directory is refused.

    :raises: SpecError
    """
    files: list[TreeFile] = []
    left = SIZE_LIMIT
    fence = local_files.fence(directory)
    try:
        for path in _paths(directory, directory, 0):
            name = path.relative_to(directory).as_posix()
            if not name.isprintable():
                raise SpecError(f"{place}: {name!r:.100} is no name of a file")
            if len(files) == MOST_FILES:
                raise SpecError(
                    f"{place}: there are more than {MOST_FILES} files in {directory}"
                )
            try:
                found = reader.found(path, left, fence)
            except ValueError as error:
                raise SpecError(
                    f"{place}: cannot take {name}: {unread(error)}; all of {directory} "
                    f"goes to the guest, and may have {SIZE_LIMIT} bytes"
                ) from error
            left -= len(found.data)
            is_program = bool(found.mode & stat.S_IXUSR)
            files.append(TreeFile(path=name, content=found.data, executable=is_program))
    except OSError as error:
        raise SpecError(f"{place}: cannot read {directory}: {unread(error)}") from error
    return tuple(files)


def _paths(top: Path, directory: Path, depth: int) -> Iterator[Path]:
    """Yield the paths of files, in the same order everywhere.

    :raises: OSError, ValueError
    """
    if depth > MOST_DEPTH:
        raise OSError(f"it is deeper than {MOST_DEPTH} directories")
    for name in sorted(os.listdir(directory)):
        path = directory / name
        if name.startswith(".") or name in _LEFT_OUT:
            continue
        if not path.is_dir():
            yield path
        elif path.is_symlink():
            raise OSError(
                f"{path.relative_to(top)} is a link to a directory, and none is followed"
            )
        else:
            yield from _paths(top, path, depth + 1)
