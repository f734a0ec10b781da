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

``str(error)`` is what the user reads: what happened, why, the next command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


class ImageBuildError(Exception):
    """Base of all errors of this package."""


class SpecError(ImageBuildError):
    """The build can never work as asked; nothing was written in the cloud."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__(self._text())

    def _text(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        lines = [f"{len(self.problems)} things keep this build from starting:"]
        lines += [f"  {n}. {p}" for n, p in enumerate(self.problems, 1)]
        return "\n".join(lines)


class CloudError(ImageBuildError):
    """A service refused a request, or does not do it; ``advice`` is the next command.

    ``service`` is the one to ask why. ``status`` and ``request_id`` are of its answer, 0
    and '' where it gave none.
    """

    advice = ""

    def __init__(
        self,
        message: str,
        *,
        service: str,
        status: int = 0,
        request_id: str = "",
    ) -> None:
        self.service = service
        self.status = status
        self.request_id = request_id
        details = [service]
        if status:
            details.append(f"HTTP {status}")
        if request_id:
            details.append(f"request {request_id}")
        told = f"({', '.join(details)})"
        super().__init__(message if told in message else f"{message} {told}")

    def __str__(self) -> str:
        return "\n".join(filter(None, (super().__str__(), self.advice)))


def because(refusal: CloudError, message: str) -> CloudError:
    """Return an error of ours for what a refusal led to; it names that request."""
    return CloudError(
        message,
        service=refusal.service,
        status=refusal.status,
        request_id=refusal.request_id,
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
        message: str,
        *,
        service: str,
        status: int = 0,
        request_id: str = "",
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, service=service, status=status, request_id=request_id)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Evidence:
    """What was on a server's console and screen when its build failed.

    ``console`` is all that Nova had of it, ``screenshot`` a PNG file, empty where
    there is no picture; ``screen_url`` is the console's page, and is good
    only while the server is kept. ``role`` is the server's: 'install' or 'verify';
    ``attempt`` is the number of an attempt that another one followed, 0 for the last.
    """

    role: str = "install"
    server_id: str = ""
    console: str = ""
    screenshot: bytes = field(default=b"", repr=False)
    screen_url: str = field(default="", repr=False)
    attempt: int = 0


class InstallError(ImageBuildError):
    """The build ran and failed; ``console_tail`` is the last of its console.

    ``evidence`` has the whole console and a picture of the screen, where this
    client saw the build fail: see `Evidence`.
    """

    def __init__(
        self,
        message: str,
        *,
        console_tail: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        self.console_tail = console_tail
        self.evidence = evidence
        super().__init__(message)


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
