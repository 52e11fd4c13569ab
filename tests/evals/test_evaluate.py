"""A whole evaluation, from cases to the verdict that is kept."""

import json
from datetime import UTC, datetime

import pytest

from evals.answer import Answer
from evals.case import Case
from evals.evaluate import Arm, evaluate
from evals.models.endpoint import Endpoint
from evals.models.retry import Limits
from evals.outcome import grounds, policy_digest, to_verdict
from evals.pipeline import Pipeline
from evals.suite import Suite, parse_suite
from prompts.prompt import Prompt
from store.bounded import read_toml, write_toml
from store.clock import FixedClock
from store.errors import InputError, LockgateError, MachineryError
from store.records.verdict import Verdict
from store.records.versions import ModelPin
from tests.evals.server import MODEL, NEVER_AN_ANSWER, FaultServer

AT = datetime(2026, 3, 1, tzinfo=UTC)
ULID = "01J00000000000000000000000"


def suite(count: int = 60, toml: str = "", category: str = "relevance", **more: object) -> Suite:
    cases = [
        {
            "id": f"{category}-{number}",
            "input": f"question {number}",
            "category": category,
            "tier": "smoke" if number < 20 else "full",
            "expect": [{"grader": "contains", "any": ["yes"]}],
            **more,
        }
        for number in range(count)
    ]
    info = f'{toml}\n[[categories]]\nname = "{category}"\n'
    files = {"suite.toml": info.encode(), "cases.jsonl": "\n".join(map(json.dumps, cases)).encode()}
    return parse_suite(files, "evals/support@v1")


class Says:
    """Answers yes unless `wrong` says otherwise for the case's number and repeat."""

    def __init__(self, wrong=lambda _number, _repeat: False, vary: bool = False) -> None:
        self.wrong, self.vary = wrong, vary
        self.asked: list[tuple[str, int]] = []

    async def answer(self, case: Case, repeat: int) -> Answer:
        self.asked.append((case.id, repeat))
        number = int(case.id.rpartition("-")[2])
        found = self.wrong(number, repeat)
        if isinstance(found, str):
            return Answer(error=found)
        return Answer(("no" if found else "yes") + (f" {repeat}" if self.vary else ""))


def arms(candidate: Says, baseline: Says | None) -> tuple[Arm, Arm | None]:
    return (
        Arm("r2", "sha256:" + "2" * 64, candidate),
        Arm("r1", "sha256:" + "1" * 64, baseline) if baseline else None,
    )


async def judge(candidate: Says, baseline: Says | None, on: Suite, tier="full", **more):
    return await evaluate(
        *arms(candidate, baseline), on, "evals/support@v1", tier, clock=FixedClock(AT), **more
    )


async def test_no_change_passes_once_repeats_agree() -> None:
    candidate, baseline = Says(lambda n, _: n < 4), Says(lambda n, _: n < 4)
    found = await judge(candidate, baseline, suite())
    assert (found.outcome, found.errors, found.flips) == ("pass", 0, ())
    assert found.categories[0].repeats == 3
    assert found.answers == len(candidate.asked) + len(baseline.asked) == 360
    assert (found.cases, found.release, found.baseline, found.suite) == (60, "r2", "r1", "evals/support")


async def test_a_drop_blocks_and_shows_the_flips() -> None:
    found = await judge(Says(lambda n, _: n < 12), Says(lambda n, _: n < 2), suite())
    assert found.outcome == "block"
    assert any("relevance fell" in reason for reason in found.reasons)
    assert len(found.flips) == 10
    flip = found.flips[0]
    assert (flip.before, flip.after, flip.question) == (1.0, 0.0, f"question {flip.case.rpartition('-')[2]}")
    assert (flip.answer_before, flip.answer_after) == ("yes", "no")
    assert flip.reason


async def test_noise_is_repeated_to_the_end_of_the_schedule_and_then_holds() -> None:
    candidate = Says(lambda n, r: n < 20 and (n + r) % 2 == 0, vary=True)
    baseline = Says(lambda n, r: n < 20 and (n + r) % 2 == 1, vary=True)
    found = await judge(candidate, baseline, suite(toml="repeats = [1, 3]"))
    assert found.outcome == "inconclusive"
    assert found.categories[0].repeats == 3


async def test_what_never_varies_is_not_asked_again() -> None:
    """One case of sixty fell, within two points: three equal repeats are the A/A run that shows it."""
    candidate = Says(lambda n, _: n == 0)
    found = await judge(candidate, Says(), suite(60))
    assert max(repeat for _, repeat in candidate.asked) == 3
    assert (found.outcome, found.categories[0].standard_error) == ("pass", 0)
    varied = await judge(Says(lambda n, _: n == 0, vary=True), Says(), suite(60))
    assert varied.outcome == "inconclusive"
    assert varied.categories[0].repeats == 10


async def test_only_undecided_categories_are_run_again() -> None:
    clear, doubtful = suite(100), suite(60, category="freshness")
    both = Suite(
        clear.info.model_copy(update={"categories": clear.info.categories + doubtful.info.categories}),
        clear.cases + doubtful.cases,
        clear.digest,
    )
    candidate, baseline = Says(), Says()
    found = await judge(candidate, baseline, both)
    assert found.outcome == "pass"
    for arm in (candidate, baseline):
        assert sum(case.startswith("relevance") for case, _ in arm.asked) == 100
        assert sum(case.startswith("freshness") for case, _ in arm.asked) == 180
    assert len(set(candidate.asked)) == len(candidate.asked)


async def test_the_first_release_has_no_baseline() -> None:
    found = await judge(Says(), None, suite())
    assert found.baseline is None
    verdict = to_verdict([found], ULID, AT)
    assert verdict.baseline is None and verdict.flips == ()


async def test_must_pass_and_zero_tolerance_are_confirmed_by_repeats() -> None:
    strict = suite(toml="", must_pass=True)
    once = await judge(Says(lambda n, r: n == 1 and r == 1, vary=True), Says(vary=True), strict)
    assert once.outcome != "block"
    always = await judge(Says(lambda n, _: n == 1), Says(), strict)
    assert always.outcome == "block"


async def test_errors_are_never_scored_and_never_dropped() -> None:
    found = await judge(Says(lambda n, _: "500." if n < 5 else False), Says(), suite())
    assert found.outcome == "inconclusive"
    assert found.errors > 0
    assert any("failed" in reason for reason in found.reasons)


async def test_a_few_errors_heal_with_the_next_repeat() -> None:
    wrong = {(7, 1): "500."}
    found = await judge(Says(lambda n, r: wrong.get((n, r), False)), Says(), suite(100))
    assert (found.outcome, found.errors) == ("pass", 1)


async def test_a_tier_holds_its_cases_only() -> None:
    candidate = Says()
    found = await judge(candidate, Says(), suite(), "smoke")
    assert (found.cases, found.tier) == (20, "smoke")
    with pytest.raises(InputError, match="no cases in the tier 'smoke'"):
        await judge(candidate, Says(), suite(30, tier="extended"), "smoke")


async def test_progress_and_bars() -> None:
    steps, bars = [], []
    await judge(
        Says(lambda n, _: n < 30),
        Says(),
        suite(),
        report=steps.append,
        on_category=lambda *bar: bars.append(bar),
    )
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].done == steps[-1].total
    name, candidate, baseline, done, total = bars[-1]
    assert (name, candidate, baseline, done == total) == ("relevance", 0.5, 1.0, True)


async def test_the_verdict_goes_through_its_file_unchanged() -> None:
    found = await judge(Says(lambda n, _: n < 12, vary=True), Says(), suite())
    verdict = to_verdict([found], ULID, AT)
    assert read_toml(Verdict, write_toml(verdict), "verdict") == verdict
    assert verdict.outcome == found.outcome
    kept = grounds({"evals/support": suite()}, "full")
    assert (verdict.graders_digest, verdict.policy_digest) == (kept.graders, kept.policy)
    assert verdict.suites == kept.suites


async def test_several_suites_make_one_verdict() -> None:
    good = await judge(Says(), Says(), suite())
    other = suite(category="safety")
    bad = await evaluate(*arms(Says(lambda n, _: n < 30), Says()), other, "evals/safety@v3", "full")
    verdict = to_verdict([good, bad], ULID, AT)
    assert verdict.outcome == "block"
    assert sorted(verdict.suites) == ["evals/safety", "evals/support"]
    assert verdict.cases == 120
    with pytest.raises(InputError, match="pins no evals"):
        to_verdict([], ULID, AT)
    with pytest.raises(InputError, match="not of one release"):
        to_verdict([good, good], ULID, AT)


def test_the_policy_digest_names_all_that_decides() -> None:
    base = suite()
    digests = {
        policy_digest(one.info, tier)
        for one, tier in [
            (base, "full"),
            (base, "smoke"),
            (suite(toml="alpha = 0.01"), "full"),
            (suite(toml="repeats = [1, 3]"), "full"),
        ]
    }
    assert len(digests) == 4
    assert policy_digest(suite(30).info, "full") in digests


@pytest.mark.parametrize("fault", [one for one in NEVER_AN_ANSWER if one not in ("hang", "drip")])
async def test_no_fault_of_an_endpoint_is_quality(fault: str) -> None:
    """The candidate's endpoint breaks: the run says so, and never that the release is worse or fine."""
    limits = Limits(attempts=2, timeout_s=2, deadline_s=5, backoff_s=0.001, longest_wait_s=0.002)
    pin = ModelPin(provider="openai", id=MODEL)
    with FaultServer(answer=lambda _: "yes") as server:
        async with (
            Endpoint(pin, server.url(fault), "sk-canary-0123456789", limits=limits) as broken,
            Endpoint(pin, server.url(), limits=limits) as sound,
        ):
            candidate = Arm("r2", "sha256:" + "2" * 64, Pipeline(Prompt("x"), broken))
            baseline = Arm("r1", "sha256:" + "1" * 64, Pipeline(Prompt("x"), sound))
            try:
                found = await evaluate(candidate, baseline, suite(12, "repeats = [1]"), "evals/a@v1", "full")
            except LockgateError as error:
                assert isinstance(error, MachineryError)
                assert "canary" not in error.message
                return
    assert found.outcome == "inconclusive"
    assert found.errors == 12
    assert found.flips == ()
    assert "canary" not in repr(found)
