"""Which of two answers is better, as a judge sees it: asked in both orders, because judges favour a place."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal, Protocol

from evals.live.eprocess import RateTest
from evals.live.verdict import BLOCK_ALPHA

Choice = Literal["first", "second", "tie"]
Preferred = Literal["candidate", "stable", "tie"]


class Judge(Protocol):
    """Anything that compares two answers to one question."""

    async def compare(self, question: str, first: str, second: str) -> Choice:
        """Which one is better. Raises LockgateError where it cannot say: that is no judgement at all."""
        ...


async def preferred(judge: Judge, question: str, candidate: str, stable: str) -> Preferred:
    """Which answer the judge prefers whatever the order; a tie where it contradicts itself.

    Equal answers are a tie without asking. Raises what the judge raises.
    """
    if candidate == stable:
        return "tie"
    one, other = await asyncio.gather(
        judge.compare(question, candidate, stable), judge.compare(question, stable, candidate)
    )
    if (one, other) == ("first", "second"):
        return "candidate"
    return "stable" if (one, other) == ("second", "first") else "tie"


@dataclass(slots=True)
class PreferenceWatch:
    """H0: of the pairs that are no tie the candidate loses no more than half. Ties say nothing."""

    test: RateTest = field(default_factory=RateTest)
    wins: int = 0
    losses: int = 0
    ties: int = 0

    def __post_init__(self) -> None:
        self.test.wealth.invest(1.0)

    def add(self, one: Preferred) -> None:
        """Takes in one judgement."""
        if one == "tie":
            self.ties += 1
            return
        lost = one == "stable"
        self.losses += lost
        self.wins += not lost
        self.test.add(int(lost), 1, 0.5)

    @property
    def judged(self) -> int:
        """Pairs, ties among them."""
        return self.wins + self.losses + self.ties

    @property
    def is_worse(self) -> bool:
        """Whether it is certain (chance 1 % at most) that the candidate loses more often than it wins."""
        return self.test.peak >= 1 / BLOCK_ALPHA
