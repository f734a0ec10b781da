"""Envelopes of signed statements: DSSE, as in-toto and Sigstore use it. Pure.

Source: secure-systems-lab/dsse, protocol.md and envelope.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# More than any statement of ours has; packages are not in it.
SIZE_LIMIT = 1 << 20
MOST_SIGNATURES = 16
# Of objects and lists in each other; a statement has seven.
DEEPEST = 32


class EnvelopeError(ValueError):
    """A file is no envelope, or one that nobody should read."""


@dataclass(frozen=True)
class Signature:
    """One signature; ``key_id`` is a hint that nothing is decided by, '' for none."""

    key_id: str
    value: bytes


@dataclass(frozen=True)
class Envelope:
    """A payload, what it is, and who signed both."""

    payload_type: str
    payload: bytes
    signatures: Sequence[Signature]

    @property
    def signed(self) -> bytes:
        """What the signatures are over."""
        return signed(self.payload_type, self.payload)

    def to_json(self) -> str:
        """Return the envelope as a file has it."""
        signatures = [
            {"keyid": each.key_id, "sig": _encoded(each.value)}
            for each in self.signatures
        ]
        return json.dumps(
            {
                "payloadType": self.payload_type,
                "payload": _encoded(self.payload),
                "signatures": signatures,
            }
        )


def signed(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed of a payload: its type counts too."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def from_json(data: bytes) -> Envelope:
    """Return the envelope in a file, whoever wrote it.

    :raises: EnvelopeError
    """
    if len(data) > SIZE_LIMIT:
        raise EnvelopeError(f"it has more than {SIZE_LIMIT >> 20} MiB")
    said = parsed(data)
    kind = said.get("payloadType")
    if not isinstance(kind, str) or not kind or len(kind) > 200:
        raise EnvelopeError("it does not say what its payload is")
    try:
        kind.encode()
    except UnicodeEncodeError as error:
        raise EnvelopeError("the type of its payload is no text") from error
    listed = said.get("signatures")
    if not isinstance(listed, list) or not listed:
        raise EnvelopeError("it has no signature")
    if len(listed) > MOST_SIGNATURES:
        raise EnvelopeError(f"it has more than {MOST_SIGNATURES} signatures")
    payload = _decoded(said.get("payload"), "its payload")
    return Envelope(kind, payload, tuple(map(_signature, listed)))


def parsed(data: bytes) -> Mapping[str, Any]:
    """Return the one object that JSON of others is.

    A name that is there twice is refused: two readers could take one each.

    :raises: EnvelopeError
    """
    try:
        said = json.loads(data.decode(), object_pairs_hook=_once)
    except EnvelopeError:
        raise
    except UnicodeDecodeError as error:
        raise EnvelopeError("it is not text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise EnvelopeError("it is not JSON") from error
    if not isinstance(said, dict):
        raise EnvelopeError("it is no object of JSON")
    if _depth(said) > DEEPEST:
        raise EnvelopeError(f"it is nested more than {DEEPEST} deep")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said = dict(pairs)
    if len(said) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise EnvelopeError(f"it says {twice!r:.60} twice")
    return said


def _depth(value: Any) -> int:
    """Return how deep a value is nested, or more than is allowed of what is deeper."""
    level, depth = [value], 0
    while level and depth <= DEEPEST:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        level, depth = inner, depth + 1
    return depth


def _signature(said: Any) -> Signature:
    if not isinstance(said, dict):
        raise EnvelopeError("a signature of it is no object of JSON")
    key_id = said.get("keyid") or ""
    if not isinstance(key_id, str) or len(key_id) > 200:
        raise EnvelopeError("a signature of it has a key ID that is none")
    return Signature(key_id, _decoded(said.get("sig"), "a signature of it"))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: Any, what: str) -> bytes:
    """Return the bytes of either base64; a verifier must take both."""
    if not isinstance(text, str) or not text:
        raise EnvelopeError(f"{what} is missing")
    standard = text.translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError(f"{what} is not base64: {error}") from error
