"""Put templates in an order, each after the one whose image it changes. Pure.

Templates are known by their numbers in a list.
"""

from __future__ import annotations

from collections.abc import ItemsView, Mapping, Sequence

from osc_imagebuild import outputs
from osc_imagebuild.model.family import FAMILY, OS
from osc_imagebuild.model.request import Request
from osc_imagebuild.model.resources import Image
from osc_imagebuild.planning.spec_builder import family_name


def rivals(labels: Sequence[str], requests: Sequence[Request]) -> list[str]:
    """Return which templates would take each other's name, or push each other out."""
    problems = []
    seen: dict[tuple[str, str, str], int] = {}
    for number, request in enumerate(requests):
        output = request.output
        for kind, name in (("family", family_name(request)), ("name", request.name)):
            other = seen.setdefault((kind, name, output), number)
            if other != number:
                problems.append(
                    f"{labels[number]} and {labels[other]} make {output}s of one {kind}, "
                    f"{name}: give one of them another"
                )
                break
    return problems


def parents(requests: Sequence[Request]) -> dict[int, int]:
    """Return which template each changes the image of."""
    of_family: dict[str, int] = {}
    of_name: dict[str, int] = {}
    for number, request in enumerate(requests):
        if _makes_image(request):
            of_family.setdefault(family_name(request), number)
            of_name.setdefault(request.name, number)
    found = {}
    for number, request in enumerate(requests):
        parent = (
            of_family.get(request.parent_family)
            if request.parent_family
            else of_name.get(request.from_image)
            if request.from_image
            else _by_properties(requests, number)
        )
        if parent is not None:
            found[number] = parent
    return found


def _by_properties(requests: Sequence[Request], number: int) -> int | None:
    """Return the only other template whose image has the properties that one asks for.

    Only those count that a template itself names: others the catalogue or Glance gives.
    """
    wanted = requests[number].from_properties.items()
    fit = [
        other
        for other, request in enumerate(requests)
        if other != number and _makes_image(request) and wanted <= _said(request)
    ]
    return fit[0] if wanted and len(fit) == 1 else None


def _said(request: Request) -> ItemsView[str, str]:
    own = {FAMILY: family_name(request)}
    if not request.has_parent:  # of others their image says it
        own[OS] = request.os
    return {**request.properties, **own}.items()


def _makes_image(request: Request) -> bool:
    output = outputs.find(request.output)
    return output is not None and output.kinds[0] is Image


def parents_first(count: int, parent_of: Mapping[int, int]) -> list[int]:
    """Return the numbers of so many templates, each after its parent."""
    return sorted(range(count), key=lambda number: len(_chain(parent_of, number)))


def _chain(parent_of: Mapping[int, int], number: int) -> list[int]:
    """Return a template and all that it is made of, the nearest first, each once."""
    chain = [number]
    while (parent := parent_of.get(chain[-1])) is not None and parent not in chain:
        chain.append(parent)
    return chain


def rings(labels: Sequence[str], parent_of: Mapping[int, int]) -> list[str]:
    """Return which templates could only be built after themselves."""
    problems = []
    for number in parent_of:
        chain = _chain(parent_of, number)
        # Told once, by the first of those that are in the ring.
        if parent_of.get(chain[-1]) != number or number != min(chain):
            continue
        ring = " changes the image of ".join(labels[n] for n in (*chain, number))
        problems.append(f"{ring}: one of them must be made of something else")
    return problems
