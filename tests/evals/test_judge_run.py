"""Whole runs with a judge: when its word counts, when it only warns, and when the run is invalid."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evals.answer import Answer
from evals.cache import AnswerCache
from evals.case import Case
from evals.evaluate import Arm, evaluate
from evals.graders import GradeContext, grade, graders_digest
from evals.graders.grading import judge_digest
from evals.judge.canaries import BUILT_IN
from evals.judge.examination import examined
from evals.judge.judging import Judge
from evals.judge.opening import refuse_own_judge
from evals.models.endpoint import Endpoint, EndpointError
from evals.outcome import Evaluation, grounds, to_verdict
from evals.suite import Suite, parse_suite
from store.bounded import read_toml, write_toml
from store.clock import FixedClock
from store.errors import Cancelled, InputError
from store.records.verdict import Verdict
from store.records.versions import ModelPin
from tests.evals.judge_script import NAME, PIN, QUICK, obedient, read
from tests.evals.server import FaultServer

AT = datetime(2026, 3, 1, tzinfo=UTC)
ULID = "01J00000000000000000000000"
RUBRIC = "The answer says 'please'."
POLITE = {"grader": "judge", "rubric": RUBRIC, "votes": 1}
YES = {"grader": "contains", "any": ["yes"]}
Reply = Callable[[dict[str, Any]], str]


def suite(
    tone: int = 40, both: int = 0, relevance: int = 60, labels: int = 0, wrong: int = 0, more: str = ""
) -> Suite:
    """`tone` cases that only a judge grades, `both` in the same category that have another grader too,
    `relevance` without a judge; labels on the first `labels` of tone, `wrong` of them not the judge's."""
    cases = [
        *(_case(f"tone-{number}", "tone", POLITE) for number in range(tone)),
        *(_case(f"both-{number}", "tone", POLITE, YES) for number in range(both)),
        *(_case(f"relevance-{number}", "relevance", YES) for number in range(relevance)),
    ]
    said = [
        {
            "case": f"tone-{number}",
            "answer": "yes, please" if number % 2 else "yes",
            "label": bool(number % 2) != (number < wrong),
            "by": "ana",
            "at": "2026-02-01T10:00:00Z",
        }
        for number in range(labels)
    ]
    names = [name for name, count in (("tone", tone + both), ("relevance", relevance)) if count]
    toml = f'repeats = [1, 3]\n[judge]\nmodel = "{NAME}"\n{more}' + "".join(
        f'[[categories]]\nname = "{n}"\n' for n in names
    )
    files = {"suite.toml": toml.encode(), "cases.jsonl": "\n".join(map(json.dumps, cases)).encode()}
    if said:
        files["labels.jsonl"] = "\n".join(map(json.dumps, said)).encode()
    return parse_suite(files, "evals/support@v1")


def _case(name: str, category: str, *expect: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "input": f"question {name}", "category": category, "expect": expect}


class Says:
    """Answers every case of a kind with the same words."""

    def __init__(self, **words: str) -> None:
        self._words = words

    async def answer(self, case: Case, _repeat: int) -> Answer:
        return Answer(self._words.get(case.id.split("-")[0], "yes, please"))


FINE, RUDE = Says(), Says(tone="yes", both="yes")


async def run(
    on: Suite, candidate: Says, reply: Reply = obedient, *, fault: str = "ok", baseline: Says = FINE
) -> tuple[Evaluation, FaultServer]:
    arms = Arm("r2", "sha256:" + "2" * 64, candidate), Arm("r1", "sha256:" + "1" * 64, baseline)
    with FaultServer(answer=reply) as server:
        async with Endpoint(PIN, server.url(fault), limits=QUICK) as endpoint:
            context = GradeContext(judge=Judge(NAME, endpoint))
            found = await evaluate(
                *arms, on, "evals/support@v1", "full", context=context, clock=FixedClock(AT)
            )
    return found, server


def kept(found: Evaluation) -> Verdict:
    """The verdict as it is after it was written to the store and read again."""
    verdict = to_verdict([found], ULID, AT)
    assert (verdict.outcome, set(verdict.reasons)) == (found.outcome, set(found.reasons))
    return read_toml(Verdict, write_toml(verdict), "verdict.toml")


async def test_without_labels_a_judge_only_warns() -> None:
    found, _ = await run(suite(tone=12, relevance=12), RUDE)
    tone, relevance = found.categories
    assert (found.outcome, tone.outcome, relevance.outcome) == ("pass", "pass", "pass")
    assert tone.candidate == 0 and tone.baseline == 1 and tone.only_informs
    assert tone.reason == (
        "tone only warns, because nothing but a judge grades it: "
        "there are labels for 0 of the 30 cases that people have to have labelled."
    )
    assert found.carrying == (("evals/support", "relevance"),)
    flip = next(one for one in found.flips if one.category == "tone")
    assert "judge (only warns): no, 1 of 1 vote" in flip.reason
    assert kept(found).outcome == "pass"


async def test_what_a_judge_warns_of_does_not_hide_what_others_find() -> None:
    found, _ = await run(suite(tone=12, relevance=12), Says(relevance="no"))
    assert found.outcome == "block" and found.categories[0].outcome == "pass"
    assert kept(found).outcome == "block"


async def test_a_suite_that_only_a_judge_carries_cannot_pass_without_labels() -> None:
    found, _ = await run(suite(tone=12, relevance=0), FINE)
    assert found.outcome == "inconclusive"
    assert "nothing but a judge that only warns" in found.reasons[0]
    assert "tone only warns" in found.reasons[1] and "labels for 0 of the 30 cases" in found.reasons[1]
    assert kept(found).outcome == "inconclusive"


async def test_a_judge_that_agrees_with_people_may_block() -> None:
    on = suite(tone=30, relevance=12, labels=30)
    found, _ = await run(on, RUDE)
    tone, relevance = found.categories
    assert (found.outcome, tone.outcome, relevance.outcome) == ("block", "block", "pass")
    assert "warns" not in tone.reason and ("evals/support", "tone") in found.carrying
    fine, _ = await run(on, FINE)
    assert (fine.outcome, fine.reasons) == ("pass", ())
    assert kept(fine).judge_digest is not None


@pytest.mark.parametrize(("wrong", "kappa"), [(3, None), (4, "κ = 0.73")])
async def test_a_judge_that_people_do_not_agree_with_only_warns(wrong: int, kappa: str | None) -> None:
    """Of 30 labels, half yes: 3 apart are κ = .8, 4 apart .73."""
    found, _ = await run(suite(tone=30, relevance=12, labels=30, wrong=wrong), RUDE)
    assert found.outcome == ("block" if kappa is None else "pass")
    assert kappa is None or f"judge and people agree with {kappa}" in found.categories[0].reason


async def test_where_a_case_has_other_graders_they_alone_count() -> None:
    found, _ = await run(suite(tone=5, both=20, relevance=0), RUDE)
    tone = found.categories[0]
    assert (found.outcome, tone.outcome, tone.cases) == ("pass", "pass", 20)
    assert "5 more cases only warn" in tone.reason
    worse, _ = await run(suite(tone=5, both=20, relevance=0), Says(both="no, please"))
    assert worse.outcome == "block"


def fooled(body: dict[str, Any]) -> str:
    """A judge that lets everything pass."""
    return json.dumps({"fence": read(body)[0], "verdict": True, "reason": "fine"})


async def test_a_judge_that_lets_a_planted_answer_pass_makes_the_run_invalid() -> None:
    on = suite(tone=30, relevance=12, labels=30)
    found, server = await run(on, FINE, fooled)
    assert found.outcome == "inconclusive"
    assert sum("let the planted bad answer" in reason for reason in found.reasons) == len(BUILT_IN)
    assert "it let a planted bad answer pass" in found.categories[0].reason
    assert kept(found).outcome == "inconclusive" and len(server.requests) >= 3 * len(BUILT_IN)
    worse, _ = await run(on, Says(relevance="no"), fooled)
    assert worse.outcome == "block", "what needs no judge still blocks"
    assert kept(worse).outcome == "block"


async def test_a_suites_own_canary_counts_like_the_built_in_ones() -> None:
    own = f'[[judge.canaries]]\nquestion = "?"\nrubric = "{RUBRIC}"\nanswer = "%s"\n'
    bad, _ = await run(suite(tone=12, relevance=12, more=own % "please!"), FINE)
    assert bad.outcome == "inconclusive" and "'please!' pass (yes, 3 of 3 votes)" in bad.reasons[0]
    good, _ = await run(suite(tone=12, relevance=12, more=own % "now!"), FINE)
    assert good.outcome == "pass"


async def test_a_judge_that_let_one_planted_answer_pass_blocks_nothing_however_people_labelled() -> None:
    own = f'[[judge.canaries]]\nquestion = "?"\nrubric = "{RUBRIC}"\nanswer = "please!"\n'
    found, _ = await run(suite(tone=30, relevance=12, labels=30, more=own), RUDE)
    assert (found.outcome, found.categories[0].outcome) == ("inconclusive", "pass")


async def test_canaries_are_asked_anew_in_every_run_whatever_is_kept(tmp_path: Path) -> None:
    on, asked = suite(tone=12, relevance=0), []
    with FaultServer(answer=obedient) as server, AnswerCache(tmp_path / "evals.sqlite") as cache:
        async with Endpoint(PIN, server.url(), limits=QUICK) as endpoint:
            for _ in range(2):
                before = len(server.requests)
                await examined(on, "full", GradeContext(judge=Judge(NAME, endpoint, cache)))
                asked.append(len(server.requests) - before)
    assert asked == [3 * len(BUILT_IN)] * 2


async def test_canaries_are_asked_on_every_scale_that_is_used() -> None:
    lenient = {**POLITE, "scale": "1-5", "at_least": 4}
    cases = [_case(f"tone-{number}", "tone", lenient) for number in range(12)]
    toml = f'[judge]\nmodel = "{NAME}"\n[[categories]]\nname = "tone"\n'
    files = {"suite.toml": toml.encode(), "cases.jsonl": "\n".join(map(json.dumps, cases)).encode()}
    on = parse_suite(files, "evals/support@v1")

    def middling(body: dict[str, Any]) -> str:
        return json.dumps({"fence": read(body)[0], "score": 3, "reason": "so-so"})

    found, _ = await run(on, FINE, middling)
    assert found.outcome == "inconclusive" and "pass (3 of 5, 3 of 3 votes)" in found.reasons[0]
    strict, _ = await run(on, FINE)
    assert not strict.doubts


async def test_a_judge_that_cannot_be_read_is_no_zero_and_holds_the_run() -> None:
    found, _ = await run(suite(tone=12, relevance=12), FINE, lambda _: "Looks good to me!")
    assert found.outcome == "inconclusive" and found.errors == 0
    assert "could not be tried with the planted bad answer" in found.reasons[0]
    assert found.categories[0].cases == 0

    def only_canaries(body: dict[str, Any]) -> str:
        return obedient(body) if "question tone" not in body["messages"][1]["content"] else "Good!"

    warned, _ = await run(suite(tone=12, relevance=12), FINE, only_canaries)
    assert (warned.outcome, warned.errors) == ("pass", 0), "what only warns does not hold a run by failing"
    trusted = suite(tone=35, relevance=12, labels=30)
    unlabelled: Reply = lambda body: (  # noqa: E731
        "Good!"
        if any(f"question tone-3{n}" in body["messages"][1]["content"] for n in range(5))
        else obedient(body)
    )
    held, _ = await run(trusted, FINE, unlabelled)
    assert held.outcome == "inconclusive" and held.errors == 5 * 2 * 3


async def test_a_judge_whose_endpoint_answers_nothing_ends_the_run() -> None:
    with pytest.raises(EndpointError, match="refused the key"):
        await run(suite(tone=12, relevance=12), FINE, fault="401")


async def test_without_an_open_judge_nothing_is_made_up() -> None:
    arms = Arm("r2", "sha256:" + "2" * 64, FINE), Arm("r1", "sha256:" + "1" * 64, FINE)
    found = await evaluate(*arms, suite(tone=12, relevance=0), "evals/support@v1", "full")
    assert found.outcome == "inconclusive" and found.categories[0].cases == 0
    assert "no judge is open" in found.categories[0].reason


async def test_a_person_can_stop_while_the_judge_is_examined() -> None:
    arms = Arm("r2", "sha256:" + "2" * 64, FINE), None
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    with FaultServer(delay_s=20.0, answer=obedient) as server:
        async with Endpoint(PIN, server.url(), limits=QUICK) as endpoint:
            context = GradeContext(judge=Judge(NAME, endpoint))
            with pytest.raises(Cancelled):
                await evaluate(*arms, suite(), "evals/support@v1", "full", context=context, stop=stop)


async def test_each_answer_to_a_case_is_judged_anew() -> None:
    one = suite(tone=1, relevance=0).cases[0]
    with FaultServer(answer=obedient) as server:
        async with Endpoint(PIN, server.url(), limits=QUICK) as endpoint:
            judge = Judge(NAME, endpoint)
            scores = [
                (await grade(one, Answer(text), GradeContext(judge=judge, repeat=repeat))).score
                for repeat, text in ((1, "please"), (2, "please"), (1, "no"))
            ]
        assert scores == [1, 1, 0] and len(server.requests) == 3


@pytest.mark.parametrize(
    ("vote", "score", "more"),
    [(1, 0.0, {}), (3, 0.5, {}), (5, 1.0, {}), (3, 0.0, {"at_least": 4}), (4, 1.0, {"at_least": 4})],
)
async def test_a_number_from_1_to_5_becomes_a_score(vote: int, score: float, more: dict[str, Any]) -> None:
    line = _case("a", "tone", {**POLITE, "scale": "1-5", "votes": 1, **more})
    with FaultServer(
        answer=lambda body: json.dumps({"fence": read(body)[0], "score": vote, "reason": "so"})
    ) as server:
        async with Endpoint(PIN, server.url(), limits=QUICK) as endpoint:
            context = GradeContext(judge=Judge(NAME, endpoint))
            found = await grade(Case.model_validate_json(json.dumps(line)), Answer("x"), context)
    assert found.score == score


def test_the_judge_is_part_of_what_a_verdict_stands_on() -> None:
    one, same = suite(), suite()
    reworded = suite(more='[[judge.canaries]]\nquestion = "?"\nrubric = "r"\nanswer = "a"\n')
    assert graders_digest(one) == graders_digest(same) and judge_digest(one) == judge_digest(same)
    digests = {judge_digest(one), judge_digest(reworded), judge_digest(_other_pin(one))}
    assert len(digests) == 3 and None not in digests
    assert len({graders_digest(one), graders_digest(reworded), graders_digest(_other_pin(one))}) == 3
    assert judge_digest(suite(tone=0)) is None
    assert grounds({"evals/support": one}, "full") != grounds({"evals/support": reworded}, "full")


def _other_pin(one: Suite) -> Suite:
    assert one.info.judge is not None
    judge = one.info.judge.model_copy(update={"model": "model/judge@v2"})
    info = one.info.model_copy(update={"judge": judge})
    return Suite(info, one.cases, one.digest)


def test_a_release_is_not_judged_by_its_own_model_nor_by_one_that_is_not_pinned() -> None:
    judge = ModelPin(provider="openai", id="gpt-5-2026-01-01")
    cooler = judge.model_copy(update={"parameters": {"temperature": 0.0}})
    other = ModelPin(provider="openai", id="gpt-6-2026-09-01")
    for fine in ({}, {"model/chat@v3": other}):
        refuse_own_judge(NAME, judge, fine, "evals/support@v1")
    for name, model in ((NAME, judge), ("model/chat@v3", judge), ("model/chat@v3", cooler)):
        with pytest.raises(InputError, match=r"evals/support@v1: the judge model/judge@v1 is the model of"):
            refuse_own_judge(NAME, judge, {"model/x@v1": other, name: model}, "evals/support@v1")
    floating = ModelPin(provider="openai", id="gpt-4o")
    with pytest.raises(InputError, match=r"evals/support@v1: judge\.model: .*gpt-4o"):
        refuse_own_judge(NAME, floating, {}, "evals/support@v1")
