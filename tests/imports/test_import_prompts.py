"""Prompts of Humanloop and promptfoo: what they become, what is told, what is refused by its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.foreign import read_foreign
from prompts.lint import lint
from prompts.prompt import Prompt, parse_prompt
from prompts.render import render
from store.errors import InputError

HUMANLOOP = """\
---
model: gpt-4o
temperature: 0.7
max_tokens: -1
top_p: 1.0
stop: []
provider: openai
endpoint: chat
tools: [{"name": "look_up"}]
---
<system>
  You are {{ persona }} of Acme.
  Answer in two sentences.
</system>

<user>
May I return it?
</user>

<assistant>
Yes, within 30 days.
</assistant>

<user>
{{query}}
</user>
"""


def read(text: str, name: str) -> tuple[Prompt, tuple[str, ...]]:
    made = read_foreign(text.encode(), name)
    prompt = parse_prompt(made.files, name)
    assert not [one for one in lint(prompt) if one.level == "error"]
    return prompt, made.remarks


def test_a_humanloop_file() -> None:
    prompt, remarks = read(HUMANLOOP, "support.prompt")
    assert prompt.system == "You are {{ persona }} of Acme.\n  Answer in two sentences."
    assert [(one.user, one.assistant) for one in prompt.few_shot] == [
        ("May I return it?", "Yes, within 30 days.")
    ]
    assert [one.name for one in prompt.info.variables] == ["persona"]
    assert remarks == (
        "a model is a component of its own: `lockgate add model NAME --provider openai --id gpt-4o --set "
        "temperature=0.7 --set top_p=1.0`",
        "not kept of the front matter: tools",
        "{{query}} is the question that the user asks",
    )
    sent = render(prompt, {"persona": "Ann", "question": "Hello?", "context": "Pages."})
    assert [one["role"] for one in sent] == ["system", "user", "assistant", "user"]
    assert sent[-1]["content"] == "Pages.\n\nHello?"


@pytest.mark.parametrize(
    ("name", "text", "system", "remarks"),
    [
        ("a.txt", "Answer {{question}} briefly.\n", "Answer {{question}} briefly.", ()),
        (
            "a.md",
            "# Shop\n\nAsked: {{user_input}}",
            "# Shop\n\nAsked: {{question}}",
            ("{{user_input}} became {{question}}, which Lockgate fills",),
        ),
        (
            "a.json",
            json.dumps(
                [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{question}}"}]
            ),
            "Be brief.",
            (),
        ),
        (
            "a.yaml",
            "- {role: developer, content: Be brief.}\n"
            "- {role: user, content: 'About {{topic}}: {{question}}'}\n",
            "Be brief.\n\nAbout {{topic}}: {{question}}",
            ("its system message and the user's template are one text now",),
        ),
        ("a.prompt", "Only text, {{question}}", "Only text, {{question}}", ()),
        ("a.prompt", "---\nmodel:\n---\nOnly text.", "Only text.", ()),
    ],
)
def test_other_shapes(name: str, text: str, system: str, remarks: tuple[str, ...]) -> None:
    prompt, said = read(text, name)
    assert (prompt.system, said) == (system, remarks)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "a.prompt",
            HUMANLOOP.replace("{{query}}", "{{ query | upper }}"),
            r"line 25: .* is more than a plain",
        ),
        ("a.prompt", HUMANLOOP + "stray\n", "line 27: there is text outside"),
        ("a.prompt", HUMANLOOP.replace("<assistant>", "<tool name='x'>"), "line 20: <tool> is not kept"),
        ("a.prompt", '{{role "system"}}\nHello', "line 1: .* is more than a plain"),
        ("a.prompt", "---\nmodel: [\n---\nx", "a.prompt, line .*: it is not valid YAML"),
        ("a.txt", "One {{question}}\n---\nTwo {{question}}\n", "a.txt holds 2 prompts"),
        ("a.txt", "Use {% if x %}y{% endif %}", "line 1: '{% if x %}y{% endif %}' is more than a plain"),
        ("a.txt", "  \n", "is empty"),
        ("a.json", '{"role": "user"}', "is no list of messages"),
        ("a.json", '[{"role": "tool", "content": "x"}]', "line 1: a message is not text"),
        (
            "a.yaml",
            "- {role: assistant, content: x}\n- {role: user, content: y}\n",
            "line 1: examples are pairs",
        ),
        ("a.py", "print()", "is no prompt that can be read"),
        ("a.txt", b"\xff", "is not UTF-8"),
    ],
)
def test_what_it_cannot_be_is_named_by_its_line(name: str, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        read_foreign(text if isinstance(text, bytes) else text.encode(), name)
    assert "\n" not in error.value.message


@given(st.text(max_size=200), st.sampled_from([".prompt", ".txt", ".json", ".yaml"]))
def test_no_text_makes_it_fail_otherwise_than_in_words(text: str, ending: str) -> None:
    try:
        made = read_foreign(text.encode(errors="replace"), f"any{ending}")
    except InputError as error:
        assert "\n" not in error.message
    else:
        assert made.files["system.md"]
