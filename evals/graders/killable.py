"""Runs what somebody's pattern, path or schema may make endless where it can be killed.

Python's `re` backtracks without limit and holds the interpreter while it does, so neither a thread
nor a signal handler can stop it. One worker process is kept for all calls and replaced after a kill.
"""

from __future__ import annotations

import atexit
import re
import warnings
from pathlib import Path
from typing import Any, Literal

from evals.graders.process import WorkerProcess
from store.errors import InputError, MachineryError
from store.text import one_line

PATTERN_LIMIT = 2_000
"""Characters of one pattern."""
PATH_LIMIT = 1_000
"""Characters of one JSONPath."""
MOST_FOUND = 1_000
"""Values that a path, or hits that a pattern, may find."""
FuzzyMethod = Literal["ratio", "partial", "token_sort"]
_SLOW_LIMIT_S = 10.0


def check_pattern(pattern: str) -> None:
    """Raises InputError with the place and the trouble when `pattern` is no regular expression."""
    if len(pattern) > PATTERN_LIMIT:
        raise InputError(f"the pattern has {len(pattern):,} characters; at most {PATTERN_LIMIT:,} may be.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise InputError(
            f"{one_line(pattern, 80)!r} is not a regular expression: {one_line(str(error), 100)}"
        ) from None


def search(pattern: str, text: str, timeout_s: float = 1.0) -> bool:
    """Whether `pattern` is found in `text`.

    Raises InputError when the pattern does not compile, MachineryError when the search took longer
    than `timeout_s` or its process failed.
    """
    return bool(_of_pattern(pattern, text, timeout_s, "search")["found"])


def find_all(pattern: str, text: str, timeout_s: float = 1.0) -> tuple[str, ...]:
    """What the first group of `pattern` (the whole of it where it has none) matches in `text`, in order.

    At most MOST_FOUND + 1 of them. Raises as `search` does.
    """
    return tuple(str(one) for one in _of_pattern(pattern, text, timeout_s, "find_all")["found"])


def _of_pattern(pattern: str, text: str, timeout_s: float, ask: str) -> dict[str, Any]:
    if len(pattern) > PATTERN_LIMIT:
        check_pattern(pattern)
    try:
        answer = _worker.ask({"ask": ask, "pattern": pattern, "text": text, "most": MOST_FOUND}, timeout_s)
    except TimeoutError:
        raise MachineryError(
            f"the pattern {one_line(pattern, 80)!r} was stopped after {timeout_s:g} s; "
            "write it without nested repeats."
        ) from None
    if "bad" in answer:
        raise InputError(f"{one_line(pattern, 80)!r} cannot be searched for: {_words(answer['bad'])}.")
    return answer


def schema_violation(schema: dict[str, Any], value: Any, timeout_s: float = _SLOW_LIMIT_S) -> str | None:
    """What in `value` breaks the JSON Schema, as one sentence; None when it holds.

    Raises InputError when the schema cannot be used, MachineryError when it took longer than `timeout_s`.
    """
    try:
        answer = _worker.ask({"ask": "schema", "schema": schema, "value": value}, timeout_s)
    except TimeoutError:
        raise MachineryError(
            f"checking a JSON schema was stopped after {timeout_s:g} s; simplify its patterns."
        ) from None
    if "bad" in answer:
        raise InputError(f"the JSON schema cannot be used: {_words(answer['bad'])}.")
    return None if answer["violation"] is None else one_line(str(answer["violation"]), 200)


def at_path(path: str, value: Any, timeout_s: float = 2.0) -> list[Any]:
    """The values that the JSONPath (RFC 9535) finds in `value`, at most MOST_FOUND + 1.

    Raises InputError when the path cannot be used, MachineryError when it took longer than `timeout_s`.
    """
    try:
        answer = _worker.ask({"ask": "path", "path": path, "value": value, "most": MOST_FOUND}, timeout_s)
    except TimeoutError:
        raise MachineryError(
            f"the path {one_line(path, 80)!r} was stopped after {timeout_s:g} s; write a narrower one."
        ) from None
    if "bad" in answer:
        raise InputError(f"the path {one_line(path, 80)!r} cannot be used: {_words(answer['bad'])}.")
    found: list[Any] = answer["found"]
    return found


def likeness(method: FuzzyMethod, one: str, other: str, timeout_s: float = _SLOW_LIMIT_S) -> float:
    """How alike two texts are by rapidfuzz, 0 to 1. Raises MachineryError when it took too long."""
    try:
        answer = _worker.ask({"ask": "fuzzy", "method": method, "one": one, "other": other}, timeout_s)
    except TimeoutError:
        raise MachineryError(
            f"comparing two texts was stopped after {timeout_s:g} s; compare shorter ones."
        ) from None
    if "bad" in answer:
        raise MachineryError(f"two texts cannot be compared: {_words(answer['bad'])}.")
    return float(answer["ratio"])


def _words(text: Any) -> str:
    return one_line(str(text), 120).rstrip(".")


_worker = WorkerProcess(Path(__file__).with_name("worker.py"), "the process that runs patterns")
atexit.register(_worker.stop)
