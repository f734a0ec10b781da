"""Write pictures of screens as PNG files, as they are, or small."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from osc_imagebuild.cloud.rfb import EXTRA
from osc_imagebuild.errors import ScreenError
from osc_imagebuild.model.manifest import LONGEST_SCREENSHOT
from osc_imagebuild.model.readings import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

# Width and height that a small picture fits into, and its colours: the first that is small
# enough as a file is taken. A text screen of 720 x 400 keeps its size.
_SMALL = ((800, 600, 32), (800, 600, 16), (640, 480, 16), (400, 300, 16), (160, 120, 8))


def png(picture: Picture) -> bytes:
    """Return a picture as a PNG file.

    :raises: ScreenError where the extra is not installed
    """
    return _file(_image(picture))


def small(picture: Picture) -> bytes:
    """Return a picture as a PNG file that may be kept: smaller, with few colours.

    :raises: ScreenError where the extra is not installed, or nothing makes it small enough
    """
    whole = _image(picture)
    for width, height, colours in _SMALL:
        fitting = whole.copy()
        # Dots are left out first, then what is left is averaged: cheap for large ones.
        fitting.thumbnail((width, height), reducing_gap=2.0)
        data = _file(fitting.quantize(colours))
        if len(data) <= LONGEST_SCREENSHOT:
            return data
    raise ScreenError(f"a screen of {picture.width} x {picture.height} stays too large")


def _image(picture: Picture) -> Image:
    try:
        from PIL import Image
    except ImportError as error:
        raise ScreenError(f"screenshots need Pillow: pip install '{EXTRA}'") from error
    return Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)


def _file(image: Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()
