"""The demo's traffic: a good release climbs to everybody, a bad one is taken back by the controller.

Real questions on the local model, through the client, while `lockgate watch` runs as a process of its
own. The steps take a minute each instead of a day, and the margin is wide because there is so little
traffic; both are said on the screen.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from console.demo.assistant import Counts, asked_about, serve_until
from console.demo.content_files import handbook
from console.demo.journey import Told
from console.operations import policy as policy_operation
from console.operations import promote, stage
from console.operations.add import index
from console.operations.apply import apply_again
from console.operations.rollout.why import why
from store.errors import Inconclusive
from store.progress import Report
from store.records.component import Component
from store.records.environment import Environment
from store.records.policy import EnvironmentPolicy
from store.records.rollout_policy import RolloutPolicy, Step, Triggers
from store.workspace import Workspace

DEMO_STEPS = RolloutPolicy(
    steps=(
        Step(percent=25, hold_minutes=1, min_scored=20),
        Step(percent=50, min_scored=20),
        Step(percent=100),
    ),
    triggers=Triggers(quality_drop=0.2, error_rate=0.05, p99_rise=None, bad_feedback=False),
    watch_days=1,
)
"""Minutes for days, and 20 points for 2: there are hundreds of answers here, not hundreds of thousands."""
_MOST_SECONDS = 240.0
Say = Callable[[str], None]


def travel(workspace: Workspace, report: Report, say: Say) -> Iterator[Told]:
    """Does what has not been done yet; `say` hears what happens meanwhile. Raises LockgateError."""
    yield _steps_for_production(workspace, report)
    yield from _good(workspace, report, say)
    yield from _bad(workspace, report, say)


def _pointer(workspace: Workspace) -> Environment:
    return workspace.store.at().environment("production")


def _steps_for_production(workspace: Workspace, report: Report) -> Told:
    title = "Give production its steps: 25 %, 50 %, 100 % of users"
    current = workspace.store.at().policy
    if current.environment("production") == _with_steps(current.environments[-1]):
        return Told(title, done_before=True)
    wanted = current.model_copy(
        update={
            "environments": tuple(
                _with_steps(one) if one.name == "production" else one for one in current.environments
            )
        }
    )
    plan = policy_operation.plan(workspace, wanted)
    record = apply_again(workspace, plan, "releases go out by steps from now on", report=report).record
    return Told(title, (record.summary, "a minute for a day, and 20 points for 2, so that it ends today"))


def _with_steps(environment: EnvironmentPolicy) -> EnvironmentPolicy:
    return environment.model_copy(update={"rollout": DEMO_STEPS})


def _good(workspace: Workspace, report: Report, say: Say) -> Iterator[Told]:
    title = "Roll out a good release: more room for answers"
    release = _release_with(workspace, "model/chat", "v2")
    if release is not None and any(one.release == release for one in _pointer(workspace).served):
        yield Told(title, done_before=True)
        return
    if release is None:
        composition = stage.compose(workspace, ("model/chat=v2",), "production")
        verdicts = asyncio.run(stage.gate(workspace, composition, report=report))
        plan = stage.plan(workspace, composition, verdicts)
        record = apply_again(workspace, plan, "longer answers", report=report).record
        release = str(record.release)
        yield Told(f"Stage {release}, judged against what production serves", (record.summary,), verdicts)
    yield _rolled_out(workspace, report, say, release, title, None)


def _bad(workspace: Workspace, report: Report, say: Say) -> Iterator[Told]:
    title = "Roll out a bad release: an index without half of the pages that people ask about"
    pointer = _pointer(workspace)
    if any("index/handbook@v3" in one.pins for one in pointer.rejected):
        yield Told(title, done_before=True)
        return
    if "v3" not in workspace.store.at().versions(Component.parse("index/handbook")):
        yield Told("Build index handbook v3 without half of its pages", (_half_an_index(workspace, report),))
    release = _release_with(workspace, "index/handbook", "v3")
    override = "the search team is waiting for it"
    if release is None:
        composition = stage.compose(workspace, ("index/handbook=v3",), "production")
        plan = stage.plan(workspace, composition, (), override=override)
        record = apply_again(workspace, plan, override, report=report).record
        release = str(record.release)
        yield Told(f"Stage {release} past the gate, in a hurry: the override is on record", (record.summary,))
    yield _rolled_out(workspace, report, say, release, title, override)


def _half_an_index(workspace: Workspace, report: Report) -> str:
    pages = sorted({page for case in asked_about(workspace) for page in case.context_ids})
    with TemporaryDirectory(prefix="lockgate-handbook-") as folder:
        source = handbook(Path(folder) / "docs", tuple(pages[::2]))
        plan = index.build(
            workspace,
            "handbook",
            source,
            parent="v2",
            embedder="minilm",
            chunk_characters=400,
            what=f"{len(pages[::2])} pages left out",
            report=report,
        )
        return apply_again(workspace, plan, report=report).record.summary


def _release_with(workspace: Workspace, component: str, version: str) -> str | None:
    """The newest release in which only `component` differs from what production served before it."""
    snapshot = workspace.store.at()
    stable = snapshot.release(str(_pointer(workspace).stable))
    for id in reversed(snapshot.release_ids()):
        pins = {str(pin.component): pin.version for pin in snapshot.release(id).pins()}
        others = {str(pin.component): pin.version for pin in stable.pins()}
        others.pop(component, None)
        if pins.get(component) == version and pins == {**others, component: version}:
            return id
    return None


def _rolled_out(
    workspace: Workspace, report: Report, say: Say, release: str, title: str, override: str | None
) -> Told:
    """Promotes `release`, lets users come while the controller watches, and tells how it ended."""
    rollout = _pointer(workspace).rollout
    if rollout is None or rollout.release != release or not rollout.active:
        plan = promote.plan(workspace, release, "production", override=override)
        record = apply_again(workspace, plan, override or "the gate passed", report=report).record
        say(f"    {record.summary}")
    with _controller(workspace, say):
        counts = asyncio.run(
            serve_until(
                workspace,
                lambda: not _is_on_its_way(workspace),
                seconds=_MOST_SECONDS,
                told=lambda so_far: say(f"    users │ {so_far.line()}"),
            )
        )
    return replace(_outcome(workspace, counts), title=title)


def _is_on_its_way(workspace: Workspace) -> bool:
    rollout = _pointer(workspace).rollout
    return rollout is not None and rollout.active


def _outcome(workspace: Workspace, counts: Counts) -> Told:
    pointer = _pointer(workspace)
    rollout = pointer.rollout
    if rollout is None or rollout.active:
        raise Inconclusive(
            "the rollout did not end in the time that the demo gives it; "
            "`lockgate rollout status --env production` says what it waits for. Run the demo again to go on."
        )
    told = why(workspace, "ana", "production")
    return Told(
        "",
        (
            f"{rollout.release} is {rollout.state}: {rollout.reason}",
            f"answered: {counts.line()}",
            f"production serves {pointer.stable}; the user ana is served {told.release} ({told.reason})",
        ),
    )


@contextmanager
def _controller(workspace: Workspace, say: Say) -> Iterator[None]:
    """`lockgate watch` as a process of its own; what it says is told."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "console", "-C", str(workspace.root), "watch", "--every", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    listening = threading.Thread(target=_listen, args=(process.stdout, say), daemon=True)
    listening.start()
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        listening.join(5)


def _listen(lines: IO[str], say: Say) -> None:
    for line in lines:
        say(f"    watch │ {line.rstrip()}")
