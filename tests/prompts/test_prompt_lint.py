"""Lint and comparison."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.compare import compare, compare_text, what_changed
from prompts.lint import lint
from prompts.prompt import Example, Prompt
from prompts.secrets import find_secrets, redact_secrets
from store.records.versions import PromptInfo, Variable

LETTERS = string.ascii_letters + string.digits
KEYS = [
    "sk-" + LETTERS[:40],
    "sk-proj-" + LETTERS[:40],
    "sk-ant-api03-" + LETTERS[:30],
    "ghp_" + LETTERS[:36],
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "hf_" + LETTERS[:34],
    "xoxb-" + "123456789012-abcdefABCDEF",
    "AIza" + LETTERS[:35],
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "postgres://admin:hunter22@db.internal/app",
]


def texts(prompt: Prompt, level: str) -> str:
    return "\n".join(finding.text for finding in lint(prompt) if finding.level == level)


def test_a_good_prompt_has_nothing() -> None:
    good = Prompt(
        "# Role\nYou help with {{product}}.\n\n## Sources\n\n### Passages\n{{context}}\n",
        (Example("Hi", "Hello"),),
        PromptInfo(variables=(Variable(name="product"),)),
    )
    assert lint(good) == ()


def test_variables() -> None:
    prompt = Prompt("{{used}} {{#if x}}", (), PromptInfo(variables=(Variable(name="idle"),)))
    assert "{{used}}, which prompt.toml does not declare" in texts(prompt, "error")
    assert "'idle', which system.md does not use" in texts(prompt, "warning")
    assert "{{#if x}}, which is no" in texts(prompt, "warning")
    assert "example 1 holds a" in texts(Prompt("x", (Example("{{a}}", "b"),)), "warning")


def test_empty_sections() -> None:
    prompt = Prompt("# A\n\n# B\ntext\n```\n# not a heading\n```\n## C\n\n   ")
    warned = texts(prompt, "warning")
    assert "'A'" in warned and "'C'" in warned
    assert "'B'" not in warned and "not a heading" not in warned


def test_length_and_invisible_text() -> None:
    assert "8,001 characters" in texts(Prompt("x" * 8001), "warning")
    assert "invisible" in texts(Prompt("a\u202eb"), "warning")


@pytest.mark.parametrize("key", KEYS)
def test_secrets_are_errors_wherever_they_stand(key: str) -> None:
    for prompt in (
        Prompt(f"one\ntwo {key} three"),
        Prompt("x", (Example("q", f"use {key}"),)),
        Prompt("x", (), PromptInfo(why=key)),
    ):
        found = [finding for finding in lint(prompt) if finding.level == "error"]
        assert len(found) == 1
        assert key not in found[0].text
    assert key not in redact_secrets(f"a {key} b")


@given(
    st.lists(st.sampled_from(["ask-me", "sk-", "task-list", "hf_", "https://a.b/c", "AKIA", "Refund", "42"]))
)
def test_clean_text_has_no_secrets(words: list[str]) -> None:
    assert find_secrets(" ".join(words)) == ()


@given(st.text(), st.text())
def test_a_comparison_holds_both_texts(old: str, new: str) -> None:
    lines = compare_text(old, new)
    assert "\n".join(line.text for line in lines if line.op != "insert") == old
    assert "\n".join(line.text for line in lines if line.op != "delete") == new
    for line in lines:
        assert {segment.op for segment in line.segments} <= {line.op, "equal"}


def test_words_within_a_line() -> None:
    removed, added = compare_text("Be very formal.", "Be very friendly.")
    assert [(one.op, one.text) for one in removed.segments] == [
        ("equal", "Be very "),
        ("delete", "formal"),
        ("equal", "."),
    ]
    assert added.segments[1].text == "friendly"


def test_what_changed_between_prompts() -> None:
    old = Prompt("a\nb", (Example("q", "a"),))
    new = Prompt("a\nc\nd", (), PromptInfo(variables=(Variable(name="v", default="x"),)))
    assert what_changed(old, new) == "2 lines added, 1 removed; 1 example removed; 1 variable added"
    assert [part.name for part in compare(old, new)] == ["system.md", "few_shot_examples.json", "prompt.toml"]
    assert what_changed(old, old) == "nothing"
    assert compare(old, old) == ()


def test_long_texts_are_shown_as_replaced() -> None:
    old, new = "\n".join(["x"] * 3000), "\n".join(["y"] * 3000)
    assert len(compare_text(old, new)) == 6000
    assert all(line.op == "equal" for line in compare_text(old, old))
