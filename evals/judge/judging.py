"""Asks a judge, as often as there are votes, and counts them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

from evals.cache import AnswerCache, answer_key
from evals.judge.asking import DATA_LIMIT, Asked, Draw, draw_fence, messages, new_fence
from evals.judge.reply import BadVote, Vote, read_vote
from evals.judge.scale import Scale, in_words, settle
from evals.models.endpoint import EndpointError
from evals.models.reply import Completion
from prompts.render import Message
from store.canonical import canonical_json, sha256_hex
from store.errors import LockgateError
from store.records.versions import ModelPin
from store.text import one_line

TRIES = 2
"""How often one vote is asked for, each time with a new fence, until the reply can be read."""
PROTOCOL = 1
"""Counts up when the same replies would be read differently."""
_KEPT = "kept"
"""Stands where the fence was in a vote that is kept: it was checked when the vote came."""


class Completes(Protocol):
    """An endpoint of a pinned model, as `evals.models.endpoint.Endpoint` is one."""

    model: ModelPin
    identity: str

    async def complete(self, messages: Sequence[Message]) -> Completion:
        """The model's answer. Raises EndpointError."""
        ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of all votes on one answer."""

    value: int | None
    """The majority or the median; None where the votes that are missing could change it."""
    votes: tuple[int | None, ...]
    """In the order they were asked for; None for one that could not be had."""
    reason: str
    """One sentence: of a judge that voted as was decided, or what failed."""
    told: str = ""
    """What was decided, in words: "yes, 2 of 3 votes"."""


class Judge:
    """A pinned model that grades. Its endpoint has to be open."""

    def __init__(
        self,
        pin: str,
        endpoint: Completes,
        cache: AnswerCache | None = None,
        *,
        concurrency: int = 4,
        draw: Draw = draw_fence,
    ) -> None:
        """`pin` is `model/name@vN`. `cache` keeps votes, never failures. `draw` makes fences."""
        self.pin = pin
        self._endpoint = endpoint
        self._cache = cache
        self._draw = draw
        self._places = asyncio.Semaphore(max(1, concurrency))

    async def judge(self, asked: Asked, votes: int, repeat: int = 1, *, fresh: bool = False) -> Judgement:
        """The judgement of `asked` by `votes` votes (odd). Each `repeat` has votes of its own.

        `fresh` looks at no vote that was kept. Raises EndpointError only where the judge's endpoint
        will answer nothing.
        """
        if asked.size > DATA_LIMIT:
            why = f"there are {asked.size:,} characters to judge, at most {DATA_LIMIT:,} are"
            return Judgement(None, (None,) * votes, why)
        first = (repeat - 1) * votes + 1
        found = await _all(self._vote(asked, number, fresh) for number in range(first, first + votes))
        cast = tuple(one.value if isinstance(one, Vote) else None for one in found)
        value = settle(cast, asked.scale)
        if value is None:
            missed = next((one for one in found if isinstance(one, str)), "the votes say nothing")
            return Judgement(None, cast, f"the judge gave no judgement: {missed}")
        # Of a median there is always a vote that says just this, or one is missing that would.
        reason = next((one.reason for one in found if isinstance(one, Vote) and one.value == value), "")
        agree = sum(vote == value for vote in cast)
        told = f"{in_words(value, asked.scale)}, {agree} of {votes} vote{'s' if votes > 1 else ''}"
        return Judgement(value, cast, one_line(reason, 400), told)

    async def _vote(self, asked: Asked, number: int, fresh: bool) -> Vote | str:
        """The vote with this number, or what failed."""
        key = self._key(asked, number)
        async with self._turn(key):
            kept = None if fresh or self._cache is None else self._cache.get(key)
            if kept is not None and (vote := _kept(kept, asked.scale)) is not None:
                return vote
            try:
                async with self._places:
                    completion, vote = await self._ask(asked)
            except BadVote as error:
                return str(error)
            except EndpointError as error:
                if error.hopeless:
                    raise
                return error.message
            except LockgateError as error:
                return error.message
            if self._cache is not None:
                self._cache.put(key, replace(completion, text=_keeping(vote, asked.scale)))
            return vote

    async def _ask(self, asked: Asked) -> tuple[Completion, Vote]:
        for attempt in range(1, TRIES + 1):
            fence = new_fence(asked, self._draw)
            completion = await self._endpoint.complete(messages(asked, fence))
            try:
                return completion, read_vote(completion.text, fence, asked.scale)
            except BadVote:
                if attempt == TRIES:
                    raise
        raise AssertionError("TRIES is at least 1")

    def _key(self, asked: Asked, number: int) -> str:
        """Over everything that can change the vote but the fence, which is another each time."""
        plain = messages(asked, "fence")
        own = answer_key(self._endpoint.identity, self._endpoint.model, plain, number)
        return sha256_hex(canonical_json({"judge": PROTOCOL, "scale": asked.scale, "key": own}))

    def _turn(self, key: str) -> AbstractAsyncContextManager[object]:
        return nullcontext() if self._cache is None else self._cache.turn(key)


async def _all(votes: Iterable[Coroutine[Any, Any, Vote | str]]) -> list[Vote | str]:
    found = await asyncio.gather(*votes, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return [one for one in found if not isinstance(one, BaseException)]


def _keeping(vote: Vote, scale: Scale) -> str:
    said = {"verdict": bool(vote.value)} if scale == "boolean" else {"score": vote.value}
    return canonical_json({"fence": _KEPT, "reason": vote.reason, **said}).decode()


def _kept(completion: Completion, scale: Scale) -> Vote | None:
    try:
        return read_vote(completion.text, _KEPT, scale)
    except BadVote:
        return None
