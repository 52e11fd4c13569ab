"""promptfoo configurations: what becomes of tests and assertions, and what is named by its line."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.answer import Answer
from evals.case import Case
from evals.graders import GradeContext
from evals.imports.formats import read_file
from evals.imports.suite_files import Imported, Unsupported, Wishes, suite_files
from evals.suite import parse_suite
from store.errors import InputError

BOMB = "a0: &a0 [x, x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 31))
"""Each line twice the one before: a thousand million values."""
ALL = Wishes(judge="model/judge@v1", skip_unsupported=True)


def imported(folder: Path, text: str, wishes: Wishes = ALL, name: str = "promptfooconfig.yaml") -> Imported:
    path = folder / name
    path.write_text(dedent(text))
    return suite_files(read_file(path, "promptfoo", "equals"), path.name, wishes)


def cases(made: Imported) -> list[dict[str, Any]]:
    return [json.loads(line) for line in made.files["cases.jsonl"].splitlines()]


def passes(case: dict[str, Any], answer: str) -> bool:
    """Whether every grader of `case` is content with `answer`."""
    read = Case.model_validate_json(json.dumps(case))

    async def grades() -> list[float | None]:
        return [(await one.grade(read, Answer(answer), GradeContext())).score for one in read.expect]

    return all(score == 1 for score in asyncio.run(grades()))


def one_assert(tmp_path: Path, text: str) -> dict[str, Any]:
    """The case of a test with one assertion, given as YAML."""
    (found,) = cases(
        imported(tmp_path, f"tests:\n  - vars: {{topic: bananas}}\n    assert:\n      - {text}\n")
    )
    return found


def test_a_configuration_becomes_a_suite(tmp_path: Path) -> None:
    made = imported(
        tmp_path,
        """\
        description: shop
        prompts: ["{{question}}"]
        providers: [openai:gpt-4o]
        defaultTest:
          vars: {shop: Acme}
          assert:
            - {type: latency, threshold: 3000}
        tests:
          - description: May it come back?
            vars: {question: "How long may I return it to {{shop}}?"}
            metadata: {category: returns, tags: [money]}
            assert:
              - {type: icontains, value: 30 days, weight: 2}
              - {type: similar, value: Within 30 days., threshold: 0.7}
          - vars:
              question: [What does it cost?, Is it free?]
              shop: Other
            assert:
              - type: llm-rubric
                value: Names a price of {{shop}}.
        """,
        Wishes(judge="model/judge@v1"),
    )
    first, second, third = cases(made)
    assert first == {
        "id": "may-it-come-back",
        "input": {"shop": "Acme", "question": "How long may I return it to Acme?"},
        "category": "returns",
        "tags": ["money"],
        "reference": "Within 30 days.",
        "expect": [
            {"grader": "contains", "all": ["30 days"], "weight": 2.0},
            {"grader": "similarity", "threshold": 0.7},
            {"grader": "budget", "latency_ms": 3000.0},
        ],
    }
    assert [one["input"]["question"] for one in (second, third)] == ["What does it cost?", "Is it free?"]
    assert second["expect"][0] == {"grader": "judge", "rubric": "Names a price of Other."}
    assert second["category"] == "general"
    suite = parse_suite(made.files, "x")
    assert suite.info.judge is not None and suite.info.judge.model == "model/judge@v1"
    assert not made.left_out and not made.remarks


@pytest.mark.parametrize(
    ("text", "good", "bad"),
    [
        ("{type: equals, value: Yes}", "Yes", "yes"),
        ("{type: equals, value: {a: 1}}", '{"a": 1}', '{"a": 2}'),
        ("{type: contains, value: '{{topic}}'}", "two bananas", "two Bananas"),
        ("{type: icontains, value: Two}", "two bananas", "three"),
        ("{type: contains-any, value: [a1, b2]}", "has b2", "has B2"),
        ("{type: contains-all, value: 'a1, b2'}", "b2 a1", "a1"),
        ("{type: icontains-all, value: [A1, B2]}", "b2 a1", "a1"),
        ("{type: icontains-any, value: 'A1, B2'}", "b2", "c"),
        ("{type: starts-with, value: 'It (is)'}", "It (is) so", "so It (is)"),
        ("{type: regex, value: '(?<year>20\\d\\d)'}", "in 2026", "in 1999"),
        ("{type: is-json}", '{"a": 1}', "{a: 1}"),
        ("{type: is-json, value: {required: [a]}}", '{"a": 1}', "{}"),
        ("{type: is-refusal}", "I cannot help with that.", "Sure."),
        ("{type: not-is-refusal}", "Sure.", "I cannot help with that."),
        ("{type: not-equals, value: Yes}", "Yes!", "Yes"),
        ("{type: not-contains, value: secret}", "fine", "a secret"),
        ("{type: not-icontains, value: secret}", "fine", "A SECRET"),
        ("{type: not-contains-any, value: [a1, b2]}", "c", "a b2"),
        ("{type: not-starts-with, value: As an}", "So as an", "As an AI"),
        ("{type: not-regex, value: '(?i)as an ai'}", "No.", "well,\nAs An AI"),
    ],
)
def test_an_assertion_says_of_answers_what_it_said_before(
    tmp_path: Path, text: str, good: str, bad: str
) -> None:
    case = one_assert(tmp_path, text)
    assert passes(case, good) and not passes(case, bad)


@given(value=st.text(min_size=1, max_size=40), answer=st.text(max_size=60))
def test_text_comparisons_hold_for_any_text(
    tmp_path_factory: pytest.TempPathFactory, value: str, answer: str
) -> None:
    if not value.strip() or re.search(r"\{[{%#]", value) or "\x85" in value or value.startswith("file://"):
        return
    for kind, right in (
        ("contains", value in answer),
        ("not-contains", value not in answer),
        ("starts-with", answer.startswith(value)),
        ("not-equals", answer != value),
    ):
        one = json.dumps({"type": kind, "value": value})
        try:
            folder = tmp_path_factory.getbasetemp()
            case = one_assert(folder, one)
        except InputError as error:
            assert "cannot be imported" in error.message or "not valid YAML" in error.message
            continue
        if answer.strip():
            assert passes(case, answer) == right, (kind, value, answer)


def test_what_has_no_counterpart_is_named_by_its_line(tmp_path: Path) -> None:
    text = """\
        tests:
          - vars: {q: a}
            assert:
              - {type: contains, value: x}
              - type: javascript
                value: output.length < 5
          - vars: {q: b}
            assert: [{type: python, value: file://grade.py}]
          - vars: {q: c}
          - vars: {q: file://cat.jpg}
            assert: [{type: contains, value: cat}]
          - vars: {q: d}
            options: {transform: output.trim()}
            assert: [{type: contains, value: x}]
          - file://more.js
          - vars: {q: e}
            assert: [{type: rouge-n, value: x}, {type: contains, value: "{{ x | upper }}"}]
        """
    with pytest.raises(Unsupported) as refused:
        imported(tmp_path, text, Wishes())
    assert [str(one).removeprefix("promptfooconfig.yaml, ") for one in refused.value.said] == [
        "line 5: javascript runs code",
        "line 7: it expects nothing that can be graded here",
        "line 8: python runs code",
        "line 9: it expects nothing that can be graded here",
        "line 10: it reads file://cat.jpg",
        "line 12: its answers go through transform, which is code",
        "line 15: tests come from file://more.js",
        "line 16: it expects nothing that can be graded here",
        "line 17: rouge-n has no counterpart",
        "line 17: it is a template with more than plain variables",
    ]
    assert refused.value.message.startswith("promptfooconfig.yaml has 10 things that cannot be imported")
    made = imported(tmp_path, text)
    assert [one["input"] for one in cases(made)] == [{"q": "a"}] and len(made.left_out) == 10


def test_a_judge_that_nobody_named_is_asked_for(tmp_path: Path) -> None:
    text = "tests:\n  - vars: {q: a}\n    assert: [{type: llm-rubric, value: polite}]\n"
    with pytest.raises(Unsupported, match=r"line 2: it wants a judge: name its model with --judge"):
        imported(tmp_path, text, Wishes())
    remarked = imported(tmp_path, text.replace("polite}", "polite, threshold: 0.8, provider: openai:o1}"))
    assert [str(one) for one in remarked.remarks] == [
        "promptfooconfig.yaml, line 3: llm-rubric: the suite's own judge says yes or no, without threshold, "
        "provider"
    ]


def test_tests_in_other_files_are_read_and_named(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/a.yaml").write_text("- vars: {q: from yaml}\n  assert: [{type: contains, value: x}]\n")
    (tmp_path / "more/b.json").write_text('[{"vars": {"q": "from json"}, "assert": [{"type": "is-json"}]}]')
    (tmp_path / "c.jsonl").write_text(
        '{"vars": {"q": "from lines"}, "assert": [{"type": "equals", "value": "x"}]}\n'
        '{"vars": {"q": "second"}, "assert": [{"type": "bleu", "value": "x"}]}\n'
    )
    (tmp_path / "d.csv").write_text(
        "question,__expected,__expected2,__description,__metadata:category\n"
        'from csv,"contains-any: a, b",similar(0.6): b,named,money\n'
        "plain,Yes,,,\n"
        "code,javascript: true,,,\n"
    )
    made = imported(
        tmp_path,
        """\
        tests:
          - file://more/*.yaml
          - more/b.json
          - file://c.jsonl
          - file://d.csv
          - file://../outside.yaml
          - https://example.com/tests.csv
        """,
    )
    found = cases(made)
    assert [next(iter(one["input"].values())) for one in found] == [
        "from yaml",
        "from json",
        "from lines",
        "from csv",
        "plain",
    ]
    assert found[3]["id"] == "named" and found[3]["category"] == "money" and found[3]["reference"] == "b"
    assert found[3]["expect"] == [
        {"grader": "contains", "any": ["a", "b"], "normalise": False},
        {"grader": "similarity", "threshold": 0.6},
    ]
    assert found[4]["expect"] == [{"grader": "equals", "value": "Yes", "normalise": False}]
    assert [str(one) for one in made.left_out] == [
        "c.jsonl, line 2: bleu has no counterpart",
        "c.jsonl, line 2: it expects nothing that can be graded here",
        "d.csv, line 4: javascript runs code",
        "d.csv, line 4: it expects nothing that can be graded here",
        "promptfooconfig.yaml, line 6: file://../outside.yaml is outside the folder",
        "promptfooconfig.yaml, line 7: tests come from https://example.com/tests.csv",
    ]


def test_scenarios_and_templates_of_assertions(tmp_path: Path) -> None:
    made = imported(
        tmp_path,
        """\
        assertionTemplates:
          short: {type: regex, value: '^.{1,20}$'}
        scenarios:
          - config:
              - vars: {language: French}
              - vars: {language: German}
            tests:
              - vars: {text: Hello}
                assert: [{$ref: '#/assertionTemplates/short'}]
              - vars: {text: Bye}
                assert: [{type: assert-set, assert: [{type: contains, value: x}, {type: contains, value: y}]}]
              - vars: {text: Lost}
                assert: [{$ref: '#/assertionTemplates/long'}]
        """,
    )
    asked = [tuple(one["input"].values()) for one in cases(made)]
    assert asked == [("French", "Hello"), ("French", "Bye"), ("German", "Hello"), ("German", "Bye")]
    assert len(cases(made)[1]["expect"]) == 2
    assert "'long', which is not in the file" in " ".join(map(str, made.left_out))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tests: [\n", "line 2: it is not valid YAML"),
        ("tests:\n  - vars: {a: 1, a: 2}\n", "line 2: the key 'a' is given twice"),
        (BOMB, "there are too many values, or too deep"),
        ("[" * 100 + "]" * 100, "there are too many values, or too deep"),
        ("just text\n", "is no promptfoo configuration"),
        ("tests: !!python/object/apply:os.system ['touch /tmp/evil']\n", "has no case"),
        ("prompts: [x]\n", "it holds no tests"),
    ],
)
def test_a_hostile_or_broken_file_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        imported(tmp_path, text)
    assert "\n" not in error.value.message
    assert not Path("/tmp/evil").exists()


def test_two_equal_tests_are_one_case(tmp_path: Path) -> None:
    test = "  - vars: {q: a}\n    assert: [{type: contains, value: x}]\n"
    made = imported(tmp_path, "tests:\n" + test + test)
    assert made.cases == 1
    assert (
        str(made.left_out[0])
        == "promptfooconfig.yaml, line 4: it is the same as promptfooconfig.yaml, line 2"
    )


@given(st.text(max_size=300))
def test_no_text_makes_it_fail_otherwise_than_in_words(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        suite_files(read_file(path, None, "equals"), path.name, ALL)
    except InputError as error:
        assert "\n" not in error.message
