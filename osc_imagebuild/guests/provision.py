"""Check a playbook and a hardening profile, and make of them what the guest is told. Pure."""

from __future__ import annotations

import io
import json
import lzma
import re
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

from osc_imagebuild.guests import customization
from osc_imagebuild.guests.entry import Entry
from osc_imagebuild.model.provision import Ansible, Bundle, Guide, Hardening, TreeFile
from osc_imagebuild.model.request import Request

# Where the guest works meanwhile: not in /tmp, from which nothing may be run on some.
ANSIBLE_HOME = "/var/lib/imagebuild-ansible"
HARDENING_HOME = "/var/lib/imagebuild-hardening"
# What a guest of a family installs packages with.
_MANAGERS = {
    "debian": "apt",
    "ubuntu": "apt",
    "redhat": "dnf",
    "suse": "zypper",
    "agama": "zypper",
}
# What Ansible's modules for packages would install themselves, and it would stay.
# Source: ansible-core, lib/ansible/modules/apt.py and dnf5.py.
_MODULES = {"apt": ("python3-apt",)}
_MODULES_OF = {"fedora": ("python3-libdnf5",)}
# What python3 -m venv needs. Source: Debian's python3-venv; CPython's ensurepip, which the
# packages of Red Hat's systems have whole.
_VENV = {"apt": ("python3-venv",), "dnf": ()}
# Source: the contents of Debian's and Ubuntu's packages; upstream's spec files for others.
_SCANNER = {
    "apt": "openscap-scanner",
    "dnf": "openscap-scanner",
    "zypper": "openscap-utils",
}
_GUIDES = {"debian": "ssg-debian", "ubuntu": "ssg-debderived"}
_GUIDE = "scap-security-guide"
# Other names that the same profile has in the guides of other distributions.
# Source: ComplianceAsCode/content, products/*/profiles.
_ALSO_NAMED = {
    "cis_level1_server": "cis_server_l1",
    "cis_level2_server": "cis",
    "cis_level1_workstation": "cis_workstation_l1",
    "cis_level2_workstation": "cis_workstation_l2",
}
_PROFILE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}"
_VERSION = r"[0-9]+(\.[0-9]+){0,3}(\.\*)?"
# Options that ask, that do nothing, or with which the play runs elsewhere.
# Source: ansible-core, lib/ansible/cli/__init__.py, cli/playbook.py and
# cli/arguments/option_helpers.py.
_REFUSED = tuple(
    """--inventory --inventory-file --connection --step --check --ask-pass --ask-become-pass
    --ask-vault-pass --ask-vault-password --syntax-check --list-hosts --list-tasks --list-tags
    --version --help --private-key --key-file --user""".split()
)
_REFUSED_LETTERS = "ickKJChu"
_TAKING_LETTERS = "etlfMT"
_MOST_ARGUMENTS, _LONGEST_ARGUMENT = 64, 1000
_NO_WORD = re.compile(r"[\0\r\n\ud800-\udfff]")


def problems(entry: Entry, request: Request) -> list[str]:
    """Return what is wrong with what configures a system."""
    if entry.family not in _MANAGERS:
        why = "nothing is known of its package manager"
        reasons = {"ansible": why, "hardening": why}
        return customization.refused(request, entry.title, reasons)
    return [
        *(_ansible(entry, request.ansible) if request.ansible else ()),
        *(_hardening(entry, request.hardening) if request.hardening else ()),
    ]


def _ansible(entry: Entry, ansible: Ansible) -> list[str]:
    found = []
    if not ansible.playbook:
        found.append("customise.ansible needs a playbook")
    names = {file.path for file in ansible.tree}
    for path in filter(None, (ansible.playbook, ansible.requirements)):
        if ansible.tree and path not in names:
            found.append(f"{path!r:.100} is not among the files that go to the guest")
    if len(ansible.extra_args) > _MOST_ARGUMENTS:
        found.append(f"ansible-playbook is given {_MOST_ARGUMENTS} words at most")
    for word in ansible.extra_args:
        if not word or len(word) > _LONGEST_ARGUMENT or _NO_WORD.search(word):
            found.append(f"this is no word for ansible-playbook: {word!r:.60}")
        elif _is_refused(word):
            found.append(
                f"ansible-playbook cannot be given {word:.60}: the play runs here, once, "
                "and nobody can answer it"
            )
    if ansible.version and not re.fullmatch(_VERSION, ansible.version):
        found.append(
            f"this is no version of ansible-core such as 2.19.*: {ansible.version!r:.60}"
        )
    if ansible.pip_index and not ansible.version:
        found.append("customise.ansible.pip_index is for pip: give a version too")
    if ansible.version and _MANAGERS[entry.family] not in _VENV:
        found.append(
            f"{entry.title} cannot be given a version of ansible-core: which of its releases "
            "of Python has pip is not known; leave it out, and its package is taken"
        )
    if ansible.pip_index and not re.fullmatch(customization.URL, ansible.pip_index):
        found.append(f"pip needs an http(s) URL, not {ansible.pip_index!r:.100}")
    return found


def _is_refused(word: str) -> bool:
    """Whether a word is one of the options that are refused, abbreviated or not."""
    if word.startswith("--"):
        name = word.partition("=")[0]
        return len(name) > 2 and any(known.startswith(name) for known in _REFUSED)
    for letter in word[1:] if word.startswith("-") else "":
        if letter in _REFUSED_LETTERS:
            return True
        if letter in _TAKING_LETTERS:
            break
    return False


def _hardening(entry: Entry, hardening: Hardening) -> list[str]:
    found = []
    if not re.fullmatch(_PROFILE, hardening.profile):
        found.append(f"this is no name of a profile: {hardening.profile!r:.60}")
    if not 0 <= hardening.min_score <= 100:
        found.append("customise.hardening.min_score is 0 to 100")
    if guide := hardening.guide or _known_guide(entry):
        if not re.fullmatch(customization.URL, guide.url):
            found.append(f"a guide needs an http(s) URL, not {guide.url!r:.100}")
        if not re.fullmatch("[0-9a-f]{64}", guide.sha256):
            found.append(f"this is no sha256: {guide.sha256!r:.80}")
    elif why := entry.variables.get("no_security_guide"):
        found.append(
            f"{entry.title} cannot be hardened by its own guide: {why}; name a newer one as "
            "customise.hardening.guide"
        )
    return found


def too_large(ansible: Ansible | None) -> str:
    """Return how large a playbook's directory is, as a reason why user data are too large."""
    if ansible is None:
        return ""
    plain = sum(len(file.content) for file in ansible.tree)
    return (
        f"; of that, the {len(ansible.tree)} files of the playbook's directory make "
        f"{-(-len(bundle(ansible).data) * 4 // 3)}, from {plain} bytes"
    )


def bundle(ansible: Ansible) -> Bundle:
    """Return the playbook's directory as a compressed archive.

    It is the same for the same files, whoever has them. One that is empty has no bytes.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(ansible.tree, key=lambda file: file.path):
            archive.addfile(_header(file), io.BytesIO(file.content))
    data = lzma.compress(packed.getvalue(), preset=9) if ansible.tree else b""
    return Bundle(path=f"{ANSIBLE_HOME}/project.tar.xz", data=data)


def _header(file: TreeFile) -> tarfile.TarInfo:
    header = tarfile.TarInfo(file.path)
    header.size = len(file.content)
    header.mode = 0o755 if file.executable else 0o644
    return header


def context(entry: Entry, request: Request) -> Mapping[str, Any]:
    """Return what templates are told of both."""
    manager = _MANAGERS.get(entry.family, "")
    told: dict[str, Any] = {"ansible": None, "hardening": None, "manager": manager}
    if not manager:
        return told
    wanted = set(request.packages)
    if ansible := request.ansible:
        needed = (
            *(_VENV.get(manager, ()) if ansible.version else ("ansible-core",)),
            *_MODULES.get(manager, ()),
            *_MODULES_OF.get(entry.properties.get("os_distro", ""), ()),
        )
        told["ansible"] = {
            "home": ANSIBLE_HOME,
            "bundle": bundle(ansible),
            "playbook": ansible.playbook,
            "requirements": ansible.requirements,
            "variables": json.dumps(dict(ansible.variables), sort_keys=True),
            "secrets": json.dumps(ansible.secrets) if ansible.secrets else "",
            "arguments": ansible.extra_args,
            "version": ansible.version,
            "pip_index": ansible.pip_index,
            "packages": _less(needed, wanted),
        }
    if hardening := request.hardening:
        guide = fetched_guide(entry, request)
        scanner = entry.variables.get("security_scanner") or _SCANNER[manager]
        guides = () if guide else (_GUIDES.get(entry.family, _GUIDE),)
        told["hardening"] = {
            "home": HARDENING_HOME,
            "profile": hardening.profile,
            "also": _ALSO_NAMED.get(hardening.profile, ""),
            "tailoring": hardening.tailoring,
            "guide": guide,
            "min_score": hardening.min_score,
            "packages": _less((scanner, *guides), wanted),
        }
    return told


def fetched_guide(entry: Entry, request: Request) -> Guide | None:
    """Return the guide that the guest fetches, None where it installs a package, or needs none."""
    hardening = request.hardening
    return (hardening.guide or _known_guide(entry)) if hardening else None


def _known_guide(entry: Entry) -> Guide | None:
    """Return the guide that the catalogue has for a system whose own package lacks it."""
    known = entry.variables.get("security_guide")
    if not isinstance(known, Mapping):
        return None
    return Guide(url=str(known.get("url")), sha256=str(known.get("sha256")))


def _less(needed: Iterable[str], wanted: set[str]) -> list[str]:
    """Return what is installed for a while alone; what was asked for is there and stays."""
    return [name for name in needed if name not in wanted]
