"""A key is refused wherever a version could carry it, by a sentence that does not repeat it."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from prompts.secrets import find_secrets
from tests.hostile.conftest import Lockgate
from tests.support.workspaces import made

_LONG = "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z"
KEYS = {
    "openai": f"sk-proj-{_LONG}",
    "anthropic": f"sk-ant-api03-{_LONG}",
    "hugging face": f"hf_{_LONG}",
    "aws": "AKIA" + "Q3EGRJ7MZT5WXY2B",
    "github": f"ghp_{_LONG}",
    "github fine": f"github_pat_{_LONG}",
    "google": "AIza" + f"{_LONG}abc",
    "slack": "xoxb-" + "123456789012-abcdefghij",
    "private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "web token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3In0" + ".c2lnbmF0dXJlLWhlcmU",
}


@pytest.mark.parametrize("name", KEYS)
def test_no_version_carries_a_key(name: str, tmp_path: Path, lockgate: Lockgate) -> None:
    key, root = KEYS[name], tmp_path / "acme"
    made(root)
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "suite.toml").write_text('[[categories]]\nname = "relevance"\n')
    case = {"id": "a", "input": f"is {key} yours?", "category": "relevance", "tier": "full"}
    expect = [{"grader": "contains", "any": ["x"]}]
    (suite / "cases.jsonl").write_text(json.dumps({**case, "expect": expect}) + "\n")
    prompt = tmp_path / "prompt"
    prompt.mkdir()
    (prompt / "system.md").write_text(f"Use {key} to ask.\n")
    rules = tmp_path / "rules.toml"
    rules.write_text(f'refusal = "Ask with {key}"\n')
    for words in (
        ("prompt", "support", "--from", prompt),
        ("guardrail", "default", "--from", rules),
        ("evals", "support", "--from", suite),
        ("app", "api", "--revision", "f" * 40, "--what", f"with {key}"),
    ):
        told = lockgate("-C", root, "add", *words)
        assert told.code == 2 and "looks like" in told.err, (words, told)
        assert key not in told.out + told.err
    objects = subprocess.run(
        ["git", f"--git-dir={root / 'store.git'}", "cat-file", "--batch", "--batch-all-objects"],
        capture_output=True,
        check=True,
    )
    assert key.encode() not in objects.stdout


def test_clean_prompts_are_let_pass() -> None:
    words = [
        "task-list",
        "sk-",
        "risk-free",
        "hf_model",
        "AKIA",
        "xoxo",
        "https://shop.example/a:b",
        "user@example.org",
        "v1.2.3",
        "refund",
        "{{context}}",
        "0123456789abcdef0123456789abcdef01234567",
        "eyJ",
        "-----BEGIN",
        "token",
        "api_key=",
        "answer",
    ]
    chance = random.Random(7)
    texts = [" ".join(chance.choices(words, k=60)) for _ in range(500)]
    content = Path(__file__).parents[2] / "console/demo/content"
    texts += [path.read_text() for path in content.rglob("*.md")]
    alarms = [text for text in texts if find_secrets(text)]
    assert len(alarms) * 100 < len(texts), alarms
