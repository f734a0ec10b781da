"""Parse whole numbers in untrusted texts, within bounds. Pure."""

from __future__ import annotations

# No machine that an image is built on has more: 64 TiB of disk, 16 TiB of RAM, a day.
MOST_GIB = 65_536
MOST_MIB = 16_777_216
MOST_SWAP_MIB = 1_048_576
MOST_MINUTES = 1440


def whole_number(text: object, least: int, most: int) -> int | None:
    """Return the whole number in ``text``, None unless it is ``least`` to ``most``.

    Only ASCII digits count: str.isdigit also takes '²', which int refuses, and Python
    refuses to convert more than 4300 digits.
    """
    digits = str(text)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
        return None
    number = int(digits)
    return number if least <= number <= most else None
