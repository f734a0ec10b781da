"""Check a kickstart file with pykickstart, Anaconda's own parser. Pure.

It is used where it is installed: ``pip install 'osc-imagebuild[lint]'``.
"""

from __future__ import annotations

import warnings
from typing import Any

from osc_imagebuild.guests.answer_lint.reading import Finding


def is_installed() -> bool:
    """Whether pykickstart can be used."""
    try:
        import pykickstart.parser  # noqa: F401
    except ImportError:
        return False
    return True


def mistakes(text: str, release: str) -> list[Finding]:
    """Return what it refuses; [] without it, or where it does not know the release."""
    if not release or not is_installed():
        return []
    from pykickstart.errors import KickstartVersionError
    from pykickstart.version import makeVersion

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            handler = makeVersion(release)
        except KickstartVersionError:
            return []
        return _parsed(handler, text)


def _parsed(handler: Any, text: str) -> list[Finding]:
    from pykickstart.errors import KickstartError
    from pykickstart.parser import KickstartParser

    errors: list[Finding] = []

    class Parser(KickstartParser):  # type: ignore[misc]
        """Goes on behind a command that is refused."""

        def _tryFunc(self, fn: Any) -> None:
            try:
                fn()
            except KickstartError as error:
                errors.append(_finding(error))

    try:
        # Nothing is fetched: what a file includes exists in the installer alone.
        Parser(handler, followIncludes=False).readKickstartFromString(text)
    except KickstartError as error:
        errors.append(_finding(error))
    except (ValueError, IndexError, RecursionError):
        pass  # quotes that do not close; the structure's own check tells the line
    return errors


def _finding(error: Any) -> Finding:
    message = getattr(error, "message", "") or str(error)
    return Finding(getattr(error, "lineno", 0) or 0, " ".join(message.split()))
