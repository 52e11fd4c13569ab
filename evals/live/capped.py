"""A model and an embedder whose every call is booked on a budget first, or not made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evals.live.budget import Budget
from evals.models.endpoint import NO_KEY, Endpoint, EndpointError
from evals.models.reply import Completion
from evals.models.retry import Limits
from prompts.render import Message
from store.errors import MachineryError
from store.records.versions import EmbedderIdentity, ModelPin

OVER_CAP = "a cap on calls or cost was reached, so the call was not made."
"""The error of an answer that was not asked for because of a cap."""
_MOST_OUTPUT = 4_096
"""Tokens that an answer is taken to have where the model's version sets no limit."""
_PER_MESSAGE = 16
"""Tokens around a message."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars for a million tokens."""

    input: float = 0.0
    output: float = 0.0

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        return (self.input * prompt_tokens + self.output * completion_tokens) / _MILLION


class CappedEndpoint(Endpoint):
    """An Endpoint that makes one attempt for each call, after it was booked."""

    def __init__(
        self,
        model: ModelPin,
        base_url: str,
        api_key: str = NO_KEY,
        *,
        budget: Budget,
        rate: Rate,
        deadline_s: float,
        identity: str | None = None,
    ) -> None:
        """`deadline_s` is how long one answer may take, in seconds. Raises InputError as Endpoint does."""
        limits = Limits(attempts=1, timeout_s=deadline_s, deadline_s=deadline_s)
        super().__init__(model, base_url, api_key, identity=identity, limits=limits)
        self._budget = budget
        self._rate = rate

    async def complete(self, messages: Sequence[Message]) -> Completion:
        """The model's answer. Raises EndpointError: OVER_CAP, or as Endpoint does."""
        most = self._rate.usd(_most_tokens(messages), _most_output(self.model))
        number = await asyncio.to_thread(self._budget.book, most)
        if number is None:
            raise EndpointError(OVER_CAP)
        done = await super().complete(messages)
        if done.prompt_tokens or done.completion_tokens:  # else nobody knows, and the booking stays
            cost = self._rate.usd(done.prompt_tokens, done.completion_tokens)
            await asyncio.to_thread(self._budget.correct, number, cost)
        return done


class Embeds(Protocol):
    """An embedder."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Which one it is."""
        ...

    def embed(self, texts: Sequence[str]) -> Any:
        """One vector for each text."""
        ...


class CappedEmbedder:
    """An embedder of a provider, whose calls are booked too."""

    def __init__(self, embedder: Embeds, identity: EmbedderIdentity, budget: Budget, rate: Rate) -> None:
        """`identity` as the index's manifest has it, so that nobody has to be asked for it."""
        self._embedder = embedder
        self._identity = identity
        self._budget = budget
        self._rate = rate

    @property
    def identity(self) -> EmbedderIdentity:
        """Which one it is."""
        return self._identity

    def embed(self, texts: Sequence[str]) -> Any:
        """One vector for each text. Raises MachineryError where a cap says no or the provider fails."""
        # Tokens are never more than bytes, so what is booked is never too little.
        if self._budget.book(self._rate.usd(sum(len(text.encode()) for text in texts), 0)) is None:
            raise MachineryError(OVER_CAP)
        return self._embedder.embed(texts)


def _most_tokens(messages: Sequence[Message]) -> int:
    """No tokenizer makes more tokens than there are bytes."""
    return sum(len(message["content"].encode()) + _PER_MESSAGE for message in messages)


def _most_output(model: ModelPin) -> int:
    limits = [model.parameters.get(name) for name in ("max_tokens", "max_completion_tokens")]
    given = [one for one in limits if isinstance(one, int) and not isinstance(one, bool) and one > 0]
    return max(given, default=_MOST_OUTPUT)
