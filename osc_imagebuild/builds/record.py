"""The build record: one queued, hidden, private Glance image without data.

It never carries data, because a change of properties during an upload is
lost when the upload ends; and it has one writer at a time (see `lease`).
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from osc_imagebuild.builds import authorship, validation
from osc_imagebuild.cloud import images
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.retry import retry_transient
from osc_imagebuild.errors import (
    ConflictError,
    Message,
    NextStep,
    NotFoundError,
    RecordError,
    Verb,
)
from osc_imagebuild.model import spec_json as specs
from osc_imagebuild.model.facts import Mark
from osc_imagebuild.model.names import (
    RECORD_TAG,
    Milestone,
    Role,
    Status,
    build_tag,
    resource_name,
)
from osc_imagebuild.model.numbers import whole_number
from osc_imagebuild.model.resources import Image
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.model.urls import shown_text
from osc_imagebuild.steps import attempts
from osc_imagebuild.version import tool_version

_PREFIX = "imagebuild_"
STATUS, REASON = f"{_PREFIX}status", f"{_PREFIX}reason"
# Glance keeps a property in a MySQL TEXT column of 64 KiB; JSON writes up to six
# bytes a character.
TAIL_LIMIT = 8000
LAG_S = 5.0
RETRY = "retry"  # among the steps: when somebody tried a failed build again


class NoRecordError(RecordError):
    """There is no build of that ID in this project."""


@dataclass(frozen=True)
class Record:
    """What is known of a build from its record alone.

    ``is_own`` is whether this user wrote its spec, on this machine.
    ``has_texts`` is whether the user data of its servers is kept still: see `closing`.
    ``steps`` are (name, epoch seconds of its begin). ``updated_at`` is the last sign of
    life of the client that drives the build. ``signals`` are what
    `monitors.keeping` reads.
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
    def attempts(self) -> tuple[str, ...]:
        """The attempts that failed and were followed by others, the first one first.

        Each as its step, its number there, and its reason: 'verify 1: it is silent';
        what was before a retry says so: 'verify, before retry 1: it does not boot'.
        """
        return attempts.told(self.marks)


def create(api: Api, build_id: str, spec: Spec, texts: Mapping[str, str]) -> Record:
    """Write the record of a new build: the first thing in the cloud.

    ``texts`` are the user data of its servers, by name.

    :raises: CloudError
    """
    properties = {
        f"{_PREFIX}schema": str(specs.SCHEMA),
        f"{_PREFIX}status": Status.BUILDING,
        f"{_PREFIX}spec": (text := specs.to_json(spec)),
        f"{_PREFIX}signature": authorship.sign(build_id, text),
        f"{_PREFIX}texts": pack(texts),
        f"{_PREFIX}tool_version": tool_version(),
    }

    def write() -> Record:
        try:
            image = images.create(
                api,
                image_id=build_id,
                name=resource_name(build_id, Role.RECORD),
                tags=(RECORD_TAG, build_tag(build_id)),
                properties=properties,
            )
        except ConflictError:
            # Nobody else has this ID: an earlier try came through, unheard.
            image = _image(api, build_id)
        return parse(image)

    return retry_transient(api.clock, write)


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
        found = json.loads(raw)
        texts = {str(key): str(value) for key, value in found.items()}
        for text in texts.values():
            text.encode()  # halves of surrogates are no text that a guest can be told
        return texts
    except (ValueError, AttributeError, RecursionError, zlib.error) as error:
        raise RecordError(f"the build's user data is damaged: {error}") from error


def texts(api: Api, build_id: str) -> dict[str, str]:
    """Return the user data of the build's servers.

    :raises: RecordError, CloudError
    """
    return _texts(_image(api, build_id))


def _texts(image: Image) -> dict[str, str]:
    try:
        return unpack(image.properties.get(f"{_PREFIX}texts", ""))
    except RecordError as error:
        error.build_id, error.resolution = image.id, _remove_it(image.id)
        raise


def load(api: Api, build_id: str) -> Record:
    """Return the record of a build.

    :raises: NoRecordError where there is none, RecordError where it cannot be read,
        CloudError
    """
    return parse(_image(api, build_id))


def reload(api: Api, build_id: str) -> tuple[Record, dict[str, str]]:
    """Return a record that was there a moment ago, and its servers' user data.

    :raises: as `load`
    """
    try:
        image = _image(api, build_id)
    except RecordError:
        # A replica of Glance's database may lag behind.
        api.clock.sleep(LAG_S)
        image = _image(api, build_id)
    found = parse(image)
    return found, {} if found.is_over and not found.has_texts else _texts(image)


def _image(api: Api, build_id: str) -> Image:
    image = images.find(api, build_id)
    known = image is not None and RECORD_TAG in image.tags
    if image is None or not known or images.is_foreign(api, image):
        raise NoRecordError(
            f"there is no build {build_id} in this project",
            resolution=Message("see: ", NextStep(Verb.LIST)),
            build_id=build_id,
        )
    return image


def load_all(api: Api) -> tuple[list[Record], list[str]]:
    """Return all records, newest first, and the IDs of unreadable ones.

    :raises: CloudError
    """
    readable, errors = read_all(api)
    return readable, list(errors)


def read_all(api: Api) -> tuple[list[Record], dict[str, RecordError]]:
    """Return all records, newest first, and why others cannot be read, by their IDs.

    :raises: CloudError
    """
    readable, errors = [], {}
    for image in images.tagged(api, RECORD_TAG, hidden=True):
        try:
            readable.append(parse(image))
        except RecordError as error:
            errors[image.id] = error
    return readable[::-1], errors


def parse(image: Image) -> Record:
    """Return the record that ``image`` carries.

    :raises: RecordError
    """

    def field(name: str) -> str:
        text = image.properties.get(_PREFIX + name, "")
        if len(text) > validation.PROPERTY_LIMIT:
            raise ValueError(f"its {name} has {len(text)} characters")
        return text

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
        *(RecordError, ValueError, TypeError, KeyError, AttributeError),
        *(OverflowError, RecursionError),
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
    going = image.properties.get(f"{_PREFIX}status") == "building"
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
    found = float(at)
    if not 0 <= found < 1e11:
        raise ValueError(f"{found} is no time")
    return found


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
    """A text that others read, without what opens doors."""
    return shown_text(_plain(text))


def update(api: Api, build_id: str, **fields: Any) -> Record:
    """Change fields of the record; only the holder of the lease may.

    A new ``spec`` is signed where ``own`` says that the one before was this client's.

    :raises: RecordError where it is gone, or cannot be read any more, CloudError
    """
    if "spec" in fields:
        spec = specs.to_json(fields.pop("spec"))
        own = fields.pop("own", False)
        signature = authorship.sign(build_id, spec) if own else ""
        fields |= {"spec": spec, "schema": specs.SCHEMA, "signature": signature}
    values: dict[str, Callable[[Any], str]] = {
        "marks": dump_marks,
        "steps": lambda steps: json.dumps([list(s) for s in steps]),
        "console_tail": lambda text: json.dumps(_told(text)[-TAIL_LIMIT:]),
        **dict.fromkeys(("doing", "reason", "evidence"), _told),
    }
    operations = [
        {
            "op": "add",
            "path": f"/{_PREFIX}{name}",
            "value": values.get(name, _plain)(value),
        }
        # Its last writer's version tells who can read it.
        for name, value in {"tool_version": tool_version(), **fields}.items()
    ]
    try:
        image = images.patch(api, build_id, operations)
    except NotFoundError:
        # A replica of Glance's database may lag behind.
        api.clock.sleep(LAG_S)
        try:
            image = images.patch(api, build_id, operations)
        except NotFoundError as error:
            raise RecordError(
                f"build {build_id} was deleted meanwhile", build_id=build_id
            ) from error
    return parse(image)
