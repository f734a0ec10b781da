"""Read whole numbers from texts that others wrote. Pure."""

from __future__ import annotations


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
