"""The journey of the demo, step by step.

Each step looks at the store to see whether it has been done, so a journey that was cut short goes
on where it was, and a second run finds everything in place. Steps call the operations that the
console and the commands call, on a real model and a real index.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from console.demo.content_files import CONTENT, handbook, missing_at_first
from console.operations import note, promote, rollback, stage
from console.operations.add import app, evals, guardrail, index, model, prompt
from console.operations.apply import apply_again
from console.operations.init import init
from console.operations.plan import Plan
from evals.models.embedded import DEFAULT_MODEL
from store.errors import Cancelled, LockgateError
from store.history.newest import newest
from store.progress import Report
from store.records.component import Component
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.records.verdict import Verdict
from store.workspace import STORE, Workspace

DEMO_POLICY = Policy(
    environments=(
        EnvironmentPolicy(name="staging", gate=GatePolicy(tier="smoke")),
        EnvironmentPolicy(
            name="production", gate=GatePolicy(tier="smoke"), note_required=True, production=True
        ),
    )
)
"""The demo gates on its smoke tier, so that it is done in minutes on two cores."""

_CHUNK = 400
_REVISIONS = ("4f2a91c0d3b7e6581f0c9a2d7b8e4c6150f3a9d2", "9c1f2e0b4a7d5836c2e1f09b8d7a6c5e4f3b2a10")


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that the journey says."""

    title: str
    lines: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    done_before: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step: whether the store shows that it was done, and how to do it."""

    title: str
    is_done: Callable[[Workspace], bool]
    do: Callable[[Workspace, Report], Told]


def workspace_at(path: Path) -> tuple[Workspace, bool]:
    """The demo's workspace at `path`, made unless it is there; and whether it was there."""
    if (path / STORE).is_dir():
        return Workspace.find(path), True
    return init(path, DEMO_POLICY), False


def travel(workspace: Workspace, report: Report) -> Iterator[Told]:
    """Does what has not been done yet, and tells every step. Raises LockgateError where one fails."""
    for step in STEPS:
        if step.is_done(workspace):
            yield Told(step.title, done_before=True)
            continue
        yield step.do(workspace, report)


def is_finished(workspace: Workspace) -> bool:
    """Whether every step was done."""
    return all(step.is_done(workspace) for step in STEPS)


# -- steps --------------------------------------------------------------------------------------


def _add(title: str, ref: str, make: Callable[[Workspace, Report], Plan]) -> Step:
    component, _, version = ref.partition("@")

    def is_done(workspace: Workspace) -> bool:
        return version in workspace.store.at().versions(Component.parse(component))

    def do(workspace: Workspace, report: Report) -> Told:
        applied = apply_again(workspace, make(workspace, report), report=report)
        return Told(title, (applied.record.summary,))

    return Step(title, is_done, do)


def _prompt(version: str, folder: str) -> Step:
    return _add(
        f"Add prompt support {version}",
        f"prompt/support@{version}",
        lambda workspace, _: prompt.plan(workspace, "support", CONTENT / "prompts" / folder),
    )


def _model(version: str, tokens: int, what: str) -> Step:
    return _add(
        f"Pin the embedded model, {version}",
        f"model/chat@{version}",
        lambda workspace, _: model.plan(
            workspace,
            "chat",
            "gguf",
            DEFAULT_MODEL,
            parameters={"temperature": 0, "max_tokens": tokens, "seed": 7},
            what=what,
        ),
    )


def _index(version: str, without: Callable[[], tuple[str, ...]], parent: str | None, what: str) -> Step:
    def make(workspace: Workspace, report: Report) -> Plan:
        with TemporaryDirectory(prefix="lockgate-handbook-") as folder:
            source = handbook(Path(folder) / "docs", without())
            return index.build(
                workspace,
                "handbook",
                source,
                parent=parent,
                embedder="minilm",
                chunk_characters=_CHUNK,
                what=what,
                report=report,
            )

    return _add(f"Build index handbook {version} from the docs pages", f"index/handbook@{version}", make)


def _app(version: str, revision: str) -> Step:
    return _add(
        f"Add app assistant {version}",
        f"app/assistant@{version}",
        lambda workspace, _: app.plan(workspace, "assistant", revision),
    )


def _stage(
    release: str,
    title: str,
    sets: tuple[str, ...],
    why: str,
    *,
    keep_blocked: bool = False,
    base: str | None = None,
) -> Step:
    def do(workspace: Workspace, report: Report) -> Told:
        composition = stage.compose(workspace, sets, base)
        verdicts = asyncio.run(stage.gate(workspace, composition, report=report))
        plan = stage.plan(workspace, composition, verdicts, keep_blocked=keep_blocked)
        applied = apply_again(workspace, plan, why, report=report)
        return Told(title, (applied.record.summary,), verdicts)

    return Step(title, lambda workspace: workspace.store.at().find_release(release) is not None, do)


def _promote(release: str, why: str) -> Step:
    def is_done(workspace: Workspace) -> bool:
        served = workspace.store.at().environment("production").served
        return any(one.release == release for one in served)

    def do(workspace: Workspace, report: Report) -> Told:
        applied = apply_again(workspace, promote.plan(workspace, release, "production"), why, report=report)
        return Told(f"Promote {release} to production", (applied.record.summary,))

    return Step(f"Promote {release} to production", is_done, do)


def _roll_back(only: str, why: str, remark: str) -> Step:
    title = f"Roll back {only} in production: no eval is waited for, no model is asked"

    def is_done(workspace: Workspace) -> bool:
        return any(entry.kind == "note" for entry in newest(workspace.store, 200))

    def do(workspace: Workspace, report: Report) -> Told:
        lines: list[str] = []
        if not any(entry.kind == "rollback" for entry in newest(workspace.store, 200)):
            plan = rollback.plan(workspace, "production", [only])
            lines.append(apply_again(workspace, plan, why, report=report).record.summary)
        record = next(entry.id for entry in newest(workspace.store, 200) if entry.kind == "rollback")
        lines.append(
            apply_again(workspace, note.plan(workspace, record, remark), report=report).record.summary
        )
        return Told(title, tuple(lines))

    return Step(title, is_done, do)


STEPS: tuple[Step, ...] = (
    _prompt("v1", "v1"),
    _model("v1", 48, "SmolLM2-135M, at most 48 tokens"),
    _add(
        "Add guardrail default v1",
        "guardrail/default@v1",
        lambda workspace, _: guardrail.plan(workspace, "default", CONTENT / "guardrails" / "v1.toml"),
    ),
    _add(
        "Add eval suite support v1",
        "evals/support@v1",
        lambda workspace, _: evals.plan(workspace, "support", CONTENT / "evals"),
    ),
    _app("v1", _REVISIONS[0]),
    _index("v1", missing_at_first, None, "first pages"),
    _stage(
        "r1",
        "Stage r1: the first release, judged without a baseline",
        (
            "prompt/support=v1",
            "model/chat=v1",
            "guardrail/default=v1",
            "evals/support=v1",
            "app/assistant=v1",
            "index/handbook=v1",
        ),
        "first release of the support assistant",
    ),
    _promote("r1", "go live"),
    _prompt("v2", "v2"),
    _index("v2", tuple, "v1", ""),
    _stage(
        "r2",
        "Stage r2: new prompt and new pages, judged against r1",
        ("prompt/support=v2", "index/handbook=v2"),
        "shorter answers, and the pages that people asked for",
    ),
    _promote("r2", "answers name their page; new pages"),
    _prompt("v3", "bad"),
    _stage(
        "r3",
        "Stage r3: a prompt that nobody tried out; the gate blocks it",
        ("prompt/support=v3",),
        "warmer tone",
        keep_blocked=True,
    ),
    _model("v2", 64, "room for longer answers: 64 tokens"),
    _app("v2", _REVISIONS[1]),
    _stage(
        "r4",
        "Stage r4: another model pin, judged against r2",
        ("model/chat=v2", "app/assistant=v2"),
        "longer answers",
    ),
    _roll_back(
        "index",
        "the new rollback page names a flag that this version does not have",
        "the page was right; the index goes forward again tomorrow",
    ),
)


def stopped(error: LockgateError) -> bool:
    """Whether the journey ended because the person asked for it."""
    return isinstance(error, Cancelled)
