"""What graders of JSON take for the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from store.bounded import parse_json

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL | re.IGNORECASE)


def json_answer(text: str) -> Any:
    """The JSON value that `text` is, or that its one fenced block is. Raises InputError."""
    blocks = _FENCED.findall(text)
    chosen = blocks[0] if len(blocks) == 1 else text
    return parse_json(chosen.encode(errors="replace"), "the answer")


def is_deep(value: Any, limit: int) -> bool:
    """Whether lists and objects in `value` are nested more than `limit` times."""
    level = [value]
    for _ in range(limit + 1):
        level = [one for outer in level for one in _held(outer) if isinstance(one, dict | list)]
        if not level:
            return False
    return True


def _held(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
