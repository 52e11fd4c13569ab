"""Reads a chat completion and believes nothing: what is not one good answer is a failure.

Measured with the openai client 3.54: a web page with status 200 comes back as a string, an empty
list of choices, content null and another model's name come back as success. None may be scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evals.models.pins import answers_for, served_name
from store.bounded import parse_json
from store.errors import InputError
from store.records.versions import ModelPin
from store.text import one_line

_FINISHED = ("stop", "length")


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model."""

    text: str
    model_returned: str
    finish_reason: str
    """stop, or length where max_tokens cut it."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    latency_ms: float = 0.0
    """Of the attempt that succeeded."""
    attempts: int = 1
    cached: bool = False


class BadReply(ValueError):
    """The endpoint answered, but not with one good answer. Says what is wrong, in half a sentence."""


def read_reply(pin: ModelPin, body: bytes) -> Completion:
    """The answer in `body`, the bytes of a chat completion. Raises BadReply."""
    reply = _object(_parsed(body), "the reply")
    if "error" in reply and "choices" not in reply:
        raise BadReply(f"the reply is an error: {one_line(str(reply['error']), 120)}")
    choices = reply.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        count = len(choices) if isinstance(choices, list) else "no"
        raise BadReply(f"the reply has {count} choices, not one")
    choice = _object(choices[0], "the choice")
    text = _text(_object(choice.get("message"), "the message"))
    finish = choice.get("finish_reason")
    if finish not in _FINISHED:
        raise BadReply(f"the answer ended with {one_line(str(finish), 40)!r}, not with stop or length")
    returned = reply.get("model")
    if not isinstance(returned, str) or not answers_for(pin, returned):
        raise BadReply(
            f"the answer is from model {one_line(str(returned), 80)!r}, "
            f"not from the pinned {one_line(served_name(pin), 80)!r}"
        )
    usage = reply.get("usage")
    tokens = usage if isinstance(usage, dict) else {}
    return Completion(
        text, returned, finish, _count(tokens.get("prompt_tokens")), _count(tokens.get("completion_tokens"))
    )


def error_said(body: bytes) -> str:
    """What an endpoint says about a request that it refused, on one line."""
    try:
        said = parse_json(body, "the reply")
    except InputError:
        said = body[:1_000].decode(errors="replace")
    if isinstance(said, dict):
        inner = said.get("error", said)
        said = inner.get("message", inner) if isinstance(inner, dict) else inner
    return one_line(str(said), 160) or "without a word"


def _parsed(body: bytes) -> Any:
    start = body.lstrip()[:1]
    if not start:
        raise BadReply("the reply is empty")
    if start == b"<":
        raise BadReply("the reply is a web page, not JSON (is something between you and the endpoint?)")
    try:
        return parse_json(body, "the reply")
    except InputError as error:
        raise BadReply(error.message.rstrip(".")) from None


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadReply(f"{what} is not an object")
    return value


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if content is None and isinstance(message.get("refusal"), str) and message["refusal"]:
        content = message["refusal"]  # a model that declines says so in a field of its own
    if not isinstance(content, str):
        raise BadReply("the answer has no text")
    return content


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
