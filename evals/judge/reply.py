"""Reads a judge's reply and believes nothing: what is not exactly one good vote is none."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from evals.judge.scale import HIGHEST, LOWEST, Scale
from store.bounded import parse_json, validate
from store.errors import InputError
from store.records.base import Strict

REPLY_LIMIT = 16 * 1024
"""Bytes of one reply."""
Reason = Annotated[str, StringConstraints(max_length=4_000)]


class BadVote(ValueError):
    """The judge answered, but not with one good vote. Says what is wrong, in half a sentence."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote of a judge."""

    value: int
    """1 or 0 for yes and no; else 1 to 5."""
    reason: str


class _Verdict(Strict):
    fence: str
    verdict: bool
    reason: Reason


class _Score(Strict):
    fence: str
    score: int = Field(ge=LOWEST, le=HIGHEST)
    reason: Reason


def read_vote(text: str, fence: str, scale: Scale) -> Vote:
    """The vote in `text`, which has to be one JSON object that repeats `fence`. Raises BadVote."""
    try:
        value = parse_json(text.encode(errors="surrogatepass"), "the reply", REPLY_LIMIT)
        reply: _Verdict | _Score
        if scale == "boolean":
            reply = validate(_Verdict, value, "the reply")
        else:
            reply = validate(_Score, value, "the reply")
    except InputError as error:
        raise BadVote(error.message.rstrip(".")) from None
    if not secrets.compare_digest(reply.fence.encode(errors="replace"), fence.encode()):
        raise BadVote("the reply does not repeat the fence, so somebody else may have written it")
    return Vote(int(reply.verdict) if isinstance(reply, _Verdict) else reply.score, reply.reason)
