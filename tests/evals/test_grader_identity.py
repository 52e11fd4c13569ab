"""What stored verdicts and labels are bound to: the same bytes tomorrow, others where a score may change."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from evals.graders import GRADERS, graders_digest
from evals.graders.grading import judge_digest
from evals.graders.judge import Judged
from evals.judge import agreement, asking, canaries, judging
from tests.evals.graded_cases import case, line, suite

CONTAINS = {"grader": "contains", "any": ["30"]}
SCHEMA = {"grader": "json_schema", "schema": {"type": "array"}}
JUDGE = {"grader": "judge", "rubric": "The answer is polite."}
JUDGED = '[judge]\nmodel = "model/judge@v1"\n'


def digest(value: Any) -> str:
    """As the format has it: sha256 of JSON with sorted keys and no spaces."""
    data = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_the_graders_digest_is_over_the_sorted_digests_of_name_version_and_arguments() -> None:
    found = graders_digest(suite(line(CONTAINS, SCHEMA), line(CONTAINS, id="b", input="How far?")))
    assert found == digest(sorted([digest({**CONTAINS, "version": 1}), digest({**SCHEMA, "version": 1})]))


def test_an_argument_at_its_default_is_not_part_of_it_so_a_later_one_changes_nothing() -> None:
    spelled = {**CONTAINS, "all": [], "normalise": True, "weight": 1.0}
    assert graders_digest(suite(line(spelled))) == graders_digest(suite(line(CONTAINS)))


@pytest.mark.parametrize(
    "other",
    [
        {**CONTAINS, "any": ["31"]}, {**CONTAINS, "normalise": False}, {**CONTAINS, "weight": 2},
        {"grader": "contains", "all": ["30"]}, {"grader": "not_contains", "any": ["30"]},
    ],
)  # fmt: skip
def test_every_argument_that_may_change_a_score_is_part_of_it(other: dict[str, Any]) -> None:
    assert graders_digest(suite(line(other))) != graders_digest(suite(line(CONTAINS)))


def test_so_is_the_version_of_the_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    before = graders_digest(suite(line(CONTAINS)))
    monkeypatch.setattr(GRADERS["contains"], "version", 2)
    assert graders_digest(suite(line(CONTAINS))) == digest([digest({**CONTAINS, "version": 2})]) != before


def test_the_judges_identity_is_its_pin_its_words_its_planted_answers_and_its_rule() -> None:
    planted = {"question": "?", "rubric": "Polite.", "answer": "No."}
    toml = f"{JUDGED}[[judge.canaries]]\n" + "\n".join(f'{key} = "{text}"' for key, text in planted.items())
    read = suite(line(JUDGE), judge=f"{toml}\n")
    kept = ("question", "rubric", "answer", "reference")
    built_in = [{name: getattr(one, name) for name in kept} for one in canaries.BUILT_IN]
    expected = {
        "pin": "model/judge@v1",
        "prompt": asking.PROMPT_DIGEST,
        "canaries": [*built_in, {**planted, "reference": None}],
        "rule": [
            judging.PROTOCOL,
            judging.TRIES,
            agreement.KAPPA,
            agreement.LABELLED_CASES,
            canaries.VOTES,
            canaries.MOST_ON_SCALE,
        ],
    }
    assert judge_digest(read) == digest(expected)
    judged = digest({**JUDGE, "version": 1, "judge": digest(expected)})
    assert graders_digest(read) == digest([judged])


def test_a_judge_that_nothing_asks_is_no_part_of_the_graders() -> None:
    idle = suite(line(CONTAINS), judge=JUDGED)
    assert judge_digest(idle) is None
    assert graders_digest(idle) == graders_digest(suite(line(CONTAINS)))
    both = graders_digest(suite(line(CONTAINS, JUDGE), judge=JUDGED))
    other = graders_digest(suite(line(CONTAINS, JUDGE), judge=JUDGED.replace("@v1", "@v2")))
    assert len({both, other, graders_digest(idle)}) == 3


def test_a_label_is_bound_to_all_that_the_judge_is_asked_but_the_answer() -> None:
    one = case({**JUDGE, "scale": "1-5", "at_least": 4, "passages": True}, reference="30 days")
    (spec,) = one.expect
    assert isinstance(spec, Judged)
    assert spec.about(one) == digest(
        {
            "rubric": "The answer is polite.",
            "question": "How long?",
            "reference": "30 days",
            "scale": "1-5",
            "at_least": 4,
            "passages": True,
        }
    )
