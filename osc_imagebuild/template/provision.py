"""Turn a template's playbook, and its hardening, into what a request has of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

from osc_imagebuild.errors import SpecError
from osc_imagebuild.model.provision import Ansible, Guide, Hardening
from osc_imagebuild.template.document import Document, Path
from osc_imagebuild.template.sources import Reader, resolved
from osc_imagebuild.template.trees import read_tree

PLAYBOOK = ("customise", "ansible")
HARDENING = ("customise", "hardening")
VARIABLES = (*PLAYBOOK, "vars")
# Of a tailoring file: all that a guest is told must fit into 64 KiB.
TAILORING_LIMIT = 1 << 18
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def ansible(document: Document, reader: Reader) -> Ansible:
    """Return the playbook with its directory.

    :raises: SpecError
    """
    said: Mapping[str, Any] = document.data["customise"]["ansible"]
    directory = _directory(said, document, reader)
    place = document.place((*PLAYBOOK, "playbook"))
    values = _Values(document, reader)
    variables = values.read(said.get("vars", {}), VARIABLES)
    return Ansible(
        playbook=_inside(directory, said["playbook"], "playbook", document),
        tree=read_tree(directory, reader, place),
        requirements=_inside(
            directory, said.get("requirements", ""), "requirements", document
        ),
        variables=variables,
        secrets=tuple(sorted(set(values.secrets))),
        extra_args=tuple(said.get("extra_args", ())),
        version=said.get("version", ""),
        pip_index=said.get("pip_index", ""),
    )


def _directory(said: Mapping[str, Any], document: Document, reader: Reader) -> FilePath:
    """Return the directory that goes to the guest, which nobody sends by accident."""
    if "directory" in said:
        place = document.place((*PLAYBOOK, "directory"))
        return reader.directory(said["directory"], place)
    place, playbook = document.place((*PLAYBOOK, "playbook")), said["playbook"]
    parent = str(FilePath(playbook).parent)
    directory = reader.directory(parent, place)
    if directory == FilePath(place.file).resolve().parent:
        raise SpecError(
            f"{place}: {playbook} is beside the template: put it with its roles into a "
            "directory of its own, all of which goes to the guest, or say directory: . "
            "to send this one"
        )
    return directory


def _inside(directory: FilePath, path: str, key: str, document: Document) -> str:
    """Return a file's path as seen from the directory, '' for none.

    :raises: SpecError where it is not in there
    """
    if not path:
        return ""
    place = document.place((*PLAYBOOK, key))
    whole = resolved(path, place)
    try:
        # Of the file itself no link is followed, as by whoever reads the directory.
        real = whole.parent.resolve() / whole.name
        if not real.is_file():
            raise SpecError(f"{place}: there is no file {path}")
        return real.relative_to(directory).as_posix()
    except (OSError, ValueError, RuntimeError) as error:
        raise SpecError(
            f"{place}: {path} is not in {directory}, the directory that goes to the guest"
        ) from error


class _Values:
    """Reads variables, and notes the secrets in them."""

    def __init__(self, document: Document, reader: Reader) -> None:
        self.document = document
        self.reader = reader
        self.secrets: list[str] = []

    def read(self, value: Any, path: Path) -> Any:
        """Return a value with all secrets in it."""
        if isinstance(value, list):
            return [self.read(item, (*path, n)) for n, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        # The variables themselves may be named so.
        if list(value) != ["env"] or path == VARIABLES:
            return {key: self.read(item, (*path, key)) for key, item in value.items()}
        place, name = self.document.place((*path, "env")), value["env"]
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise SpecError(
                f"{place}: {{env: NAME}} is a secret in an environment variable, and "
                f"{name!r:.60} is no name of one"
            )
        secret = self.reader.secret_variable(name, place)
        self.secrets.append(secret)
        return secret


def hardening(document: Document, reader: Reader) -> Hardening:
    """Return the profile, with its tailoring file.

    :raises: SpecError
    """
    said: Mapping[str, Any] = document.data["customise"]["hardening"]
    tailoring = ""
    if "tailoring" in said:
        place = document.place((*HARDENING, "tailoring"))
        tailoring = reader.text(said["tailoring"], place, TAILORING_LIMIT)
    guide = said.get("guide")
    return Hardening(
        profile=said["profile"],
        tailoring=tailoring,
        guide=Guide(**guide) if guide else None,
        min_score=said.get("min_score", 0),
    )


MAKERS: Mapping[Path, Callable[[Document, Reader], Any]] = {
    PLAYBOOK: ansible,
    HARDENING: hardening,
}
