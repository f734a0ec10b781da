"""Monitor report: the guest's own word that it succeeded.

A guest says it twice: as JSON on the password back-channel of the metadata
service, and as the same JSON behind a fixed word on its console. The build's
ID in it keeps an image that was made by an earlier build from lying.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

SENTINEL = "IMAGEBUILD-REPORT"
# The channel takes 1020 bytes; nothing of a guest's is believed past that.
# Source: nova.api.metadata.password (CHUNKS * CHUNK_LENGTH).
LIMIT = 1020

_ON_CONSOLE = re.compile(re.escape(SENTINEL) + r" (\{.{0,1020}\})")


def parse(text: str, build_id: str) -> dict[str, str] | None:
    """Return the report in ``text``, None where there is none of this build."""
    if len(text) > LIMIT:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, Mapping) or data.get("build") != build_id:
        return None
    return {
        str(key): str(value)
        for key, value in data.items()
        if isinstance(value, (str, int, float)) and key != "build"
    }


def is_on_console(text: str) -> bool:
    """Whether any build's report is in console text."""
    return _ON_CONSOLE.search(text) is not None


def on_console(text: str, build_id: str) -> dict[str, str] | None:
    """Return this build's report from console text, None where there is none."""
    for match in _ON_CONSOLE.finditer(text):
        parsed = parse(match.group(1), build_id)
        if parsed is not None:
            return parsed
    return None
