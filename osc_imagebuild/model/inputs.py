"""What decided a result, as short digests of its parts. Standard library only.

They are kept in a property of the result, which is anybody's word: what is read there is
compared, and nothing else is done with it.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

# Of a sha256 or the like, in hexadecimal digits.
DIGITS = 16
# Source: glance.db.sqlalchemy.models.ImageProperty has a Text, but cinder's
# VolumeMetadata a String(255).
LONGEST = 255
_PART = re.compile(rf"([a-z]{{1,20}})=([0-9a-f]{{{DIGITS}}})")
# Both make the answer file: that one has changed too then needs no words.
_MAKE_ANSWERS = ("template", "catalogue")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Digests of what decides a result; each is '' where it is not known, or not there.

    ``answers`` is the answer file, ``media`` kernel and ramdisk or the ISO, ``mirror``
    the release file of the install tree, ``updates`` the indexes of the package
    repositories, ``template`` what is asked for, ``catalogue`` the entry as it is used,
    ``name`` how the result is called, ``parent`` the image that is changed.
    """

    answers: str = ""
    media: str = ""
    mirror: str = ""
    updates: str = ""
    template: str = ""
    catalogue: str = ""
    name: str = ""
    parent: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether there is all that is known without asking a web server."""
        return bool(self.answers and self.template and self.catalogue)

    def to_text(self) -> str:
        """Return the value of a property, such as 'answers=0123456789abcdef ...'."""
        parts = dataclasses.asdict(self)
        return " ".join(f"{name}={digest}" for name, digest in parts.items() if digest)


UNKNOWN = Inputs()
NAMES = tuple(field.name for field in dataclasses.fields(Inputs))


def from_text(text: object) -> Inputs:
    """Return what the value of a property says, as far as it is one of ours.

    Parts that only later versions know are left out, and so are those of which there
    are two.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        return UNKNOWN
    found = [match.groups() for word in text.split(" ") if (match := _part(word))]
    names = [name for name, _ in found]
    once = {name: digest for name, digest in found if names.count(name) == 1}
    return Inputs(**{name: once[name] for name in NAMES if name in once})


def _part(word: str) -> re.Match[str] | None:
    return _PART.fullmatch(word)


def changed(old: Inputs, new: Inputs) -> tuple[str, ...]:
    """Return the names of the parts that differ, in their order.

    A part that one of them lacks is not known, and does not count. The answer file is
    named only where neither the template nor the catalogue tells why it differs.
    """
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in NAMES]
    differing = [name for name, was, now in pairs if was and now and was != now]
    if any(name in differing for name in _MAKE_ANSWERS):
        differing = [name for name in differing if name != "answers"]
    return tuple(differing)
