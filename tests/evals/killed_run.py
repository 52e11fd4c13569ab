"""A process that runs a suite against a loopback server with a journal; made to be killed.

python -m tests.evals.killed_run URL FOLDER CASES
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from evals.evaluate import Arm, evaluate
from evals.models.endpoint import Endpoint
from evals.models.lane import Lane
from evals.outcome import Evaluation
from evals.pipeline import Pipeline
from evals.running.journal import Journal
from evals.running.lines import Start
from evals.suite import Suite, parse_suite
from prompts.prompt import Prompt
from store.clock import FixedClock
from store.records.versions import ModelPin
from tests.evals.server import MODEL

AT_ONCE = 8
RUN = "a" * 64
AT = datetime(2026, 3, 1, tzinfo=UTC)
CANDIDATE, BASELINE = ("r2", "sha256:" + "2" * 64), ("r1", "sha256:" + "1" * 64)


def suite(cases: int) -> Suite:
    lines = (
        {
            "id": f"c{number}",
            "input": f"question {number}",
            "category": "all",
            "expect": [{"grader": "contains", "any": ["ok"]}],
        }
        for number in range(cases)
    )
    return parse_suite(
        {
            "suite.toml": b'repeats = [1]\n[[categories]]\nname = "all"\n',
            "cases.jsonl": "\n".join(map(json.dumps, lines)).encode(),
        },
        "evals/support@v1",
    )


def told(found: Evaluation) -> str:
    """What the run came to, in one line."""
    return json.dumps(asdict(found), default=lambda one: one.model_dump(mode="json"), sort_keys=True)


async def main(url: str, folder: str, cases: str) -> None:
    start = Start(run=RUN, at=AT, release="r2", baseline="r1", tier="full")
    pin, lane = ModelPin(provider="openai", id=MODEL), Lane(AT_ONCE)
    async with Endpoint(pin, url, lane=lane) as first, Endpoint(pin, url, lane=lane) as second:
        candidate = Arm(*CANDIDATE, Pipeline(Prompt("Answer."), first))
        baseline = Arm(*BASELINE, Pipeline(Prompt("Answer as ever."), second))
        with Journal.open(Path(folder), start) as journal:
            found = await evaluate(
                candidate,
                baseline,
                suite(int(cases)),
                "evals/support@v1",
                "full",
                concurrency=AT_ONCE,
                clock=FixedClock(AT),
                journal=journal,
            )
    print(told(found))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
