"""One look of the controller at 48 hours of a rollout, against a bare sum over the same minutes and scores.

`python -m benchmarks tick [--json]`
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from statistics import median

from evals.live.analysis import analyse
from evals.live.attempt import AttemptTests
from evals.live.evidence import Arm, Evidence, Minute, Score, Stage, Window
from store.records.rollout_policy import Triggers

MINUTES = 48 * 60
OBSERVATIONS = 10_000_000
SCORES = 50_000
CATEGORIES = ("billing", "orders", "returns", "tone")
ROUNDS = 9
AIM_MS = 100
START = 29_000_000
WINDOW = Window("production", "r2", "r1", (Stage(7, 50.0, 2000.0),), 3000.0)
EVERY_METRIC = Triggers(sla_ms=3000.0)
THREE_TESTS = Triggers(sla_ms=None, bad_feedback=False)
"""Errors, p99 against stable, quality."""
ARMS: tuple[Arm, Arm] = ("canary", "control")


def run() -> list[dict[str, object]]:
    """Medians in milliseconds; ours and the floor take turns."""
    rows, scores = _minutes(), _scores("")
    named = _scores(*CATEGORIES)
    known = AttemptTests()
    _look(_until(rows, named, 0), EVERY_METRIC, known)
    ours: dict[str, list[float]] = {"tick": [], "three": [], "all": []}
    floors: list[float] = []
    for number in range(1, ROUNDS + 1):
        plain, whole = _until(rows, scores, number), _until(rows, named, number)
        floors.append(_timed(_sum, plain))
        ours["tick"].append(_timed(_look, whole, EVERY_METRIC, known))
        ours["three"].append(_timed(_look, plain, THREE_TESTS, None))
        ours["all"].append(_timed(_look, whole, EVERY_METRIC, None))
    floor = median(floors)
    return [
        _row("tick over 48 h, 10 M observations, 50k scores", median(ours["tick"]), floor, AIM_MS),
        _row("… counted again from nothing, three tests", median(ours["three"]), floor, AIM_MS),
        _row("… from nothing, every metric and four categories", median(ours["all"]), floor, None),
    ]


def _row(name: str, ours: float, floor: float, aim: int | None) -> dict[str, object]:
    return {
        "name": name,
        "ours": round(ours, 1),
        "floor": round(floor, 1),
        "unit": "ms",
        "peer": "a bare sum",
        "ratio": round(ours / floor, 1),
        "aim": f"at most {aim} ms" if aim else "",
    }


def _timed(call: Callable[..., object], *given: object) -> float:
    start = time.perf_counter()
    call(*given)
    return (time.perf_counter() - start) * 1000


def _look(evidence: Evidence, triggers: Triggers, tests: AttemptTests | None) -> None:
    assert evidence.newest is not None
    found = analyse(evidence, WINDOW, triggers, evidence.newest, tests=tests)
    assert found.outcome == "pass", found


def _sum(evidence: Evidence) -> float:
    counts = sum(
        row.requests + row.errors + row.over_sla + row.slow + row.timed + row.thumbs_down
        for row in evidence.minutes
    )
    return counts + sum(score.value for score in evidence.scores)


def _minutes() -> list[Minute]:
    """Of 10 million observations in 48 hours, half of them the canary's, and of a few minutes more."""
    rng = random.Random(1)
    mean = OBSERVATIONS / MINUTES / len(ARMS)
    rows = []
    for minute in range(START, START + MINUTES + ROUNDS):
        for arm in ARMS:
            requests = round(rng.gauss(mean, mean**0.5))
            errors, over_sla, slow, down = (
                max(0, round(rng.gauss(requests * rate, (requests * rate) ** 0.5)))
                for rate in (0.0005, 0.004, 0.0065, 0.01)
            )
            rows.append(Minute(minute, arm, 0, requests, errors, over_sla, slow, requests, down))
    return rows


def _scores(*categories: str) -> list[Score]:
    """50,000 in 48 hours, both arms alike: mean .893, standard deviation .238."""
    rng = random.Random(2)
    each = SCORES // (MINUTES * len(ARMS)) + 1
    extra = SCORES / (MINUTES * len(ARMS)) - each + 1
    found = []
    for minute in range(START, START + MINUTES + ROUNDS):
        for arm in ARMS:
            for _ in range(each - (rng.random() > extra)):
                value = rng.betavariate(0.613, 0.0735)
                found.append(Score(minute * 60 + rng.random() * 60, arm, 0, value, rng.choice(categories)))
    return sorted(found, key=lambda score: score.at)


def _until(rows: list[Minute], scores: list[Score], more: int) -> Evidence:
    end = START + MINUTES + more
    return Evidence(
        tuple(rows[: (MINUTES + more) * len(ARMS)]),
        tuple(score for score in scores if score.at < end * 60),
        newest=end * 60.0,
    )
