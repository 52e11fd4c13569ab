"""The retrieval metrics, held against trec_eval's own (by ir-measures) on random rankings."""

from __future__ import annotations

import random

import ir_measures
import pytest
from ir_measures import RR, P, R, Success, nDCG

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders import GradeContext, grade
from evals.graders.retrieval import Retrieval

OURS = {"hit": Success, "recall": R, "precision": P, "mrr": RR, "ndcg": nDCG}


def rankings(count: int) -> list[tuple[list[str], list[str]]]:
    """(what came back in order, what was wanted): none, some or all of it found."""
    rng = random.Random(17)
    pool = [f"d{number}" for number in range(16)]
    found = [
        (rng.sample(pool, rng.randint(0, 12)), rng.sample(pool, rng.randint(1, 8))) for _ in range(count)
    ]
    return [*found, ([], ["d1"]), (["d1"], ["d1"]), (["d2"], ["d1"]), (pool[:12], pool[:12])]


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("metric", OURS)
async def test_metric_agrees_with_trec_eval(metric: str, k: int) -> None:
    measure = OURS[metric] @ k
    compared = 0
    for back, wanted in rankings(60):
        qrels = [ir_measures.Qrel("q", one, 1) for one in wanted]
        run = [ir_measures.ScoredDoc("q", one, 100.0 - rank) for rank, one in enumerate(back)]
        theirs = float(ir_measures.calc_aggregate([measure], qrels, run)[measure]) if run else 0.0
        spec = Retrieval(grader="retrieval", metric=metric, k=k)  # type: ignore[arg-type]
        case = Case(
            id="c",
            input="?",
            category="x",
            expect=(spec,),
            context_ids=tuple(wanted),
        )
        passages = tuple(Retrieved(one, one, "", 0.0) for one in back)
        ours = (await grade(case, Answer(text="x", retrieved=passages), GradeContext())).score
        assert ours == pytest.approx(theirs, abs=1e-9), (back, wanted)
        compared += theirs > 0
    assert compared > 10
