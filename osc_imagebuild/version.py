"""The version of this package."""

from __future__ import annotations

import functools


@functools.cache
def tool_version() -> str:
    """The version of this package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("osc-imagebuild")
    except PackageNotFoundError:
        return "unknown"
