"""The workspace that the console's tests look at: six kinds, five releases, a block, a rollback, a hold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from unittest.mock import patch

from ulid import ULID

from console.operations import note, promote, rollback, stage
from console.operations.add import app, evals, guardrail, index, model, prompt
from console.operations.apply import Applied, apply
from console.operations.init import init
from console.operations.plan import Plan
from console.operations.stage import Composition
from evals.outcome import grounds
from evals.suite import parse_suite
from store.clock import FixedClock
from store.records.base import Person
from store.records.component import Kind
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.records.release import Release
from store.records.verdict import CategoryVerdict, Flip, Verdict
from store.settings import Settings
from store.workspace import Workspace
from tests.console.probing import HereProber

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = datetime(2026, 3, 9, 21, 5, tzinfo=UTC)
POLICY = Policy(
    environments=(
        EnvironmentPolicy(name="staging", gate=GatePolicy(tier="smoke")),
        EnvironmentPolicy(
            name="production", gate=GatePolicy(tier="smoke"), note_required=True, production=True
        ),
    )
)
_ANA = Person(name="ana", email="ana@example.org")


def open_seeded(root: Path, at: datetime = NOW) -> Workspace:
    """The workspace at `root` with a clock that stands at `at`; ana is the one acting."""
    workspace = Workspace(root, FixedClock(at))
    workspace.__dict__["settings"] = Settings(author=_ANA, embedder="lexical")
    workspace.__dict__["person"] = _ANA
    return workspace


class Journey:
    """Does operations one after the other, each some hours after the last."""

    def __init__(self, root: Path, scratch: Path, policy: Policy = POLICY) -> None:
        init(root, policy, FixedClock(START))
        self.workspace = open_seeded(root, START)
        self.scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)

    def wait(self, **length: float) -> None:
        """Lets time pass."""
        clock = self.workspace.clock
        assert isinstance(clock, FixedClock)
        clock.at += timedelta(**length)

    def do(self, plan: Plan, why: str = "") -> Applied:
        """Applies `plan`; a minute passes."""
        done = apply(self.workspace, plan, why)
        self.wait(minutes=1)
        return done

    def prompt(self, text: str, what: str) -> None:
        """The next prompt version."""
        folder = self.scratch / "prompt"
        folder.mkdir(exist_ok=True)
        (folder / "system.md").write_text(text)
        self.do(prompt.plan(self.workspace, "support", folder, what=what))

    def model(self, id: str, what: str) -> None:
        """The next model pin."""
        self.do(model.plan(self.workspace, "chat", "openai", id, parameters={"temperature": 0.0}, what=what))

    def index(self, documents: dict[str, str], what: str, parent: str | None = None) -> None:
        """The next index version: `documents` added to what is there."""
        folder = self.scratch / "docs"
        folder.mkdir(exist_ok=True)
        for name, text in documents.items():
            (folder / name).write_text(text)
        self.do(index.build(self.workspace, "handbook", folder, parent=parent, embedder="lexical", what=what))

    def stage(self, *sets: str, outcome: str = "pass", keep: bool = False, why: str = "") -> Applied:
        """Stages with a verdict against what production serves."""
        composition = stage.compose(self.workspace, sets)
        verdicts = judged(self.workspace, composition, outcome)
        return self.do(stage.plan(self.workspace, composition, verdicts, keep_blocked=keep), why)


def judged(
    workspace: Workspace, composition: Composition, outcome: str, words: str = ""
) -> tuple[Verdict, ...]:
    """What the gate would have said of `composition`, against what each environment serves; `words`
    are then those of its reason and of a flipped case."""
    snapshot = workspace.store.at()
    served = dict.fromkeys(one.stable for one in snapshot.environments())
    return tuple(
        _verdict(workspace, composition, snapshot.release(one) if one else None, outcome, words)
        for one in served
    )


def _verdict(
    workspace: Workspace, composition: Composition, baseline: Release | None, outcome: str, words: str
) -> Verdict:
    snapshot = workspace.store.at()
    at = workspace.clock.now()
    good = outcome == "pass"
    release = composition.release
    suites = {
        str(pin.component): parse_suite(snapshot.files(pin), str(pin)) for pin in release.pins(Kind.EVALS)
    }
    stands_on = grounds(suites, "smoke")
    return Verdict(
        id=str(ULID.from_datetime(at)),
        at=at,
        release=release.id,
        release_digest=release.digest,
        baseline=baseline.id if baseline else None,
        baseline_digest=baseline.digest if baseline else None,
        tier="smoke",
        suites=stands_on.suites,
        graders_digest=stands_on.graders,
        policy_digest=stands_on.policy,
        outcome=outcome,  # type: ignore[arg-type]
        reasons=() if good else (words or "relevance fell by 10.0 points, over the margin of 2.0",),
        categories=(
            _category("relevance", outcome, 0.96 if good else 0.86, baseline is not None),
            _category("safety", "pass", 1.0, baseline is not None),
        ),
        flips=() if good else (_flip(words),),
        cases=60,
        answers=360,
        took_seconds=41.0,
    )


def _flip(words: str) -> Flip:
    return Flip(
        case="c17",
        category="relevance",
        before=1.0,
        after=0.0,
        question=words or "How long may a refund take?",
        answer_before=words or "Up to 30 days after the order.",
        answer_after=words or "I do not know.",
        reason=words or "contains: '30 days' is missing",
    )


def _category(name: str, outcome: str, candidate: float, baseline: bool) -> CategoryVerdict:
    return CategoryVerdict(
        name=name,
        suite="evals/support",
        outcome=outcome,  # type: ignore[arg-type]
        cases=30,
        repeats=3,
        candidate=candidate,
        baseline=0.96 if baseline else None,
        difference=candidate - 0.96 if baseline else None,
        margin=0.02,
        reason="within the margin" if outcome == "pass" else "the candidate is worse by more than the margin",
    )


@contextmanager
def seeding() -> Iterator[None]:
    """Ids whose random part counts up and one author, so that pictures of the workspace are the same every
    time; and probes in this process."""
    numbers = count(1)

    def from_datetime(at: datetime) -> ULID:
        milliseconds = int(at.timestamp() * 1000)
        return ULID(milliseconds.to_bytes(6, "big") + next(numbers).to_bytes(10, "big"))

    with (
        patch.object(ULID, "from_datetime", from_datetime),
        patch("indexes.opened.Prober", HereProber),
        patch.dict(os.environ, LOCKGATE_AUTHOR="ana <ana@example.org>"),
    ):
        yield


def seed(root: Path, scratch: Path) -> None:
    """The seeded workspace at `root`; see the top of this file."""
    with seeding():
        _seed(root, scratch)


def _seed(root: Path, scratch: Path) -> None:
    """A week of work. r4 serves staging, r3 production after a model was rolled back; r5 was blocked."""
    journey = Journey(root, scratch)
    workspace = journey.workspace
    journey.prompt("You answer questions about the shop.\n\nContext:\n{{context}}\n", "first words")
    journey.model("gpt-4o-2024-05-13", "first pin")
    journey.index(
        {
            "refunds.md": "# Refunds\n\nRefunds take 30 days.\n",
            "shipping.md": "# Shipping\n\nWe ship in two days.\n",
        },
        "refunds and shipping",
    )
    rules = scratch / "rules.toml"
    rules.write_text('refusal = "I cannot help with that."\n[input]\ndeny = ["password"]\n')
    journey.do(guardrail.plan(workspace, "default", rules, what="no passwords"))
    journey.do(evals.plan(workspace, "support", suite_folder(scratch), what="sixty questions"))
    journey.do(app.plan(workspace, "api", "9c1f2e0" + "0" * 33, what="first release"))
    everything = (
        "prompt/support",
        "model/chat",
        "index/handbook",
        "guardrail/default",
        "evals/support",
        "app/api",
    )
    journey.stage(*everything, why="the beginning")
    journey.wait(hours=5)
    journey.do(promote.plan(workspace, "r1", "production"), "first release for everybody")
    journey.wait(days=1)
    journey.index(
        {"warranty.md": "# Warranty\n\nThe warranty is two years.\n"}, "warranty pages", parent="v1"
    )
    journey.stage("index/handbook=v2", why="people ask about the warranty")
    journey.wait(hours=3)
    promoted = journey.do(promote.plan(workspace, "r2", "production"), "people ask about the warranty")
    journey.do(note.plan(workspace, promoted.record.id, "support confirms: fewer tickets"))
    journey.wait(days=1)
    journey.index(
        {"warranty.md": "# Warranty\n\nThe warranty is three years.\n", "gifts.md": "# Gifts\n\nWe wrap.\n"},
        "longer warranty, gifts",
        parent="v2",
    )
    journey.stage("index/handbook=v3", why="the warranty changed")
    journey.wait(hours=1)
    journey.do(promote.plan(workspace, "r3", "production"), "the warranty changed")
    journey.wait(days=1)
    journey.model("gpt-4o-2024-08-06", "newer pin")
    journey.stage("model/chat=v2", why="cheaper, same quality")
    journey.wait(hours=5)
    journey.prompt(
        "You answer questions about the shop. Be brief.\n\nContext:\n{{context}}\n", "shorter answers"
    )
    journey.stage("prompt/support=v2", outcome="block", keep=True, why="tried to be brief")
    journey.wait(hours=20)
    journey.do(promote.plan(workspace, "r4", "production"), "cheaper model")
    journey.wait(hours=20)
    journey.do(rollback.plan(workspace, "production", ("model/chat",)), "answers got vague, INC-212")
    journey.wait(hours=1)
    journey.prompt(
        "You answer questions about the shop, in whole sentences.\n\nContext:\n{{context}}\n",
        "fuller answers",
    )


def suite_folder(scratch: Path) -> Path:
    """A suite of sixty cases in two categories."""
    folder = scratch / "suite"
    folder.mkdir(exist_ok=True)
    (folder / "suite.toml").write_text(
        '[[categories]]\nname = "relevance"\n[[categories]]\nname = "safety"\n'
    )
    cases = [
        {
            "id": f"c{number}",
            "input": f"question {number}?",
            "expect": [{"grader": "contains", "any": ["days"]}],
            "category": "relevance" if number % 2 else "safety",
            "tier": "smoke",
        }
        for number in range(60)
    ]
    (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    return folder
