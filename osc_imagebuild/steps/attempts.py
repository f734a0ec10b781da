"""Record attempts that failed for a passing reason, and say what follows. Pure.

When somebody tries a failed build again, its attempts are put aside: as marks with
``attempt``, ``retry`` and ``reason``, which are shown and count for nothing.

Each attempt that failed is a mark on the record, so that every client counts the
same ones. Its data are ``server_id``, ``reason``, ``evidence``, ``then`` (what the next
attempt is), ``console``, how the console ended, and ``volumes``, the IDs of those that
were there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping

from osc_imagebuild.model.actions import (
    REBOOT,
    SERVER,
    Act,
    Decision,
    DeleteServer,
    Fail,
    Wait,
)
from osc_imagebuild.model.facts import Facts, Mark
from osc_imagebuild.model.names import Milestone
from osc_imagebuild.model.resources import Server
from osc_imagebuild.monitors.console.signs import Signs

# What failed for a moment may have passed by then.
PAUSE_S = 15.0
# A mark is part of a property of 64 KiB, of which the record needs most otherwise.
_WORDS, _ANCHOR = 300, 200
_PREFIX = "attempt-"
_EARLIER = "earlier-"
MOST = 5
# The latest of those that were put aside; all marks are in one property.
_MOST_EARLIER, _SHORT = 12, 200


def failed(marks: Mapping[str, Mark], role: str) -> list[Mark]:
    """Return the attempts of ``role`` that failed, the first one first."""
    marks_of_role: list[Mark] = []
    while mark := marks.get(_name(role, len(marks_of_role) + 1)):
        marks_of_role.append(mark)
    return marks_of_role


def _name(role: str, number: int) -> str:
    return f"{_PREFIX}{role}-{number}"


def is_of(name: str, role: str) -> bool:
    """Whether a mark is of an attempt of ``role``, in whichever boot of the result."""
    return name.startswith(f"{_PREFIX}{role}-")


def as_marks(attempts: Iterable[Mark], role: str) -> dict[str, Mark]:
    """Return attempts, the first one first, as marks of ``role``."""
    return {_name(role, number): mark for number, mark in enumerate(attempts, 1)}


def failures(marks: Mapping[str, Mark]) -> tuple[str, ...]:
    """Return each attempt that failed with its reason, for people."""
    before = (
        f"{m.data.get('attempt', '')}, before retry {m.data.get('retry', '')}: "
        f"{m.data.get('reason', '')}"
        for m in _earlier(marks)
    )
    since = (f"{words}: {m.data.get('reason', '')}" for words, m in _since(marks))
    return (*before, *since)


def _since(marks: Mapping[str, Mark]) -> list[tuple[str, Mark]]:
    """The attempts since the last retry, such as 'install 1', the first one first."""
    dated = [(m.at, name) for name, m in marks.items() if name.startswith(_PREFIX)]
    return [
        (" ".join(name.removeprefix(_PREFIX).rsplit("-", 1)), marks[name])
        for _, name in sorted(dated)
    ]


def _earlier(marks: Mapping[str, Mark]) -> list[Mark]:
    return [marks[name] for name in sorted(marks) if name.startswith(_EARLIER)]


def archive(marks: Mapping[str, Mark], retry: int, last: Mark) -> dict[str, Mark]:
    """Return what is kept of all attempts, and of the ``last`` that failed the build.

    ``retry`` is the number of the retry that follows.
    """
    earlier = [
        Mark(m.at, {"attempt": words, "reason": m.data.get("reason", "")})
        for words, m in _since(marks)
    ]
    new = [
        Mark(
            m.at,
            {
                "attempt": m.data["attempt"],
                "retry": str(retry),
                "reason": m.data["reason"][:_SHORT],
            },
        )
        for m in (*earlier, last)
    ]
    kept = [*_earlier(marks), *new][-_MOST_EARLIER:]
    return {f"{_EARLIER}{number:02}": mark for number, mark in enumerate(kept, 1)}


def noted(
    facts: Facts, role: str, reason: str, evidence: str, then: str
) -> dict[str, Mark]:
    """Return the mark of an attempt that has just failed, under its name."""
    server = facts.servers.get(role)
    data = {
        "server_id": server.id if server else "",
        "reason": reason[:_WORDS],
        "evidence": evidence[:_WORDS],
        "then": then,
        "console": facts.consoles.get(role, "")[-_ANCHOR:],
        "volumes": " ".join(volume.id for volume in facts.volumes.values()),
    }
    number = len(failed(facts.marks, role)) + 1
    return {_name(role, number): Mark(facts.now, data)}


def given_up(facts: Facts, role: str) -> frozenset[str]:
    """Return the IDs of servers of ``role`` in whose place another is made."""
    attempts = failed(facts.marks, role)
    return frozenset(
        mark.data.get("server_id", "")
        for mark in attempts
        if mark.data.get("then") == SERVER
    )


def spoken_of(facts: Facts) -> frozenset[str]:
    """Return the IDs of what the record says that the build goes on with.

    Of two that an unsure creation left it is this one that stays, whichever is older.
    """
    started = facts.marks.get(Milestone.STARTED)
    harvested = facts.marks.get(Milestone.HARVESTED)
    of = started.data if started else {}
    ids = [of.get("server_id", ""), *of.get("volumes", "").split()]
    ids += harvested.data.values() if harvested else ()
    return frozenset(ids) - {""}


def used_volumes(facts: Facts, role: str) -> frozenset[str]:
    """Return the IDs of the volumes that attempts of ``role`` had."""
    attempts = failed(facts.marks, role)
    return frozenset(i for m in attempts for i in m.data.get("volumes", "").split())


def leftover(facts: Facts, role: str) -> Server | None:
    """Return the server of a failed attempt, None once it is gone."""
    server = facts.servers.get(role)
    return server if server and server.id in given_up(facts, role) else None


def before_the_next(facts: Facts, role: str) -> Decision | None:
    """Return what comes before another server is made, None if nothing does."""
    old = leftover(facts, role)
    if old is not None and old.task_state == "deleting":
        return Wait(f"Nova deletes the {role} server of the last attempt", 3)
    if old is not None:
        return Act(DeleteServer(old.id), "another one is made in its place")
    attempts = failed(facts.marks, role)
    rest = attempts[-1].at + PAUSE_S - facts.now if attempts else 0.0
    rest = min(rest, PAUSE_S)  # the record is another's word for the time
    return Wait("what failed is tried again soon", rest) if rest > 0 else None


def reboot_of(facts: Facts, role: str) -> Mark | None:
    """Return the attempt after which the present server of ``role`` is rebooted."""
    server, attempts = facts.servers.get(role), failed(facts.marks, role)
    last = attempts[-1].data if attempts else {}
    same = server is not None and last.get("server_id") == server.id
    return attempts[-1] if same and last.get("then") == REBOOT else None


def was_rebooted(facts: Facts, due: Mark) -> bool:
    """Whether the reboot that was due has begun: a cloud may forbid it."""
    done = facts.marks.get(Milestone.REBOOTED)
    return done is not None and done.at >= due.at and "trouble" not in done.data


def since_reboot(facts: Facts, role: str) -> Facts:
    """Return ``facts`` without what a console said before the server was rebooted.

    Some clouds go on with the same log, others begin a new one.
    """
    due = reboot_of(facts, role)
    rebooted = due is not None and was_rebooted(facts, due)
    end = due.data.get("console", "") if due and rebooted else ""
    text = facts.consoles.get(role, "")
    if not end or end not in text:
        return facts
    rest = text[text.rindex(end) + len(end) :]
    return dataclasses.replace(facts, consoles={**facts.consoles, role: rest})


def may_pass(signs: Signs, reason: str, evidence: str) -> bool:
    """Whether what is told of a failure may be over at the next attempt."""
    text = f"{reason}\n{evidence}"
    return any(re.search(sign, text, re.MULTILINE) for sign in signs.passing)


def last(fail: Fail, facts: Facts) -> Fail:
    """Return the failure of the last attempt, with what came before."""
    attempts = failed(facts.marks, fail.role)
    if not attempts:
        return fail
    tries = "attempt" if len(attempts) == 1 else f"{len(attempts)} attempts"
    reason = f"{fail.reason}; the {tries} before failed too"
    first = attempts[0].data.get("reason", "")
    if first and first not in fail.reason:
        reason = f"{reason}: {first}"
    return dataclasses.replace(fail, reason=reason)
