"""A request as it was asked and answered: what a sampled share of requests leaves for those who grade it.

Unlike an observation it holds what a user wrote. Nothing is sampled unless the live document says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lockgate_client.document import Document
from lockgate_client.observation import (
    CATEGORY_LIMIT,
    GENERATION_LIMIT,
    REQUEST_ID_LIMIT,
    UNIT_LIMIT,
    arm_of,
    instant,
)
from lockgate_client.serving import Reason, Resolution

INPUT_LIMIT = 32 * 1024
"""Bytes of an input as JSON. Longer ones are dropped: half a question is another question."""
ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer."""
PASSAGES_LIMIT = 100
PASSAGE_ID_LIMIT = 500
"""Characters of the id of one passage."""
_SALT = b"lockgate/capture/1\0"
_NOT_LOOKED_AT: frozenset[Reason] = frozenset({"expired", "killed"})
"""Nobody watches then, so nothing is kept."""
_NOT_COMPARED: frozenset[Reason] = frozenset({"stable", "no unit", "unusable unit"})
"""Requests of these are graded in no rollout: only a shadow has a use for them."""

Input = str | Sequence[Mapping[str, str]] | Mapping[str, str | int | float | bool]
"""What was asked: text, the messages of a conversation ({role, content}), or the prompt's variables."""


class Envelope(NamedTuple):
    """One request, with its answer where that is known."""

    request_id: str
    at: float
    """Seconds since 1970."""
    environment: str
    release: str
    arm: str
    """canary, control (the matched part of stable) or stable (the rest of it)."""
    generation: int
    unit: str | None
    """The user. Only a keyed hash of it is written."""
    category: str
    input: str
    """JSON: a text, a list of messages or an object of variables."""
    answer: str | None
    retrieved: str | None
    """JSON: the ids of the passages, nearest first; None where the application did not say."""


def share(request_id: str) -> float:
    """Where `request_id` lies from 0 to 100: a request is sampled at every percentage above it.

    The first 8 bytes of sha256 over `lockgate/capture/1`, NUL and the id. So who samples 10 % has those
    that were sampled at 5 %, and everybody who asks gets the same.
    """
    digest = hashlib.sha256(_SALT + request_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) * 100 / 2**64


def sampled_percent(document: Document, reason: Reason) -> float:
    """The percentage of requests that are sampled among those which were served for `reason`."""
    if reason in _NOT_LOOKED_AT:
        return 0.0
    if reason in _NOT_COMPARED:
        return document.shadow_percent
    return max(document.captured_percent, document.shadow_percent)


def envelope(
    environment: str,
    resolution: Resolution,
    now: float,
    request_id: str,
    input: Input,
    answer: str | None,
    retrieved: Iterable[str] | None,
    category: str,
    unit: str | None,
    at: float | None,
) -> Envelope:
    """The row, every value within its bounds. Raises ValueError that says which is not."""
    if not 0 < len(request_id) <= REQUEST_ID_LIMIT:
        raise ValueError(f"request_id has to be a text of 1 to {REQUEST_ID_LIMIT} characters")
    if not isinstance(category, str) or len(category) > CATEGORY_LIMIT:
        raise ValueError(f"category has to be a text of at most {CATEGORY_LIMIT} characters")
    if unit is not None and (not isinstance(unit, str) or len(unit) > UNIT_LIMIT):
        raise ValueError(f"unit has to be a text of at most {UNIT_LIMIT} characters, or None")
    if answer is not None and not isinstance(answer, str):
        raise ValueError("answer has to be a text, or None")
    if not 0 <= resolution.generation <= GENERATION_LIMIT:
        raise ValueError("the generation that was served is out of range")
    if unit is None and resolution.bucket is not None:
        unit = f"bucket/{resolution.bucket}"  # the closest that is known of who asked
    return Envelope(
        request_id=_text("request_id", request_id, 4 * REQUEST_ID_LIMIT),
        at=now if at is None else instant(at, now),
        environment=environment,
        release=resolution.release,
        arm=arm_of(resolution),
        generation=resolution.generation,
        unit=unit,
        category=_text("category", category, 4 * CATEGORY_LIMIT),
        input=_text("input", json.dumps(_checked(input), ensure_ascii=False, allow_nan=False), INPUT_LIMIT),
        answer=None if answer is None else _text("answer", answer, ANSWER_LIMIT),
        retrieved=None if retrieved is None else json.dumps(_ids(retrieved), ensure_ascii=False),
    )


def _checked(value: Any) -> Any:
    """`value` where it has one of the three forms, as plain lists and dicts."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, Mapping) and 0 < len(value) <= PASSAGES_LIMIT:
        pairs = list(value.items())
        if all(isinstance(name, str) and isinstance(one, str | int | float | bool) for name, one in pairs):
            return dict(pairs)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes) and 0 < len(value) <= 200:
        return [_message(one) for one in value]
    raise ValueError("input has to be a text, a list of {role, content}, or an object of variables")


def _message(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping) and set(value) == {"role", "content"}:
        role, content = value["role"], value["content"]
        if role in ("system", "user", "assistant") and isinstance(content, str) and content:
            return {"role": role, "content": content}
    raise ValueError("a message of input has to be {role, content} with role system, user or assistant")


def _ids(retrieved: Iterable[str]) -> list[str]:
    found = list(retrieved)
    if len(found) > PASSAGES_LIMIT:
        raise ValueError(f"retrieved has to be at most {PASSAGES_LIMIT} ids")
    if not all(isinstance(one, str) and 0 < len(one) <= PASSAGE_ID_LIMIT for one in found):
        raise ValueError(f"an id in retrieved has to be a text of at most {PASSAGE_ID_LIMIT} characters")
    for one in found:
        _text("retrieved", one, 4 * PASSAGE_ID_LIMIT)
    return found


def _text(name: str, text: str, limit: int) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{name} holds half of a surrogate pair, which UTF-8 cannot carry") from None
    if size > limit:
        raise ValueError(f"{name} has {size:,} bytes; at most {limit:,} are kept")
    return text
