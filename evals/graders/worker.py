"""The process that `killable` keeps: answers one question at a time over its pipes, until they close.

A question is four bytes of length and a JSON object whose `ask` says what it is about.
Run as a script; standard library only until the first question that needs more arrives.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import struct
import sys
import warnings
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO

MEMORY_LIMIT = 2 * 1024**3
"""Bytes of address space: a pattern may not take the machine with it."""


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """{found}, {violation}, {ratio} or, where what was asked cannot be used, {bad}."""
    try:
        match question["ask"]:
            case "search":
                return {"found": re.search(question["pattern"], question["text"]) is not None}
            case "find_all":
                return {"found": find_all(question["pattern"], question["text"], question["most"])}
            case "path":
                return {"found": at_path(question["path"], question["value"], question["most"])}
            case "fuzzy":
                return {"ratio": ratio(question["method"], question["one"], question["other"])}
            case _:
                return {"violation": violation(question["schema"], question["value"])}
    except Exception as error:  # whatever a stranger's schema sets off is told, not died of
        return {"bad": str(error).splitlines()[0][:300] if str(error) else type(error).__name__}


def find_all(pattern: str, text: str, most: int) -> list[str]:
    """The first group of each hit, or the whole hit where there is no group or it took no part."""
    hits = islice(re.finditer(pattern, text), most + 1)
    return [(hit[1] if hit.re.groups and hit[1] is not None else hit[0])[:500] for hit in hits]


def at_path(path: str, value: Any, most: int) -> list[Any]:
    """The values at `path`."""
    return [one.obj for one in islice(_compiled(path).finditer(value), most + 1)]


def ratio(method: str, one: str, other: str) -> float:
    """rapidfuzz's likeness, 0 to 1."""
    from rapidfuzz import fuzz

    ways = {"ratio": fuzz.ratio, "partial": fuzz.partial_ratio, "token_sort": fuzz.token_sort_ratio}
    return float(ways[method](one, other)) / 100


def violation(schema: dict[str, Any], value: Any) -> str | None:
    """The error of `value` that says most, with its place; None when the schema holds."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema.validators import validator_for
    from referencing import Registry

    # An empty registry: a $ref to an address is not fetched.
    validator = validator_for(schema, default=Draft202012Validator)(schema, registry=Registry())
    error = best_match(validator.iter_errors(value))
    return None if error is None else f"{error.json_path}: {error.message[:500]}"


@lru_cache(maxsize=256)
def _compiled(path: str) -> Any:
    import jsonpath

    return jsonpath.compile(path, strict=True)


def _send(out: BinaryIO, value: dict[str, Any]) -> None:
    data = json.dumps(value).encode()
    out.write(struct.pack(">I", len(data)) + data)
    out.flush()


def main() -> None:
    """Reads and answers until the pipe closes."""
    warnings.simplefilter("ignore")
    with contextlib.suppress(OSError, ValueError):  # where the limit is lower already, or there is none
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, resource.getrlimit(resource.RLIMIT_AS)[1]))
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    _send(answers, {"hello": True})
    while len(head := questions.read(4)) == 4:
        _send(answers, answer(json.loads(questions.read(struct.unpack(">I", head)[0]))))


if __name__ == "__main__":
    main()
