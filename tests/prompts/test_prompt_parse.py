"""Reading prompts: every malformed file ends in one sentence."""

import json

import pytest

from prompts.prompt import Example, parse_prompt
from store.errors import InputError

GOOD = {
    "system.md": b"Answer for {{product}}.\r\n\n{{context}}\n",
    "few_shot_examples.json": json.dumps([{"user": "Hi", "assistant": "Hello"}]).encode(),
    "prompt.toml": b'what_changed = "tone"\n[[variables]]\nname = "product"\ndefault = "Acme"\n',
}


def test_reads_all_three_files() -> None:
    prompt = parse_prompt(GOOD, "prompt/support@v1")
    assert prompt.system == "Answer for {{product}}.\n\n{{context}}"
    assert prompt.few_shot == (Example("Hi", "Hello"),)
    assert prompt.info.what_changed == "tone"
    assert prompt.variable("product") is not None


def test_only_system_is_needed() -> None:
    assert parse_prompt({"system.md": b"Be kind."}, "p").few_shot == ()


def test_examples_may_be_called_input_and_output() -> None:
    files = {"system.md": b"x", "few_shot_examples.json": b'[{"input": "a", "output": "b"}]'}
    assert parse_prompt(files, "p").few_shot == (Example("a", "b"),)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("system.md", b"  \n", "p/system.md is empty"),
        ("system.md", b"\xff\xfe", "not UTF-8"),
        ("system.md", b"a" * (1024 * 1024 + 1), "1,048,577 bytes"),
        ("few_shot_examples.json", b"{}", "not a list"),
        ("few_shot_examples.json", b"[1]", "example 1 is not an object"),
        ("few_shot_examples.json", b'[{"user": "a"}]', "example 1: assistant"),
        ("few_shot_examples.json", b'[{"user": "a", "assistant": 3}]', "example 1: assistant"),
        ("few_shot_examples.json", b'[{"user": "a", "user": "b"}]', "given twice"),
        ("few_shot_examples.json", b"[" * 100_000, "nested"),
        (
            "few_shot_examples.json",
            json.dumps([{"user": "a", "assistant": "b"}] * 201).encode(),
            "201 examples",
        ),
        ("prompt.toml", b"surprise = 1", "prompt.toml: surprise"),
        ("prompt.toml", b'[[variables]]\nname = "a-b"', "variables.0.name"),
        ("prompt.toml", b'[[variables]]\nname = "a"\n[[variables]]\nname = "a"', "declared twice"),
        ("prompt.toml", b'[[variables]]\nname = "a"\ntype = "integer"\ndefault = "3"', "not of its type"),
        ("prompt.toml", b'[[variables]]\nname = "question"\ntype = "integer"', "is a string"),
        ("evil.sh", b"", "'evil.sh' is not part of a prompt"),
        ("a\x1b[2J", b"", "not part of a prompt"),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else "",
)
def test_refuses(name: str, data: bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_prompt({**GOOD, name: data}, "p")
    assert said in caught.value.message
    assert "\x1b" not in caught.value.message
    assert "\n" not in caught.value.message


def test_a_prompt_needs_its_instructions() -> None:
    with pytest.raises(InputError, match=r"has no system\.md"):
        parse_prompt({}, "p")
