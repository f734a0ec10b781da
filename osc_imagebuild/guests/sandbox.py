"""Jinja2's sandbox with a bound on work, for templates that others wrote.

Jinja2 keeps a template from this machine, but not from its memory and its time: of
``'a' * 10**10`` and of loops in loops. Here all that makes something of values pays for
it by the size of what it may make, out of what one rendering has. It is counted, not
timed, so a template that works here works on a slower machine.
"""

from __future__ import annotations

import functools
import re
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    ValuesView,
)
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any

from jinja2 import Environment, Template, TemplateRuntimeError, nodes, pass_context
from jinja2.runtime import Context, Macro, markup_join, str_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

# Characters that one rendering may make on its way; ours make a fiftieth at most.
WORK = 1 << 27
# What each call and each turn of a loop costs beside that.
STEP = 1000
# A number alone, in characters.
_NUMBER = 20
# These may make the product of the sizes of what they are given; others their sum.
_PRODUCTS = frozenset(
    "batch center format indent join prefixed replace slice tojson wordwrap".split()
)
# A width in a format, such as {:99999} or %99999d; that of %*d is anybody's guess.
_WIDTH = re.compile(r"\d{5}|[%.][-#0 +\d]*\*")

# What Jinja2 hands to some filters by itself.
_PASSED = (Context, nodes.EvalContext, Environment)

_work_left: ContextVar[int] = ContextVar("work_left", default=WORK)


class TooMuchWork(TemplateRuntimeError):
    """A template makes more than anybody needs."""

    def __init__(self) -> None:
        super().__init__(f"it makes more than {WORK} characters on its way")


@contextmanager
def rendering() -> Iterator[None]:
    """Give one rendering its whole bound."""
    token = _work_left.set(WORK)
    try:
        yield
    finally:
        _work_left.reset(token)


def pay(size: int) -> None:
    """Take ``size`` from what the rendering has.

    :raises: TooMuchWork where it has no more
    """
    remaining = _work_left.get() - size
    if remaining < 0:
        raise TooMuchWork
    _work_left.set(remaining)


def weight(value: object) -> int:
    """Return the characters in ``value``, roughly, with all that is in it.

    :raises: TooMuchWork where it is so large that counting takes too long
    """
    total, todo = 0, [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str | bytes):
            total += len(item)
        elif isinstance(item, Mapping):
            todo += (*item.keys(), *item.values())
        elif isinstance(item, list | tuple | set | frozenset):
            todo += item
        elif isinstance(item, range):
            total += len(item) * _NUMBER
        elif isinstance(item, int):
            total += item.bit_length() // 3
        elif isinstance(item, KeysView | ValuesView | ItemsView):
            todo += item
        # An item costs as much as a hundred characters, to look at.
        total += 1 if item is value else 100
        if total + len(todo) * 100 > WORK:
            raise TooMuchWork
    return total


def _product(values: Iterable[object]) -> int:
    """Return how much comes of repeating one of ``values`` as often as another says."""
    return prod(
        max(1, abs(v)) if isinstance(v, int) else max(1, weight(v)) for v in values
    )


def _of_format(text: object) -> int:
    """Return how much a format may make by its widths alone."""
    if not isinstance(text, str):
        return 0
    if _WIDTH.search(text):
        raise TooMuchWork
    return len(text) * 5000


def _paid(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a filter pay for its arguments; what it makes bit by bit is made at once."""

    @functools.wraps(function)
    def paying(*given: Any, **named: Any) -> Any:
        values = [v for v in (*given, *named.values()) if not isinstance(v, _PASSED)]
        if name == "format":
            pay(_of_format(values[0]))
        pay(
            STEP + (_product(values) if name in _PRODUCTS else sum(map(weight, values)))
        )
        result = function(*given, **named)
        return list(_stepped(result)) if isinstance(result, Iterator) else result

    return paying


def _stepped(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        pay(STEP)
        yield item


@pass_context
def _loop(context: Context, items: Any) -> Any:
    """What a loop goes over, each turn paid for."""
    return _stepped(items)


@pass_context
def _text(context: Context, value: Any) -> Any:
    """What is put out, paid for."""
    pay(weight(value))
    return value


@pass_context
def _joined(context: Context, *values: Any) -> str:
    """What ``~`` makes."""
    pay(sum(map(weight, values)))
    return (markup_join if context.eval_ctx.autoescape else str_join)(values)


class _Bounding(NodeTransformer):
    """Puts these into the tree of a template, where Jinja2 itself asks nobody."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _filter("imagebuild_loop", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filter("imagebuild_joined", *node.nodes)

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [_filter("imagebuild_text", _plain(part)) for part in node.nodes]
        return node


def _plain(part: nodes.Node) -> nodes.Node:
    """A template's own text, which is never escaped, as a constant."""
    if isinstance(part, nodes.TemplateData):
        return nodes.MarkSafeIfAutoescape(nodes.Const(part.data))
    return part


def _filter(name: str, first: nodes.Node, *more: nodes.Node) -> nodes.Expr:
    made = nodes.Filter(first, name, [*more], [], None, None)
    made.set_lineno(first.lineno)
    return made


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox in which a rendering has a bound on its work."""

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(
        self, *, filters: Mapping[str, Callable[..., Any]], **options: Any
    ) -> None:
        super().__init__(**options)
        given = {**self.filters, **filters}
        self.filters = {name: _paid(name, function) for name, function in given.items()}
        self.filters |= {
            "imagebuild_loop": _loop,
            "imagebuild_text": _text,
            "imagebuild_joined": _joined,
        }
        del self.globals["lipsum"]

    def compile(self, source: Any, *given: Any, **named: Any) -> Any:
        """Compile a template with the bounds put into it."""
        if isinstance(source, str):
            source = self.parse(source, *given[:2], **_names(named))
            source = _Bounding().visit(source)
            source.set_environment(self)
        return super().compile(source, *given, **named)

    def get_template(self, *given: Any, **named: Any) -> Template:
        """Get a template, which may be one that includes another."""
        pay(STEP)
        return super().get_template(*given, **named)

    def select_template(self, *given: Any, **named: Any) -> Template:
        """Get the first of several that is there."""
        pay(STEP)
        return super().select_template(*given, **named)

    def call(
        self, context: Context, function: Any, /, *given: Any, **named: Any
    ) -> Any:
        """Call what a template calls: a method, a macro, a global."""
        # Jinja2 adds the variables of the loop or block it is in.
        own = {k: v for k, v in named.items() if k not in ("_loop_vars", "_block_vars")}
        values = [*given, *own.values()]
        # The sandbox wraps the methods that format.
        owner = getattr(getattr(function, "__wrapped__", function), "__self__", None)
        if isinstance(owner, str | bytes):
            pay(_of_format(owner) if "format" in function.__name__ else 0)
            pay(STEP + _product([owner, *values]))
        elif not isinstance(function, Macro):
            pay(STEP + sum(map(weight, [owner, *values])))
        else:
            pay(STEP)
        return super().call(context, function, *given, **named)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Do what an operator does."""
        if operator == "%":
            pay(_of_format(left))
        numbers = isinstance(left, int) and isinstance(right, int)
        if operator == "**" and numbers:
            pay(STEP + weight(left) * abs(right))
        elif operator == "*" and not numbers:
            pay(STEP + _product((left, right)))
        else:
            pay(STEP + weight(left) + weight(right))
        return super().call_binop(context, operator, left, right)


def _names(named: Mapping[str, Any]) -> dict[str, Any]:
    return {key: named[key] for key in ("name", "filename") if key in named}
