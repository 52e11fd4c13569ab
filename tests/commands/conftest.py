"""The command line in one process, and a stranger's own data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import run
from tests.evals.server import MODEL, FaultServer


@dataclass
class Result:
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


Lockgate = Callable[..., Result]


@pytest.fixture
def lockgate(capsys: pytest.CaptureFixture[str]) -> Lockgate:
    """Runs a command line: lockgate("status", "--json")."""

    def call(*arguments: str) -> Result:
        capsys.readouterr()
        code = run([str(one) for one in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "Traceback" not in out
        return Result(code, out, err)

    return call


PAGES = {
    "returns.md": "# Returns\n\nGoods come back within 30 days. The box may be open.\n",
    "shipping.md": "# Shipping\n\nA parcel takes three days. Express takes one day.\n",
    "prices.html": "<html><body><h1>Prices</h1><p>A year costs 120 euros.</p></body></html>",
    "contact.txt": "Write to the desk on the ground floor.\n",
}

CASES: list[dict[str, Any]] = [
    {
        "id": "returns",
        "input": "How many days for returns?",
        "expect": [{"grader": "contains", "any": ["30 days"]}],
    },
    {
        "id": "express",
        "input": "How long does express take?",
        "expect": [{"grader": "contains", "any": ["one day"]}],
    },
    {"id": "price", "input": "What does a year cost?", "expect": [{"grader": "contains", "any": ["120"]}]},
    {
        "id": "desk",
        "input": "Where is the desk?",
        "expect": [{"grader": "contains", "any": ["ground floor"]}],
    },
]


def answer_from_context(body: dict[str, Any]) -> str:
    """A model that repeats what it was told, unless the prompt wants a poem."""
    told = " ".join(str(message["content"]) for message in body["messages"])
    return "Roses are red." if "poem" in told else told[:4000]


@pytest.fixture(scope="session")
def shared_server() -> Iterator[FaultServer]:
    """An OpenAI-compatible server on loopback, the same for all tests: its address is in the model pin."""
    with FaultServer(answer=answer_from_context) as running:
        yield running


@pytest.fixture
def server(shared_server: FaultServer) -> Iterator[FaultServer]:
    """The server, answering as it should at the start of each test."""
    shared_server.answer = answer_from_context
    yield shared_server


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """A folder with a stranger's prompt, pages, rules and suite."""
    return write_material(tmp_path / "material")


def write_material(root: Path) -> Path:
    """Writes that folder."""
    (root / "prompt").mkdir(parents=True)
    (root / "prompt/system.md").write_text("Answer from these passages:\n\n{{context}}\n")
    (root / "prompt/few_shot_examples.json").write_text('[{"user": "Hi", "assistant": "Hello."}]')
    (root / "pages").mkdir()
    for name, text in PAGES.items():
        (root / "pages" / name).write_text(text)
    (root / "rules.toml").write_text('refusal = "No."\n[input]\ndeny = ["(?i)password"]\n')
    write_suite(root, CASES)
    return root


def write_suite(root: Path, cases: list[dict[str, Any]]) -> None:
    """The suite in `root`/suite; each case is repeated with other words to twelve in the category."""
    folder = root / "suite"
    folder.mkdir(exist_ok=True)
    (folder / "suite.toml").write_text('repeats = [1, 3]\n[[categories]]\nname = "relevance"\n')
    lines = []
    for turn in range(3):
        for case in cases:
            one = {**case, "id": f"{case['id']}-{turn}", "input": f"{case['input']}{' Please.' * turn}"}
            lines.append(json.dumps({"category": "relevance", "tier": "full", **one}))
    (folder / "cases.jsonl").write_text("\n".join(lines) + "\n")


KINDS = ("prompt/support", "model/chat", "index/pages", "guardrail/default", "evals/support", "app/api")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, shared_server: FaultServer) -> Path:
    """A workspace with one version of everything, r1 staged and promoted: all by commands."""
    folder = tmp_path_factory.mktemp("template")
    material, root = write_material(folder / "material"), folder / "acme"
    here = ("-C", str(root))
    add = (*here, "add")
    model = ("--provider", "openai", "--id", MODEL, "--base-url", shared_server.url())
    for command in (
        ("init", root),
        (*add, "prompt", "support", "--from", material / "prompt"),
        (*add, "model", "chat", *model, "--set", "temperature=0"),
        (*add, "index", "pages", "--from", material / "pages", "--embedder", "lexical"),
        (*add, "guardrail", "default", "--from", material / "rules.toml"),
        (*add, "evals", "support", "--from", material / "suite"),
        (*add, "app", "api", "--revision", "0123456789abcdef0123456789abcdef01234567"),
        (*here, "stage", *(part for kind in KINDS for part in ("--set", kind)), "-m", "first"),
        (*here, "promote", "r1", "--to", "production", "-m", "go live"),
    ):
        assert run([str(one) for one in command]) == 0, command
    return root


@pytest.fixture
def acme(tmp_path: Path, template: Path, server: FaultServer, lockgate: Lockgate) -> Path:  # noqa: ARG001
    """A copy of the template, made true to its own place."""
    root = tmp_path / "acme"
    shutil.copytree(template, root)
    for document in (root / "live").glob("*.json"):
        document.unlink()  # they name index copies of the template
    assert lockgate("-C", root, "reconcile").code == 0
    return root
