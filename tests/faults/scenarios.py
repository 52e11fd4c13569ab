"""What Lockgate does while the disk, the power or somebody with kill -9 is against it.

Each scenario has a workspace as it was before, and one operation. What the operation acknowledges (a record
that is on disk, as it says) is told through `Ack`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from console.controller.tick import tick
from console.operations import promote, rollback, stage, switch
from console.operations.add import app, evals, guardrail, model, prompt
from console.operations.apply import Applied, apply_again
from console.operations.init import init
from console.operations.plan import Plan
from console.operations.rollout import verbs
from console.operations.sync.sync import sync
from console.views.export import export
from store.clock import FixedClock
from store.errors import InputError
from store.history.newest import newest
from store.history.reading import Filter, History
from store.progress import never, silent
from store.records.rollout_policy import Step
from store.settings import Settings
from store.workspace import Workspace
from tests.operations.rollouts import QUICK, stepped, traffic
from tests.remote.hubs import again, hub_at
from tests.support.workspaces import NOON, OPEN_POLICY, add_basics, add_prompt, made, promote_to, stage_all

Ack = Callable[[str], None]
SHOP = "acme"
"""The workspace, below a scenario's folder; what it reads stands beside it."""


@dataclass(frozen=True)
class Scenario:
    """`prepare` makes the folder once; `act` is done in a copy of it, again and again."""

    prepare: Callable[[Path], None]
    act: Callable[[Workspace, Ack], None]
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    """What is replaced meanwhile."""
    more: Callable[[Workspace], Iterable[str]] | None = None
    """What else is wrong afterwards. Where it is given, the same is done once more at the end, which has to
    work or be refused, and to leave nothing half-made."""
    slow: bool = False
    """Takes many times as long as the others."""


def opened(folder: Path) -> Workspace:
    """The workspace in a scenario's folder, at the hour that its file `now` has."""
    workspace = Workspace(folder / SHOP, FixedClock(NOON + timedelta(minutes=minutes_of(folder))))
    workspace.__dict__["settings"] = Settings(embedder="lexical", remote=_hub(folder))
    return workspace


def minutes_of(folder: Path) -> int:
    """How many minutes after noon it is in a scenario's folder."""
    now = folder / "now"
    return int(now.read_text()) if now.exists() else 0


def stand_at(folder: Path, minutes: int) -> None:
    """Makes it so."""
    (folder / "now").write_text(str(minutes))


def _hub(folder: Path) -> str | None:
    hub = folder / "hub.git"
    return str(hub) if hub.exists() else None


def _nothing(folder: Path) -> None:
    folder.mkdir(exist_ok=True)


def _shop(folder: Path) -> None:
    """r1 serves production, r2 is staged; production takes no steps."""
    workspace = made(folder / SHOP)
    add_basics(workspace, folder)
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "app/api")
    promote_to(workspace, "r1")
    add_prompt(workspace, folder / "p", "Answer kindly.\n\n{{context}}\n", what="changed tone")
    stage_all(workspace, "prompt/support")
    _sources(folder)


def _sources(folder: Path) -> None:
    words = folder / "words"
    words.mkdir()
    (words / "system.md").write_text("Answer in one sentence.\n")
    (folder / "rules.toml").write_text('refusal = "No."\n[input]\ndeny = ["secret"]\n')
    suite = folder / "suite"
    suite.mkdir()
    (suite / "suite.toml").write_text('[[categories]]\nname = "all"\n')
    case = {"id": "c1", "category": "all", "tier": "smoke", "input": "Is it?"}
    wanted = {"expect": [{"grader": "contains", "any": ["yes"]}]}
    (suite / "cases.jsonl").write_text(json.dumps(case | wanted) + "\n")


def _rolling(folder: Path) -> None:
    """r2 is served to a quarter of production's users, and its first step has what it asked for."""
    workspace = stepped(folder, QUICK)
    promote_to(workspace, "r2")
    traffic(workspace, 4)
    _stop_clock(folder, workspace)


def _failing(folder: Path) -> None:
    """r2 is served to a quarter of production's users and answers most of them with an error."""
    workspace = stepped(folder, QUICK)
    promote_to(workspace, "r2")
    traffic(workspace, 4, canary_errors=9)
    _stop_clock(folder, workspace)


def _waiting(folder: Path) -> None:
    """r2 waits for an approval."""
    policy = QUICK.model_copy(
        update={"steps": (Step(percent=25, approval=True), Step(percent=100, approval=True))}
    )
    workspace = stepped(folder, policy)
    promote_to(workspace, "r2")
    _stop_clock(folder, workspace)


def _promoted(folder: Path) -> None:
    """r2 serves production, after r1."""
    _shop(folder)
    promote_to(opened(folder), "r2")


def _shared(folder: Path) -> None:
    """A hub that another machine has moved on, and a commit here that it does not have."""
    _shop(folder)
    hub = hub_at(folder / "hub.git")
    again(opened(folder), hub)
    sync(opened(folder))


def _stop_clock(folder: Path, workspace: Workspace) -> None:
    stand_at(folder, int((workspace.clock.now() - NOON).total_seconds()) // 60)


def _told(applied: Applied, ack: Ack) -> None:
    ack(applied.record.id)


def _applying(plan: Callable[[Workspace], Plan]) -> Callable[[Workspace, Ack], None]:
    def act(workspace: Workspace, ack: Ack) -> None:
        _told(apply_again(workspace, plan(workspace), "because"), ack)

    return act


def _init(workspace: Workspace, ack: Ack) -> None:
    init(workspace.root, OPEN_POLICY, workspace.clock)
    ack(newest(workspace.store, 1)[0].id or "")


def _tick(workspace: Workspace, ack: Ack) -> None:
    for record in tick(workspace).records:
        ack(record.id)


def _cache(workspace: Workspace, ack: Ack) -> None:  # noqa: ARG001
    history = History(workspace)
    try:
        history.refresh(silent)
    finally:
        history.close()


def _export(workspace: Workspace, ack: Ack) -> None:  # noqa: ARG001
    export(workspace, Filter(), "all.jsonl", silent, never)


def _beside(workspace: Workspace, name: str) -> Path:
    return workspace.root.parent / name


_RELEASE = ("prompt/support",)
SCENARIOS: dict[str, Scenario] = {
    "init": Scenario(_nothing, _init),
    "add prompt": Scenario(_shop, _applying(lambda one: prompt.plan(one, "support", _beside(one, "words")))),
    "add model": Scenario(
        _shop, _applying(lambda one: model.plan(one, "chat", "openai", "gpt-4o-2024-11-20"))
    ),
    "add guardrail": Scenario(
        _shop, _applying(lambda one: guardrail.plan(one, "default", _beside(one, "rules.toml")))
    ),
    "add evals": Scenario(_shop, _applying(lambda one: evals.plan(one, "support", _beside(one, "suite")))),
    "add app": Scenario(_shop, _applying(lambda one: app.plan(one, "api", "f" * 40))),
    "stage": Scenario(
        _shop,
        _applying(lambda one: stage.plan(one, stage.compose(one, ("prompt/support@v1",)), ())),
    ),
    "approve": Scenario(_waiting, _applying(lambda one: verbs.approve(one, "production"))),
    "promote": Scenario(_shop, _applying(lambda one: promote.plan(one, "r2", "production"))),
    "rollout step": Scenario(_rolling, _tick),
    "automatic rollback": Scenario(_failing, _tick),
    "rollback of all": Scenario(_promoted, _applying(lambda one: rollback.plan(one, "production"))),
    "rollback of one": Scenario(
        _promoted, _applying(lambda one: rollback.plan(one, "production", ("prompt",)))
    ),
    "switch": Scenario(_promoted, _applying(lambda one: switch.plan(one, "prompt/support@v1", "production"))),
    "sync": Scenario(_shared, _applying(lambda one: promote.plan(one, "r2", "production"))),
    "cache rebuild": Scenario(_shop, _cache),
    "export": Scenario(_shop, _export),
}
"""By name."""


def the_next_command(workspace: Workspace) -> None:
    """What anybody might type next: `lockgate init` where that did not get far, and another model."""
    with contextlib.suppress(InputError):  # it is one already
        init(workspace.root, OPEN_POLICY, workspace.clock)
    apply_again(workspace, model.plan(workspace, "chat", "openai", "gpt-4.1-2025-04-14"), "go on")
