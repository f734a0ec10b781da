"""The vendors' own parsers and schemas, as far as this machine has them.

Each check takes texts and returns what is refused, by text. None of the schemas is part
of this repository: their licences do not fit it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from osc_imagebuild.guests import answer_lint, own_file, sh_syntax
from osc_imagebuild.guests.answer_lint import vendor_kickstart
from tools.vendor_matrix import Case

LIMIT_S = 300
# So many files are given to a program at once; one by one where it refuses.
AT_ONCE = 200


@dataclass(frozen=True)
class Check:
    """A parser or schema: which files it is for, and what it refuses of them.

    ``missing`` is why it cannot be asked here. ``key`` is the text that it reads, ''
    for none; what is the same to it is read once.
    """

    tool: str
    families: tuple[str, ...]
    run: Callable[[list[str], Mapping[str, Case]], dict[str, str]]
    missing: str = ""
    key: Callable[[Case], str] = lambda case: case.answer


def checks(schemas: Path | None) -> list[Check]:
    """All that there are; those with ``missing`` are told, and left out."""
    found = [
        Check(
            "rendering", _EVERY, _rendering, key=lambda case: case.failed or case.answer
        ),
        Check("this linter, sh -n", _EVERY, _linter),
        Check(
            "pykickstart by release",
            ("redhat",),
            _pykickstart,
            "" if vendor_kickstart.is_installed() else "pip install pykickstart",
        ),
        Check(
            "debconf-set-selections -c",
            ("debian",),
            _debconf,
            _program("debconf-set-selections", "debconf"),
        ),
        Check(
            "grub-script-check",
            _EVERY,
            _grub,
            _program("grub-script-check", "grub-common"),
            lambda case: case.grub,
        ),
    ]
    return found + _by_schemas(schemas)


_EVERY = ("debian", "ubuntu", "redhat", "suse", "agama", "freebsd", "windows")


def _by_schemas(schemas: Path | None) -> list[Check]:
    """Those that need the directory of schemas; without it one line for each kind."""
    kinds: tuple[tuple[str, str, str, Any], ...] = (
        ("cloud-init's schema", "ubuntu", "cloud-init/*.json", _cloud_init),
        ("subiquity's schema", "ubuntu", "ubuntu-subiquity/*.json", _subiquity),
        ("Agama's schema", "agama", "agama/*/profile.schema.json", _agama),
        ("jing with AutoYaST's schema", "suse", "autoyast/*/profile.rnc", _jing),
    )
    found = []
    for tool, family, pattern, make in kinds:
        files = sorted(schemas.glob(pattern)) if schemas else []
        if not files:
            why = f"no {pattern} in {schemas}" if schemas else "SCHEMAS is not given"
            found.append(Check(tool, (family,), _linter, why))
        for file in files:
            label = (
                file.parent.name if "*/" in pattern else file.stem.rpartition("-")[2]
            )
            missing = _program("jing", "jing") if make is _jing else ""
            found.append(Check(f"{tool} {label}", (family,), make(file), missing))
    return found


def _program(name: str, package: str) -> str:
    return "" if shutil.which(name) else f"apt-get install {package}"


def _rendering(texts: list[str], cases: Mapping[str, Case]) -> dict[str, str]:
    """Templates that fail give no file at all."""
    return {text: text for text in texts if cases[text].failed}


def _linter(texts: list[str], cases: Mapping[str, Case]) -> dict[str, str]:
    """What users' own files are judged by has nothing to say of ours."""
    found: dict[str, str] = {}
    for text in texts:
        entry = cases[text].entry
        # Kickstart files by their sections: pykickstart has a line of its own.
        reading = answer_lint.read(entry.answer_format, text)
        said = answer_lint.findings(reading) + sh_syntax.mistakes(reading.scripts)
        if said or reading.unread:
            found[text] = reading.unread or str(said[0])
    return found


def _pykickstart(texts: list[str], cases: Mapping[str, Case]) -> dict[str, str]:
    found = {}
    for text in texts:
        release = own_file.release(cases[text].entry)
        if said := vendor_kickstart.mistakes(text, release):
            found[text] = f"{release}: {said[0]}"
    return found


def _in_batches(
    texts: list[str], suffix: str, command: Callable[[list[str]], list[str]]
) -> dict[str, str]:
    """Give files to a program, many at once; where it refuses, one by one."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as directory:
        paths = {}
        for number, text in enumerate(texts):
            path = Path(directory, f"{number}{suffix}")
            path.write_text(text, encoding="utf-8")
            paths[str(path)] = text
        names = list(paths)
        for at in range(0, len(names), AT_ONCE):
            batch = names[at : at + AT_ONCE]
            if _said(command(batch)):
                said = {name: _said(command([name])) for name in batch}
                found |= {paths[name]: why for name, why in said.items() if why}
    return found


# What the launcher of Debian's Java programs misses says nothing of a file.
# Source: Debian's java-wrappers, java-wrappers.sh, java_warning.
_LAUNCHER = "[warning] /usr/bin/"


def _said(command: list[str]) -> str:
    """What a program refuses, '' for nothing."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    lines = [
        line
        for line in (done.stdout + done.stderr).strip().splitlines()
        if not line.startswith(_LAUNCHER)
    ]
    if done.returncode or any("warning" in line for line in lines):
        return lines[0] if lines else f"exit status {done.returncode}"
    return ""


def _debconf(texts: list[str], cases: Mapping[str, Case]) -> dict[str, str]:
    command = ["debconf-set-selections", "--checkonly"]
    return _in_batches(texts, ".cfg", lambda files: [*command, *files])


def _grub(texts: list[str], cases: Mapping[str, Case]) -> dict[str, str]:
    # It reads one file at a time.
    found = {text: _said_of(["grub-script-check"], text) for text in texts}
    return {text: why for text, why in found.items() if why}


def _said_of(command: list[str], text: str) -> str:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    said = (done.stderr or done.stdout).strip().splitlines()
    return (said or ["refused"])[0] if done.returncode else ""


def _jing(schema: Path) -> Any:
    def run(texts: list[str], cases: Mapping[str, Case]) -> dict[str, str]:
        command = ["jing", "-c", str(schema)]
        return _in_batches(texts, ".xml", lambda files: [*command, *files])

    return run


def _cloud_init(schema: Path) -> Any:
    validator = _validator(schema)
    return _by_validator(lambda text: yaml.safe_load(text), validator)


def _subiquity(schema: Path) -> Any:
    validator = _validator(schema)
    return _by_validator(lambda text: yaml.safe_load(text)["autoinstall"], validator)


def _agama(schema: Path) -> Any:
    return _by_validator(json.loads, _validator(schema))


def _by_validator(load: Callable[[str], Any], validator: Any) -> Any:
    def run(texts: list[str], cases: Mapping[str, Case]) -> dict[str, str]:
        found = {}
        for text in texts:
            error = next(iter(validator.iter_errors(load(text))), None)
            if error is not None:
                where = "/".join(str(part) for part in error.absolute_path)
                found[text] = f"{where}: {error.message}"[:200]
        return found

    return run


def _validator(path: Path) -> Any:
    """A schema's validator; what it refers to is looked for beside it."""
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    def beside(uri: str) -> Resource[Any]:
        data = json.loads((path.parent / uri.rpartition("/")[2]).read_text("utf-8"))
        return Resource.from_contents(data, default_specification=DRAFT202012)

    schema = json.loads(path.read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    # The stubs do not know the keyword: jsonschema has it since 4.18.
    return kind(schema, registry=Registry(retrieve=beside))  # type: ignore[call-arg]


def refusals(check: Check, wanted: Iterable[Case]) -> tuple[int, dict[str, list[Case]]]:
    """Run a check; return how many files it read, and what it refuses, by reason."""
    by_key: dict[str, list[Case]] = {}
    for case in wanted:
        if case.entry.family in check.families and (key := check.key(case)):
            by_key.setdefault(key, []).append(case)
    said = check.run(list(by_key), {key: same[0] for key, same in by_key.items()})
    found: dict[str, list[Case]] = {}
    for key, same in by_key.items():
        if why := said.get(key):
            found.setdefault(why, []).extend(same)
    return len(by_key), found
