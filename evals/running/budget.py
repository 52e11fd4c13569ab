"""What one go of a run may use up: money, tokens, time. What is reached ends it undecided, to go on later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals.models.reply import Completion
from prompts.render import Message
from store.clock import Clock, SystemClock
from store.errors import Inconclusive

Cost = Callable[[int, int], float]
"""US dollars of so many tokens in and out."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a go has used so far."""

    usd: float = 0.0
    tokens: int = 0
    """In and out together."""
    minutes: float = 0.0

    def words(self, priced: bool) -> str:
        """ "1.2034 US dollars, 12,345 tokens and 3.2 minutes"; without the money where nobody counts it."""
        money = f"{self.usd:.4f} US dollars, " if priced else ""
        return f"{money}{self.tokens:,} tokens and {self.minutes:.1f} minutes"


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one go may use. None is no limit."""

    max_usd: float | None = None
    max_tokens: int | None = None
    max_minutes: float | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return (self.max_usd, self.max_tokens, self.max_minutes) != (None, None, None)

    def reached(self, spent: Spent) -> str | None:
        """Which limit `spent` has reached, as a few words; None where there is room left."""
        if self.max_usd is not None and spent.usd >= self.max_usd:
            return f"{self.max_usd:g} US dollars"
        if self.max_tokens is not None and spent.tokens >= self.max_tokens:
            return f"{self.max_tokens:,} tokens"
        if self.max_minutes is not None and spent.minutes >= self.max_minutes:
            return f"{self.max_minutes:g} minutes"
        return None


class BudgetReached(Inconclusive):
    """A limit was reached before the run was decided. Its journal stays, so that it can go on."""

    def __init__(self, limit: str, told: str, spent: Spent, done: int, wanted: int) -> None:
        """`told` is `spent` in words; `done` of `wanted` answers are there."""
        super().__init__(
            f"the evals stopped at their limit of {limit}: {told} were used, and {done:,} of at least "
            f"{wanted:,} answers are there. Nothing was decided or changed. Run the same again to go on "
            "where this stopped, with a larger limit if need be."
        )
        self.limit = limit
        self.spent = spent
        self.done = done
        self.wanted = wanted


class Purse:
    """Counts what all endpoints of one go use, in one event loop, against its budget."""

    def __init__(self, budget: Budget | None = None, clock: Clock | None = None) -> None:
        self.budget = budget or Budget()
        self._clock = clock or SystemClock()
        self._began = self._clock.now()
        self._usd = 0.0
        self._tokens = 0

    @property
    def spent(self) -> Spent:
        """What was used by now."""
        seconds = (self._clock.now() - self._began).total_seconds()
        return Spent(self._usd, self._tokens, max(0.0, seconds) / 60)

    def meter(self, cost: Cost | None = None) -> PurseMeter:
        """What an endpoint, whose tokens cost `cost`, tells of its answers."""
        return PurseMeter(self, cost)

    def is_spent(self) -> bool:
        """Whether a limit is reached: then nothing new is begun."""
        return self.budget.is_limited and self.budget.reached(self.spent) is not None

    def demand(self, done: int, wanted: int) -> None:
        """Raises BudgetReached when a limit is reached while answers are missing."""
        spent = self.spent
        limit = self.budget.reached(spent)
        if limit is not None:
            priced = self.budget.max_usd is not None
            raise BudgetReached(limit, spent.words(priced), spent, done, wanted)

    def use(self, tokens: int, usd: float) -> None:
        """Counts what one answer took."""
        self._tokens += tokens
        self._usd += usd


class PurseMeter:
    """One endpoint's way of telling. A Meter."""

    def __init__(self, purse: Purse, cost: Cost | None) -> None:
        self._purse = purse
        self._cost = cost

    def used(self, messages: Sequence[Message], completion: Completion) -> None:
        """See Meter. Where the endpoint does not say how many tokens, bytes are counted: never too few."""
        sent, got = completion.prompt_tokens, completion.completion_tokens
        if not sent and not got:
            sent = sum(len(one["content"].encode(errors="replace")) for one in messages)
            got = len(completion.text.encode(errors="replace"))
        self._purse.use(sent + got, self._cost(sent, got) if self._cost else 0.0)
