"""Put the library's next steps into words as commands of this client."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osc_imagebuild.errors import ImageBuildError, NextStep

COMMAND = "openstack image build"
_TO_FILL_IN = re.compile(r"<[a-z]+>")
# What is not here is called as the library calls it.
_WORDS = {
    "list-os": "os list",
    "list-families": "family list",
    "show-report": "os show {} -c answer_report -f value",
}
# What is not here is the library's argument, with dashes.
_OPTIONS = {"start": "from"}


def command_line(step: NextStep) -> str:
    """Return the command that does a next step."""
    words = _WORDS.get(step.verb, f"{step.verb} {{}}")
    command = [COMMAND, words.format(_word(step.target)).rstrip()]
    for name, value in step.options:
        command.append(f"--{_OPTIONS.get(name, name).replace('_', '-')}")
        command += [_word(value)] if value else []
    return " ".join(command)


def _word(text: str) -> str:
    """One word of a shell's: names are others', and the line is there to be pasted."""
    return text if not text or _TO_FILL_IN.fullmatch(text) else shlex.quote(text)


def worded(text: str | ImageBuildError) -> str:
    """Return an error's text, or another of the library's, with commands in it."""
    from osc_imagebuild.errors import ImageBuildError, Message

    if isinstance(text, ImageBuildError):
        text = text.message
    return text.worded(command_line) if isinstance(text, Message) else text
