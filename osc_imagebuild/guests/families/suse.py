"""Family suse: YaST and its AutoYaST file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osc_imagebuild.guests import accepted, customization, provision, unix_checks
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return the language as YaST calls it, or American English with our own locale.

    YaST shows an error for a language that is not on its list, and waits.
    Source: yast-country, Language.rb: correct_language.
    """
    locale = request.locale or str(entry.variables["locale"])
    language = locale.removesuffix(".UTF-8")
    is_offered = accepted.takes("locale", "yast", language)
    # The base package of the C library has no more than these.
    small = locale in ("C", "POSIX", "C.UTF-8", "en_US.UTF-8")
    more = () if small else ("glibc-locale",)
    packages = {*entry.variables["packages"], *request.packages, *more}
    return {
        "language": language if is_offered else "en_US",
        "locale_file": "" if is_offered else locale,
        "packages": sorted(packages),
    }


def problems(entry: Entry, request: Request) -> list[str]:
    """Refuse wishes that are not well formed, and groups, which SUSE calls patterns."""
    return [
        *unix_checks.problems(entry, request, customization.RPM_PACKAGE),
        *provision.problems(entry, request),
        *(
            f"this cannot be the name of a package: {name!r:.60}"
            for name in request.packages
            if name.startswith("@")
        ),
    ]
