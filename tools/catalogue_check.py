"""List each address that the catalogue uses, and try them where there is an internet.

``python -m tools.catalogue_check [--try] [--os NAME ...]`` prints JSON: ``addresses``,
``ends_of_life``, and counts. Without ``--try`` nothing is asked, and the exit status
is 0; with it, it is 1 where an address answers with an error. No answer at all, as on a
machine without internet, is not the catalogue's fault: it is told, and the status is 0.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import requests

from osc_imagebuild.guests import install_tree
from osc_imagebuild.guests.catalog import BUILT_IN, Catalog
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.request import Request
from osc_imagebuild.planning import iso_source

TIMEOUT_S = 20
AT_ONCE = 8
_NOT_FOR_HEAD = (403, 405, 501)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH = re.compile(r"\d{4}-\d{2}(?!-)")


@dataclass(frozen=True)
class Address:
    """One address: which entry and architecture needs it, and for what.

    ``one_of`` names alternatives: one of those with the same word is enough.
    """

    os: str
    arch: str
    what: str
    url: str
    one_of: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was found; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--try", dest="ask", action="store_true", help="ask for each")
    parser.add_argument("--os", nargs="*", default=[], help="of these entries alone")
    given = parser.parse_args(arguments)
    catalog = Catalog([BUILT_IN])
    entries = [catalog.entry(name) for name in given.os or catalog.names()]
    found = [address for entry in entries for address in addresses(entry)]
    answers = ask(found) if given.ask else {}
    report = _report(entries, found, answers)
    json.dump(report, sys.stdout, indent=1)
    print()
    for name in report["over"]:
        print(f"{name}: its end of life is in the past", file=sys.stderr)
    return 1 if report["refused"] else 0


def _report(
    entries: Sequence[Entry],
    found: Sequence[Address],
    answers: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """All that is printed."""
    ends = list(ends_of_life(entries, datetime.date.today()))
    bad = refused(found, answers)
    over = [row["os"] for row in ends if row["over"]]
    silent = [url for url, answer in answers.items() if answer["status"] == 0]
    return {
        "addresses": [{**asdict(a), **answers.get(a.url, {})} for a in found],
        "ends_of_life": ends,
        "refused": [asdict(address) for address in bad],
        "over": over,
        "counts": {
            "entries": len(entries),
            "addresses": len({a.url for a in found}),
            "tried": len(answers),
            "without_an_answer": len(silent),
            "refused": len(bad),
            "over": len(over),
        },
    }


def addresses(entry: Entry) -> Iterator[Address]:
    """Yield what an installation of an entry fetches, on each architecture."""
    for arch in entry.arches:
        request = Request(name="x", os=entry.name, arch=arch)
        tree = install_tree.install_tree(entry, request)
        found = [("kernel", tree.kernel_url), ("ramdisk", tree.ramdisk_url)]
        found += [("iso", tree.iso_url), ("release file", tree.release_url)]
        found += [("fetched by the installer", url) for url in tree.fetches]
        if tree.source:
            found.insert(0, ("source", tree.source))
        found += _indexes(entry, request)
        found += _variables(entry, request, tree.source)
        for what, url in dict.fromkeys(found):
            # Below no source, a path is no address.
            if url.startswith(("http://", "https://")):
                yield Address(entry.name, arch, what, url)
        if tree.source and install_tree.is_iso(tree.source):
            yield from _sums(entry.name, arch, tree.source)


def _indexes(entry: Entry, request: Request) -> Iterator[tuple[str, str]]:
    """Indexes of package repositories, those without a signature in them too."""
    system = install_tree.system(entry, request)
    from_iso = install_tree.is_iso(system.tree.source)
    for url in install_tree.indexes(system, request, from_iso=from_iso):
        yield "package index", url


def _variables(
    entry: Entry, request: Request, source: str
) -> Iterator[tuple[str, str]]:
    """Addresses among the variables, and repositories of the install tree."""
    if not source and entry.source:
        return
    for name, value in install_tree.variables(entry, request, source).items():
        if name in ("source", "request"):
            continue
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and text.startswith(("http://", "https://")):
                yield f"variable {name}", text
        if name == "tree_repositories" and isinstance(value, dict):
            for key, path in value.items():
                yield f"repository {key}", f"{source}/{path}/repodata/repomd.xml"


def _sums(os: str, arch: str, iso: str) -> Iterator[Address]:
    """Where an ISO's checksum is looked for; one of these is enough."""
    for url in iso_source.sum_urls(iso):
        yield Address(os, arch, "checksum", url, f"checksum of {iso}")


def ask(found: Iterable[Address]) -> dict[str, dict[str, Any]]:
    """Try every address once; by address what came of it.

    ``status`` 0 is no answer at all.
    """
    urls = sorted({address.url for address in found})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(urls, pool.map(_asked, urls), strict=True))


def _asked(url: str) -> dict[str, Any]:
    try:
        answer = requests.head(url, timeout=TIMEOUT_S, allow_redirects=True)
        if answer.status_code in _NOT_FOR_HEAD:
            answer = requests.get(url, timeout=TIMEOUT_S, stream=True)
            answer.close()
    except (requests.RequestException, ValueError) as error:
        return {"status": 0, "error": f"{type(error).__name__}: {error}"[:200]}
    shown: dict[str, Any] = {"status": answer.status_code}
    if size := answer.headers.get("Content-Length", ""):
        shown["bytes"] = size
    if answer.url != url:
        shown["leads_to"] = answer.url
    return shown


def refused(
    found: Iterable[Address], answers: Mapping[str, Mapping[str, Any]]
) -> list[Address]:
    """Addresses whose server says that there is no such thing.

    A directory that is not listed is no fault, if something below it is there.
    """

    def good(url: str) -> bool:
        status: int = answers.get(url, {"status": 0})["status"]
        return status < 400

    known = list(found)
    alternatives = {a.one_of for a in known if a.one_of and good(a.url)}
    below = [a.url for a in known if a.what != "source" and good(a.url)]
    bad = []
    for address in known:
        if good(address.url) or address.one_of in alternatives - {""}:
            continue
        if address.what == "source" and any(
            url.startswith(f"{address.url}/") for url in below
        ):
            continue
        bad.append(address)
    return bad


def ends_of_life(
    entries: Iterable[Entry], today: datetime.date
) -> Iterator[dict[str, Any]]:
    """Yield each entry's end of life; ``over`` is whether it has passed.

    The text may name more than one date; the first is the entry's own.
    """
    for entry in entries:
        end = _end(entry.end_of_life)
        yield {
            "os": entry.name,
            "end_of_life": entry.end_of_life,
            "over": end is not None and end < today,
            "days_left": (end - today).days if end else None,
        }


def _end(text: str) -> datetime.date | None:
    """The first date in a text; of a month, its last day."""
    day, month = _DAY.search(text), _MONTH.search(text)
    if day and not (month and month.start() < day.start()):
        return datetime.date.fromisoformat(day[0])
    if month is None:
        return None
    year, number = (int(part) for part in month[0].split("-"))
    first = datetime.date(year + number // 12, number % 12 + 1, 1)
    return first - datetime.timedelta(days=1)


if __name__ == "__main__":
    sys.exit(main())
