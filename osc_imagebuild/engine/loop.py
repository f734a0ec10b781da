"""The loop: look at the cloud, decide, do one thing, look again.

Nothing is remembered that cannot be seen again: a client may die at any
line, and another one goes on from what it sees.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import random
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from osc_imagebuild import boot
from osc_imagebuild.builds import copies, lease, record, record_store
from osc_imagebuild.clock import Patience
from osc_imagebuild.cloud.api import Api
from osc_imagebuild.cloud.others import NO_CLOUDS, Clouds
from osc_imagebuild.engine import camera, ownership, recipe, stragglers, targets
from osc_imagebuild.engine.act import Actor
from osc_imagebuild.engine.events import ConsoleListener, Event, EventKind, Listener
from osc_imagebuild.engine.failure import end_failed, gather_evidence
from osc_imagebuild.engine.memory import LAG_S, Memory, expected
from osc_imagebuild.engine.observe import Family, observe
from osc_imagebuild.engine.watch import Watch
from osc_imagebuild.errors import (
    CloudError,
    ConflictError,
    Evidence,
    LockedError,
    Message,
    NextStep,
    NotFoundError,
    TransientError,
    because,
)
from osc_imagebuild.media.door import STRICT, Door
from osc_imagebuild.model.actions import (
    CREATING,
    MAKING,
    REBOOT,
    ROTATING,
    AcceptImage,
    Act,
    Action,
    Again,
    CopyImage,
    CopyToStores,
    Decision,
    Discard,
    Fail,
    Finish,
    PressKey,
    ProveImage,
    RebootServer,
    Retire,
    SetMark,
    ShareImage,
    SignImage,
    Wait,
    delete_action,
)
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.family import KIND
from osc_imagebuild.model.names import (
    Milestone,
    Role,
    Status,
    boot_number,
    copied,
    kept,
    proof,
)
from osc_imagebuild.model.numbers import whole_number
from osc_imagebuild.model.ownership import is_own
from osc_imagebuild.model.readings import Picture
from osc_imagebuild.model.resources import Server, Snapshot, Volume, may_be_deleted
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.model.urls import shown_text
from osc_imagebuild.monitors import screen, signals_json
from osc_imagebuild.monitors.album import Album
from osc_imagebuild.monitors.console import clean, sign_files
from osc_imagebuild.monitors.console.signs import Signs
from osc_imagebuild.steps import Step, attempts, boots, patched, rotation

if TYPE_CHECKING:
    from osc_imagebuild.signing.keys import SigningKey

LOG = logging.getLogger(__name__)

# A cloud that is away for longer is not waited for; the build stays resumable.
OUTAGE_LIMIT_S = 45 * 60
MAX_REPEATS = 5
# So often what no build depends on is tried again where a service stumbles.
STUMBLES = 3
# What the services may take for one step, beside the guest's own time.
LONGEST_STEP_S = 3600
ANY_STEP = "*"
REPEAT_PAUSE_S = 3.0
# A look takes less, as a rule; what is more is a suspended machine.
OVERSLEPT_S = 600.0
# Between two tries, with all that one may take: what a service may ask to wait for.
LONGEST_PAUSE_S = 1000.0
# For that of the server whose result is up one waits, but not for long.
LAST_PICTURE_S = 2.0
# For so long after a creation whose answer was lost a refusal of the next one may be due to
# what the first one made: more than lists lag.
UNSURE_S = 1.5 * LAG_S


class Engine:
    """Drives one build whose lease is held.

    ``door`` leads to the web servers that the record names: by default as far as one may
    go for a record that somebody else may have written. ``clouds`` are others of the
    user's, which accept the image. ``album`` has the pictures that this client took of
    the build before; without one it takes none. ``key`` is what the image is signed with,
    if it is to be.
    """

    def __init__(
        self,
        api: Api,
        held: lease.Lease,
        build: record.Record,
        texts: Mapping[str, str],
        listener: Listener,
        on_console: ConsoleListener | None = None,
        door: Door = STRICT,
        clouds: Clouds = NO_CLOUDS,
        album: Album | None = None,
        key: SigningKey | None = None,
    ) -> None:
        self._api = api
        self._album = album if build.spec.conduct.screenshots else None
        self._lease = held
        self._build = build
        self._listener = listener
        self._memory = Memory(api.now, expected(build.marks))
        if held.preempted:
            # Its last owner may have made something that no list shows yet.
            self._memory.unsure(min(api.now(), build.updated_at + lease.BEAT_S))
        self._actor = Actor(
            api,
            build.id,
            build.spec,
            texts,
            self._heartbeat,
            door,
            self._memory,
            clouds,
            key,
            held.verify_if_old,
        )
        self._steps = recipe.of(build.spec)
        self._everything = frozenset[str]().union(*(s.sees for s in self._steps))
        self._shared = boot.shared(build.spec)
        result = build.spec.result
        self._family = Family(result.family, result.properties.get(KIND, ""))
        self._shared_roles = frozenset(self._shared.values())
        self._signs: Mapping[str, Signs] = {
            role: sign_files.of_role(build.spec, role)
            for role in (Role.INSTALL, *recipe.test_servers(build.spec))
        }
        self._watch = Watch(
            api,
            self._signs,
            signals_json.load(build.signals, api.now()),
            on_console and functools.partial(on_console, build.id),
            self._keep_picture,
        )
        self._facts: Facts | None = None
        self._marks = dict(build.marks)
        self._history = list(build.steps)
        self._step, self._waits_since = "", api.now()
        self._at: Step | None = None
        self._percent = whole_number(build.percent, 0, 100)
        self._doing = build.doing
        self._evidence = Evidence()
        self._looked_at, self._planned_s = api.now(), 0.0
        self._repeats: Counter[tuple[str, str]] = Counter()
        self._stumbles: Counter[str] = Counter()
        self._refused: CloudError | None = None

    def drive(self, *, until: str = "") -> record.Record:
        """Go on to the end, or until step ``until`` has nothing to do but wait.

        ``until`` may be `ANY_STEP`.

        :raises: InstallError where the build failed, RecordError where another
            client took it over, SigningError where it waits for a key, CloudError where
            the cloud refuses or stays away
        """
        away: Patience | None = None
        tries = 0
        while True:
            try:
                if self._turn(until):
                    return self._build
                away, tries, self._refused = None, 0, None
                # Looked at again, the cloud had it: it is no longer in vain.
                del self._repeats[self._refusals]
            except TransientError as error:
                away = away or Patience(self._api.clock, LONGEST_PAUSE_S)
                tries += 1
                if away.look() > OUTAGE_LIMIT_S:
                    raise
                self._endure(error, tries)
            except (ConflictError, NotFoundError) as error:
                # The cloud changed under us: look again, but not for ever.
                self._facts, self._refused = None, error
                self._count(self._refusals[0], str(error))

    @property
    def step(self) -> str:
        """Name of the step that the build is in, '' before the first look."""
        return self._step

    @property
    def _refusals(self) -> tuple[str, str]:
        """What looks and writes that were refused in a row are counted by."""
        return f"refused in {self._step}", ""

    def _turn(self, until: str) -> bool:
        """Look once and decide once; return True at the end."""
        if self._build.status == Status.FAILED:
            self._end_failed()
        everything = self._facts is None
        facts = self._facts or self._look(self._everything)
        if self._lease.heartbeat_is_due:
            self._write()
        step = recipe.current(self._steps, self._build.spec, facts)
        if step is None:
            return True
        if step.name != self._step:
            self._enter(step)
            if not everything:
                facts = self._look(step.sees)
                if recipe.current(self._steps, self._build.spec, facts) is not step:
                    return False
        if self._remove_seconds(facts):
            return False
        decision = step.decide(self._build.spec, facts)
        self._log(step.name, decision)
        match decision:
            case Act(action, reason):
                self._act(action, reason)
                self._waits_since = self._api.now()
                self._look(step.sees)
            case Wait(reason, seconds, percent, left_s):
                self._advance(boots.told(step, reason), percent)
                self._bound(reason)
                if until == ANY_STEP:
                    self._take_pictures(facts, camera.LIMIT_S)
                if until in (step.name, ANY_STEP):
                    return True
                self._tell(EventKind.WAIT, self._doing, left_s)
                # Clients that were started together must not ask together.
                pause = seconds * random.uniform(0.9, 1.1)
                self._sleep(pause - self._take_pictures(facts, pause))
                self._look(step.sees)
            case Again():
                self._again(decision)
            case Fail(reason, role, evidence):
                self._fail(reason, role, evidence)
        return False

    def _log(self, step: str, decision: Decision) -> None:
        """Tell a debug log what is decided: kinds and reasons, no contents."""
        kind = type(decision).__name__.lower()
        if isinstance(decision, Act):
            action = type(decision.action).__name__
            kind = f"{kind} {action} {targets.target(decision.action)}".rstrip()
        LOG.debug("build %s: %s: %s: %s", self._build.id, step, kind, decision.reason)

    def _bound(self, reason: str) -> None:
        """Fail where one step is waited in for ever, whatever limit it has itself."""
        spec = self._build.spec
        limit = spec.conduct.timeout_s + spec.verify.timeout_s + LONGEST_STEP_S
        limit += spec.verify.tests_s
        if self._api.now() - self._waits_since > limit:
            self._fail(f"{reason}: for more than {limit // 60} minutes", "")

    def _take_pictures(
        self, facts: Facts, spare_s: float, *, ends: bool = False
    ) -> float:
        """Take the pictures that are due; return how many of the spare seconds it took."""
        if self._album is None:
            return 0.0
        began = self._api.clock.steady()
        for role, signs in self._signs.items():
            server, left_s = facts.servers.get(role), spare_s
            left_s -= self._api.clock.steady() - began
            if server is not None:
                seen = signs, facts.consoles.get(role, "")
                camera.take(
                    self._api, self._album, role, server, seen, left_s, ends=ends
                )
        if self._album.is_closed:
            self._watch.has_no(screen.NAME)
        return min(spare_s, self._api.clock.steady() - began)

    def _keep_picture(
        self, role: str, server: Server, console: str, picture: Picture
    ) -> None:
        """Keep a picture that a monitor has asked for: it is there already."""
        if self._album is not None:
            seen, taken = (self._signs[role], console), (picture, self._api.now())
            camera.keep(self._album, role, server, seen, taken)

    def _sleep(self, seconds: float) -> None:
        self._planned_s += seconds
        self._api.clock.sleep(seconds)

    def _leave_out_sleep(self) -> None:
        """Leave time that nobody watched out of stalls and of the limits of steps.

        This machine may have been suspended, wherever it was; it has looked again now.
        """
        now = self._api.now()
        overslept = now - self._looked_at - self._planned_s
        if overslept > OVERSLEPT_S and self._facts is not None:
            LOG.info("build %s: %d s were not watched", self._build.id, overslept)
            self._waits_since += overslept
            self._watch.leave_out(overslept)
            signals = dict(self._watch.signals)
            self._facts = dataclasses.replace(self._facts, signals=signals)
        self._looked_at, self._planned_s = now, 0.0

    def _advance(self, doing: str, percent: int | None) -> None:
        """Note the progress, which never falls and reaches 100 only at the end."""
        self._doing = doing
        if percent is not None:
            self._percent = max(self._percent or 0, min(percent, 99))

    def _look(self, parts: frozenset[str]) -> Facts:
        self._facts = observe(
            self._api,
            self._build.id,
            self._shared,
            self._marks,
            self._facts,
            parts,
            self._watch,
            self._memory,
            self._family,
        )
        self._leave_out_sleep()
        shots = self._album.screenshots if self._album else ()
        self._facts = dataclasses.replace(self._facts, screenshots=shots)
        return self._facts

    def _remove_seconds(self, facts: Facts) -> bool:
        """Delete duplicates of a role, each once; return whether there were any.

        What lists say of it for a while counts for nothing, and a second one that cannot
        be deleted now keeps no build from going on: it goes at the end.
        """
        seconds = [e for e in facts.duplicates if not self._memory.is_forgotten(e.id)]
        for extra in seconds:
            if not is_own(extra, self._build.id, self._api.project_id()):
                self._memory.forget(extra.id)
                continue
            self._log(self._step, Act(delete_action(extra), f"a second {extra.name}"))
            self._lease.verify_if_old()
            if not isinstance(extra, Volume | Snapshot) or may_be_deleted(extra):
                try:
                    self._actor.act(delete_action(extra))
                except TransientError:
                    raise
                except CloudError as error:
                    self._tell(EventKind.NOTE, f"a second {extra.name} stays: {error}")
            self._memory.forget(extra.id)
        if seconds:
            # The step may not see the part that a second one was in.
            self._facts = None
        return bool(seconds)

    def _act(self, action: Action, reason: str) -> None:
        key, service = f"{self._step}: {type(action).__name__}", targets.service(action)
        again = self._count(key, reason, targets.target(action), service)
        project_id, facts = self._api.project_id(), self._facts or Facts(0.0)
        if refusal := ownership.refusal(action, facts, self._build.id, project_id):
            self._fail(refusal, "", service=service)
        if again or isinstance(action, CREATING):
            self._lease.verify_held()
        else:
            self._lease.verify_if_old()
        try:
            self._carry_out(action)
        except TransientError:
            # A service that stumbles is waited for; only what is answered counts.
            self._repeats[key, targets.target(action)] -= 1
            raise

    def _carry_out(self, action: Action) -> None:
        match action:
            case SetMark(name, data):
                self._mark(name, data)
                self._tell_of(name, data)
            case ProveImage(image):
                self._act_on_cloud(action)
                self._mark(proof(image.role), {"sha512": self._actor.sha512_of(image)})
            case PressKey():
                trouble = self._actor.press(action)
                if trouble:
                    self._tell(EventKind.NOTE, f"no key could be pressed: {trouble}")
                self._mark(Milestone.KEY, {"trouble": trouble} if trouble else {})
            case RebootServer(mark=mark):
                details = self._actor.reboot(action)
                if details is not None:
                    self._mark(mark, details)
            case SignImage():
                self._act_on_cloud(action)
                self._mark(Milestone.SIGNED, {})
            case CopyToStores():
                trouble = self._actor.store(action)
                data = {"trouble": trouble[:200]} if trouble else {}
                self._mark(Milestone.STORING, data)
            case CopyImage():
                self._copy(action)
            case Finish(result_id):
                self._remove_stragglers()
                over = {"status": Status.COMPLETE, "percent": 100}
                over |= record.closing(self._made(result_id))
                self._mark(Milestone.COMPLETE, {}, result_id=result_id, **over)
            case ShareImage():
                if self._act_if_allowed(action) and action.accepted_id:
                    self._tell(EventKind.NOTE, rotation.to_accept(action))
            case AcceptImage() | Retire() | Discard():
                self._act_if_allowed(action)
            case _:
                self._act_on_cloud(action)

    def _tell_of(self, name: str, data: Mapping[str, str]) -> None:
        """Tell what a mark says that the user should know, and keep what he may want to see."""
        if name == Milestone.STORED and (trouble := data.get("trouble")):
            self._tell(EventKind.NOTE, f"not in all stores: {trouble}")
        if boot_number(name, Milestone.VERIFIED) and self._facts is not None:
            # What is on the screen now is what proves that it boots.
            self._take_pictures(self._facts, LAST_PICTURE_S, ends=True)
        if name == Milestone.INSTALLED and (why := patched.why_not(data)):
            self._tell(EventKind.NOTE, f"the system was not updated: {why}")

    def _made(self, result_id: str) -> Spec:
        """Return the spec with what the build has made, for its signature to cover."""
        spec = self._build.spec
        image = self._facts.images.get(Role.RESULT) if self._facts else None
        made = dataclasses.replace(
            spec.result, made_id=result_id, made_sha512=image.sha512 if image else ""
        )
        return dataclasses.replace(spec, result=made)

    def _act_if_allowed(self, action: Action) -> bool:
        """Do what no build depends on; what is refused is told, and left as it is.

        An image may be in use, or somebody has protected it meanwhile.
        """
        try:
            self._actor.act(action)
            return True
        except CloudError as error:
            about = targets.optional(action)
            self._stumbles[about] += isinstance(error, TransientError)
            # One broken image, or a cloud that is away, must not keep a proven one back.
            if isinstance(error, TransientError) and self._stumbles[about] < STUMBLES:
                raise
            if isinstance(error, NotFoundError) and isinstance(action, ROTATING):
                raise  # it is gone: look again
            kept_id = targets.optional(action)
            self._mark(kept(kept_id), {"trouble": str(error)[:200]})
            self._tell(EventKind.NOTE, f"{targets.kept_as(action)}: {error}")
            return False

    def _copy(self, action: CopyImage) -> None:
        """Make a copy, and note it; where that fails the image here is complete all the same."""
        result = self._facts.images.get(Role.RESULT) if self._facts else None
        assert result is not None
        target = action.copy.target

        def tell(text: str) -> None:
            self._tell(EventKind.NOTE, Message(f"copy to {target}: ", text))

        def progress(text: str) -> None:
            self._tell(EventKind.WAIT, f"copy to {target}: {text}")

        made = self._actor.copy(action, result, tell, progress)
        self._mark(copied(action.number), copies.noted(made))
        if made.trouble:
            tell(copies.told(result.id, made))

    def _act_on_cloud(self, action: Action) -> None:
        unseen = isinstance(action, MAKING) and self._memory.is_unsure(UNSURE_S)
        try:
            self._actor.act(action)
        except TransientError as error:
            if isinstance(action, MAKING) and error.status != 429:
                self._memory.unsure()
            raise
        except (ConflictError, NotFoundError, LockedError):
            # A lock is not for this tool to undo; unlocked, it goes on.
            raise
        except CloudError as error:
            if self._step in recipe.AFTER_PUBLISHING:
                raise
            if unseen:
                # It may be there, and in its own way: see what the lists show then.
                raise TransientError(str(error), service=error.service) from error
            self._fail(str(error), "")

    def _remove_stragglers(self) -> None:
        """Remove what may have been made unseen; else nothing is left but the result."""
        unsure_at, facts = self._memory.unsure_at, self._facts
        if unsure_at is None or facts is None:
            return
        shared = [
            i.id for role, i in facts.images.items() if role in self._shared_roles
        ]
        keep = {*self._build.made, *shared}
        stragglers.remove(self._api, self._build.id, keep, unsure_at, self._heartbeat)
        self._memory.unsure_at = None

    def _mark(self, name: str, data: Mapping[str, str], **fields: object) -> None:
        """Write a mark; it counts only once the record has it."""
        marks = {**self._marks, name: Mark(self._api.now(), data)}
        self._write(marks=marks, **fields)
        self._marks = marks

    def _again(self, failed: Again) -> None:
        """Note an attempt that failed; what comes next follows from the record."""
        facts, role = self._facts, failed.role
        assert facts is not None
        self._lease.verify_held()
        server, seen = facts.servers.get(role), facts.consoles.get(role, "")
        number = len(attempts.failed(self._marks, role)) + 1
        shown = gather_evidence(self._api, role, server, seen)
        shown = dataclasses.replace(shown, attempt=number)
        new = attempts.noted(facts, role, failed.reason, failed.evidence, failed.then)
        kept = {k: m for k, m in self._marks.items() if k not in failed.forget}
        self._watch.signals.pop(role, None)
        self._write(marks=kept | new)
        self._marks = kept | new
        self._repeats.clear()
        what = "it is rebooted" if failed.then == REBOOT else "a new server is made"
        text = boots.told(self._at, f"{failed.reason}; {what}")
        self._tell(EventKind.AGAIN, text, evidence=shown)
        self._facts = None

    def _count(
        self, key: str, reason: str, about: str = "", service: str = "image"
    ) -> bool:
        """Bound what is done to one thing (``about``) again and again without effect.

        Whether it was done before; then there was a pause.
        """
        self._repeats[key, about] += 1
        if self._repeats[key, about] > MAX_REPEATS:
            text = f"{reason}: {MAX_REPEATS} times without effect ({key})"
            if self._refused is not None and about:
                text += f"; the last refusal: {self._refused.brief}"
            self._fail(text, "", service=service)
        again = self._repeats[key, about] > 1
        if again:
            self._api.clock.sleep(REPEAT_PAUSE_S)
        return again

    def _enter(self, step: Step) -> None:
        """Note when a step began, once for all clients that look in turns."""
        name, self._at = step.name, step
        now, last = self._api.now(), self._history[-1:]
        seen = now - self._build.updated_at < OUTAGE_LIMIT_S
        again = not self._step and [n for n, _ in last] == [name]
        if not (again and seen):
            self._history.append((name, now))
        self._step, self._doing = name, ""
        self._waits_since = self._history[-1][1]
        self._tell(EventKind.STEP, name)

    def _write(self, **fields: object) -> None:
        """Write the record, the sign of life, unless the lease may be lost."""
        self._lease.verify_if_old()
        defaults: dict[str, Any] = {
            "step": self._step,
            "doing": self._doing,
            "percent": "" if self._percent is None else self._percent,
            "marks": self._marks,
            "steps": self._history,
            "signals": signals_json.dump(self._watch.signals),
            "lease": self._lease.generation,
        }
        spec, is_own = self._build.spec, self._build.is_own
        written = record_store.update(
            self._api, self._build.id, own=is_own, **(defaults | fields)
        )
        # What others wrote into it meanwhile is not what this client began to build.
        if "spec" not in fields:
            written = dataclasses.replace(written, spec=spec, is_own=is_own)
        self._build = written
        self._lease.touch()
        if self._build.status == Status.CANCELLED:
            # Who cancels takes the lease away; without that somebody edits the record.
            self._lease.verify_held()

    def _heartbeat(self) -> None:
        """Show while something long is under way that this client lives.

        :raises: RecordError where another client holds the build now
        """
        if self._lease.heartbeat_is_due:
            # An unheard heartbeat is no reason to begin the whole upload anew.
            with contextlib.suppress(CloudError):
                self._lease.verify_held()
                self._write()

    def _endure(self, error: TransientError, tries: int) -> None:
        self._facts = None
        pause = min(60.0, 2.0 ** min(tries, 6)) * random.uniform(0.7, 1.3)
        pause = max(pause, min(error.retry_after, OUTAGE_LIMIT_S))
        self._tell(EventKind.NOTE, f"{error}; trying again in {pause:.0f} s")
        self._sleep(pause)

    def _fail(
        self,
        reason: str,
        role: str,
        evidence: str = "",
        service: str = "volume",
    ) -> NoReturn:
        """Write why, keep what shows it, clean up, and raise.

        ``service`` is who does not do its part once the result is published, where
        nothing was refused: it is Cinder that is waited for then.

        :raises: InstallError; CloudError once the result is published
        """
        if self._step in recipe.AFTER_PUBLISHING:
            # The image is out: a build that could not tidy up has not failed,
            # it is to be resumed.
            text = f"{reason}; the {self._build.spec.result.output} is complete"
            if self._refused is not None:
                raise because(self._refused, text) from self._refused
            raise CloudError(text, service=service)
        text = self._facts.consoles.get(role, "") if self._facts else ""
        server = self._facts.servers.get(role) if self._facts else None
        tail, reason = clean.tail(text, 60), boots.told(self._at, reason)
        self._lease.verify_held()
        self._write(
            status=Status.FAILED, reason=reason, evidence=evidence, console_tail=tail
        )
        shown = gather_evidence(self._api, role, server, text)
        kept = self._album.screenshots if self._album else ()
        shots = tuple((s.role, s.phase, s.at, s.png) for s in kept)
        self._evidence = dataclasses.replace(shown, screenshots=shots)
        self._end_failed()

    def _end_failed(self) -> NoReturn:
        error = end_failed(self._api, self._build, self._evidence)
        self._lease.release()
        raise error

    def write_progress(self) -> None:
        """Leave the step for others to see; best done when interrupted."""
        self._lease.verify_held()
        self._write()

    def _tell(
        self,
        kind: EventKind,
        text: str,
        left_s: float | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        about = (
            self._build.id,
            self._step,
            _shown(text),
            self._api.now(),
            self._percent,
        )
        self._listener(Event(kind, *about, left_s, evidence))


def _shown(text: str) -> str:
    """Return a text without what opens doors; next steps in it stay what they are."""
    if isinstance(text, Message):
        parts = text.parts
        return Message(
            *(p if isinstance(p, NextStep) else shown_text(p) for p in parts)
        )
    return shown_text(text)
