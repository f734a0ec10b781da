"""Split user data into parts as cloud-init does. Pure.

Source: cloud-init, cloudinit/handlers/__init__.py (INCLUSION_TYPES_MAP,
`type_from_starts_with`), cloudinit/user_data.py (`_process_msg`, `_explode_archive`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from osc_imagebuild.guests.answer_lint import yaml_nodes

if TYPE_CHECKING:
    from email.message import Message

CONFIG, JINJA, INCLUDE, ARCHIVE = "cloud-config", "jinja2", "x-include-url", "archive"
# Those that begin alike: the longest first.
_HEADERS = {
    "#cloud-config-archive": ARCHIVE,
    "#cloud-config-jsonp": "cloud-config-jsonp",
    "#cloud-config": CONFIG,
    "#cloud-boothook": "cloud-boothook",
    "#part-handler": "part-handler",
    "#include": INCLUDE,
    "#!": "x-shellscript",
    "## template: jinja": JINJA,
}
# Of parts that say no more than this, the beginning tells.
_VAGUE = ("text/plain", "text/x-not-multipart", "text/x-shellscript")
_DEEP = 4


class Part(NamedTuple):
    """One part: its kind, how many lines stand before it, and its text."""

    kind: str
    before: int
    text: str


class BadParts(Exception):
    """Why nothing can be taken apart here."""


def kind_of(text: str) -> str:
    """What a text is by its beginning, '' where cloud-init does not know it."""
    begin = text.lstrip().lower()
    return next((k for head, k in _HEADERS.items() if begin.startswith(head)), "")


def is_whole(text: str) -> bool:
    """Whether it is no more than one part, and said to be nothing else."""
    return not _is_mime(text) and kind_of(text) not in (ARCHIVE, INCLUDE)


def parts(text: str) -> list[Part]:
    """Take user data apart.

    :raises: BadParts
    """
    try:
        return list(_parts(text, 0, 0))
    except (ValueError, LookupError, RecursionError) as error:
        raise BadParts(f"no MIME message: {error}") from error


def _is_mime(text: str) -> bool:
    return "mime-version:" in text[:4096].lower() and not text.startswith("#")


def _parts(text: str, before: int, depth: int) -> Iterator[Part]:
    if depth > _DEEP:
        return
    if not _is_mime(text):
        yield from _by_kind(kind_of(text), text, before, depth)
        return
    import email  # its messages load socket, for the name of this machine

    for part in email.message_from_string(text).walk():
        if part.is_multipart():
            continue
        body, kind = _payload(part), part.get_content_type()
        # A part that is encoded is nowhere in the message as it is.
        at = max(text.find(body[:200]), 0)
        down = before + text.count("\n", 0, at)
        own = kind_of(body) if kind in _VAGUE else ""
        yield from _by_kind(own or _short(kind), body, down, depth)


def _by_kind(kind: str, text: str, before: int, depth: int) -> Iterator[Part]:
    if kind == ARCHIVE:
        yield from _archive(text, before, depth)
    else:
        yield Part(kind, before, text)


def _short(content_type: str) -> str:
    kind = content_type.partition("/")[2]
    if kind == "cloud-config-archive":
        return ARCHIVE
    return INCLUDE if kind == "x-include-once-url" else kind


def _archive(text: str, before: int, depth: int) -> Iterator[Part]:
    """A list of texts, or of mappings with a type and a content."""
    try:
        root = yaml_nodes.compose(text)
    except yaml_nodes.BadYaml as error:
        raise BadParts(f"#cloud-config-archive: {error}") from error
    if getattr(root, "id", "") != "sequence":
        raise BadParts("a #cloud-config-archive is a list of parts, which this is not")
    for entry in root.value:
        keys = yaml_nodes.mapping(entry)
        content = keys["content"][1] if "content" in keys else entry
        if content.id != "scalar":
            continue
        content_type = str(getattr(keys.get("type", (0, None))[1], "value", "") or "")
        kind = (
            _short(content_type) if content_type else kind_of(content.value) or CONFIG
        )
        yield from _by_kind(kind, content.value, before + _above(content), depth + 1)


def _above(content: Any) -> int:
    return yaml_nodes.line_of(content) - 1


def _payload(part: Message) -> str:
    data = part.get_payload(decode=True)
    return data.decode(errors="replace") if isinstance(data, bytes) else ""
