"""What the runner costs: 500 cases, 32 at once, against a bare AsyncOpenAI loop on the same loopback server.

Each is a process of its own, from its start to its end, so that imports count. Ours reads the suite,
renders, validates each reply, keeps each answer in the cache and the journal, grades, judges; the
floor only asks.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from store.garbage import collect_seldom

CASES = 500
AT_ONCE = 32
DELAYS_MS = (50, 0)
ROUNDS = 5
MODEL = "test-model-2026-01-01"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall_s: float
    """From its start to its end."""
    first_s: float
    """From its start to the first request that the server read."""
    cpu_s: float
    peak_mb: float


def run() -> list[dict[str, Any]]:
    """Medians of `ROUNDS` alternating rounds for each delay of the server."""
    rows: list[dict[str, Any]] = []
    for delay in DELAYS_MS:
        ours, bare = _rounds(delay)
        rows.append(
            _row(
                f"eval runner, {CASES} cases at {delay} ms, {AT_ONCE} at once",
                "s",
                "1.2×",
                ours,
                bare,
                "wall_s",
            )
        )
    rows.append(_row("eval runner, CPU a case", "ms", "5 ms", ours, bare, "cpu_s", 1000 / CASES))
    rows.append(_row("eval runner, first request after the start", "s", "1 s", ours, bare, "first_s"))
    rows.append(_row("eval runner, peak memory", "MB", "120 MB", ours, bare, "peak_mb"))
    return rows


def _row(
    name: str, unit: str, aim: str, ours: list[Cost], bare: list[Cost], field: str, scale: float = 1.0
) -> dict[str, Any]:
    mine, floor = (statistics.median(getattr(one, field) for one in costs) * scale for costs in (ours, bare))
    return {
        "name": name,
        "ours": round(mine, 2),
        "floor": round(floor, 2),
        "unit": unit,
        "ratio": round(mine / floor, 2),
        "aim": aim,
    }


def _rounds(delay_ms: int) -> tuple[list[Cost], list[Cost]]:
    from tests.evals.server import FaultServer

    ours: list[Cost] = []
    bare: list[Cost] = []
    with FaultServer(delay_s=delay_ms / 1000) as server, tempfile.TemporaryDirectory() as folder:
        for number in range(-1, ROUNDS):  # the first round, which warms the disk's cache, is nobody's
            for kind, costs in (("bare", bare), ("ours", ours)):
                server.requests.clear()
                cost = _process(kind, server, Path(folder) / f"{kind}{number}")
                if number >= 0:
                    costs.append(cost)
    return ours, bare


def _process(kind: str, server: Any, folder: Path) -> Cost:
    command = [sys.executable, "-m", "benchmarks.eval_overhead", kind, server.url(), str(folder)]
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    wall = time.monotonic() - started
    used = json.loads(done.stdout)
    if len(server.requests) != CASES:
        raise SystemExit(f"{kind}: {len(server.requests)} requests for {CASES} cases")
    return Cost(wall, server.requests[0].at - started, used["cpu_s"], used["peak_mb"])


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
    if len(answers) != CASES or not all(answers):
        raise SystemExit("the bare loop lost answers")


async def _ours(url: str, folder: Path) -> None:
    from evals.cache import AnswerCache
    from evals.evaluate import Arm, evaluate
    from evals.models.endpoint import Endpoint
    from evals.models.lane import Lane
    from evals.pipeline import Pipeline
    from evals.running.journal import Journal
    from evals.running.lines import Start
    from evals.suite import parse_suite
    from prompts.prompt import Prompt
    from store.records.versions import ModelPin

    suite = parse_suite(_files(), "evals/bench@v1")
    pin = ModelPin(provider="openai", id=MODEL, parameters={"temperature": 0})
    start = Start(run="0" * 64, at=datetime.now(UTC), release="r1", tier="full")
    with AnswerCache(folder / "evals.sqlite") as cache, Journal.open(folder / "runs", start) as journal:
        async with Endpoint(pin, url, lane=Lane(AT_ONCE)) as endpoint:
            arm = Arm("r1", "sha256:" + "0" * 64, Pipeline(Prompt("Answer."), endpoint, cache=cache))
            found = await evaluate(
                arm, None, suite, "evals/bench@v1", "full", concurrency=AT_ONCE, journal=journal
            )
    if (found.answers, found.errors, found.cached) != (CASES, 0, 0):
        raise SystemExit(f"ours: {found.answers} answers, {found.errors} errors, {found.cached} known")


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


def _child(kind: str, url: str, folder: str) -> None:
    if kind == "ours":
        collect_seldom()  # as `lockgate` does
    asyncio.run(_ours(url, Path(folder)) if kind == "ours" else _bare(url))
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Linux counts in KiB.
    sys.stdout.write(
        json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss * 1024 / 1e6})
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        _child(*sys.argv[1:])
    else:
        sys.stdout.write(json.dumps(run(), indent=1, ensure_ascii=False) + "\n")
