"""Put the library's next steps into words as commands of this client."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osc_imagebuild.errors import ImageBuildError, NextStep
    from osc_imagebuild.model.request import Request

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

# Options of create by the fields of a request that a record knows; what is put together
# of several, as contents are, is in none.
_CREATE = {
    "os": "os",
    "arch": "arch",
    "from_image": "from-image",
    "source": "source",
    "boot_method": "boot-method",
    "firmware": "firmware",
    "secure_boot": "secure-boot",
    "tpm": "tpm",
    "output": "output",
    "flavor": "flavor",
    "disk_gib": "disk",
    "volume_type": "volume-type",
    "ports": "port",
    "networks": "network",
    "security_groups": "security-group",
    "availability_zone": "availability-zone",
    "family": "family",
    "replace": "replace",
    "old": "old",
    "keep": "keep",
    "visibility": "visibility",
    "tags": "tag",
    "members": "member",
    "copies": "copy-to",
    "stores": "store",
    "metadata": "metadata",
    "disk_format": "disk-format",
    "min_disk_gib": "min-disk",
    "min_ram_mib": "min-ram",
    "protected": "protected",
    "verify": "verify",
}


def command_line(step: NextStep) -> str:
    """Return the command that does a next step."""
    words = _WORDS.get(step.verb, f"{step.verb} {{}}")
    command = [COMMAND, words.format(_word(step.target)).rstrip()]
    for name, value in step.options:
        command += f"--{_OPTIONS.get(name, name).replace('_', '-')}", _word(value)
    return " ".join(command)


def create_command(request: Request) -> str:
    """Return the command that builds what a request asks for, as far as options go."""
    from osc_imagebuild.model.request import Request

    command = [COMMAND, "create"]
    for name, option in _CREATE.items():
        value = getattr(request, name)
        if value == getattr(Request, name) and name != "os":
            continue
        values = value if isinstance(value, tuple) else (value,)
        if isinstance(value, bool):
            values, option = (), option if value else f"no-{option}"
            command.append(f"--{option}")
        for item in filter(None, values):
            word = _word(str(getattr(item, "target", item)))
            # What begins like an option is one, unless it is told apart.
            command += (
                [f"--{option}={word}"] if _is_dashed(word) else [f"--{option}", word]
            )
    command += ["--"] if _is_dashed(request.name) else []
    return " ".join((*command, _word(request.name)))


def _is_dashed(text: str) -> bool:
    return text.lstrip("'\"").startswith("-")


def _word(text: str) -> str:
    """One word of a shell's: names are others', and the line is there to be pasted."""
    return text if not text or _TO_FILL_IN.fullmatch(text) else shlex.quote(text)


def worded(text: str | ImageBuildError) -> str:
    """Return an error's text, or another of the library's, with commands in it."""
    from osc_imagebuild.errors import ImageBuildError, Message

    if isinstance(text, ImageBuildError):
        text = text.message
    return text.worded(command_line) if isinstance(text, Message) else text
