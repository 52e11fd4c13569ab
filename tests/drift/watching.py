"""A workspace in which a model on loopback serves production."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from console.operations.add import evals, model
from console.operations.apply import Applied, apply
from console.operations.drift import baseline, check
from console.operations.drift.looked import Looked
from store.records.drift import DriftBaseline
from store.workspace import Workspace
from tests.drift.probe_server import MODEL
from tests.support.workspaces import NOON, add_prompt, do, made, promote_to, stage_all, tick

DAY = timedelta(days=1)


def made_with(path: Path, url: str, cases: int = 0) -> Workspace:
    """r1 with model/chat@v1, which is served at `url`, in production; with a suite of so many cases."""
    workspace = made(path / "acme")
    add_prompt(workspace, path / "prompt", "Answer.\n")
    do(
        workspace,
        model.plan(workspace, "chat", "openai", MODEL, base_url=url, parameters={"temperature": 0.7}),
    )
    parts = ["prompt/support=v1", "model/chat=v1"]
    if cases:
        do(workspace, evals.plan(workspace, "support", suite(path / "suite", cases)))
        parts.append("evals/support=v1")
    promote_to(workspace, stage_all(workspace, *parts))
    return workspace


def suite(folder: Path, cases: int) -> Path:
    """A suite of two categories: facts and manners."""
    folder.mkdir()
    head = 'retrieve = 0\n[[categories]]\nname = "facts"\n[[categories]]\nname = "manners"\n'
    (folder / "suite.toml").write_text(head)
    lines = [
        json.dumps(
            {
                "id": f"{category}-{number}",
                "input": f"{category} question {number}",
                "category": category,
                "tier": "full",
                "expect": [{"grader": "contains", "any": ["good"]}],
            }
        )
        for category in ("facts", "manners")
        for number in range(cases)
    ]
    (folder / "cases.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def take_baseline(workspace: Workspace, every: float = 24) -> Applied:
    """Takes one, as the command does."""
    wanted = baseline.subject(workspace, "model/chat@v1")
    measured = asyncio.run(baseline.measure(workspace, wanted))
    return apply(workspace, baseline.plan(workspace, wanted, measured, every), "watch it")


def stored(workspace: Workspace) -> DriftBaseline:
    """The newest baseline of model/chat@v1."""
    from console.operations.drift.reading import newest_baseline

    snapshot = workspace.store.at()
    found = newest_baseline(snapshot, snapshot.pin("model/chat@v1"))
    assert found is not None
    return found


def check_on(workspace: Workspace, day: float, **options: bool) -> Looked:
    """The one check of `day`, counted from the baseline's noon."""
    tick(workspace, NOON + DAY * day)
    (looked,) = asyncio.run(check.check(workspace, **options))
    return looked
