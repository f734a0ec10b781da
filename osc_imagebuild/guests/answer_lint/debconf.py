"""Find the answers that commands give to debian-installer's debconf. Pure.

Source: preseed, debconf-set-selections; debian-installer-utils, debconf-set; debconf's
confmodule (db_set) and debconf-communicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from osc_imagebuild.guests.answer_lint import ending
from osc_imagebuild.guests.answer_lint.reading import Script


def answers(scripts: Iterable[Script]) -> Iterator[tuple[int, str, str]]:
    """Yield line, question and value of each answer, in the order in which they come.

    What is run in the new system is for that system's packages alone.
    """
    for script in scripts:
        for ran in ending.run(script):
            if not ran.installed and ran.words:
                for name, value in _given(ran):
                    yield ran.line, name, value


def _given(ran: ending.Ran) -> Iterator[tuple[str, str]]:
    name, rest = ran.words[0].rpartition("/")[2], ran.words[1:]
    if name in ("debconf-set", "db_set") and len(rest) == 2:
        yield rest[0], rest[1]
    elif name == "debconf-set-selections":
        yield from _settings(ran.fed)
    elif name == "debconf-communicate":
        for row in ran.fed.splitlines():
            words = row.split(None, 2)
            if len(words) == 3 and words[0].upper() == "SET":
                yield words[1], words[2].strip()


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Lines of owner, question, type and value."""
    for row in text.replace("\\\n", " ").splitlines():
        words = row.split(None, 3)
        if len(words) == 4 and not words[0].startswith("#") and words[2] != "seen":
            yield words[1], words[3].strip()
