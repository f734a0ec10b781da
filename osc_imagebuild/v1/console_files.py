"""Write consoles and screenshots into files beside the user's work."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from osc_lib import exceptions

from osc_imagebuild.v1 import own_files

if TYPE_CHECKING:
    from osc_imagebuild.errors import Evidence
    from osc_imagebuild.model.manifest import PhaseScreen

# What is read of a console at most, in bytes.
_LONGEST = 1 << 20
_TIME = "%Y%m%dT%H%M%SZ"
_SCREENSHOT = re.compile(
    r"imagebuild-(?P<build>[0-9a-f-]{36})-(?P<role>install|verify(?:-boot[0-9]{1,2})?)"
    r"-(?P<at>[0-9]{8}T[0-9]{6}Z)(?:-(?P<phase>[a-z0-9.-]{1,60}))?\.png"
)


def console_file(directory: str | None, build_id: str, role: str = "install") -> Path:
    """Return the file that keeps the console of one of a build's servers."""
    return (
        Path(os.path.expanduser(directory or ".")) / f"imagebuild-{build_id}-{role}.log"
    )


def kept_console(directory: str, build_id: str, role: str) -> str:
    """Return the console that was kept, of ``role``'s server where there is one.

    :raises: CommandError where it cannot be read
    """
    for candidate in (role, "install"):
        text = _kept(console_file(directory, build_id, candidate))
        if text is not None:
            return text
    return ""


def kept_consoles(directory: str, build_id: str) -> dict[str, str]:
    """Return the ends of the consoles that were kept, by their servers' roles.

    :raises: CommandError where one cannot be read
    """
    found = {}
    for role in _roles():
        text = _kept(console_file(directory, build_id, role), _LONGEST)
        if text is not None:
            found[role] = text
    return found


def _kept(path: Path, longest: int | None = None) -> str | None:
    """Return a console that was kept, or its last ``longest`` bytes; None without a file.

    :raises: CommandError where it cannot be read
    """
    try:
        with own_files.open_to_read(path) as file:
            if longest is not None:
                file.seek(max(0, file.seek(0, 2) - longest))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise exceptions.CommandError(
            f"cannot read {path}: {error.strerror}"
        ) from error


def kept_pictures(directory: str, build_id: str) -> list[tuple[str, bytes]]:
    """Return the pictures of screens that were kept, each with its server's role.

    That of an attempt which another one followed has its number behind it.
    """
    from osc_imagebuild.model.png import SIGNATURE
    from osc_imagebuild.reports.report import LONGEST_PICTURE
    from osc_imagebuild.steps.attempts import MOST

    found = []
    for role in _roles():
        for name in (*(f"{role}-{n}" for n in range(1, MOST)), role):
            path = console_file(directory, build_id, name).with_suffix(".png")
            try:
                with own_files.open_to_read(path) as file:
                    data = file.read(LONGEST_PICTURE + 1)
            except OSError:
                continue
            if data.startswith(SIGNATURE) and len(data) <= LONGEST_PICTURE:
                found.append((name, data))
    return found


def kept_screenshots(directory: str, build_id: str) -> list[PhaseScreen]:
    """Return the last screenshots of a failed build's phases that were kept."""
    from osc_imagebuild.model.manifest import (
        LONGEST_SCREENSHOT,
        MOST_SCREENSHOTS,
        PhaseScreen,
    )

    try:
        names = os.listdir(os.path.expanduser(directory))
    except OSError:
        return []
    found = []
    for name in names:
        match = _SCREENSHOT.fullmatch(name)
        if match is None or match["build"] != build_id:
            continue
        try:
            at = datetime.strptime(match["at"], _TIME).replace(tzinfo=timezone.utc)
            with own_files.open_to_read(Path(os.path.expanduser(directory), name)) as f:
                data = f.read(LONGEST_SCREENSHOT + 1)
        except (OSError, ValueError):
            continue
        phase = (match["phase"] or "").replace("-", " ").strip()
        found.append(PhaseScreen(match["role"], phase, at.timestamp(), data))
    return sorted(found, key=lambda shot: shot.at)[-MOST_SCREENSHOTS:]


def _screenshot_name(build_id: str, role: str, phase: str, at: float) -> str:
    """Return the name of the file that keeps a screenshot: when it was, and of what."""
    words = "-".join(re.findall(r"[a-z0-9.]+", phase.lower()))[:60]
    when = datetime.fromtimestamp(at, timezone.utc).strftime(_TIME)
    return f"imagebuild-{build_id}-{role}-{when}{'-' * bool(words)}{words}.png"


def _roles() -> tuple[str, ...]:
    """Return the roles of servers whose consoles may be kept."""
    from osc_imagebuild.model import boots
    from osc_imagebuild.model.names import Role, in_boot

    tests = (in_boot(Role.VERIFY, number) for number in range(1, boots.MOST + 2))
    return (Role.INSTALL, *tests)


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
        self._add(console_file(self._directory, build_id, role), window)

    def save(self, build_id: str, evidence: Evidence | None) -> list[str]:
        """Save what shows why a build failed; return the names of the files."""
        if evidence is None:
            return []
        role, saved = evidence.role, []
        if evidence.attempt:
            role = f"{role}-{evidence.attempt}"
        path = console_file(self._directory, build_id, role)
        if evidence.console and self._add(path, evidence.console):
            saved.append(path)
        if evidence.screenshot:
            saved += _saved(path.with_suffix(".png"), evidence.screenshot)
        for role, phase, at, png in evidence.screenshots:
            name = _screenshot_name(build_id, role, phase, at)
            saved += _saved(path.with_name(name), png)
        return [str(path) for path in saved]

    def _add(self, path: Path, window: str) -> bool:
        """Add what is new; return whether all of ``window`` is in the file now."""
        from osc_imagebuild.monitors.console.window import added

        if path not in self._seen:
            self._seen[path] = _end_of(path)
        text, self._seen[path] = added(self._seen[path], window), window
        return self._write(path, text) if text else True

    def _write(self, path: Path, text: str) -> bool:
        try:
            own_files.make_directory(path.parent)
            with own_files.open_to_append(path) as file:
                file.write(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            # A full disk here must not end a build there.
            _warn(path, error)
            return False
        return True


def _saved(path: Path, picture: bytes) -> list[Path]:
    """Write a picture into a new file; return its path, nothing where that fails."""
    try:
        file, path = own_files.create_beside(path)
        with file:
            file.write(picture)
    except OSError as error:
        _warn(path, error)
        return []
    return [path]


def _make(directory: str) -> None:
    """Make the directory before a build begins, so that what is wrong shows at once."""
    path = Path(os.path.expanduser(directory))
    try:
        own_files.make_directory(path)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise exceptions.CommandError(
            f"cannot write into {path}: {error.strerror}; choose another --log-dir"
        ) from error


def _end_of(path: Path) -> str:
    """Return what an earlier client wrote last, so that a resumed build doubles no line."""
    try:
        with own_files.open_to_read(path) as file:
            file.seek(max(0, file.seek(0, 2) - 128 * 1024))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _warn(path: Path, error: OSError) -> None:
    print(f"warning: cannot write {path}: {error.strerror}", file=sys.stderr)
