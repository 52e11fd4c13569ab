"""A judge compares a shadow's answers with stable's second ones, in both orders, under the shadow's caps."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.controller.work import work_once
from console.operations.apply import apply
from console.operations.shadow import access, start
from console.operations.shadow.status import status
from evals.live.verdict import MetricVerdict
from evals.live.work_file import WorkFile
from store.errors import InputError
from store.records.shadow import ShadowPolicy
from store.workspace import Workspace
from tests.evals.judge_script import read
from tests.evals.server import MODEL, FaultServer
from tests.operations.shadows import App, answer_from_context, copied, did, later, made, staged, still

JUDGE = "judge-2026-01-01"
JUDGED = ShadowPolicy(
    cap_rpm=10_000, quality_drop=1, retrieval_drop=1, similarity_drop=1, again_percent=100, queue=10_000
)
Says = Callable[[str, str], str]


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, server: FaultServer) -> Path:
    """r1 serves; r2 says nonsense, and its suite has a judge."""
    root = tmp_path_factory.mktemp("judged")
    acme = made(root, server)
    model = ("--provider", "openai", "--id", JUDGE, "--base-url", server.url())
    did("-C", acme, "add", "model", "judge", *model)
    suite = root / "material/suite/suite.toml"
    suite.write_text('judge = { model = "model/judge@v1" }\n' + suite.read_text())
    did("-C", acme, "add", "evals", "support", "--from", suite.parent)
    prompt = root / "prompt"
    prompt.mkdir()
    (prompt / "system.md").write_text("ANSWER NONSENSE\n\n{{context}}\n")
    did("-C", acme, "add", "prompt", "support", "--from", prompt)
    staged(Workspace(acme), "prompt/support", "evals/support")
    return acme


def model_and_judge(says: Says) -> Callable[[dict[str, Any]], str]:
    def answer(body: dict[str, Any]) -> str:
        if body["model"] != JUDGE:
            return answer_from_context(body)
        fence, line, _ = read(body)
        data = json.loads(line)
        said = says(data["first"], data["second"])
        return json.dumps({"fence": fence, "better": said, "reason": "so it is"})

    return answer


def sensible(first: str, _: str) -> str:
    return "second" if first.startswith("Roses") else "first"


def shadowed(template: Path, target: Path, policy: ShadowPolicy = JUDGED) -> tuple[Workspace, App]:
    workspace = still(copied(template, target))
    apply(workspace, start.plan(workspace, "r2", "production", percent=100, policy=policy), "see")
    return workspace, App(workspace)


def preference(workspace: Workspace) -> MetricVerdict | None:
    later(workspace, minutes=1)
    found = status(workspace, "production").verdict
    assert found is not None
    return next((one for one in found.metrics if one.name == "preference"), None)


def test_a_shadow_whose_answers_lose_is_blocked(template: Path, tmp_path: Path, server: FaultServer) -> None:
    workspace, app = shadowed(template, tmp_path / "acme")
    server.answer = model_and_judge(sensible)
    app.serve(30, answer=lambda *_: "Within 30 days.")
    before = len(server.requests)
    assert work_once(workspace).replayed == 30
    asked = server.requests[before:]
    assert sum(one.body["model"] == JUDGE for one in asked) == 60, "both orders of each pair"
    found = preference(workspace)
    assert found is not None and found.outcome == "block"
    assert found.canary == 1 and "in 30 of 30 pairs: certainly more than half" in found.reason
    spent = status(workspace, "production").spent
    assert spent is not None and spent.calls_last_day == 120


@pytest.mark.parametrize(
    ("says", "reason"),
    [(lambda *_: "first", "0 of 0 pairs (12 more were ties)"), (lambda *_: "a bribe", None)],
)
def test_a_judge_that_favours_a_place_or_babbles_speaks_against_nobody(
    template: Path, tmp_path: Path, server: FaultServer, says: Says, reason: str | None
) -> None:
    workspace, app = shadowed(template, tmp_path / "acme")
    server.answer = model_and_judge(says)
    app.serve(12, answer=lambda *_: "Within 30 days.")
    assert work_once(workspace).replayed == 12
    found = preference(workspace)
    if reason is None:
        assert found is None
    else:
        assert found is not None and found.outcome == "pass" and reason in found.reason


def test_what_the_judge_is_asked_counts_against_the_cap(
    template: Path, tmp_path: Path, server: FaultServer
) -> None:
    workspace, app = shadowed(template, tmp_path / "acme", JUDGED.model_copy(update={"cap_rpm": 10}))
    server.answer = model_and_judge(sensible)
    app.serve(12, answer=lambda *_: "Within 30 days.")
    before = len(server.requests)
    for _ in range(3):
        work_once(workspace)
    assert 4 <= len(server.requests) - before <= 10


def test_a_judge_whose_price_is_not_known_is_refused_beforehand(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = still(copied(template, tmp_path / "acme"))
    monkeypatch.setattr(access, "is_loopback", lambda _: False)
    settings = workspace.root / "settings.toml"
    settings.write_text(settings.read_text() + f'[prices]\n"{MODEL}" = {{ input = 1, output = 1 }}\n')
    with pytest.raises(InputError, match=f"price of model '{JUDGE}'"):
        start.plan(Workspace(workspace.root, workspace.clock), "r2", "production", percent=100)


def test_a_file_of_the_version_before_is_gone_on_with(tmp_path: Path) -> None:
    file = WorkFile(tmp_path / "work.sqlite")
    assert file.states("job") == {}
    connection = sqlite3.connect(file.path)
    connection.execute("alter table comparisons drop column preferred")
    connection.execute("pragma user_version = 1")
    connection.close()
    assert file.rows("select preferred from comparisons", ()) == []
    assert file.rows("pragma user_version", ()) == [(2,)]
