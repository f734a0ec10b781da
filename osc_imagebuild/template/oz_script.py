"""Run by the distribution's own Python: ask the distribution's Oz.

``oz_script.py read`` prints the TDL of its standard input as JSON, ``oz_script.py
auto NAME VERSION`` the answer file that Oz has for a system. Exit code 3: Oz is not there.
Nothing of osc_imagebuild is imported here; any Python from 3.7 on will do.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

NO_OZ = 3
_AS_THEY_ARE = (
    "name",
    "distro",
    "update",
    "arch",
    "description",
    "installtype",
    "rootpw",
    "files",
    "commands",
    "disksize",
    "iso_sha256_url",
)


def main(words: list[str]) -> int:
    """Print JSON; return the exit code."""
    try:
        for module in ("oz.TDL", "oz.ozutil", "oz.GuestFactory", "oz.OzException"):
            import_module(module)
    except ImportError as error:
        print(error, file=sys.stderr)
        return NO_OZ
    answer = read(sys.stdin.buffer.read()) if words[0] == "read" else auto(*words[1:])
    json.dump(answer, sys.stdout)
    return 0


def read(data: bytes) -> dict[str, Any]:
    """Return a TDL as Oz understands it, but with nothing fetched."""
    etree: Any = import_module("lxml.etree")
    oz: Any = import_module("oz.TDL")
    failure: Any = import_module("oz.OzException").OzException
    # Downloads and local files are the business of who asks.
    oz.data_from_type = lambda name, kind, content: [kind, content]
    try:
        tdl = oz.TDL(data.decode("utf-8"))
    except etree.XMLSyntaxError as error:
        return {"errors": [[error.lineno or 1, error.msg]]}
    except failure as error:
        return {"errors": errors(str(error))}
    except ValueError as error:
        return {"errors": [[1, str(error)]]}
    template = {key: getattr(tdl, key) for key in _AS_THEY_ARE}
    template["source"] = tdl.url if tdl.installtype == "url" else tdl.iso
    template["packages"] = [vars(package) for package in tdl.packages]
    template["repositories"] = [vars(repo) for repo in tdl.repositories.values()]
    template["lines"] = lines(tdl.doc)
    return template


def errors(text: str) -> list[list[Any]]:
    """Return Oz's text for several errors as lines and texts."""
    mistakes: list[list[Any]] = []
    for part in text.splitlines():
        line, colon, what = part.strip().partition(": ")
        if colon and line.startswith("line "):
            mistakes.append([int(line[5:]), what])
    return mistakes or [[1, " ".join(text.split())]]


def lines(doc: Any) -> dict[str, int]:
    """Return where each element is, by its XPath."""
    tree = doc.getroottree()
    elements = (e for e in doc.iter() if isinstance(e.tag, str))
    return {tree.getpath(e): e.sourceline for e in elements}


def auto(name: str, version: str) -> dict[str, str]:
    """Return Oz's answer file for a system, an empty text where it has none.

    Source: the names of these files are made as in Oz's get_auto_path().
    """
    module = str(import_module("oz.GuestFactory").os_dict.get(name, ""))
    if module.startswith("RHEL_"):
        stems = ["RHEL" + module[5:].replace("_", ".")]
    else:
        stems = [module + version, module + ".".join(version.split(".")[:2])]
    for stem in stems:
        path = import_module("oz.ozutil").generate_full_auto_path(stem + ".auto")
        if module and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return {"module": module, "file": path, "text": file.read()}
    return {"module": module, "file": "", "text": ""}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
