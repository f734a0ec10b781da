"""Name keys and places in files that people write. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def near(word: str, known: Iterable[str]) -> str:
    """Return '; did you mean ...?' with what is nearest to ``word``, or ''."""
    nearest = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def place(path: Sequence[object]) -> str:
    """Return a path as people write it, such as 'customise.files[1].mode'."""
    text = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.lstrip(".")
