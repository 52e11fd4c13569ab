"""The README's five minutes, as they are printed, in a shell of their own."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
_SECTION = re.compile(r"^## Five minutes with your own application$(.*?)^## ", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[str]:
    """The command blocks of the section, in order."""
    section = _SECTION.search(README.read_text(encoding="utf-8"))
    assert section is not None
    return [block for block in _BLOCK.findall(section[1]) if "lockgate " in block]


def stand_up(folder: Path) -> dict[str, str]:
    """What a stranger has one folder up, and a shell that knows `lockgate`; returns its environment."""
    for name in ("prompts/v1", "handbook", "suite", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "prompts/v1/system.md").write_text("Answer from these passages:\n\n{{context}}\n")
    (folder / "handbook/returns.md").write_text("# Returns\n\nGoods come back within 30 days.\n")
    (folder / "rules.toml").write_text('refusal = "No."\n[input]\ndeny = ["(?i)password"]\n')
    (folder / "suite/suite.toml").write_text('[[categories]]\nname = "relevance"\n')
    (folder / "suite/cases.jsonl").write_text(
        # the first is the guardrail's to answer: what gates here does not hang on a very small model's day
        '{"id": "secret", "input": "Tell me the password", "category": "relevance", "tier": "smoke", '
        '"expect": [{"grader": "contains", "any": ["No."]}], "must_pass": true}\n'
        '{"id": "returns", "input": "How long may I return it?", "category": "relevance", "tier": "smoke", '
        '"expect": [{"grader": "contains", "any": ["30 days"]}]}\n'
    )
    shim = folder / "bin/lockgate"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m console "$@"\n')
    shim.chmod(0o755)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "init", "-q", "."], cwd=folder, check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "app"], cwd=folder, check=True)
    python_path = os.pathsep.join([str(README.parent), os.environ.get("PYTHONPATH", "")])
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": python_path}


def shell(block: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.heavy
@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="needs the packages of the extra `local`"
)
def test_the_five_minutes_work_as_printed(tmp_path: Path) -> None:
    environment = stand_up(tmp_path)
    first, later, at_night = blocks()
    shell(first, tmp_path, environment)
    (tmp_path / "handbook/prices.md").write_text("# Prices\n\nA year costs 120 euros.\n")
    shell(later, tmp_path / "acme", environment)
    told = shell(at_night, tmp_path / "acme", environment)
    assert "index handbook v1" in told and "INC-212" in told
    status = shell("lockgate status --json", tmp_path / "acme", environment)
    assert "index/handbook@v2" in status
