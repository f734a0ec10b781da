"""Write consoles and screenshots into files beside the user's work."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from osc_lib import exceptions

if TYPE_CHECKING:
    from osc_imagebuild.errors import Evidence


def console_file(directory: str | None, build_id: str, role: str = "install") -> Path:
    """Return the file that keeps the console of one of a build's servers."""
    return (
        Path(os.path.expanduser(directory or ".")) / f"imagebuild-{build_id}-{role}.log"
    )


def kept_console(directory: str, build_id: str, role: str) -> str:
    """Return the console that was kept, of ``role``'s server where there is one."""
    for known in (role, "install"):
        try:
            path = console_file(directory, build_id, known)
            return path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise exceptions.CommandError(
                f"cannot read {path}: {error.strerror}"
            ) from error
    return ""


class Files:
    """Keeps consoles in ``directory`` as they are read; None keeps none.

    Whatever happens, evidence of a failure is saved, there or in the working
    directory.
    """

    def __init__(self, directory: str | None) -> None:
        """Make the directory.

        :raises: CommandError where nothing can be written there
        """
        if directory is not None:
            _make(directory)
        self._directory = directory
        self.keeps_all = directory is not None
        self._seen: dict[Path, str] = {}

    def on_console(self, build_id: str, role: str, window: str) -> None:
        """Add to a console's file what this window has of new."""
        from osc_imagebuild.monitors.console.window import added

        path = console_file(self._directory, build_id, role)
        if path not in self._seen:
            self._seen[path] = _end_of(path)
        self._write(path, added(self._seen[path], window))
        self._seen[path] = window

    def save(self, build_id: str, evidence: Evidence | None) -> list[str]:
        """Save what shows why a build failed; return the names of the files."""
        if evidence is None:
            return []
        role, saved = evidence.role, []
        if evidence.attempt:
            role = f"{role}-{evidence.attempt}"
        path = console_file(self._directory, build_id, role)
        if evidence.console:
            self.on_console(build_id, role, evidence.console)
            saved.append(path)
        if evidence.screenshot:
            picture = path.with_suffix(".png")
            try:
                picture.write_bytes(evidence.screenshot)
                saved.append(picture)
            except OSError as error:
                _warn(picture, error)
        return [str(path) for path in saved if path.exists()]

    def _write(self, path: Path, text: str) -> None:
        if not text:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            # A full disk here must not end a build there.
            _warn(path, error)


def _make(directory: str) -> None:
    """Find out before a build begins, not at each look at its console."""
    path = Path(os.path.expanduser(directory))
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise exceptions.CommandError(
            f"cannot write into {path}: {error.strerror}; choose another --log-dir"
        ) from error


def _end_of(path: Path) -> str:
    """What an earlier client wrote last: a resumed build doubles no line."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 128 * 1024))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _warn(path: Path, error: OSError) -> None:
    print(f"warning: cannot write {path}: {error.strerror}", file=sys.stderr)
