"""Ask the distribution's Oz to read a TDL, in the distribution's own Python.

Oz is a package of the distribution, not of PyPI (where `oz` is something
else), so it cannot be in a virtual environment. Another process needs nothing
of this one: neither its path nor its version of Python.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from osc_imagebuild.errors import SpecError
from osc_imagebuild.guests.answer_lint import markup
from osc_imagebuild.guests.catalog import Catalog
from osc_imagebuild.template import Template, oz_script, tdl
from osc_imagebuild.template.sources import Reader, unquoted

PYTHON = "/usr/bin/python3"
LIMIT_S = 60
MISSING = (
    "Oz's templates need Oz, the package oz of Debian, Ubuntu and Fedora: "
    "apt-get install --no-install-recommends oz (PyPI's oz is something else)"
)
_NAMES = Path(__file__).parent / "tdl.yaml"
_ENTRIES = Path(__file__).parent / "oz_entries.yaml"


def load(path: str, reader: Reader, catalog: Catalog, *, auto: bool) -> Template:
    """Return the TDL at ``path``.

    With ``auto`` Oz's own answer file serves where ``catalog`` has no entry.

    :raises: SpecError naming all that is wrong, each with its line
    """
    import yaml

    file = os.path.expanduser(path)
    text = reader.template(Path(file))
    with unquoted([] if reader.is_own(file) else [file]):
        template = _read(text, file)
    fields, problems = tdl.to_fields(template, file, reader)
    distro, version = template["distro"].strip(), template["update"].strip()
    names = yaml.safe_load(_NAMES.read_text(encoding="utf-8"))
    wanted = tdl.names(distro, version, names)
    there = [name for name in wanted if name in catalog.names()]
    entries: dict[str, dict[str, Any]] = {}
    if there:
        fields["os"] = there[0]
    else:
        own = _ask("auto", distro, version)
        why_not = _refusal(template, own, auto=auto)
        if why_not:
            place = f"{file}:{template['lines']['/template/os/name']}: /template/os"
            problems.append(
                f"{place}: {distro} {version} is not in the catalogue (as "
                f"{' or '.join(wanted)}){why_not}"
            )
        else:
            fields["os"] = f"oz-{distro}-{version}".lower()
            entries[fields["os"]] = _entry(template, own)
    fields["source"] = tdl.install_tree(fields["source"], distro)
    if problems:
        raise SpecError(problems)
    return Template(fields, entries)


def _read(text: str, file: str) -> dict[str, Any]:
    """Return what Oz reads of a TDL.

    Oz's parser would follow entities to other files, and expand them without end.

    :raises: SpecError
    """
    try:
        markup.parse(text)
    except markup.BadMarkup as error:
        raise SpecError(f"{file}:{error.line or 1}: {error.text}") from error
    template = _ask("read", given=text, what=f"{file}:1")
    if "errors" in template:
        raise SpecError([f"{file}:{line}: {what}" for line, what in template["errors"]])
    return template


def _refusal(template: dict[str, Any], own: dict[str, Any], *, auto: bool) -> str:
    """Why Oz's answer file does not serve, '' where it does."""
    if not own["text"]:
        return ", nor has Oz an answer file for it"
    if not _kind(own["module"]):
        return "; Oz's answer file for it cannot be made to report success"
    if template["installtype"] != "url":
        return "; with Oz's answer file it is installed from a URL only, not an ISO"
    return "" if auto else "; Oz has an answer file for it: use --oz-auto"


def _kind(module: str) -> str:
    """What answer file a module of Oz's has, '' where we cannot use it."""
    if module in ("Debian", "Ubuntu"):
        return "preseed"
    return "kickstart" if re.fullmatch(r"Fedora|RHEL_[567]", module) else ""


def _entry(template: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The catalogue's entry for a system of which only Oz knows."""
    import yaml

    kind = _kind(own["module"])
    data: dict[str, Any] = yaml.safe_load(_ENTRIES.read_text(encoding="utf-8"))[kind]
    url = template["source"].strip().rstrip("/")
    # Source: oz.RedHat and oz.Debian, _get_kernel_from_treeinfo and _txt_cfg.
    kernel, ramdisk = (
        f"{url}/images/pxeboot/vmlinuz",
        f"{url}/images/pxeboot/initrd.img",
    )
    if kind == "preseed":
        arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(
            template["arch"], template["arch"]
        )
        kernel = f"{url}/debian-installer/{arch}/linux"
        ramdisk = f"{url}/debian-installer/{arch}/initrd.gz"
    return data | {
        "title": f"{template['distro']} {template['update']} by Oz",
        "version": template["update"],
        "source": "",
        "arches": {template["arch"]: {"kernel": kernel, "ramdisk": ramdisk}},
        "variables": {"kind": kind, "auto": own["text"]},
        "deviations": [f"installed as {own['file']} says; never tried by this project"],
    }


def _ask(*words: str, given: str = "", what: str = "") -> dict[str, Any]:
    """Return what the script says; ``what`` it is asked about is for people.

    :raises: SpecError where there is no Oz, or it fails
    """
    # -I: neither this process's environment nor its virtual environment.
    command = [PYTHON, "-I", str(Path(oz_script.__file__)), *words]
    try:
        ran = subprocess.run(
            command,
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise SpecError(MISSING) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SpecError(f"cannot ask Oz: {error}") from error
    if ran.returncode == oz_script.NO_OZ:
        raise SpecError(MISSING)
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SpecError(f"{what or words[-1]}: Oz fails: {last}")
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer
