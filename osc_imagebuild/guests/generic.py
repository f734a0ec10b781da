"""Family generic: whatever data file and templates say by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.catalog import Entry
from osc_imagebuild.model import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Nothing beside the common variables."""
    return {}


def problems(entry: Entry, request: Request) -> list[str]:
    """Options that only a family can carry out are refused, not ignored."""
    return [
        f"{entry.name} cannot be given {option}"
        for option, value in (
            ("a root password", request.root_password),
            ("an SSH key", request.ssh_public_keys),
            ("packages", request.packages),
        )
        if value and request.answer_file is None
    ]
