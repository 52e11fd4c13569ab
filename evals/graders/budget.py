"""The grader `budget`: what one answer may take in time, tokens and money."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from evals.answer import Answer
from evals.graders.base import Grade, GradeContext, Spec
from store.text import one_line

if TYPE_CHECKING:
    from evals.case import Case
    from store.settings import Price

_MILLION = 1_000_000


class Budget(Spec):
    """The answer stays within each of the budgets that are given. What is not known is not graded."""

    on_live: ClassVar[bool] = False
    grader: Literal["budget"]
    latency_ms: float | None = Field(default=None, gt=0)
    """Milliseconds that the model may take."""
    tokens: int | None = Field(default=None, ge=1)
    """Prompt and answer together."""
    usd: float | None = Field(default=None, gt=0)
    """US dollars, by the prices of settings.toml."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.latency_ms is None and self.tokens is None and self.usd is None:
            raise PydanticCustomError("no_budget", "give budget at least one of latency_ms, tokens and usd")
        return self

    async def grade(self, case: Case, answer: Answer, context: GradeContext) -> Grade:  # noqa: ARG002
        if answer.refused_by is not None and not answer.model_returned:
            return Grade.of(True, "was refused without asking the model")
        taken: list[tuple[str, float, float]] = []
        if self.latency_ms is not None:
            if not (math.isfinite(answer.latency_ms) and answer.latency_ms > 0):
                return Grade.ungraded("how long the answer took is not known")
            taken.append(("ms", answer.latency_ms, self.latency_ms))
        tokens = answer.prompt_tokens + answer.completion_tokens
        if (self.tokens is not None or self.usd is not None) and tokens <= 0:
            return Grade.ungraded("the endpoint did not say how many tokens it used")
        if self.tokens is not None:
            taken.append(("tokens", tokens, self.tokens))
        if self.usd is not None:
            price = price_of(answer.model_returned, context.prices)
            if price is None:
                named = one_line(answer.model_returned, 60)
                model = f"model {named}" if named else "the application's model"
                return Grade.ungraded(
                    f"the price of {model} is not known; give it under [prices] in settings.toml"
                )
            taken.append(("US dollars", cost_usd(answer, price), self.usd))
        over = next((one for one in taken if one[1] > one[2] * (1 + 1e-9)), None)
        unit, used, allowed = over or taken[0]
        return Grade.of(over is None, f"took {used:.6g} {unit}, {allowed:g} were allowed")


def price_of(returned: str, prices: Mapping[str, Price]) -> Price | None:
    """The price of the model that calls itself `returned`, by its pinned id with or without the digest."""
    if returned in prices:
        return prices[returned]
    found = [price for pinned, price in prices.items() if re.split("[#@]", pinned)[0] == returned]
    return found[0] if len(found) == 1 else None


def cost_usd(answer: Answer, price: Price) -> float:
    """What the answer cost, in US dollars; prices are for a million tokens."""
    return (answer.prompt_tokens * price.input + answer.completion_tokens * price.output) / _MILLION
