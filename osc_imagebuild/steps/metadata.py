"""Tell by a standard of clouds how new a result is. Pure.

Source: SCS-0102, Image build info: all patches of before the build date are in the image,
and where they are not, the patch level says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from osc_imagebuild.model import metadata
from osc_imagebuild.model.family import BUILT_AT
from osc_imagebuild.model.metadata import Standard
from osc_imagebuild.model.spec import Spec
from osc_imagebuild.steps.patched import NEWEST_PACKAGE_AT, PATCHED_AT

_LONGEST = 255


def properties(spec: Spec, said: Mapping[str, str]) -> dict[str, str]:
    """Return the date and the patch level of a result, unless the user gave others.

    ``said`` are the other properties of the result. Their times are of one form, so that
    they can be compared as texts.
    """
    if spec.result.metadata != Standard.SCS:
        return {}
    built, newest = said[BUILT_AT], said.get(NEWEST_PACKAGE_AT, "")
    date = said.get(PATCHED_AT) or min(newest or built, built)
    known = {
        metadata.BUILD_DATE: date.replace("T", " ").removesuffix("Z"),
        metadata.PATCH_LEVEL: _patch_level(said, newest[:10]),
    }
    return {name: value for name, value in known.items() if name not in said}


def _patch_level(said: Mapping[str, str], newest: str) -> str:
    kernel = said.get("imagebuild_kernel", "")
    words = (
        said.get("imagebuild_release", "")[:120],
        f"kernel {kernel[:60]}" if kernel else "",
        f"newest package of {newest}" if newest else "",
        "brought up to date" if PATCHED_AT in said else "not updated by the build",
    )
    return ", ".join(filter(None, words))[:_LONGEST]
