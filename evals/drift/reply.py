"""Reads the reply to a probe and believes nothing: what is not a first token is a failure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from evals.drift.calls import Call
from evals.models.reply import BadReply
from store.bounded import parse_json
from store.errors import InputError
from store.text import one_line

KEPT_TOPS = 10
"""Tokens of a call that are kept, the most likely ones."""
MOST_TOPS = 1_000
"""More than these and the reply is refused: nobody asked for them."""
LEAST_LOGPROB = -50.0
"""Everything less likely is as unlikely as this. Providers write -9999 for "never"."""
_DECIMALS = 4
_TOKEN_KEPT = 60
_NAME_KEPT = 200


@dataclass(frozen=True, slots=True)
class Probe:
    """One first token."""

    token: str
    tops: Call
    """The most likely tokens; empty where the endpoint told none."""
    returned: str
    """What the endpoint says that the model is called; empty where it does not say."""
    fingerprint: str = ""


def read_probe(body: bytes) -> Probe:
    """The probe in `body`, the bytes of a chat completion. Raises BadReply.

    Another model's name is no failure here: it is what is looked for.
    """
    reply = _object(_parsed(body), "the reply")
    choices = reply.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        raise BadReply("the reply has not one choice")
    choice = _object(choices[0], "the choice")
    content = _object(choice.get("message"), "the message").get("content")
    first = _first(choice.get("logprobs"))
    if first is None and not isinstance(content, str):
        raise BadReply("the answer has no text")
    name = reply.get("model")
    fingerprint = reply.get("system_fingerprint")
    return Probe(
        token=_token(first.get("token") if first is not None else content),
        tops=_tops(first) if first is not None else (),
        returned=one_line(name, _NAME_KEPT) if isinstance(name, str) else "",
        fingerprint=one_line(fingerprint, _NAME_KEPT) if isinstance(fingerprint, str) else "",
    )


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body, "the reply")
    except InputError as error:
        raise BadReply(error.message.rstrip(".")) from None


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadReply(f"{what} is not an object")
    return value


def _first(logprobs: Any) -> dict[str, Any] | None:
    """The first token's entry; None where the endpoint gives no logprobs."""
    if logprobs is None:
        return None
    content = _object(logprobs, "logprobs").get("content")
    if content is None or content == []:
        return None
    if not isinstance(content, list):
        raise BadReply("logprobs are not a list of tokens")
    return _object(content[0], "the first token's entry")


def _tops(first: dict[str, Any]) -> Call:
    tops = first.get("top_logprobs")
    if tops is None or tops == []:
        return ()
    if not isinstance(tops, list) or len(tops) > MOST_TOPS:
        raise BadReply(f"the most likely tokens are not a list of at most {MOST_TOPS:,}")
    found: dict[str, float] = {}
    for value in tops:
        entry = _object(value, "a token's entry")
        token, logprob = _token(entry.get("token")), _logprob(entry.get("logprob"))
        # Halves of a character all read alike; the likelier one stands for them.
        found[token] = max(logprob, found.get(token, LEAST_LOGPROB))
    ranked = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return tuple(ranked[:KEPT_TOPS])


def _logprob(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_number(value):
        raise BadReply("a logprob is not a number")
    if value > 0.001:
        raise BadReply(f"a logprob is {float(value):g}, which is no logarithm of a probability")
    return min(0.0, round(max(float(value), LEAST_LOGPROB), _DECIMALS))


def _is_number(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _token(text: Any) -> str:
    """What UTF-8 has of `text`, cut."""
    if not isinstance(text, str):
        raise BadReply("a token has no text")
    return text[: _TOKEN_KEPT * 2].encode(errors="replace").decode()[:_TOKEN_KEPT]
