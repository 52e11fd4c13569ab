"""labels.jsonl: what people said of answers, bound to the case and rubric that they said it about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from evals.judge.labels import new_label, parse_labels, with_label, write_labels
from evals.judge.measuring import labelled, labelled_cases
from evals.suite import Suite, parse_suite
from store.errors import InputError

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
TOML = b'[judge]\nmodel = "model/judge@v1"\n[[categories]]\nname = "tone"\n'
POLITE = {"grader": "judge", "rubric": "The answer is polite."}
SHORT = {"grader": "judge", "rubric": "The answer is short.", "scale": "1-5"}


def case(name: str, *expect: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "input": f"Say {name}", "category": "tone", "expect": expect or [POLITE], **more}


CASES = [case("a"), case("b", SHORT), case("c", POLITE, {**SHORT, "at_least": 4}), case("d", POLITE, SHORT)]


def suite(*labels: dict[str, Any], cases: list[dict[str, Any]] = CASES, toml: bytes = TOML) -> Suite:
    plain = case("plain", {"grader": "contains", "any": ["x"]})
    files = {"suite.toml": toml, "cases.jsonl": "\n".join(map(json.dumps, [*cases, plain])).encode()}
    if labels:
        files["labels.jsonl"] = "\n".join(map(json.dumps, labels)).encode()
    return parse_suite(files, "evals/support@v1")


def label(**more: Any) -> dict[str, Any]:
    return {"case": "a", "answer": "Hi", "label": True, "by": "ana", "at": "2026-11-01T12:00:00Z", **more}


def test_labels_are_read_and_part_of_the_suites_digest() -> None:
    one = suite(label(), label(by="ben", label=False), label(case="b", label=4))
    assert [(found.case, found.label, found.by) for found in one.labels] == [
        ("a", True, "ana"),
        ("a", False, "ben"),
        ("b", 4, "ana"),
    ]
    assert suite().labels == () and suite().digest != one.digest


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([label(case="z")], "line 1: case: 'z' is not in cases.jsonl"),
        ([label(case="plain")], "case 'plain' has no judge"),
        ([label(case="c")], "case 'c' has several judges: say which with expect"),
        ([label(case="c", expect=5)], "entry 5 of case 'c' is no judge"),
        ([label(label=3)], "the judge of case 'a' wants true or false"),
        ([label(case="b", label=True)], "the judge of case 'b' wants a number from 1 to 5"),
        ([label(case="b", label=6)], "line 1: label"),
        ([label(label="yes")], "line 1: label"),
        ([label(by=" ")], "line 1: by"),
        ([label(at="2026-11-01T12:00:00")], "line 1: at"),
        ([label(more=1)], "line 1: more: no such field"),
        ([label(), label(label=False)], "line 2: 'ana' labelled the same answer on line 1"),
        ([label(about="sha256:" + "0" * 64)], "was changed after this label"),
    ],
)
def test_a_label_that_fits_no_judge_is_refused_with_its_line(lines: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InputError) as caught:
        suite(*lines)
    assert said in caught.value.message and "evals/support@v1/labels.jsonl" in caught.value.message


def test_a_judge_without_a_model_is_refused_with_the_line() -> None:
    with pytest.raises(InputError, match=r"line 1: expect\.0: judge needs a model to ask"):
        suite(toml=b'[[categories]]\nname = "tone"\n')


@pytest.mark.parametrize("model", ["judge@v1", "prompt/judge@v1", "model/judge", "model/judge@latest"])
def test_a_judge_is_a_pinned_model_version_of_the_store(model: str) -> None:
    with pytest.raises(InputError, match=r"suite\.toml: judge\.model"):
        suite(toml=TOML.replace(b"model/judge@v1", model.encode()))


def test_a_label_is_written_and_read_again_until_the_rubric_changes() -> None:
    read = suite()
    by_id = {one.id: one for one in read.cases}
    kept: Any = ()
    for made in (
        new_label(by_id["a"], "Hi\n\x1b[2J\u2028", True, "ana", AT),
        new_label(by_id["c"], "Hi", 4, "ben", AT, expect=1, passages=("p",)),
        new_label(by_id["a"], "Hi\n\x1b[2J\u2028", False, "ana", AT),
    ):
        kept = with_label(kept, made, by_id)
    assert [(one.case, one.label) for one in kept] == [("c", 4), ("a", False)]
    assert parse_labels(write_labels(kept), read.cases, "labels") == kept
    reworded = suite(cases=[case("a", {**POLITE, "rubric": "The answer is very polite."}), *CASES[1:]])
    with pytest.raises(InputError, match="line 2: case 'a' or its rubric was changed"):
        parse_labels(write_labels(kept), reworded.cases, "labels")
    more_votes = suite(cases=[case("a", {**POLITE, "votes": 5, "weight": 2}), *CASES[1:]])
    assert len(parse_labels(write_labels(kept), more_votes.cases, "labels")) == 2


@pytest.mark.parametrize(
    ("name", "value", "more"),
    [("a", 4, {}), ("plain", True, {}), ("d", True, {}), ("a", True, {"expect": 1})],
)
def test_what_no_judge_is_asked_cannot_be_labelled(name: str, value: Any, more: dict[str, Any]) -> None:
    one = next(case for case in suite().cases if case.id == name)
    with pytest.raises(InputError, match="the label"):
        new_label(one, "Hi", value, "ana", AT, **more)


def test_people_who_do_not_agree_leave_an_answer_out() -> None:
    read = suite(
        label(), label(by="ben"), label(answer="Ho"), label(answer="Ho", by="ben", label=False),
        label(case="c", expect=1, label=5), label(case="c", expect=1, label=4, by="ben"),
        label(case="b", label=5), label(case="b", label=4, by="ben"),
    )  # fmt: skip
    verdicts = labelled(read.labels, read.cases, "verdict")
    assert [(one.case.id, one.answer.text, one.label) for one in verdicts] == [
        ("a", "Hi", 1), ("a", "Ho", None), ("c", "Hi", 1),
    ]  # fmt: skip
    assert labelled_cases(verdicts) == 2
    assert [one.label for one in labelled(read.labels, read.cases, "score")] == [None]


def test_coverage_says_what_the_judge_cannot_carry_yet() -> None:
    told = " ".join(suite(label()).coverage())
    assert "the judge (yes and no) only warns until people have labelled 30 cases; 1 are" in told
    assert "the judge (1 to 5) only warns until people have labelled 30 cases; 0 are" in told
    assert "tone cannot gate by its word" in told
    many = [case(f"a{number}") for number in range(30)]
    told = " ".join(suite(*(label(case=one["id"]) for one in many), cases=many).coverage())
    assert "counts in a run that finds it to agree with people, κ ≥ 0.8, on 30 labelled cases" in told
    assert "judge" not in " ".join(suite(cases=[case("x", {"grader": "refusal"})]).coverage())
