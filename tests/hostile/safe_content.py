"""A lint over syntax trees: only safe content goes to a widget, only safe text to a terminal.

It knows no types. What it cannot see to be safe it reports, so a new way of making content is first
named here. A name is safe when everything that its function assigns to it is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MAKERS = frozenset({"literal", "flat", "paragraphs", "key_hints", "fitted"})
"""What console/widgets/content.py makes content with."""
CLEANERS = frozenset({"safe_text", "one_line", "json_safe"})
"""What store/text.py makes text safe with."""
_PRINTERS = frozenset({"print", "pprint", "input"})
_CLICK = frozenset({"echo", "secho", "echo_via_pager", "prompt", "confirm", "progressbar", "style"})
_STREAMS = frozenset({"stdout", "stderr", "__stdout__", "__stderr__"})
_MARKUP = frozenset({"from_markup", "from_ansi", "render_str", "from_text", "to_content"})
_WIDGETS = frozenset(
    {"Static", "Label", "Option", "Button", "Notice", "Checkbox", "Tab", "Collapsible", "Toast"}
)
_BANNED = frozenset({"Markdown", "RichLog", "Log", "Pretty", "DataTable", "Console", "Panel"})
"""They draw strings their own way: Lockgate has its own table and pane."""
_METHODS = frozenset({"update", "add_option", "add_options", "set_options"})
_ATTRIBUTES = frozenset(
    {"border_title", "border_subtitle", "tooltip", "sub_title", "label", "prompt", "content"}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where text could act."""

    where: str
    """The function, `Class.method`, or "" at the top."""
    line: int
    what: str


def faults(source: str, *, draws: bool) -> list[Fault]:
    """Everything in `source` that could let text act; `draws` is true of a module that makes widgets."""
    tree = ast.parse(source)
    found = [Fault(where, node.lineno, what) for where, node, what in _Walk(tree, draws).found()]
    return sorted(found, key=lambda one: one.line)


class _Walk:
    """One module."""

    def __init__(self, tree: ast.Module, draws: bool) -> None:
        self._tree = tree
        self._draws = draws

    def found(self) -> Iterator[tuple[str, ast.expr | ast.stmt, str]]:
        """(function, node, what is wrong)."""
        for where, scope in _scopes(self._tree):
            for node in _own(scope):
                if isinstance(node, ast.Call):
                    yield from ((where, node, what) for what in self._call(node, scope))
                elif self._draws and isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                    yield from ((where, node, what) for what in _assigned(node, scope))

    def _call(self, call: ast.Call, scope: ast.AST) -> Iterator[str]:
        name, of = _called(call)
        if name in _MARKUP and of:
            yield f"{of}.{name}() reads markup or escapes in text"
        if any(one.arg == "markup" and not _is(one.value, False) for one in call.keywords):
            yield "markup= is anything but False"
        if (name in _PRINTERS and not of) or (of == "click" and name in _CLICK):
            yield from (
                f"{name}() prints what was not made safe" for one in call.args if not _clean(one, scope)
            )
            yield f"{name}() prints"
        if (name in {"write", "writelines"} and of.rpartition(".")[2] in _STREAMS | {"buffer"}) or (
            name == "write" and of == "os"
        ):
            yield f"{of}.{name}() prints"
        if self._draws:
            yield from self._drawn(call, name, of, scope)

    def _drawn(self, call: ast.Call, name: str, of: str, scope: ast.AST) -> Iterator[str]:
        if name in _BANNED:
            yield f"{name}() draws strings its own way"
        if name == "notify" and of:
            if not any(one.arg == "markup" for one in call.keywords):
                yield "notify() without markup=False"
            told = [*call.args, *(one.value for one in call.keywords if one.arg in {"message", "title"})]
            yield from ("notify() shows what was not made safe" for one in told if not _clean(one, scope))
        shown = [
            *call.args[:1],
            *(one.value for one in call.keywords if one.arg in {"content", "prompt", "label"}),
        ]
        if name in _WIDGETS or (name in _METHODS and of and not _is_mapping(of)):
            yield from (f"{name}() is given no safe content" for one in shown if not _content(one, scope))
        if name in {"Content", "Text", "Segment"} and not of:
            yield from (f"{name}() of text that was not made safe" for one in shown if not _clean(one, scope))


def _assigned(node: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: ast.AST) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if node.value is None or _content(node.value, scope):
        return
    for target in targets:
        if isinstance(target, ast.Attribute) and target.attr in _ATTRIBUTES:
            yield f".{target.attr} is set to no safe content"


def _content(node: ast.expr, scope: ast.AST) -> bool:
    """True of what is visibly made by the content functions, or is a constant without markup."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str) or "[" not in node.value
    if isinstance(node, ast.IfExp):
        return _content(node.body, scope) and _content(node.orelse, scope)
    if isinstance(node, ast.Call):
        name, of = _called(node)
        return (name in MAKERS and not of) or (of == "self" and _makes_content(name, scope))
    return isinstance(node, ast.Name) and _always(node.id, scope, _content)


def _clean(node: ast.expr, scope: ast.AST) -> bool:
    """True of text that visibly holds nothing that acts: constants, numbers and what a cleaner returned."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.JoinedStr):
        return all(
            _clean(one.value if isinstance(one, ast.FormattedValue) else one, scope) for one in node.values
        )
    if isinstance(node, ast.FormattedValue):
        return _clean(node.value, scope)
    if isinstance(node, ast.IfExp):
        return _clean(node.body, scope) and _clean(node.orelse, scope)
    if isinstance(node, ast.BinOp):
        return _clean(node.left, scope) and (_clean(node.right, scope) or isinstance(node.op, ast.Mult))
    if isinstance(node, ast.Call):
        name, of = _called(node)
        if not of:
            return name in CLEANERS or name in {"len", "round", "int", "float"}
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        return (
            inner is not None and name in {"expandtabs", "rstrip", "strip", "ljust"} and _clean(inner, scope)
        )
    return isinstance(node, ast.Name) and _always(node.id, scope, _clean)


def _always(name: str, scope: ast.AST, holds: Callable[[ast.expr, ast.AST], bool]) -> bool:
    """True when `name` gets its value in `scope`, by assignments only, and each of them `holds`."""
    given = [
        node.value
        for node in _own(scope)
        if isinstance(node, ast.Assign)
        and any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
    ]
    stored = sum(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
        for node in _own(scope)
    )
    return bool(given) and stored == len(given) and all(holds(one, scope) for one in given)


def _makes_content(name: str, scope: ast.AST) -> bool:
    """True of a method beside `scope` that says it returns Content."""
    home = getattr(scope, "home", None)
    return isinstance(home, ast.ClassDef) and any(
        isinstance(one, ast.FunctionDef)
        and one.name == name
        and one.returns is not None
        and ast.unparse(one.returns) in {"Content", "Prose"}
        for one in home.body
    )


def _scopes(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The module and every function in it, each with its name and, as `home`, its class."""
    yield "", tree
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, parent = waiting.pop()
        for node in ast.iter_child_nodes(parent):
            name = prefix
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}.{node.name}".lstrip(".")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                node.home = parent  # type: ignore[union-attr]
                yield name, node
            waiting.append((name, node))


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of `scope` that are not in a function inside it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _called(call: ast.Call) -> tuple[str, str]:
    """("echo", "click") of `click.echo()`; ("print", "") of `print()`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr, ast.unparse(call.func.value)
    return (call.func.id, "") if isinstance(call.func, ast.Name) else ("", "")


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _is_mapping(of: str) -> bool:
    """`self._kept.update(…)`: of names without a widget's query, only private fields are dicts here."""
    return "query" not in of and of.rpartition(".")[2].startswith("_") and of != "self"
