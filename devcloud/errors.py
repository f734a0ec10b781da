"""What goes wrong in a way that a person can mend."""

from __future__ import annotations


class DevcloudError(Exception):
    """Shown as one message without a traceback: what happened, and what to do next."""
