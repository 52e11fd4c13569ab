"""What a run of evals may use up, and its tier, as options of whatever runs them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from console.commands.options import Number
from store.records.policy import TIERS

TIER = click.Choice(TIERS)
_LIMITS = (
    click.option(
        "--fresh", is_flag=True, help="Ask everything anew, whatever answers are kept from earlier runs."
    ),
    click.option("--max-usd", type=Number(0, min_open=True), help="Stop at so many US dollars, undecided."),
    click.option("--max-tokens", type=click.IntRange(1), help="Stop at so many tokens, undecided."),
    click.option(
        "--max-minutes",
        type=Number(0, min_open=True),
        help="Stop after so many minutes, undecided.",
    ),
)


def limited(command: Callable[..., int]) -> Callable[..., int]:
    """Gives the options of RunOptions, as `options`."""

    @functools.wraps(command)
    def called(
        *,
        fresh: bool,
        max_usd: float | None,
        max_tokens: int | None,
        max_minutes: float | None,
        **rest: Any,
    ) -> int:
        from console.operations.run_options import RunOptions

        return command(options=RunOptions(fresh, max_usd, max_tokens, max_minutes), **rest)

    for option in reversed(_LIMITS):
        called = option(called)
    return called
