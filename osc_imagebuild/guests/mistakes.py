"""Suggest the key that was meant, and name a place in a file. Pure."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Sequence

LONGEST, MOST = 60, 200


def near(word: str, candidates: Iterable[str]) -> str:
    """Return '; did you mean ...?' with what is nearest to ``word``, or ''."""
    # What is longer, or more, is no slip of a hand, and takes long to compare.
    words = list(itertools.islice((k for k in candidates if len(k) <= LONGEST), MOST))
    nearest = difflib.get_close_matches(word[: LONGEST + 1], words, 1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def place(path: Sequence[object]) -> str:
    """Return a path as people write it, such as 'customise.files[1].mode'."""
    text = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p!s:.60}" for p in path)
    return text.lstrip(".")
