"""Read the data of an image from its begin to its end, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from osc_imagebuild.cloud.api import TRANSFER_TIMEOUT_S, Api
from osc_imagebuild.errors import CloudError, TransientError
from osc_imagebuild.media.answer import Answer

_PIECE = 1 << 20
# How often a stream that breaks off is taken up again, without a byte that comes.
_TRIES = 4


class Download:
    """A stream of an image's ``size`` bytes, which is taken up where it breaks off.

    Not every store gives parts of its images: then it begins anew, and what is there
    already is passed over.
    """

    def __init__(self, api: Api, image_id: str, size: int) -> None:
        self._api, self._image_id, self._size = api, image_id, size
        self._at = 0
        self._pieces: Iterator[bytes] = iter(())
        self._rest = b""
        self._is_open = False

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._at

    def seek(self, offset: int) -> int:
        """Go to the begin; nowhere else.

        :raises: ValueError
        """
        if offset:
            raise ValueError("a download can only be begun anew")
        self._at, self._rest, self._is_open = 0, b"", False
        return 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, b'' at the end.

        :raises: CloudError, TransientError where it breaks off again and again
        """
        if self._at >= self._size:
            return b""
        tries = 0
        while not self._rest:
            try:
                self._rest = self._next()
            except TransientError as error:
                self._is_open = False
                tries += 1
                if tries >= _TRIES:
                    raise TransientError(
                        f"the data of image {self._image_id} broke off at "
                        f"{self._at} of {self._size} bytes: {error.brief}",
                        service="image",
                    ) from error
                self._api.clock.sleep(2.0**tries)
        most = min(size, self._size - self._at)
        data, self._rest = self._rest[:most], self._rest[most:]
        self._at += len(data)
        return data

    def _next(self) -> bytes:
        if not self._is_open:
            self._pieces = self._open()
            self._is_open = True
        piece = next(self._pieces, b"")
        if not piece:
            raise TransientError("it ended", service="image")
        return piece

    def _open(self) -> Iterator[bytes]:
        """Ask for what is missing still."""
        path = f"/images/{self._image_id}/file"
        wanted = {"Range": f"bytes={self._at}-{self._size - 1}"} if self._at else {}
        try:
            answer = self._ask(path, wanted)
        except CloudError as error:
            # Source: glance.api.v2.image_data, StoreRandomGetNotSupported.
            if not wanted or error.status not in (400, 416):
                raise
            answer = self._ask(path, {})
        begins = answer.headers.get("Content-Range", "").startswith(
            f"bytes {self._at}-"
        )
        is_part = answer.status == 206 and begins
        return _without(answer.chunks(_PIECE), 0 if is_part else self._at)

    def _ask(self, path: str, headers: dict[str, str]) -> Answer:
        response = self._api.call(
            "image",
            "GET",
            path,
            headers=headers | {"Accept-Encoding": "identity"},
            stream=True,
            timeout=TRANSFER_TIMEOUT_S,
        )
        return Answer(f"image {self._image_id}", response)


def _without(pieces: Iterator[bytes], skipped: int) -> Iterator[bytes]:
    """Yield ``pieces`` without the first ``skipped`` bytes."""
    for piece in pieces:
        left = piece[skipped:]
        skipped = max(0, skipped - len(piece))
        if left:
            yield left
