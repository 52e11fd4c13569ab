"""The process that `killable` keeps: answers one question at a time over its pipes, until they close.

A question is four bytes of length and a JSON object: {pattern, text} or {schema, value}.
Run as a script; standard library only until the first schema arrives.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import struct
import sys
import warnings
from typing import Any, BinaryIO

MEMORY_LIMIT = 2 * 1024**3
"""Bytes of address space: a pattern may not take the machine with it."""


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """{found}, {violation} or, where pattern or schema cannot be used, {bad}."""
    try:
        if "pattern" in question:
            return {"found": re.search(question["pattern"], question["text"]) is not None}
        return {"violation": violation(question["schema"], question["value"])}
    except Exception as error:  # whatever a stranger's schema sets off is told, not died of
        return {"bad": str(error).splitlines()[0][:300] if str(error) else type(error).__name__}


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
