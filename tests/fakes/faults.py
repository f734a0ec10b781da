"""What can go wrong on the way to a service and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import requests

from tests.fakes.wire import Call, Reply

RESET = requests.ConnectionError("Connection reset by peer")
REQUEST_ID = "req-of-the-fault"
TIMED_OUT = requests.ReadTimeout("read timed out")


class Killed(BaseException):
    """The client died here: nothing of it runs any more."""


@dataclass(frozen=True)
class Fault:
    """One mishap: ``reply`` or ``error`` instead of the service's answer.

    With ``carried_out`` the request takes effect first. ``truncated`` cuts
    the service's own answer in the middle.
    """

    name: str
    reply: Reply | None = None
    error: BaseException | None = None
    carried_out: bool = False
    truncated: bool = False

    def result(self, reply: Reply | None) -> Reply:
        """Return what the client gets instead of ``reply``, or raise."""
        if self.error is not None:
            raise self.error
        if self.truncated and reply is not None:
            data = reply.content()
            return replace(reply, body=data[: len(data) // 2] or b"{")
        return self.reply or reply or Reply(500, b"")


Hook = Callable[[Call], Fault | None]


def answered(status: int, *, carried_out: bool = False, **headers: str) -> Fault:
    """The service, or what stands before it, answers with ``status``."""
    name = f"{status}{'-late' if carried_out else ''}"
    text = b"<html><body>no</body></html>"
    shown = {key.replace("_", "-"): value for key, value in headers.items()}
    shown["x-openstack-request-id"] = REQUEST_ID
    return Fault(name, Reply(status, text, shown), carried_out=carried_out)


KILLED = Fault("killed before", error=Killed())
KILLED_LATE = Fault("killed after", error=Killed(), carried_out=True)
LOST = Fault("reply lost", error=RESET, carried_out=True)

# What no service should answer, with status 200: a proxy's words, or nothing of use.
GARBLED = tuple(
    Fault(f"garbled {word}", Reply(200, body), carried_out=True)
    for word, body in (
        ("{}", {}),
        ("null", b"null"),
        ("[]", []),
        ("text", "try later"),
        ("numbers", {k: 7 for k in ("images", "servers", "server", "volumes", "id")}),
        ("nulls", {k: None for k in ("images", "servers", "server", "volumes", "id")}),
    )
)

# What any call may meet. None of it changes what the build must come to.
EVERY_FAULT = (
    answered(500),
    answered(502),
    answered(503),
    answered(504, carried_out=True),
    answered(429, Retry_After="7"),
    answered(409),
    answered(401),
    answered(404),
    Fault("time-out", error=TIMED_OUT),
    Fault("time-out late", error=TIMED_OUT, carried_out=True),
    Fault("reset", error=RESET),
    LOST,
    Fault("truncated", carried_out=True, truncated=True),
)


def on_mutation(number: int, fault: Fault) -> Hook:
    """``fault`` for the mutation with this number, counted from 1."""
    return lambda call: fault if call.number == number else None


def once(wanted: Callable[[Call], bool], fault: Fault) -> Hook:
    """``fault`` for the first call that is ``wanted``."""
    spent: list[Call] = []

    def hook(call: Call) -> Fault | None:
        if spent or not wanted(call):
            return None
        spent.append(call)
        return fault

    return hook


def outage(begin: float, end: float, service: str = "") -> Hook:
    """No answer at all between two times of the world."""

    def hook(call: Call) -> Fault | None:
        hit = service in ("", call.service) and begin <= call.at < end
        return Fault("outage", error=RESET) if hit else None

    return hook
