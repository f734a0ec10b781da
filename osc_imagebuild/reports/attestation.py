"""Tell what of an attestation holds, and what does not. Pure.

The file is anybody's: what is not right in it is told, and nothing that it says is done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from osc_imagebuild.model.resources import Image
from osc_imagebuild.reports import provenance
from osc_imagebuild.reports.provenance import ANSWERS, OF_IMAGE, PARENT
from osc_imagebuild.signing import dsse
from osc_imagebuild.signing.dsse import Envelope, EnvelopeError

_LONGEST = 200
_MOST = 256
# What must be in the statement where the image tells it, whichever version wrote it.
_NEEDED = (PARENT, ANSWERS)


class Key(Protocol):
    """What checks a signature."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def has_signed(self, signature: bytes, data: bytes) -> bool: ...


@dataclass(frozen=True)
class AttestationFinding:
    """One thing that was looked at; ``holds`` is None where nobody can tell today.

    ``text`` is a sentence.
    """

    about: str
    holds: bool | None
    text: str


@dataclass(frozen=True)
class Today:
    """What the cloud tells: the image, the statement of it, and its parent, if that is there."""

    image: Image
    statement: Mapping[str, Any]
    parent: Image | None = None


def findings(data: bytes, key: Key, today: Today) -> list[AttestationFinding]:
    """Return what holds of an attestation, and all that does not."""
    try:
        envelope = dsse.from_json(data)
    except EnvelopeError as error:
        return [
            AttestationFinding("envelope", False, f"The file is no envelope: {error}.")
        ]
    return [_signature(envelope, key), *_of_payload(envelope, today)]


def _signature(envelope: Envelope, key: Key) -> AttestationFinding:
    by = f"the key {key.id[:16]} ({key.kind})"
    signed = envelope.signed
    if any(key.has_signed(each.value, signed) for each in envelope.signatures):
        return AttestationFinding("signature", True, f"It is signed by {by}.")
    count = len(envelope.signatures)
    none = (
        "Its signature is not" if count == 1 else f"None of its {count} signatures is"
    )
    return AttestationFinding(
        "signature", False, f"{none} by {by}, or it was changed since."
    )


def _of_payload(envelope: Envelope, today: Today) -> Iterator[AttestationFinding]:
    if envelope.payload_type != provenance.PAYLOAD_TYPE:
        said = _shown(envelope.payload_type)
        yield AttestationFinding(
            "payload type", False, f"Its payload is {said}, and no in-toto statement."
        )
    try:
        said_of = dsse.parsed(envelope.payload)
    except EnvelopeError as error:
        yield AttestationFinding(
            "statement", False, f"Its payload is no statement: {error}."
        )
        return
    for about, field, wanted in (
        ("statement", "_type", provenance.STATEMENT),
        ("predicate type", "predicateType", provenance.PREDICATE),
    ):
        found = said_of.get(field)
        if found != wanted:
            text = f"It is of the type {_shown(found)}, and not {wanted}."
            yield AttestationFinding(about, False, text)
    yield from _subject(said_of, today)
    yield from _facts(_object(said_of, "predicate"), today)


def _subject(said: Mapping[str, Any], today: Today) -> Iterator[AttestationFinding]:
    image = today.image
    subjects = [item for item in _list(said, "subject") if isinstance(item, dict)]
    same = [s for s in subjects if _object(s, "digest").get("sha512") == image.sha512]
    if not image.sha512:
        text = f"Glance tells no sha512 of image {image.id} to compare with."
        yield AttestationFinding("digest", False, text)
        return
    if not same:
        told = [_shown(_object(s, "digest").get("sha512")) for s in subjects[:3]]
        text = (
            f"It is about {', '.join(told) or 'nothing'}, and image {image.id} has the sha512 "
            f"{image.sha512[:16]}... today."
        )
        yield AttestationFinding("digest", False, text)
        return
    yield AttestationFinding(
        "digest", True, f"It is about the content of image {image.id}."
    )
    names = [s.get("name") for s in same]
    wanted = provenance.name(image)
    if wanted not in names:
        text = f"It calls the image {_shown(names[0])}, and it is called {wanted!r}."
        yield AttestationFinding("name", False, text)


def _facts(predicate: Mapping[str, Any], today: Today) -> Iterator[AttestationFinding]:
    """Compare all that both tell."""
    theirs = dict(facts(predicate))
    ours = dict(facts(today.statement["predicate"]))
    same = 0
    for about in [*ours, *(name for name in theirs if name not in ours)]:
        told, known = theirs.get(about), ours.get(about)
        if told == known:
            same += 1
        elif told is not None and known is not None:
            text = f"It says {_shown(told)}, and the cloud says {_shown(known)} today."
            yield AttestationFinding(about, False, text)
        elif told is None and about.startswith(_NEEDED):
            text = f"The image says {_shown(known)}, and it says nothing of that."
            yield AttestationFinding(about, False, text)
        elif known is None and _is_of_image(about):
            text = f"It says {_shown(told)}, and the image says nothing of that."
            yield AttestationFinding(about, False, text)
        elif known is None:
            text = f"It says {_shown(told)}, which the cloud does not tell any more."
            yield AttestationFinding(about, None, text)
    yield from _parent(theirs, today.parent)
    if same:
        yield AttestationFinding(
            "facts", True, f"{same} facts are as the cloud tells them today."
        )


def _is_of_image(about: str) -> bool:
    """Whether the image itself would tell it, if it were so."""
    return about.startswith(("parameter ", *(f"{name} " for name in OF_IMAGE)))


def _parent(
    theirs: Mapping[str, str], parent: Image | None
) -> Iterator[AttestationFinding]:
    """Compare the parent with the image that it is, as long as that is there."""
    wanted = theirs.get(f"{PARENT} sha512")
    if wanted is None:
        return
    if parent is None:
        text = "The image that it was made of is not there any more."
        yield AttestationFinding(f"{PARENT} today", None, text)
    elif parent.sha512 != wanted:
        text = f"Image {parent.id} that it was made of has another content today."
        yield AttestationFinding(f"{PARENT} today", False, text)


def facts(predicate: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a predicate says that can be compared, each by a name.

    Times are left out: without the record of the build only the image tells them.
    """
    definition = _object(predicate, "buildDefinition")
    details = _object(predicate, "runDetails")
    builder = _object(details, "builder")
    yield from _texts("", {"build type": definition.get("buildType")})
    yield from _texts("parameter ", _object(definition, "externalParameters"))
    yield from _texts("internal ", _object(definition, "internalParameters"))
    for item in _list(definition, "resolvedDependencies"):
        yield from _resource(item)
    yield from _texts("", {"builder": builder.get("id")})
    yield from _texts("version of ", _object(builder, "version"))
    run = _object(details, "metadata")
    yield from _texts("", {"build": run.get("invocationId")})
    for item in _list(details, "byproducts"):
        yield from _resource(item)


def _resource(item: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(item, dict):
        return
    called = _plain(item.get("name"))[:60]
    yield from _texts(f"{called} ", _object(item, "digest"))
    yield from _texts("", {f"{called} uri": item.get("uri")})


def _texts(before: str, said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in list(said.items())[:_MOST]:
        if value not in (None, ""):  # unset and empty are the same
            yield f"{before}{_plain(key)[:60]}", _plain(value)


def _object(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = said.get(key)
    return value if isinstance(value, dict) else {}


def _list(said: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = said.get(key)
    return value[:_MOST] if isinstance(value, list) else ()


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _shown(value: Any) -> str:
    """Return a value of somebody's as one short line."""
    text = _plain(value)
    return repr(text[:_LONGEST]) if value is not None else "nothing"
