"""Check how an installer gets at its packages: by a proxy, and by an own authority. Pure."""

from __future__ import annotations

from osc_imagebuild import boot
from osc_imagebuild.guests.answers import Answers
from osc_imagebuild.guests.install_tree import System
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.urls import shown_url
from osc_imagebuild.planning.spec_builder import InstallSource

# Installers that are told of an own CA before they fetch anything by HTTPS.
_TRUSTING = ("debian",)


def problems(system: System, request: Request, told: Answers) -> list[str]:
    """Return why a proxy's password would be seen by all that see the build's images."""
    proxy = request.proxy
    if not proxy or not proxy.username or proxy.plain_url not in told.kernel_args:
        return []
    return [
        f"the installer of {system.entry.title} is told of its proxy on its command line, "
        "which the images of a build show to all that see them: take a proxy without a "
        "password, or the installer's ISO as --source"
    ]


def warnings(system: System, request: Request, source: InstallSource) -> list[str]:
    """Return what goes past the proxy, and what is asked before there is trust."""
    method = boot.load(source.boot_method)
    if method.starts_installed:
        return []
    found, proxy, media = [], request.proxy, source.media
    fetches = method.takes_tree and not method.uploads_kernel
    if proxy and fetches and proxy.is_for(media.kernel_url or media.source):
        found.append(
            f"boot method {source.boot_method} knows no proxy: the guest asks "
            f"{shown_url(media.source)} itself for kernel and ramdisk; where it cannot, "
            "use --boot-method kernel"
        )
    url = media.source if not media.iso else "" if media.iso.as_cd else media.iso.url
    own = request.ca_certificates and url.startswith("https://")
    if own and system.entry.family not in _TRUSTING and method.uploads_kernel:
        found.append(
            f"what starts the installer of {system.entry.title} asks {shown_url(url)} "
            "before it is told of the CA certificates: its server needs a certificate "
            "that is known to all, or give an http:// address or the ISO as a file"
        )
    return found
