"""Read the files, secrets and downloads that a template names."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from osc_imagebuild.errors import SpecError, TransientError, unread
from osc_imagebuild.guests import passwords
from osc_imagebuild.media import http
from osc_imagebuild.media.door import TYPED, Door
from osc_imagebuild.template.document import Place

LOG = logging.getLogger(__name__)

# All that a guest is told must fit into 64 KiB of user data.
SIZE_LIMIT = 1 << 20
# Stands for a secret or a download where nothing but the form is checked.
PLACEHOLDER = "placeholder"


@dataclass(frozen=True)
class Reader:
    """Reads what ``{file: ...}``, ``{env: ...}`` and ``url`` stand for.

    With ``check_only`` neither secrets nor the network are needed; ``door`` leads to web
    servers.
    """

    check_only: bool = False
    door: Door = TYPED

    def text(self, path: str, place: Place) -> str:
        """Return a file's text; a relative path begins at the template.

        :raises: SpecError
        """
        try:
            return self.data(path, place).decode()
        except UnicodeDecodeError as error:
            raise SpecError(f"{place}: cannot read {path}: {unread(error)}") from error

    def data(self, path: str, place: Place) -> bytes:
        """Return a file's bytes.

        :raises: SpecError
        """
        try:
            with open(resolved(path, place), "rb") as file:
                found = file.read(SIZE_LIMIT + 1)
        except (OSError, ValueError) as error:
            raise SpecError(f"{place}: cannot read {path}: {unread(error)}") from error
        if len(found) > SIZE_LIMIT:
            raise SpecError(f"{place}: {path} is larger than {SIZE_LIMIT} bytes")
        return found

    def secret_file(self, path: str, place: Place) -> str:
        """Return the secret in a file, without its last line's end.

        :raises: SpecError
        """
        if self.check_only:
            return PLACEHOLDER
        found = self.text(path, place).rstrip("\r\n")
        if not found:
            raise SpecError(f"{place}: {path} is empty")
        file = resolved(path, place)
        if warning := passwords.exposed(str(file), file.stat().st_mode):
            LOG.warning("%s", warning)
        return found

    def secret_variable(self, name: str, place: Place) -> str:
        """Return the secret in an environment variable.

        :raises: SpecError
        """
        if self.check_only:
            return PLACEHOLDER
        found = os.environ.get(name)
        if not found:
            raise SpecError(f"{place}: the environment variable {name} is not set")
        return found

    def download(self, url: str, place: Place) -> bytes:
        """Return what an http(s) URL holds.

        :raises: SpecError
        """
        if self.check_only:
            return PLACEHOLDER.encode()
        try:
            return http.fetch(url, SIZE_LIMIT, self.door)
        except (SpecError, TransientError) as error:
            raise SpecError(f"{place}: cannot fetch {url}: {error}") from error


def resolved(path: str, place: Place) -> Path:
    """Return ``path`` as seen from the file in which it stands."""
    # Unlike Path's own, this leaves a user that nobody knows as it is.
    return Path(place.file).parent / os.path.expanduser(path)
