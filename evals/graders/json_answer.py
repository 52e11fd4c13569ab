"""What graders of JSON take for the answer."""

from __future__ import annotations

import re
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
        inside: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inside += one.values()
            elif isinstance(one, list):
                inside += one
        if not inside:
            return False
        level = inside
    return True
