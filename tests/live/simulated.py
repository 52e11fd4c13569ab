"""Made-up traffic of a rollout, by a seed: evidence as a source would give it."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from evals.live.evidence import Arm, Evidence, Minute, Score, Stage, Window
from store.records.rollout_policy import Triggers

MEAN, SD = 0.893, 0.238
"""Of judged answers, as measured."""
PER_MINUTE = 12 * 60
"""Requests of all users: 12 a second."""
START = 29_000_000
"""The first minute."""
SLA_MS = 3000.0
SLOW_MS = 2000.0
ALL = Triggers(sla_ms=SLA_MS)
QUALITY = Triggers(error_rate=None, p99_rise=None, bad_feedback=False, harmful=False)
ERRORS = Triggers(quality_drop=None, p99_rise=None, bad_feedback=False, harmful=False)


@dataclass(frozen=True)
class Behaviour:
    """How one arm does."""

    errors: float = 0.0005
    over_sla: float = 0.004
    slow: float = 0.0065
    """Over 1.1 × stable's p99: what is left of 1 % at a lognormal latency of sigma .6."""
    thumbs_down: float = 0.01
    quality: float = MEAN


HEALTHY = Behaviour()


def window(*percents: float, slow_ms: float | None = SLOW_MS) -> Window:
    """An attempt with one stage for each percent."""
    stages = tuple(Stage(10 + number, percent, slow_ms) for number, percent in enumerate(percents))
    return Window("production", "r2", "r1", stages, SLA_MS)


def scores_like(mean: float, rng: random.Random, size: int = 4000) -> list[float]:
    """A pool of scores with that mean and the usual spread (beta distribution)."""
    weight = mean * (1 - mean) / SD**2 - 1
    pool = [rng.betavariate(mean * weight, (1 - mean) * weight) for _ in range(size)]
    off = mean - sum(pool) / size
    return [min(1.0, max(0.0, value + off)) for value in pool]


def evidence(
    seed: int,
    percent: float,
    minutes: int,
    canary: Behaviour = HEALTHY,
    control: Behaviour = HEALTHY,
    *,
    bad_from: int = 0,
    scored_share: float = 1.0,
    categories: Sequence[str] = (),
    with_stable: bool = False,
    start: int = START,
    stage: int = 0,
) -> Evidence:
    """`minutes` of traffic at `percent`. Before minute `bad_from` both arms are HEALTHY."""
    rng = random.Random(seed)
    mean = PER_MINUTE * percent / 100
    pools = {behaviour: scores_like(behaviour.quality, rng) for behaviour in {canary, control, HEALTHY}}
    rows: list[Minute] = []
    stable: list[Minute] = []
    scores: list[Score] = []
    for number in range(minutes):
        minute = start + number
        for arm, behaviour in _arms(canary, control, number >= bad_from):
            rows.append(_minute(rng, minute, arm, stage, poisson(rng, mean), behaviour))
            count = poisson(rng, mean * scored_share) if scored_share else 0
            for value in rng.choices(pools[behaviour], k=count):
                category = rng.choice(categories) if categories else ""
                scores.append(Score(minute * 60 + 30.0, arm, stage, value, category))
        if with_stable:
            behaviour = control if number >= bad_from else HEALTHY
            everyone = poisson(rng, PER_MINUTE * (1 - percent / 100))
            stable.append(_minute(rng, minute, "control", stage, everyone, behaviour))
    newest = (start + minutes) * 60.0
    return Evidence(tuple(rows), tuple(scores), newest=newest, stable=tuple(stable))


def _arms(canary: Behaviour, control: Behaviour, is_bad: bool) -> list[tuple[Arm, Behaviour]]:
    return [("canary", canary if is_bad else HEALTHY), ("control", control if is_bad else HEALTHY)]


def _minute(
    rng: random.Random, minute: int, arm: Arm, stage: int, requests: int, behaviour: Behaviour
) -> Minute:
    return Minute(
        minute=minute,
        arm=arm,
        stage=stage,
        requests=requests,
        errors=binomial(rng, requests, behaviour.errors),
        over_sla=binomial(rng, requests, behaviour.over_sla),
        slow=binomial(rng, requests, behaviour.slow),
        timed=requests,
        thumbs_down=binomial(rng, requests, behaviour.thumbs_down),
    )


def poisson(rng: random.Random, mean: float) -> int:
    """Knuth's for small means, the normal one for large."""
    if mean > 40:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, rng.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def binomial(rng: random.Random, trials: int, rate: float) -> int:
    """By the gaps between hits."""
    if rate <= 0:
        return 0
    hits, place, quiet = 0, 0, math.log1p(-rate)
    while True:
        place += int(math.log(1 - rng.random()) / quiet) + 1
        if place > trials:
            return hits
        hits += 1
