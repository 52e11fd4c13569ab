"""Budgets: a run that reaches one ends undecided, keeps what it has, and goes on where it was."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.evaluate import Arm, evaluate
from evals.models.endpoint import Endpoint
from evals.models.reply import Completion
from evals.pipeline import Pipeline
from evals.running.budget import Budget, BudgetReached, Purse, Spent
from evals.running.journal import Journal
from evals.running.lines import Start
from prompts.prompt import Prompt
from store.clock import FixedClock
from store.errors import Inconclusive
from store.records.versions import ModelPin
from tests.evals.killed_run import suite
from tests.evals.server import MODEL, FaultServer

AT = datetime(2026, 3, 1, tzinfo=UTC)
START = Start(run="e" * 64, at=AT, release="r2", tier="full")
EACH = 7
"""Tokens of an answer of the loopback server."""
LIMIT = st.one_of(st.none(), st.floats(0.001, 1e6))


@given(LIMIT, LIMIT, LIMIT, st.floats(0, 1e6), st.integers(0, 10**9), st.floats(0, 1e6))
def test_a_limit_is_reached_when_it_is_used_up(
    usd: float | None, tokens: float | None, minutes: float | None, paid: float, used: int, took: float
) -> None:
    most = None if tokens is None else int(tokens) + 1
    budget = Budget(usd, most, minutes)
    over = [
        limit is not None and spent >= limit for limit, spent in ((usd, paid), (most, used), (minutes, took))
    ]
    assert (budget.reached(Spent(paid, used, took)) is not None) == any(over)
    assert budget.is_limited == ((usd, most, minutes) != (None, None, None))


def test_an_endpoint_that_does_not_count_is_counted_by_bytes() -> None:
    purse = Purse(Budget(max_usd=1), FixedClock(AT))
    meter = purse.meter(lambda sent, got: (sent + 2 * got) / 100)
    meter.used([{"role": "user", "content": "héllo"}], Completion("yes", "m", "stop"))
    assert (purse.spent.tokens, purse.spent.usd) == (9, 0.12)


async def test_tokens(tmp_path: Path) -> None:
    with FaultServer() as server:
        with pytest.raises(BudgetReached) as caught:
            await go(tmp_path, server, Budget(max_tokens=20 * EACH))
        first = len(server.requests)
        assert 20 <= first <= 20 + 3  # what was under way is finished
        assert isinstance(caught.value, Inconclusive) and caught.value.exit_code == 3
        assert (caught.value.done, caught.value.wanted) == (first, 50)
        message = caught.value.message
        assert "limit of 140 tokens" in message and f"{first * EACH} tokens and 0.0 minutes" in message
        assert f"{first} of at least 50 answers" in message
        assert (await go(tmp_path, server, Budget())).outcome == "pass"
        assert len(server.requests) == 50  # no answer was asked for twice


async def test_money_over_several_goes(tmp_path: Path) -> None:
    with FaultServer() as server:
        for _ in range(2):
            with pytest.raises(BudgetReached, match=r"limit of 0\.5 US dollars: 0\.5"):
                await go(tmp_path, server, Budget(max_usd=0.5), cost=0.025)
        assert 40 <= len(server.requests) <= 46
        assert (await go(tmp_path, server, Budget(max_usd=0.5), cost=0.025)).errors == 0
        assert len(server.requests) == 50


async def test_time(tmp_path: Path) -> None:
    clock = FixedClock(AT)

    def answer(_: object) -> str:
        clock.at += timedelta(seconds=6)
        return "ok"

    with FaultServer(answer=answer) as server:
        with pytest.raises(BudgetReached, match="limit of 2 minutes"):
            await go(tmp_path, server, Budget(max_minutes=2), clock=clock)
        assert 20 <= len(server.requests) <= 24


async def test_a_budget_that_suffices_to_the_last_answer_decides(tmp_path: Path) -> None:
    with FaultServer() as server:
        assert (await go(tmp_path, server, Budget(max_tokens=50 * EACH))).outcome == "pass"


async def go(
    folder: Path, server: FaultServer, budget: Budget, cost: float = 0.0, clock: FixedClock | None = None
):
    purse = Purse(budget, clock or FixedClock(AT))
    meter = purse.meter(lambda _sent, _got: cost)
    pin = ModelPin(provider="openai", id=MODEL)
    async with asyncio.timeout(20), Endpoint(pin, server.url(), meter=meter) as endpoint:
        arm = Arm("r2", "sha256:" + "2" * 64, Pipeline(Prompt("Answer."), endpoint))
        with Journal.open(folder, START) as journal:
            return await evaluate(
                arm,
                None,
                suite(50),
                "evals/support@v1",
                "full",
                concurrency=4,
                clock=clock or FixedClock(AT),
                journal=journal,
                purse=purse,
            )
