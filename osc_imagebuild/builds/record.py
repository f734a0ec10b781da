"""What the record of a build says, and how it is written into properties of an image."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from osc_imagebuild.builds import authorship, validation
from osc_imagebuild.errors import (
    Message,
    NextStep,
    RecordError,
    Verb,
)
from osc_imagebuild.model import checks
from osc_imagebuild.model import spec_json as specs
from osc_imagebuild.model.checks import Check
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.names import Milestone, Status
from osc_imagebuild.model.numbers import whole_number
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.model.urls import shown_text
from osc_imagebuild.steps import attempts, boots, copies
from osc_imagebuild.version import tool_version

_PREFIX = "imagebuild_"
STATUS, REASON = f"{_PREFIX}status", f"{_PREFIX}reason"
# Glance keeps a property in a MySQL TEXT column of 64 KiB; JSON writes up to six
# bytes a character.
TAIL_LIMIT = 8000
RETRY = "retry"  # among the steps: when somebody tried a failed build again


@dataclass(frozen=True)
class Record:
    """What is known of a build from its record alone.

    ``is_own`` is whether this user wrote its spec, on this machine.
    ``has_texts`` is whether the user data of its servers is kept still: see `closing`.
    ``steps`` are (name, epoch seconds of its begin). ``updated_at`` is the last sign of
    life of the client that drives the build. `monitors.signals_json` reads ``signals``.
    """

    id: str
    status: Status
    step: str
    doing: str
    reason: str
    evidence: str
    percent: str
    spec: Spec
    marks: Mapping[str, Mark]
    steps: tuple[tuple[str, float], ...]
    signals: str
    result_id: str
    console_tail: str
    tool_version: str
    is_own: bool
    created_at: float
    updated_at: float
    has_texts: bool = True

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to drive."""
        return self.status != Status.BUILDING

    @property
    def made(self) -> tuple[str, ...]:
        """IDs of the result, complete or not, and of what it needs; () if none."""
        harvested = self.marks.get(Milestone.HARVESTED)
        return tuple(harvested.data.values()) if harvested else ()

    @property
    def begun_at(self) -> float:
        """When it was created, or last tried again."""
        again = [at for step, at in self.steps if step == RETRY]
        return again[-1] if again else self.created_at

    @property
    def retries(self) -> int:
        """How often somebody tried it again."""
        return sum(step == RETRY for step, _ in self.steps)

    def time_left_s(self, now: float) -> float | None:
        """Seconds that the installer still needs by earlier builds, None if unknown."""
        started = self.marks.get(Milestone.STARTED)
        over = self.is_over or Milestone.INSTALLED in self.marks
        if over or started is None or not self.spec.installer.expected_s:
            return None
        return max(0.0, started.at + self.spec.installer.expected_s - now)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was checked of the system, as its guest reported; then the user's own tests."""
        installed = self.marks.get(Milestone.INSTALLED)
        reported = checks.of_report(installed.data) if installed else ()
        tested = boots.checks(self.spec, self.marks, self.steps, self.failed_in)
        return (*reported, *tested)

    @property
    def failed_in(self) -> tuple[int, str]:
        """The number of the boot of the result in which a build failed, and why.

        0 where it has not, or elsewhere; see `steps.boots`.
        """
        if self.status != Status.FAILED:
            return 0, ""
        return boots.failed_in(self.spec, self.step, self.reason)

    @property
    def attempts(self) -> tuple[str, ...]:
        """The attempts that failed and were followed by others, the first one first.

        Each as its step, its number there, and its reason: 'verify 1: it is silent';
        what was before a retry says so: 'verify, before retry 1: it does not boot'.
        """
        return attempts.failures(self.marks)

    @property
    def copies(self) -> tuple[str, ...]:
        """What came of its copies in other stores and clouds, a line each."""
        return tuple(copies.told(self.spec, self.marks))


def pack(texts: Mapping[str, str]) -> str:
    """Return ``texts`` small enough for one property."""
    raw = json.dumps(dict(texts)).encode()
    return base64.b64encode(zlib.compress(raw, 9)).decode()


def unpack(packed: str) -> dict[str, str]:
    """Return what `pack` was given.

    :raises: RecordError where it is damaged
    """
    try:
        # Bounded: a damaged or hostile property must not fill the memory.
        inflater = zlib.decompressobj()
        raw = inflater.decompress(base64.b64decode(packed), 1_000_000)
        data = json.loads(raw)
        texts = {str(key): str(value) for key, value in data.items()}
        for text in texts.values():
            text.encode()  # halves of surrogates are no text that a guest can be told
        return texts
    except (ValueError, AttributeError, RecursionError, zlib.error) as error:
        raise RecordError(f"the build's user data is damaged: {error}") from error


def texts_of(image: Image) -> dict[str, str]:
    """Return the user data of a build's servers, by their names.

    :raises: RecordError
    """
    try:
        return unpack(image.properties.get(f"{_PREFIX}texts", ""))
    except RecordError as error:
        error.build_id, error.resolution = image.id, _remove_it(image.id)
        raise


def parse(image: Image) -> Record:
    """Return the record that ``image`` carries.

    :raises: RecordError
    """

    def field(name: str) -> str:
        return validation.check_length(name, image.properties.get(_PREFIX + name, ""))

    other = image.properties.get(f"{_PREFIX}schema", "")[:20] or "missing"
    schema = whole_number(other, 1, specs.SCHEMA)
    if schema is None:
        why = f"its record has schema {other}, this one reads 1 to {specs.SCHEMA}"
        raise _other_version(image, why)
    try:
        return Record(
            id=image.id,
            status=Status(field("status")),
            step=field("step"),
            doing=field("doing"),
            reason=field("reason"),
            evidence=field("evidence"),
            percent=_percent(field("percent")),
            spec=_spec(field("spec"), schema),
            marks=_marks(field("marks")),
            steps=_steps(field("steps")),
            signals=field("signals"),
            result_id=validation.check_id("the result", field("result_id")),
            console_tail=_text(field("console_tail")),
            tool_version=field("tool_version"),
            is_own=authorship.is_own(image.id, field("spec"), field("signature")),
            created_at=image.created_at,
            updated_at=image.updated_at,
            has_texts=bool(field("texts")),
        )
    except (
        RecordError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        # What looks damaged may be what a later version writes, which says so.
        writer = image.properties.get(f"{_PREFIX}tool_version", "")
        newer = writer not in ("", tool_version())
        if newer or isinstance(error, specs.OtherVersionError):
            raise _other_version(image, str(error)[:300]) from error
        raise RecordError(
            f"the record of build {image.id} is damaged: {error!s:.300}",
            resolution=_remove_it(image.id),
            build_id=image.id,
        ) from error


def result_of(image: Image) -> str:
    """Return the ID of the result in a record that cannot be read, '' where none is."""
    found = image.properties.get(f"{_PREFIX}result_id", "")
    try:
        return validation.check_id("the result", found)
    except ValueError:
        return ""


def _remove_it(build_id: str) -> Message:
    """What to do with a build whose record nobody can read."""
    return Message(
        "unless a client still drives it, remove the build with: ",
        NextStep(Verb.DELETE, build_id),
    )


def _other_version(image: Image, why: str) -> RecordError:
    """Say which version can read a record; it may be newer, and the build at work."""
    version = image.properties.get(f"{_PREFIX}tool_version", "")
    if not re.fullmatch(r"[0-9A-Za-z.+-]{1,60}", version):
        version = "unknown"
    going = image.properties.get(STATUS) == Status.BUILDING
    verb = Verb.RESUME if going else Verb.SHOW
    return RecordError(
        f"build {image.id} was written by another version of this tool, {version} (this "
        f"one is {tool_version()}), and cannot be read here: {why}",
        resolution=Message("use that version: ", NextStep(verb, image.id)),
        build_id=image.id,
    )


def _percent(text: str) -> str:
    """Return how far a build is, '' where that is no number of 0 to 100."""
    return "" if whole_number(text, 0, 100) is None else text


def _spec(text: str, schema: int) -> Spec:
    spec = specs.from_json(text, schema)
    validation.check_spec(spec)
    return spec


def _marks(text: str) -> dict[str, Mark]:
    marks = {
        str(name): Mark(
            _when(mark["at"]), {str(k): str(v) for k, v in mark["data"].items()}
        )
        for name, mark in json.loads(text or "{}").items()
    }
    validation.check_marks(marks)
    return marks


def _when(at: Any) -> float:
    """Return a time that can be shown as a date.

    :raises: ValueError, TypeError
    """
    seconds = float(at)
    if not 0 <= seconds < 1e11:
        raise ValueError(f"{seconds} is no time")
    return seconds


def _steps(text: str) -> tuple[tuple[str, float], ...]:
    steps = tuple((str(name), _when(at)) for name, at in json.loads(text or "[]"))
    validation.check_steps(steps)
    return steps


def _text(text: str) -> str:
    return str(json.loads(text)) if text else ""


def dump_marks(marks: Mapping[str, Mark]) -> str:
    """Return marks as the record keeps them."""
    return json.dumps(
        {
            name: {
                "at": mark.at,
                "data": {key: shown_text(text) for key, text in mark.data.items()},
            }
            for name, mark in marks.items()
        }
    )


def closing(spec: Spec) -> dict[str, Any]:
    """Return the fields that take the secrets out of a record.

    They are written with what ends a build for good, that is, in one change: who sees it
    complete or cancelled sees no answer file. Emptied rather than removed: Glance's
    database keeps what is removed, and to remove it again is refused.
    """
    return {"texts": "", "spec": specs.closed(spec)}


def _plain(value: Any) -> str:
    """Return a text that every Glance stores, whatever a guest's console said.

    Source: glance.db.sqlalchemy.models has MySQL's utf8, of three bytes at most.
    """
    return re.sub("[\0\ud800-\udfff\U00010000-\U0010ffff]", "\ufffd", str(value))


def _told(text: Any) -> str:
    """Return a text without credentials, as others read it."""
    return shown_text(_plain(text))


def first_fields(build_id: str, spec: Spec, texts: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of the record of a new build."""
    written = specs.to_json(spec)
    return {
        f"{_PREFIX}schema": str(specs.SCHEMA),
        f"{_PREFIX}status": Status.BUILDING,
        f"{_PREFIX}spec": written,
        f"{_PREFIX}signature": authorship.sign(build_id, written),
        f"{_PREFIX}texts": pack(texts),
        f"{_PREFIX}tool_version": tool_version(),
    }


def changes(
    build_id: str, fields: Mapping[str, Any], *, own: bool = False
) -> list[dict[str, str]]:
    """Return what Glance is told to change ``fields`` of a record.

    A new ``spec`` is signed where ``own`` says that the one before was this client's.
    """
    # Its last writer's version tells who can read it.
    values = {"tool_version": tool_version(), **fields}
    if isinstance(spec := values.get("spec"), Spec):
        written = specs.to_json(spec)
        signature = authorship.sign(build_id, written) if own else ""
        values |= {"spec": written, "schema": specs.SCHEMA, "signature": signature}
    return [
        {
            "op": "add",
            "path": f"/{_PREFIX}{name}",
            "value": _FORMATS.get(name, _plain)(value),
        }
        for name, value in values.items()
    ]


_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "marks": dump_marks,
    "steps": lambda steps: json.dumps([list(step) for step in steps]),
    "console_tail": lambda text: json.dumps(_told(text)[-TAIL_LIMIT:]),
    **dict.fromkeys(("doing", "reason", "evidence"), _told),
}
