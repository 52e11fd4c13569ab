"""OpenAI-evals, inspect and plain CSV: each row a case, or a line that says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.imports.formats import read_file
from evals.imports.found import Match
from evals.imports.suite_files import Imported, Unsupported, Wishes, suite_files
from store.errors import InputError
from tests.imports.test_import_promptfoo import ALL, cases, passes


def imported(path: Path, text: str, match: Match = "equals", wishes: Wishes = ALL) -> Imported:
    path.write_text(text)
    return suite_files(read_file(path, None, match), path.name, wishes)


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_openai_evals(tmp_path: Path) -> None:
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]
    made = imported(
        tmp_path / "samples.jsonl",
        lines(
            {"input": talk, "ideal": ["4", "four"]},
            {"input": "Capital of France?", "ideal": "Paris", "id": "France!"},
            {"input": [{"role": "user", "content": [{"type": "image_url"}]}], "ideal": "cat"},
            {"input": "?", "ideal": None},
        ),
        "contains",
    )
    first, second = cases(made)
    assert first["input"] == talk and first["expect"] == [{"grader": "contains", "any": ["4", "four"]}]
    assert second["id"] == "france" and second["reference"] == "Paris"
    assert passes(second, "It is Paris.") and not passes(second, "Rome")
    assert [str(one) for one in made.left_out] == [
        "samples.jsonl, line 3: a message of 'user' is not text of system, user or assistant",
        "samples.jsonl, line 4: it has no ideal answer as text",
    ]


def test_inspect_in_lines_and_in_csv(tmp_path: Path) -> None:
    rows = [
        {"input": "Capital of Italy?", "target": "Rome", "id": 7, "metadata": {"category": "geo"}},
        {"input": "Which are even?", "choices": ["1", "2", "4"], "target": ["B", "C"]},
        {"input": "Which is prime?", "choices": ["4", "5"], "target": "B"},
        {"input": "Run it", "target": "x", "sandbox": "docker"},
        {"input": "Which?", "choices": ["a"], "target": "five"},
    ]
    made = imported(tmp_path / "set.jsonl", lines(*rows))
    plain, several, single = cases(made)
    assert (plain["id"], plain["category"], plain["reference"]) == ("7", "geo", "Rome")
    assert single["input"].endswith("A) 4\nB) 5\n\nAnswer with the letter alone.")
    assert (
        passes(single, "B")
        and passes(single, "(B)")
        and not passes(single, "A")
        and not passes(single, "A, B")
    )
    assert passes(several, "B, C") and passes(several, "B and C") and not passes(several, "B")
    assert [one.text for one in made.left_out] == [
        "it wants sandbox, which is more than a question",
        "its choices do not go with its input and target",
    ]
    table = 'input,target,choices,metadata\nWhich is prime?,B,"[""4"", ""5""]",\n"Two\nlines",x,,\n'
    single_again, two_lines = cases(imported(tmp_path / "set.csv", table))
    assert single_again["expect"] == single["expect"] and two_lines["input"] == "Two\nlines"
    (tmp_path / "list.json").write_text(json.dumps(rows[:1]))
    assert suite_files(read_file(tmp_path / "list.json", None, "equals"), "x", ALL).cases == 1


def test_plain_csv(tmp_path: Path) -> None:
    made = imported(
        tmp_path / "own.csv",
        "id,question,expected,category,tier,tags,contains,not_contains,judge,must_pass,context_ids\n"
        "one,Refund?,30 days,returns,smoke,a|b,,,,yes,refunds.md|faq.md\n"
        ",Ship?,,,,,two days|48 hours,never,Polite?,,\n"
        ",Nothing expected?,,,,,,,,,\n",
        "fuzzy",
    )
    first, second = cases(made)
    assert first == {
        "id": "one",
        "input": "Refund?",
        "category": "returns",
        "tier": "smoke",
        "tags": ["a", "b"],
        "reference": "30 days",
        "must_pass": True,
        "context_ids": ["refunds.md", "faq.md"],
        "expect": [{"grader": "fuzzy", "value": "30 days"}],
    }
    assert [one["grader"] for one in second["expect"]] == ["contains", "not_contains", "judge"]
    assert str(made.left_out[0]) == "own.csv, line 4: it expects nothing"
    variables = cases(imported(tmp_path / "vars.csv", "customer,item,contains\nnew,book,30 days\n"))
    assert variables[0]["input"] == {"customer": "new", "item": "book"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "question,expected,colour\nx,y,red\n", "line 1: the column 'colour' is not known"),
        ("a.csv", "question,question,expected\nx,y,z\n", "line 1: the column 'question' is given twice"),
        ("a.csv", "question,expected\nx,y,z\n", "line 2: there are 3 cells for 2 columns"),
        ("a.csv", 'question,expected\n"x,y\n', "a.csv, line 2: "),
        ("a.csv", "question,answered\nx,y\n", "line 1: no column says what is expected"),
        ("a.csv", "", "line 1: the first line has to name the columns|no column says"),
        (
            "a.jsonl",
            '{"input": "x", "ideal": "y", "ideal": "z"}\n',
            "line 1 is not valid JSON: the key 'ideal'",
        ),
        ("a.jsonl", '{"other": 1}\n', "looks like none of promptfoo, openai-evals, inspect, csv"),
        ("a.parquet", "x", "looks like none of"),
        ("a.csv", b"\xff\xfe,x\n", "is not UTF-8"),
        ("a.csv", "question,expected,tier\nx,y,huge\n", "line 2: tier"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, text: Any, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=words) as error:
        suite_files(read_file(path, None, "equals"), name, Wishes())
    assert "\n" not in error.value.message


def test_nothing_left_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unsupported):
        imported(tmp_path / "a.csv", "question,expected\nx,\n", wishes=Wishes())
    with pytest.raises(InputError, match=r"has no case that can be imported, the first at a\.csv, line 2"):
        imported(tmp_path / "a.csv", "question,expected\nx,\n")
