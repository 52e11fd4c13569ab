"""YAML and JSON with line numbers, bounded: no tags, no key twice, no more nodes than a person writes."""

from __future__ import annotations

import re
from typing import Any

from store.bounded import JSON_LIMIT, decode_text
from store.errors import InputError
from store.text import one_line

_NODES = 200_000
"""Values in one file, those behind aliases counted as often as they are used."""
_DEPTH = 60
_QUOTED = ("'", '"', "|", ">")
_NULLS = ("", "~", "null", "Null", "NULL")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")


class Table(dict[str, Any]):
    """A mapping that knows where it was written."""

    line: int = 0
    lines: dict[str, int]
    """By key: the line of its value."""

    def at(self, key: str) -> int:
        """The line of `key`, or else of the mapping."""
        return self.lines.get(key, self.line)


class Row(list[Any]):
    """A list that knows where it was written."""

    line: int = 0
    lines: list[int]
    """Of each value."""

    def at(self, index: int) -> int:
        """The line of one value."""
        return self.lines[index]


def parse_yaml(data: bytes, where: str, limit: int = JSON_LIMIT) -> Any:
    """The one document in `data`: Table, Row, str, int, float, bool or None.

    Raises InputError naming `where` and the line.
    """
    import yaml

    text = decode_text(data, where, limit)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        said = one_line(str(error.problem or error.context), 160)
        raise InputError(f"{where}, line {line}: it is not valid YAML: {said}.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{where} is not valid YAML: {one_line(str(error), 160)}.") from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply to be read.") from None
    return None if node is None else _Reader(where).value(node, 0)


class _Reader:
    def __init__(self, where: str) -> None:
        self._where, self._count = where, 0

    def value(self, node: Any, depth: int) -> Any:
        self._count += 1
        line = node.start_mark.line + 1
        if self._count > _NODES or depth > _DEPTH:
            raise InputError(
                f"{self._where}, line {line}: there are too many values, or too deep, to be read."
            )
        if node.id == "mapping":
            return self._table(node, line, depth)
        if node.id == "sequence":
            row = Row(self.value(one, depth + 1) for one in node.value)
            row.line, row.lines = line, [one.start_mark.line + 1 for one in node.value]
            return row
        return self._scalar(node, line)

    def _table(self, node: Any, line: int, depth: int) -> Table:
        table, merged = Table(), Table()
        table.line, table.lines = line, {}
        for key_node, value_node in node.value:
            at = key_node.start_mark.line + 1
            if key_node.id != "scalar":
                raise InputError(f"{self._where}, line {at}: a key is no text.")
            key, value = str(key_node.value), self.value(value_node, depth + 1)
            if key_node.tag == "tag:yaml.org,2002:merge":
                for one in value if isinstance(value, Row) else (value,):
                    merged = Table({**(one if isinstance(one, Table) else {}), **merged})
                continue
            if key in table:
                raise InputError(f"{self._where}, line {at}: the key {one_line(key, 60)!r} is given twice.")
            table[key] = value
            table.lines[key] = at
        for key, value in merged.items():
            table.setdefault(key, value)
        return table

    def _scalar(self, node: Any, line: int) -> Any:
        """As YAML 1.2 has it: `yes`, `on`, `12:30` and dates are text."""
        text = str(node.value)
        if node.style in _QUOTED or node.tag == "tag:yaml.org,2002:str":
            return text
        if text in _NULLS:
            return None
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            if _INTEGER.fullmatch(text):
                return int(text)
            if _FLOAT.fullmatch(text):
                return float(text)
        except ValueError:
            raise InputError(f"{self._where}, line {line}: {one_line(text, 60)!r} cannot be read.") from None
        return text
