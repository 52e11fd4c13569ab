"""What the runner costs: 500 cases, 32 at once, against a bare AsyncOpenAI loop on the same loopback server.

The server answers after 50 ms. Ours reads the suite, renders, validates each reply, keeps each
answer in SQLite, grades, judges; the floor only asks. Both include making their client.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CASES = 500
AT_ONCE = 32
DELAY_MS = 50
ROUNDS = 5
MODEL = "test-model-2026-01-01"
SERVER = Path(__file__).parents[1] / "tests/evals/server.py"


def run() -> dict[str, Any]:
    """The median of `ROUNDS` alternating rounds, in seconds, and their ratio."""
    ours, floor = [], []
    with _server() as url, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_bare(url))  # imports and connections of the first round are nobody's
        asyncio.run(_ours(url, Path(folder) / "warm"))
        for number in range(ROUNDS):
            floor.append(_timed(_bare(url)))
            ours.append(_timed(_ours(url, Path(folder) / str(number))))
    mine, bare = statistics.median(ours), statistics.median(floor)
    return {
        "name": f"eval runner, {CASES} cases at {DELAY_MS} ms, {AT_ONCE} at once",
        "ours": round(mine, 3),
        "floor": round(bare, 3),
        "unit": "s",
        "ratio": round(mine / bare, 2),
        "aim": 1.5,
    }


def _timed(work: Any) -> float:
    started = time.perf_counter()
    asyncio.run(work)
    return time.perf_counter() - started


async def _bare(url: str) -> None:
    from openai import AsyncOpenAI

    gate = asyncio.Semaphore(AT_ONCE)
    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def ask(number: int) -> str:
            async with gate:
                reply = await client.chat.completions.create(
                    model=MODEL,
                    messages=[
                        {"role": "system", "content": "Answer."},
                        {"role": "user", "content": f"question {number}"},
                    ],
                    temperature=0,
                )
                return reply.choices[0].message.content or ""

        answers = await asyncio.gather(*(ask(number) for number in range(CASES)))
        assert len(answers) == CASES and all(answers)


async def _ours(url: str, folder: Path) -> None:
    from evals.cache import AnswerCache
    from evals.evaluate import Arm, evaluate
    from evals.models.endpoint import Endpoint
    from evals.pipeline import Pipeline
    from evals.suite import parse_suite
    from prompts.prompt import Prompt
    from store.records.versions import ModelPin

    suite = parse_suite(_files(), "evals/bench@v1")
    pin = ModelPin(provider="openai", id=MODEL, parameters={"temperature": 0})
    with AnswerCache(folder / "evals.sqlite") as cache:
        async with Endpoint(pin, url) as endpoint:
            target = Pipeline(Prompt("Answer."), endpoint, cache=cache)
            arm = Arm("r1", "sha256:" + "0" * 64, target)
            found = await evaluate(arm, None, suite, "evals/bench@v1", "full", concurrency=AT_ONCE)
    assert (found.answers, found.errors, found.cached) == (CASES, 0, 0)


def _files() -> dict[str, bytes]:
    cases = [
        {
            "id": f"c{number}",
            "input": f"question {number}",
            "category": "all",
            "expect": [{"grader": "contains", "any": ["ok"]}],
        }
        for number in range(CASES)
    ]
    return {
        "suite.toml": b'repeats = [1]\n[[categories]]\nname = "all"\n',
        "cases.jsonl": "\n".join(json.dumps(case) for case in cases).encode(),
    }


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, str(SERVER), "--delay-ms", str(DELAY_MS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(), indent=1) + "\n")
