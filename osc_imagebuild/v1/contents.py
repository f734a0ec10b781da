"""The option --content: files, directories and archives of any size."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from osc_lib import exceptions

if TYPE_CHECKING:
    from osc_imagebuild.model.contents import Content

_DIGEST = "#sha256="


def add_contents(parser: argparse.ArgumentParser) -> None:
    """Let a command say what of any size goes into the installed system."""
    parser.add_argument(
        "--content",
        metavar="<source>:<path>",
        action="append",
        default=[],
        help="File or directory of any size to put at a path of the installed system, or "
        "<url>#sha256=<digest>:<path> for one that the guest fetches; an archive whose "
        "path ends in a slash is unpacked there (repeat for several)",
    )


def contents(words: Sequence[str]) -> tuple[Content, ...]:
    """Return the contents that ``--content`` asks for.

    :raises: CommandError
    """
    return tuple(map(_content, words))


def _content(word: str) -> Content:
    from osc_imagebuild.model.contents import Content, compression

    # The last one, as a URL has such a colon too.
    source, colon, path = word.rpartition(":/")
    path = f"/{path}"
    if not source or not colon:
        raise exceptions.CommandError(
            "--content takes a file, a directory or a URL, and a whole path, such as "
            f"app.tar.gz:/srv/app/, not {word!r:.60}"
        )
    if "://" in source:
        url, _, sha256 = source.partition(_DIGEST)
        unpack = path.endswith("/") and bool(compression(url.partition("?")[0]))
        return Content(path=path, url=url, sha256=sha256.lower(), unpack=unpack)
    real = os.path.realpath(os.path.expanduser(source))
    unpack = path.endswith("/") and bool(compression(real)) and os.path.isfile(real)
    return Content(path=path, source=real, unpack=unpack)
