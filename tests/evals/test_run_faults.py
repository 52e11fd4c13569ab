"""Every fault of a provider, through a whole run: never a pass, never a regression, and no key anywhere."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.cache import AnswerCache
from evals.evaluate import Arm, evaluate
from evals.models.endpoint import Endpoint
from evals.models.retry import Limits
from evals.outcome import to_verdict
from evals.pipeline import Pipeline
from evals.running.journal import Journal, read_lines
from evals.running.lines import Entry, Start
from evals.suite import Suite, parse_suite
from prompts.prompt import Prompt
from store.bounded import write_toml
from store.clock import FixedClock
from store.errors import MachineryError
from store.records.versions import ModelPin
from tests.evals.server import MODEL, NEVER_AN_ANSWER, FaultServer

AT = datetime(2026, 3, 1, tzinfo=UTC)
KEY = "sk-canary-0123456789abcdefghij"
PIN = ModelPin(provider="openai", id=MODEL)
QUICK = Limits(attempts=2, timeout_s=0.3, deadline_s=0.7, backoff_s=0.005, longest_wait_s=0.01)
START = Start(run="d" * 64, at=AT, release="r2", baseline="r1", tier="full")


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


async def run(folder: Path, candidate: str, baseline: str, cases: int = 10):
    """The evaluation of a candidate whose every answer meets one fault, on everything a run keeps."""
    async with (
        Endpoint(PIN, candidate, KEY, limits=QUICK) as first,
        Endpoint(PIN, baseline, KEY) as second,
    ):
        with AnswerCache(folder / "evals.sqlite") as cache, Journal.open(folder / "runs", START) as journal:
            return await evaluate(
                Arm("r2", "sha256:" + "2" * 64, Pipeline(Prompt("Answer."), first, cache=cache)),
                Arm("r1", "sha256:" + "1" * 64, Pipeline(Prompt("As ever."), second, cache=cache)),
                suite(cases),
                "evals/support@v1",
                "full",
                concurrency=4,
                clock=FixedClock(AT),
                journal=journal,
            )


def kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("fault", NEVER_AN_ANSWER)
async def test_a_fault_is_neither_pass_nor_regression_and_tells_no_key(
    fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultServer() as server:
        try:
            found = await run(tmp_path, server.url(fault), server.url())
        except MachineryError as error:
            told = error.message
            assert fault in ("401", "404")  # no other request would fare better: the run ends at once
        else:
            assert found.outcome == "inconclusive" and found.errors == 10 and found.flips == ()
            assert [one.outcome for one in found.categories] == ["inconclusive"]
            verdict = to_verdict([found], "01J00000000000000000000000", AT)
            assert verdict.outcome == "inconclusive"
            told = write_toml(verdict).decode()
        assert server.count("trap") == 0
    with (tmp_path / "runs" / f"{START.run}.jsonl").open("rb") as file:
        entries = [line for line in read_lines(file) if isinstance(line, Entry)]
    assert all(one.score is None for one in entries if one.arm == "candidate")
    assert all(one.score == 1 for one in entries if one.arm == "baseline")
    for place in (told, caplog.text, kept(tmp_path).decode(errors="replace")):
        assert KEY not in place and KEY[:16] not in place


async def test_a_fault_of_both_arms_is_no_pass_either(tmp_path: Path) -> None:
    with FaultServer() as server:
        found = await run(tmp_path, server.url("html"), server.url("wrong-model"), cases=5)
    assert (found.outcome, found.errors, found.answers) == ("inconclusive", 10, 10)


async def test_what_failed_is_asked_again_and_what_came_is_not(tmp_path: Path) -> None:
    """The same run goes on once the endpoint is well: no failure of before counts, nothing is asked twice."""
    with FaultServer() as server:
        ill = await run(tmp_path, server.url("500"), server.url())
        asked = server.count("ok")
        well = await run(tmp_path, server.url(), server.url())
        assert server.count("ok") == asked + 10
    assert (ill.errors, well.errors, well.answers, well.cached) == (10, 0, 20, 0)
