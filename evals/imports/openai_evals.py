"""OpenAI-evals data sets: JSON lines of `input` and `ideal` (github.com/openai/evals, docs/build-eval.md)."""

from __future__ import annotations

from typing import Any

from evals.imports.found import Draft, Found, Match, expected
from store.bounded import parse_jsonl
from store.text import one_line

_ROLES = ("system", "user", "assistant")


def read_openai_evals(data: bytes, name: str, match: Match) -> Found:
    """Every line as a case. Raises InputError naming file and line."""
    found = Found()
    for number, value in parse_jsonl(data, name):
        where = f"{name}, line {number}"
        if not isinstance(value, dict) or "input" not in value:
            found.cannot(where, "it has no input")
            continue
        ideal = value.get("ideal")
        ideals = ideal if isinstance(ideal, list) else [ideal]
        texts = tuple(one for one in ideals if isinstance(one, str) and one)
        if not texts:
            found.cannot(where, "it has no ideal answer as text")
            continue
        asked, why = asked_of(value["input"])
        if asked is None:
            found.cannot(where, why)
            continue
        graders, reference = expected(texts, match)
        id = value.get("id")
        found.drafts.append(
            Draft(
                where, asked, graders, name=str(id) if isinstance(id, str | int) else "", reference=reference
            )
        )
    return found


def looks_like(value: Any) -> bool:
    """Whether a line is one of these."""
    return isinstance(value, dict) and "input" in value and "ideal" in value


def asked_of(value: Any) -> tuple[Any, str]:
    """Text or messages, or None and why not."""
    if isinstance(value, str) and value.strip():
        return value, ""
    if not isinstance(value, list) or not value:
        return None, "its input is neither text nor messages"
    messages = []
    for one in value:
        role, content = (one.get("role"), one.get("content")) if isinstance(one, dict) else (None, None)
        if role not in _ROLES or not isinstance(content, str) or not content.strip():
            return None, f"a message of {one_line(str(role), 40)!r} is not text of system, user or assistant"
        messages.append({"role": role, "content": content})
    return messages, ""
