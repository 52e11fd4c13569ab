"""A store that serves a release with a real suite, and a clone of it in which somebody changes a prompt."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import run
from tests.commands.conftest import Lockgate, lockgate
from tests.evals.server import MODEL, FaultServer

__all__ = ["Lockgate", "lockgate"]
CASES = 60
CARELESS = "Be careless.\n"
"""A system prompt that gets one of ten answers wrong."""
HOSTILE = "</details><script>alert(1)</script> @octocat ``` https://evil.example \x1b]52;c;x\x07"


def answer(body: dict[str, Any]) -> str:
    """Names the item that it is asked for; a careless one gets every tenth wrong."""
    system, question = body["messages"][0]["content"], body["messages"][-1]["content"]
    number = int(re.findall(r"\d+", question)[-1])
    return HOSTILE if "careless" in system and number % 10 == 0 else f"That is item-{number}-of-all."


def suite_files(count: int = CASES, category: str = "items") -> dict[str, str]:
    """A suite of `count` cases in one category."""
    cases = [
        {
            "id": f"item-{number}",
            "input": f"Which one is number {number}?",
            "expect": [{"grader": "contains", "any": [f"item-{number}-of-all"]}],
            "category": category,
            "tier": "smoke" if number % 6 == 0 else "full",
        }
        for number in range(1, count + 1)
    ]
    return {
        "suite.toml": f'repeats = [1, 3]\n[[categories]]\nname = "{category}"\n',
        "cases.jsonl": "".join(f"{json.dumps(case)}\n" for case in cases),
    }


def write(folder: Path, files: dict[str, str]) -> Path:
    """Writes `files` into `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="session")
def model_server() -> Iterator[FaultServer]:
    """An OpenAI-compatible server on loopback."""
    with FaultServer(answer=answer) as running:
        yield running


@pytest.fixture(scope="session")
def hub_template(tmp_path_factory: pytest.TempPathFactory, model_server: FaultServer) -> Path:
    """A bare store whose production serves r1, made by commands."""
    folder = tmp_path_factory.mktemp("hub")
    here = ("-C", str(folder / "acme"))
    model = ("--provider", "openai", "--id", MODEL, "--base-url", model_server.url())
    prompt = write(folder / "prompt", {"system.md": "Answer with care.\n"})
    suite = write(folder / "suite", suite_files())
    for command in (
        ("init", folder / "acme"),
        (*here, "add", "prompt", "support", "--from", prompt),
        (*here, "add", "model", "chat", *model),
        (*here, "add", "evals", "support", "--from", suite),
        (
            *here,
            "stage",
            "--set",
            "prompt/support",
            "--set",
            "model/chat",
            "--set",
            "evals/support",
            "-m",
            "x",
        ),
        (*here, "promote", "r1", "--to", "production", "-m", "go"),
    ):
        assert run([str(one) for one in command]) == 0, command
    return folder / "acme/store.git"


@dataclass
class Proposed:
    """A clone of the store on a branch of its own."""

    hub: Path
    folder: Path
    """The clone."""

    def git(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One git command in the clone."""
        who = ("-c", "user.name=Mia", "-c", "user.email=mia@example.org")
        return subprocess.run(
            ["git", *who, *words], cwd=self.folder, check=check, capture_output=True, text=True
        )

    def commit(self, files: dict[str, str | None], message: str = "a change") -> None:
        """Writes (or removes, for None) `files` and commits them."""
        for name, text in files.items():
            if text is None:
                (self.folder / name).unlink()
            else:
                write(self.folder, {name: text})
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def prompt(self, text: str, version: str = "v2") -> None:
        """Proposes the next version of the prompt."""
        self.commit({f"prompts/support/{version}/system.md": text})


@pytest.fixture
def proposed(tmp_path: Path, hub_template: Path, monkeypatch: pytest.MonkeyPatch) -> Proposed:
    """A clone on the branch `mine`; the current folder is in it."""
    hub = tmp_path / "hub.git"
    shutil.copytree(hub_template, hub)
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(hub), str(folder)], check=True, capture_output=True)
    found = Proposed(hub, folder)
    found.git("checkout", "-qb", "mine")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LOCKGATE_WORKSPACE", raising=False)
    return found


def environment(**more: str) -> dict[str, str]:
    """That of a job whose PATH has the `lockgate` under test."""
    here = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}", **more}
