"""Every error that leaves this package.

::

    ImageBuildError
    |- SpecError          can never work as asked; raised before any write
    |- CloudError         the API refused (service, status, request ID)
    |  |- NotFoundError   404
    |  |- ConflictError   409
    |  |- LockedError     409: somebody must unlock the server first
    |  `- TransientError  5xx, 429, time-out, connection: worth another try
    |- InstallError       the installer failed, stalled or ran out of time
    |- RecordError        unreadable, newer schema
    |  `- DrivenError     another client drives the build
    `- ScreenError        no picture of a server's screen can be had

``str(error)`` is what the user reads: what happened, why, the next step. The next step
is worded as a call of this library; whoever has other words for it, as the commands do,
asks the error's ``message`` for them (see `Message.worded`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from osc_imagebuild.errors.message import Message, NextStep, Verb


class ImageBuildError(Exception):
    """Base of all errors of this package.

    ``brief`` says what happened and why, ``details`` what else is there to see, and
    ``resolution`` what to do next. ``build_id`` is the build's that it is about and
    ``step`` the one that the build is in. What does not apply is ''.
    """

    def __init__(
        self,
        brief: str = "",
        *,
        details: str = "",
        resolution: str = "",
        build_id: str = "",
        step: str = "",
    ) -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.resolution = resolution
        self.build_id = build_id
        self.step = step

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own would call the class with nothing but the brief.
        return _restored, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        return str(self.message)

    @property
    def message(self) -> Message:
        """The whole text: brief, details and resolution."""
        return Message.lines((self.brief, self.details, self.resolution))

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """What the text offers to do next, for programs."""
        return self.message.next_steps


def _restored(kind: type[ImageBuildError], args: tuple[Any, ...]) -> ImageBuildError:
    """Return an error whose fields come next, from a copy or a pickle."""
    return kind.__new__(kind, *args)


class SpecError(ImageBuildError):
    """The build can never work as asked; nothing was written in the cloud.

    ``problems`` are all that is wrong, each with what to do about it.
    """

    def __init__(self, problems: str | Sequence[str], *, build_id: str = "") -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        if len(self.problems) == 1:
            super().__init__(self.problems[0], build_id=build_id)
            return
        super().__init__(
            f"{len(self.problems)} things keep this build from starting:",
            details=Message.lines(
                Message(f"  {n}. ", p) for n, p in enumerate(self.problems, 1)
            ),
            build_id=build_id,
        )


class CloudError(ImageBuildError):
    """A service refused a request, or does not do it.

    ``service`` is the one to ask why. ``status`` and ``request_id`` are of its answer, 0
    and '' where it gave none; the error's ``details`` name all three.
    """

    def __init__(
        self,
        brief: str,
        *,
        service: str,
        status: int = 0,
        request_id: str = "",
        resolution: str = "",
        build_id: str = "",
    ) -> None:
        self.service = service
        self.status = status
        self.request_id = request_id
        details = [service]
        if status:
            details.append(f"HTTP {status}")
        if request_id:
            details.append(f"request {request_id}")
        super().__init__(
            brief,
            details=", ".join(details),
            resolution=resolution,
            build_id=build_id,
        )

    @property
    def message(self) -> Message:
        """The whole text; what it says of another error may name the request already."""
        told = f"({self.details})"
        line = self.brief if told in self.brief else Message(self.brief, f" {told}")
        return Message.lines((line, self.resolution))


def because(refusal: CloudError, brief: str, *, resolution: str = "") -> CloudError:
    """Return an error of ours for what a refusal led to; it names that request."""
    return CloudError(
        brief,
        service=refusal.service,
        status=refusal.status,
        request_id=refusal.request_id,
        resolution=resolution,
    )


class NotFoundError(CloudError):
    """The resource does not exist, or is not visible to this project."""


class ConflictError(CloudError):
    """The resource is in a state that forbids the request, or exists already."""


class LockedError(CloudError):
    """Somebody locked the server: only who did, or an admin, can undo that."""


class TransientError(CloudError):
    """The same request may succeed later.

    ``retry_after`` is the wait in seconds that the service asked for, 0 if none.
    """

    def __init__(
        self,
        brief: str,
        *,
        service: str,
        status: int = 0,
        request_id: str = "",
        resolution: str = "",
        build_id: str = "",
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(
            brief,
            service=service,
            status=status,
            request_id=request_id,
            resolution=resolution,
            build_id=build_id,
        )
        self.retry_after = retry_after


@dataclass(frozen=True)
class Evidence:
    """What was on a server's console and screen when its build failed.

    ``console`` is all that Nova had of it, ``screenshot`` a PNG file, empty where
    there is no picture; ``screen_url`` is the console's page, and is good
    only while the server is kept. ``role`` is the server's: 'install' or 'verify';
    ``attempt`` is the number of an attempt that another one followed, 0 for the last.
    ``screenshots`` are the last of each phase, as far as this client took any: the role
    of the server, the phase, when in seconds since the epoch, and a PNG file.
    """

    role: str = "install"
    server_id: str = ""
    console: str = ""
    screenshot: bytes = field(default=b"", repr=False)
    screen_url: str = field(default="", repr=False)
    attempt: int = 0
    screenshots: tuple[tuple[str, str, float, bytes], ...] = field(
        default=(), repr=False
    )


class InstallError(ImageBuildError):
    """The build ran and failed; ``step`` is the one that it failed in.

    ``details`` have the line of the console that shows why. ``console_tail`` is the last
    of the console; ``evidence`` has all of it and a picture of the screen, where
    this client saw the build fail: see `Evidence`.
    """

    def __init__(
        self,
        brief: str,
        *,
        details: str = "",
        resolution: str = "",
        build_id: str = "",
        step: str = "",
        console_tail: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        self.console_tail = console_tail
        self.evidence = evidence
        super().__init__(
            brief,
            details=details,
            resolution=resolution,
            build_id=build_id,
            step=step,
        )


class RecordError(ImageBuildError):
    """The build record is unreadable, too new, or driven by another client."""


class DrivenError(RecordError):
    """Another client drives the build, and this one stands aside."""


class ScreenError(ImageBuildError):
    """The picture of a server's screen could not be taken."""


def unread(error: OSError | ValueError) -> str:
    """Return why a file could not be read, without what Python adds for programmers."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


__all__ = [
    "CloudError",
    "ConflictError",
    "DrivenError",
    "Evidence",
    "ImageBuildError",
    "InstallError",
    "LockedError",
    "Message",
    "NextStep",
    "NotFoundError",
    "RecordError",
    "ScreenError",
    "SpecError",
    "TransientError",
    "Verb",
]
