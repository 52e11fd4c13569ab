"""Finds border inputs: prompts after which two first tokens are about equally likely.

There the least change of the model shows in the token itself, without logprobs (B3IT, arXiv 2602.11083):
an ordinary prompt's first token stays the same through changes that turn over a border input's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evals.drift.inputs import candidates
from evals.drift.probe import Prober
from store.progress import Progress, Report, Stop, check, never, silent

FOUND = 10
"""Inputs that are kept."""
_FIRST = 4
_SECOND = 8
"""Tokens drawn of every candidate, and more of the best."""
_BEST = 20
_TIED = 0.5
"""Near a tie: the two most frequent tokens' shares differ by at most so much."""


@dataclass(frozen=True, slots=True)
class Border:
    """The inputs that were found."""

    prompts: tuple[str, ...]
    near_tied: int
    """How many of them are near a tie; where none is, only large changes are noticed."""
    probes: int
    """Tokens that were asked for."""


async def find_border(prober: Prober, *, report: Report = silent, stop: Stop = never) -> Border:
    """Draws 4 tokens of each of 60 candidates at temperature 1, then 8 more of the 20 that are nearest to
    a tie: 400 one-token calls. Raises ProbeError."""
    texts = candidates()
    drawn: dict[str, Counter[str]] = {text: Counter() for text in texts}
    await _draw(prober, drawn, texts, _FIRST, report, stop)
    best = sorted(texts, key=lambda text: gap(drawn[text]))[:_BEST]
    await _draw(prober, drawn, best, _SECOND, report, stop)
    kept = sorted(best, key=lambda text: gap(drawn[text]))[:FOUND]
    tied = sum(gap(drawn[text]) <= _TIED for text in kept)
    return Border(tuple(kept), tied, sum(one.total() for one in drawn.values()))


def gap(tokens: Counter[str]) -> float:
    """The difference of the shares of the two most frequent tokens; 1 where there is only one."""
    counts = [count for _, count in tokens.most_common(2)]
    return (counts[0] - counts[1]) / tokens.total() if len(counts) == 2 else 1.0


async def _draw(
    prober: Prober,
    drawn: dict[str, Counter[str]],
    texts: Sequence[str],
    times: int,
    report: Report,
    stop: Stop,
) -> None:
    done, total = 0, len(texts) * times
    for text in texts:
        check(stop, "The search for border inputs")
        probes = await asyncio.gather(*(prober.ask(text, temperature=1.0) for _ in range(times)))
        drawn[text].update(probe.token for probe in probes)
        done += times
        report(Progress("border inputs", done, total))
