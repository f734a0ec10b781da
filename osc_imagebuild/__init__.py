"""Build operating-system images on an OpenStack cloud with the vendor's installer.

As a library::

    import openstack
    import osc_imagebuild

    builder = osc_imagebuild.Builder(openstack.connect(cloud="mycloud"))
    build = builder.create(osc_imagebuild.Request(name="golden", os="debian-13"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osc_imagebuild.builder import Builder
    from osc_imagebuild.model import Request

__all__ = ["Builder", "Request"]


def __getattr__(name: str) -> Any:
    # The package is imported on every `openstack` call: load nothing early.
    if name == "Builder":
        from osc_imagebuild.builder import Builder

        return Builder
    if name == "Request":
        from osc_imagebuild.model import Request

        return Request
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
