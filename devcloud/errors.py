"""What goes wrong in a way that a person can mend."""

from __future__ import annotations


class DevcloudError(Exception):
    """Shown as one message without a traceback: what happened, and what to do next."""


class CommandError(DevcloudError):
    """A command failed; `output` is all that it wrote."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


class SlowError(DevcloudError):
    """A command was not done in the time it had, and was ended."""
