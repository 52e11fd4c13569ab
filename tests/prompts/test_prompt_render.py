"""Rendering: values go in as they are, and nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.prompt import Example, Prompt, parse_prompt
from prompts.render import render
from store.errors import InputError
from store.records.versions import PromptInfo, Variable


def prompt(system: str, *variables: Variable, examples: tuple[Example, ...] = ()) -> Prompt:
    return Prompt(system, examples, PromptInfo(variables=variables))


def test_the_question_is_the_users_turn() -> None:
    messages = render(prompt("Be kind. {{context}}"), {"question": "Why?", "context": "[1] sky"})
    assert messages == [
        {"role": "system", "content": "Be kind. [1] sky"},
        {"role": "user", "content": "Why?"},
    ]


def test_a_context_that_is_not_placed_goes_before_the_question() -> None:
    messages = render(prompt("Be kind."), {"question": "Why?", "context": "[1] sky"})
    assert messages[-1] == {"role": "user", "content": "[1] sky\n\nWhy?"}


def test_a_template_that_places_the_question_is_the_users_turn() -> None:
    shown = Example("q", "a")
    messages = render(prompt("{{ context }}\nQ: {{question}}", examples=(shown,)), {"question": "Why?"})
    assert [one["role"] for one in messages] == ["user", "assistant", "user"]
    assert messages[-1]["content"] == "\nQ: Why?"


def test_examples_and_history_stand_before_the_question() -> None:
    history = [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}]
    messages = render(prompt("S", examples=(Example("u", "a"),)), {"question": "3"}, history)
    assert [one["content"] for one in messages] == ["S", "u", "a", "1", "2", "3"]


@pytest.mark.parametrize(
    ("declared", "value", "text"),
    [
        ("string", "x", "x"),
        ("integer", 3, "3"),
        ("number", 2.5, "2.5"),
        ("number", 2, "2"),
        ("boolean", True, "true"),
    ],
)
def test_values_have_types(declared: str, value: object, text: str) -> None:
    variable = Variable.model_validate({"name": "v", "type": declared})
    assert render(prompt("{{v}}", variable), {"v": value, "question": "q"})[0]["content"] == text


@pytest.mark.parametrize(
    ("declared", "value"),
    [("string", 1), ("integer", "3"), ("integer", True), ("integer", 2.5), ("number", "2"), ("boolean", 1)],
)
def test_another_type_is_refused(declared: str, value: object) -> None:
    variable = Variable.model_validate({"name": "v", "type": declared})
    with pytest.raises(InputError, match="'v' is to be a"):
        render(prompt("{{v}}", variable), {"v": value, "question": "q"})


def test_missing_values() -> None:
    optional = Variable(name="v", required=False)
    fallback = Variable(name="v", default="d")
    assert render(prompt("[{{v}}]", optional), {"question": "q"})[0]["content"] == "[]"
    assert render(prompt("[{{v}}]", fallback), {"question": "q"})[0]["content"] == "[d]"
    with pytest.raises(InputError, match="'v' has no value"):
        render(prompt("{{v}}", Variable(name="v")), {"question": "q"})
    with pytest.raises(InputError, match="does not declare"):
        render(prompt("{{v}}"), {"v": "x", "question": "q"})
    with pytest.raises(InputError, match="no question"):
        render(prompt("S"), {})


@given(st.text())
def test_a_value_is_never_expanded_again(value: str) -> None:
    declared = prompt("{{a}}|{{b}}", Variable(name="a"), Variable(name="b", default="B"))
    value += "{{b}}{{question}}\\1\\g<0>"
    assert render(declared, {"a": value, "question": "q"})[0]["content"] == f"{value}|B"


@given(st.text(min_size=1).filter(lambda text: "{{" not in text and text.strip()))
def test_text_without_placeholders_is_sent_as_it_stands(text: str) -> None:
    read = (
        parse_prompt({"system.md": text.encode("utf-8", "ignore")}, "p") if text.isascii() else Prompt(text)
    )
    assert render(read, {"question": "q"})[0]["content"] == read.system
