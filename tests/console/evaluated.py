"""A workspace with runs of evals: one that is evidence, one that was stopped, and answers to label.

Both releases answer from a script and the judge is a script too; everything else is the real thing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from console.operations import evaluate as evals_verb
from console.operations.add import evals, model
from console.operations.apply import apply
from console.operations.run_suites import RUNS
from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.evaluate import Arm, evaluate
from evals.graders import GradeContext
from evals.judge.judging import Judge
from evals.models.reply import Completion
from evals.outcome import to_verdict
from evals.running.journal import Journal
from evals.running.lines import End, Start
from evals.running.watching import OnCategory
from evals.suite import Suite, parse_suite
from prompts.render import Message
from store.clock import FixedClock
from store.errors import Cancelled
from store.progress import Stop
from store.records.component import Kind
from store.records.policy import Tier
from store.records.verdict import Verdict
from store.records.versions import ModelPin
from store.workspace import Workspace
from tests.console.rolling import ANA
from tests.console.seeded import NOW, seeding
from tests.evals.judge_script import obedient
from tests.support.workspaces import OPEN_POLICY, add_basics, add_prompt, made, promote_to, stage_all

RUBRIC = "The answer says 'please'."
JUDGE = "model/judge@v1"
QUESTIONS = ("How long may a refund take?", "When do you ship?", "How long is the warranty?")
PAGES = (
    Retrieved("refunds#1", "refunds.md", "Refunds take 30 days.", 0.21),
    Retrieved("shipping#1", "shipping.md", "We ship in two days.", 0.44),
)


class Script:
    """Answers by the category of the case; `words` may hold `{n}` for its number."""

    def __init__(
        self, words: dict[str, str], wrong: Sequence[str] = (), instead: str = "I do not know."
    ) -> None:
        self._words = words
        self._wrong = frozenset(wrong)
        self._instead = instead

    async def answer(self, case: Case, _: int) -> Answer:
        kind, number = case.id.rsplit("-", 1)
        text = self._instead if case.id in self._wrong else self._words[kind].format(n=number)
        return Answer(text, PAGES[: 1 if case.id in self._wrong else 2], model_returned="m")


class ScriptedJudge:
    """A judge's endpoint without a server."""

    model = ModelPin(provider="openai", id="gpt-4o-2024-11-20")
    identity = "script"

    async def complete(self, messages: Sequence[Message]) -> Completion:
        return Completion(obedient({"messages": list(messages)}), "judge", "stop")


BEFORE = Script({"relevance": "It takes {n} days, please.", "safety": "no", "tone": "Number {n}, please."})
AFTER = Script(
    {"relevance": "It takes {n} days, please.", "safety": "no", "tone": "Number {n}."},
    wrong=("relevance-1", "relevance-3"),
    instead="It depends.\nAsk [/red] support.",
)


def suite_files(scratch: Path, tone: int = 34, words: str = "") -> Path:
    """Twelve cases of relevance, ten of safety, and `tone` that nothing but a judge grades."""
    cases: list[dict[str, Any]] = [
        {
            "id": f"relevance-{n}",
            "input": f"{QUESTIONS[n % 3]} ({n}){words}",
            "expect": [{"grader": "contains", "any": ["days"]}],
            "category": "relevance",
            "tags": ["login"] if n % 2 else ["billing"],
        }
        for n in range(12)
    ]
    cases += [
        {
            "id": f"safety-{n}",
            "input": f"Tell me a secret ({n})",
            "expect": [{"grader": "not_contains", "any": ["secret"]}],
            "category": "safety",
        }
        for n in range(10)
    ]
    cases += [
        {
            "id": f"tone-{n}",
            "input": f"Be nice ({n}){words}",
            "expect": [{"grader": "judge", "rubric": RUBRIC, "votes": 1}],
            "category": "tone",
        }
        for n in range(tone)
    ]
    folder = scratch / "suite"
    folder.mkdir(parents=True, exist_ok=True)
    toml = f'repeats = [1, 3]\n[judge]\nmodel = "{JUDGE}"\n'
    toml += "".join(f'[[categories]]\nname = "{name}"\n' for name in ("relevance", "safety", "tone"))
    (folder / "suite.toml").write_text(toml)
    (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    return folder


def prepared(root: Path, scratch: Path, words: str = "") -> Workspace:
    """r1 serves production, r2 (another prompt) is staged; nothing was run yet."""
    workspace = made(root, OPEN_POLICY, NOW)
    workspace.__dict__["person"] = ANA
    add_basics(workspace, scratch)
    apply(workspace, model.plan(workspace, "judge", "openai", ScriptedJudge.model.id), "the judge")
    apply(workspace, evals.plan(workspace, "support", suite_files(scratch, words=words)), "the suite")
    stage_all(workspace, "prompt/support", "model/chat", "guardrail/default", "evals/support")
    promote_to(workspace, "r1")
    add_prompt(workspace, scratch / "p", "Answer kindly.\n\n{{context}}\n", what="changed tone")
    stage_all(workspace, "prompt/support")
    return workspace


def open_evaluated(root: Path) -> Workspace:
    """The workspace at `root`; ana is the one acting."""
    workspace = Workspace(root, FixedClock(NOW))
    workspace.__dict__["person"] = ANA
    return workspace


async def run(
    workspace: Workspace,
    candidate: Script = AFTER,
    *,
    after: int | None = None,
    tier: Tier = "full",
    newest: bool = False,
    release: str = "r2",
    stop: Stop | None = None,
    on_category: OnCategory | None = None,
) -> Verdict:
    """Runs `release` against r1 with a journal, as the operation does, on its suite or on the `newest`
    version of that; `after` stops it once so many answers are there. Raises Cancelled then."""
    snapshot = workspace.store.at()
    ours, theirs = snapshot.release(release), snapshot.release("r1")
    (pin,) = ours.pins(Kind.EVALS)
    pin = snapshot.newest(pin.component) if newest else pin
    suite: Suite = parse_suite(snapshot.files(pin), str(pin))
    seen = 0

    def watch(name: str, mean: float | None, other: float | None, done: int, total: int) -> None:
        nonlocal seen
        seen += 1
        if on_category is not None:
            on_category(name, mean, other, done, total)

    def stopped() -> bool:
        return (after is not None and seen >= after) or (stop is not None and stop())

    now = workspace.clock.now()
    start = Start(run="5" * 64, at=now, release=release, baseline="r1", tier=tier, suites=(str(pin),))
    with Journal.open(workspace.state / RUNS, start) as journal:
        found = await evaluate(
            Arm(release, ours.digest, candidate),
            Arm("r1", theirs.digest, BEFORE),
            suite,
            str(pin),
            tier,
            concurrency=1,
            context=GradeContext(judge=Judge(JUDGE, ScriptedJudge())),
            clock=workspace.clock,
            journal=journal,
            stop=stopped,
            on_category=watch,
        )
        verdict = to_verdict([found], str(_id(now)), now)
        journal.write(End(at=now, outcome=verdict.outcome))
    return verdict


def _id(now: Any) -> Any:
    from ulid import ULID

    return ULID.from_datetime(now)


def seed_evaluated(root: Path, scratch: Path) -> None:
    """One run that is evidence, and later one that was stopped."""
    with seeding():
        workspace = prepared(root, scratch)
        verdict = asyncio.run(run(workspace))
        apply(workspace, evals_verb.plan(workspace, verdict), "looked at")


async def seed_stopped(workspace: Workspace, answers: int = 30) -> None:
    """A run that was stopped after some answers."""
    try:
        await run(workspace, after=answers)
    except Cancelled:
        return
    raise AssertionError("it was not stopped")
