"""Parse XML into a tree that knows its line numbers. Pure.

Nothing outside the file is read, and no entity of its own is expanded: expat tells of a
declaration before it is used, and the file is given up there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from osc_imagebuild.guests.answer_lint.reading import Reading

_DEEP = 100


class BadMarkup(Exception):
    """Not well formed, or not to be read; the line is its second argument."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text, line)
        self.text = text
        self.line = line


@dataclass
class Node:
    """An element. ``space`` is its namespace, ``text`` all text directly in it."""

    name: str
    space: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    # Where the first of the text stands that is no blank.
    text_line: int = 0
    children: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator[Node]:
        """Yield this and everything below it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, *path: str) -> Node | None:
        """The first element at a path of names below this one."""
        node = self
        for name in path:
            child = next((c for c in node.children if c.name == name), None)
            if child is None:
                return None
            node = child
        return node

    def value(self, *path: str) -> str:
        """The text at a path, '' where there is none."""
        node = self.find(*path)
        return node.text.strip() if node else ""


def parse(text: str) -> Node:
    """Return the root element.

    :raises: BadMarkup
    """
    return _Builder().parse(text)


class _Builder:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
        self.parser.buffer_text = False
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity
        self.open: list[Node] = []
        self.root: Node | None = None

    def parse(self, text: str) -> Node:
        try:
            # A byte order mark is for the parser of bytes; here there are none left.
            self.parser.Parse(text.removeprefix("\ufeff").encode(), True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise BadMarkup(
                f"not well-formed XML: {what}: line {error.lineno}, column {error.offset}",
                error.lineno,
            ) from error
        except ValueError as error:  # half of a surrogate pair
            raise BadMarkup(f"not well-formed XML: {error}", 0) from error
        if self.root is None:  # pragma: no cover - expat refuses a file without one
            raise BadMarkup("not well-formed XML: no element found", 0)
        return self.root

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        line = self.parser.CurrentLineNumber
        bare = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        node = Node(name, space, line, bare)
        if len(self.open) >= _DEEP:
            raise BadMarkup(f"more than {_DEEP} elements inside each other", line)
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node
        self.open.append(node)

    def _end(self, tag: str) -> None:
        self.open.pop()

    def _text(self, text: str) -> None:
        node = self.open[-1]
        if not node.text_line and text.strip():
            node.text_line = self.parser.CurrentLineNumber
            node.text = ""
        node.text += text

    def _entity(self, name: str, *rest: object) -> None:
        raise BadMarkup(
            f"an entity is declared ({name:.40}), which is not followed here: write out "
            "what it stands for",
            self.parser.CurrentLineNumber,
        )


def root_of(text: str, reading: Reading) -> Node | None:
    """Return the first element of ``text``; None where ``reading`` says why not."""
    try:
        return parse(text)
    except BadMarkup as error:
        reading.unread = f"line {error.line}: {error.text}"
        return None
