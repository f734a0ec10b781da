"""Read the files, secrets and downloads that a template names.

Its author may be anybody, and its reader may read more than that author: see `Reader`.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from osc_imagebuild.errors import SpecError, TransientError, unread
from osc_imagebuild.guests import passwords
from osc_imagebuild.media import http, local_files, web_policy
from osc_imagebuild.media.door import Door
from osc_imagebuild.template.document import Place

LOG = logging.getLogger(__name__)

# All that a guest is told must fit into 64 KiB of user data.
SIZE_LIMIT = 1 << 20
# Of a secret, or a key.
KEY_LIMIT = 1 << 16
# Of a template with all that it names.
TOTAL_LIMIT = 16 << 20
# Stands for a secret or a download where nothing but the form is checked.
PLACEHOLDER = "placeholder"
# Source: openstackclient's options, each of which has such a variable.
CLIENTS_OWN = "OS_"


class Reader:
    """Reads what ``extends``, ``{file: ...}``, ``{env: ...}`` and ``url`` stand for.

    Files are read below the directory of the ``template`` that the user named, and below
    what he allows beside it. An environment variable is read where a template in that
    directory names it, and never one by which the client itself logs in. With
    ``check_only`` neither secrets nor the network are needed; ``door`` leads to web
    servers, by default as for URLs that the user named.

    :raises: SpecError where there is nothing at an allowed path
    """

    def __init__(
        self,
        template: str,
        allow: Iterable[str] = (),
        *,
        check_only: bool = False,
        door: Door | None = None,
    ) -> None:
        self.door = door
        self.check_only = check_only
        own = os.path.dirname(os.path.expanduser(template)) or "."
        allowed = [os.path.expanduser(path) for path in allow]
        for path in allowed:
            # '' would be the current directory.
            if not path or not os.path.exists(path):
                raise SpecError(f"--allow-path {path!r}: there is no such directory")
        # A template in / would have the whole machine for its own.
        owned = [] if os.path.realpath(own) == os.sep else [own]
        self._own = local_files.fence(*owned)
        self._fence = local_files.fence(*owned, *allowed)
        self._unspent = TOTAL_LIMIT

    def is_own(self, file: str | Path) -> bool:
        """Whether a file is below the template's directory, links followed."""
        try:
            self._own.real(file)
        except ValueError:
            return False
        return True

    def template(self, path: Path, place: Place | None = None) -> str:
        """Return the text of a template, which another extends at ``place``.

        :raises: SpecError
        """
        origin = f", which {place.file} extends" if place else ""
        try:
            fence = self._fence if place else None
            # A mark of the byte order is what some editors begin a file with.
            return self._read(path, SIZE_LIMIT, fence).data.decode("utf-8-sig")
        except local_files.OutsideError as error:
            assert place, "what the user names may be anywhere"
            raise self._outside(path, place, error) from error
        except (OSError, ValueError) as error:
            raise SpecError(
                f"cannot read template {path}{origin}: {unread(error)}"
            ) from error

    def text(self, path: str, place: Place, limit: int = SIZE_LIMIT) -> str:
        """Return a file's text; a relative path begins at the template.

        :raises: SpecError
        """
        return self._text(self._file(path, place, limit).data, path, place)

    def data(self, path: str, place: Place) -> bytes:
        """Return a file's bytes.

        :raises: SpecError
        """
        return self._file(path, place, SIZE_LIMIT).data

    def secret_file(self, path: str, place: Place) -> str:
        """Return the secret in a file, without its last line's end.

        :raises: SpecError
        """
        if self.check_only:
            self._real(path, resolved(path, place), place)
            return PLACEHOLDER
        file = self._file(path, place, KEY_LIMIT)
        secret = self._text(file.data, path, place).rstrip("\r\n")
        if not secret:
            raise SpecError(f"{place}: {path} is empty")
        if warning := passwords.exposed(str(resolved(path, place)), file.mode):
            LOG.warning("%s", warning)
        return secret

    def secret_variable(self, name: str, place: Place) -> str:
        """Return the secret in an environment variable.

        :raises: SpecError
        """
        if name.upper().startswith(CLIENTS_OWN):
            raise SpecError(
                f"{place}: {name} is the client's own variable, which no template reads; "
                "give the password another one"
            )
        if not self.is_own(place.file):
            raise SpecError(
                f"{place}: only templates in the directory of the one that you name read "
                f"the environment; write {{env: {name}}} in yours"
            )
        if self.check_only:
            return PLACEHOLDER
        value = os.environ.get(name)
        if not value:
            raise SpecError(f"{place}: the environment variable {name} is not set")
        return value

    def media(self, name: str, place: Place) -> str:
        """Return where an ISO is: a URL, the name of an image, or the path of a file here.

        A path is the template's as all others. What is a file only as seen from the
        current directory would be taken by planning, and so must be allowed too.

        :raises: SpecError
        """
        if "://" in name:
            return name
        beside = self._real(name, resolved(name, place), place)
        if os.path.isfile(beside):
            return str(beside)
        here = Path(os.path.expanduser(name))
        return str(self._real(name, here, place)) if os.path.isfile(here) else name

    def directory(self, path: str, place: Place) -> Path:
        """Return where a directory is, without links.

        :raises: SpecError
        """
        real = self._real(path, resolved(path, place), place)
        if not real.is_dir():
            raise SpecError(f"{place}: there is no directory {path}")
        return real

    def found(
        self, path: Path, limit: int, fence: local_files.Fence
    ) -> local_files.Found:
        """Return a file of a directory, which may lead nowhere out of ``fence``.

        :raises: OSError, ValueError
        """
        return self._read(path, limit, fence)

    def tree(self, path: str, place: Place) -> str:
        """Return the real path of a file or directory, of which nothing is read here.

        :raises: SpecError
        """
        real = self._real(path, resolved(path, place), place)
        if not os.path.exists(real):
            raise SpecError(f"{place}: there is no {path}")
        return str(real)

    def _file(self, path: str, place: Place, limit: int) -> local_files.Found:
        try:
            return self._read(resolved(path, place), limit, self._fence)
        except local_files.OutsideError as error:
            raise self._outside(path, place, error) from error
        except (OSError, ValueError) as error:
            raise SpecError(f"{place}: cannot read {path}: {unread(error)}") from error

    def _read(
        self, path: Path, limit: int, fence: local_files.Fence | None
    ) -> local_files.Found:
        file = local_files.read(path, limit, fence)
        self._count(len(file.data))
        return file

    def _real(self, path: str, seen: Path, place: Place) -> Path:
        try:
            return self._fence.real(seen)
        except local_files.OutsideError as error:
            raise self._outside(path, place, error) from error
        except (OSError, ValueError) as error:
            raise SpecError(f"{place}: cannot read {path}: {unread(error)}") from error

    def _outside(
        self, path: str | Path, place: Place, error: local_files.OutsideError
    ) -> SpecError:
        directory = shlex.quote(str(error.real.parent))
        return SpecError(
            f"{place}: {path} is outside of the template's directory; if you trust "
            f"who wrote it, allow that with: --allow-path {directory}"
        )

    @staticmethod
    def _text(data: bytes, path: str, place: Place) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise SpecError(f"{place}: cannot read {path}: {unread(error)}") from error

    def _count(self, size: int) -> None:
        """Take ``size`` off the bytes that may still be read.

        :raises: ValueError where that is too much
        """
        self._unspent -= size
        if self._unspent < 0:
            raise ValueError(
                f"a template and all that it names may have {TOTAL_LIMIT} bytes together"
            )

    def download(self, url: str, place: Place) -> bytes:
        """Return what an http(s) URL holds.

        :raises: SpecError
        """
        if self.check_only:
            return PLACEHOLDER.encode()
        try:
            door = self.door or Door(web_policy.from_environment()).typed()
            data = http.fetch(url, SIZE_LIMIT, door)
            self._count(len(data))
            return data
        except (SpecError, TransientError) as error:
            raise SpecError(f"{place}: cannot fetch {url}: {error}") from error


def resolved(path: str, place: Place) -> Path:
    """Return ``path`` as seen from the file in which it stands."""
    # Unlike Path's own, this leaves a user that nobody knows as it is.
    return Path(place.file).parent / os.path.expanduser(path)


@contextmanager
def unquoted(files: Collection[str]) -> Iterator[None]:
    """Report errors in ``files`` by place, without quoting what is in them.

    :raises: SpecError where one was raised inside
    """
    try:
        yield
    except SpecError as error:
        raise SpecError(
            [_place_alone(line, files) for line in error.problems]
        ) from error


def _place_alone(problem: str, files: Collection[str]) -> str:
    for file in files:
        if place := re.match(rf"{re.escape(file)}:\d+: ", problem):
            return (
                f"{place.group()}wrong here; this file is outside of the template's "
                "directory and is not quoted: name itself to see what is wrong"
            )
    return problem
