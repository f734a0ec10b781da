"""Find the install tree of a release, by the catalogue and the request."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from osc_imagebuild.guests import rendering
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image


@dataclass(frozen=True)
class InstallTree:
    """Where the installer comes from: whole URLs, empty where there is none."""

    source: str
    kernel_url: str
    ramdisk_url: str
    iso_url: str
    release_url: str
    fetches: tuple[str, ...] = ()


@dataclass(frozen=True)
class System:
    """What a request wants of an entry of the catalogue, and where its installer is.

    ``packages`` is the install tree for templates: no ISO is one, the entry has another.
    ``parent`` is the image that is changed instead, where one is that was found.
    """

    entry: Entry
    tree: InstallTree
    packages: str
    parent: Image | None = None


def is_iso(source: str) -> bool:
    """Whether a source is an ISO: a URL that ends so, a file, or an image."""
    web = source.startswith(("http://", "https://"))
    return not web or urlsplit(source).path.lower().endswith(".iso")


def system(entry: Entry, request: Request) -> System:
    """Return an entry as a request wants it.

    :raises: as `install_tree`
    """
    tree = install_tree(entry, request)
    packages = tree.source
    if request.source and is_iso(request.source):
        own = dataclasses.replace(request, source=None)
        packages = install_tree(entry, own).source
    return System(entry, tree, packages)


def install_tree(entry: Entry, request: Request) -> InstallTree:
    """Return the install tree of a release for one architecture.

    :raises: SpecError where an address in the catalogue cannot be rendered
    """
    arch = entry.arches[request.arch]
    template = arch.get("source", entry.source)
    source = request.source or rendering.text(
        entry, template, variables(entry, request, "")
    )
    source = source.rstrip("/")
    context = variables(entry, request, source)

    def url(template: str) -> str:
        path = rendering.text(entry, template, context)
        return path if "://" in path or not path else f"{source}/{path}"

    return InstallTree(
        source=source,
        kernel_url=url(arch.get("kernel", "")),
        ramdisk_url=url(arch.get("ramdisk", "")),
        iso_url=url(arch.get("iso", "")),
        release_url=url(entry.release_file),
        fetches=tuple(url(template) for template in entry.fetches),
    )


def variables(entry: Entry, request: Request, source: str) -> dict[str, Any]:
    """Return the entry's variables, its architecture's over them.

    Those that are templates themselves may use each other, two deep.
    """
    templates: dict[str, Any] = {
        **entry.variables,
        **entry.arches[request.arch].get("variables", {}),
    }
    fixed = {
        "request": request,
        "arch": request.arch,
        "version": entry.version,
        "source": source,
    }

    def rendered(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rendered(item) for key, item in value.items()}
        if isinstance(value, str) and "{{" in value:
            return rendering.text(entry, value, templates | fixed)
        return value

    for _ in range(2):
        for key, value in templates.items():
            templates[key] = rendered(value)
    return templates | fixed


def indexes(system: System, request: Request, *, from_iso: bool) -> tuple[str, ...]:
    """Return the URLs of the indexes of all repositories that a system is made from.

    :raises: SpecError where an address in the catalogue cannot be rendered
    """
    entry, source = system.entry, system.packages
    context = {
        **variables(entry, request, source),
        "repositories": request.repositories,
        "from_iso": from_iso,
        "update": request.updates,
    }
    words = [
        word
        for template in entry.indexes
        for word in rendering.text(entry, template, context).split()
    ]
    urls = (word if "://" in word else f"{source}/{word}" for word in words)
    # Below no source, or below an ISO of this machine, a path is no address.
    web = [url for url in urls if url.startswith(("http://", "https://"))]
    return tuple(dict.fromkeys(web))
