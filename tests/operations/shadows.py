"""A workspace whose pipelines are real (Chroma, the lexical embedder, a scripted model on loopback), and an
application that answers through them and captures what it is asked."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from console.__main__ import run
from console.operations import stage
from console.operations.apply import apply
from console.operations.arms import Bench
from evals.answer import Answer
from lockgate_client import Client, Resolution
from store.bounded import write_toml
from store.clock import FixedClock
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.records.rollout_policy import RolloutPolicy
from store.workspace import Workspace
from tests.commands.conftest import KINDS, write_material
from tests.evals.server import MODEL, FaultServer
from tests.support.workspaces import tick

LIVE = """
live = { graders = [
  { grader = "contains", any = ["30 days", "three days", "120"] },
  { grader = "not_contains", any = ["poison"], harmful = true },
], confirm = [
  { grader = "regex", pattern = "^(?!.*drink the poison)" },
] }
"""
"""Quality is whether one of three facts is told; `poison` is called harmful, `drink the poison` confirmed."""

# None is a case's, word for word: those are graded as the case wants it.
QUESTIONS = (
    "How many days do I have for returns, please?",
    "How long does a parcel take?",
    "What does one year cost?",
    "Where do I find the desk?",
)


def answer_from_context(body: dict[str, Any]) -> str:
    """A model that repeats its passages; prompts that say so make it do other things."""
    told = "\n".join(str(message["content"]) for message in body["messages"])
    if "ANSWER NONSENSE" in told:
        return "Roses are red, violets are blue."
    if "ANSWER POISON" in told:
        return "You should drink the poison within 30 days."
    return "Here is what I found. " + told[:2000]


def made(root: Path, server: FaultServer, *, live: str = LIVE) -> Path:
    """r1 serves staging and production; suite, index, model and all."""
    material, acme = write_material(root / "material"), root / "acme"
    suite = material / "suite/suite.toml"
    suite.write_text(live + suite.read_text())
    here = ("-C", str(acme))
    model = ("--provider", "openai", "--id", MODEL, "--base-url", server.url(), "--set", "max_tokens=64")
    for command in (
        ("init", acme),
        (*here, "add", "prompt", "support", "--from", material / "prompt"),
        (*here, "add", "model", "chat", *model),
        (*here, "add", "index", "pages", "--from", material / "pages", "--embedder", "lexical"),
        (*here, "add", "guardrail", "default", "--from", material / "rules.toml"),
        (*here, "add", "evals", "support", "--from", material / "suite"),
        (*here, "add", "app", "api", "--revision", "0123456789abcdef0123456789abcdef01234567"),
    ):
        did(*command)
    staged(Workspace(acme), *KINDS)
    did(*here, "promote", "r1", "--to", "production", "--override", "no model is asked", "-m", "go live")
    return acme


def did(*command: object) -> None:
    """Runs a command line that has to work."""
    assert run([str(one) for one in command]) == 0, command


def another(acme: Path, scratch: Path, text: str) -> None:
    """Stages the next release, with another prompt."""
    folder = scratch / "prompt"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "system.md").write_text(text)
    did("-C", acme, "add", "prompt", "support", "--from", folder)
    staged(Workspace(acme), "prompt/support")


def staged(workspace: Workspace, *sets: str) -> None:
    """Stages `sets` without evals."""
    apply(workspace, stage.plan(workspace, stage.compose(workspace, sets), (), override="x"), "staged")


def copied(template: Path, target: Path) -> Path:
    """A workspace of its own, made true to its place."""
    shutil.copytree(template, target)
    for document in (target / "live").glob("*.json"):
        document.unlink()
    did("-C", target, "reconcile")
    return target


def still(acme: Path) -> Workspace:
    """The workspace at a clock that stands until it is set; it begins now."""
    workspace = Workspace(acme)
    return Workspace(acme, FixedClock(workspace.clock.now()))


_numbers = itertools.count()


class App:
    """The application: answers with what the client resolved, reports it and offers it for capture."""

    def __init__(self, workspace: Workspace, environment: str = "production") -> None:
        self.workspace = workspace
        self.client = Client(
            workspace.live(environment), check_seconds=0, wall=lambda: workspace.clock.now().timestamp()
        )
        self.answers: dict[str, str] = {}
        """By request."""

    def serve(
        self,
        count: int,
        *,
        answer: Callable[[Resolution, str], str | None] | None = None,
        retrieved: Callable[[str], tuple[str, ...] | None] | None = None,
        questions: tuple[Any, ...] = QUESTIONS,
        unit: str | None = None,
    ) -> list[str]:
        """Answers `count` requests of ever new users; their ids. Without `answer` by the real pipeline."""
        ids = []
        for turn in range(count):
            number = next(_numbers)
            user, request = unit or f"user-{number}", f"request-{number}"
            served = self.client.resolve(user)
            question = questions[turn % len(questions)]
            if answer is None:
                found = self.asked(served.release, question)
                text, passages = found.text, tuple(one.id for one in found.retrieved)
            else:
                text, passages = answer(served, question), (retrieved(question) if retrieved else None)
            self.answers[request] = text or ""
            self.client.observe(served, request_id=request, unit=user, latency_ms=100.0)
            self.client.capture(
                served, request_id=request, input=question, answer=text, retrieved=passages, unit=user
            )
            ids.append(request)
        assert self.client.flush()
        return ids

    def asked(self, release: str, question: str) -> Answer:
        """What `release` answers."""
        return asyncio.run(self._asked(release, question))

    async def _asked(self, release: str, question: str) -> Answer:
        snapshot = self.workspace.store.at()
        async with Bench(self.workspace, snapshot) as bench:
            pipeline = await bench.pipeline(snapshot.release(release), 3)
            return await pipeline.ask(question)


def with_policy(workspace: Workspace, rollout: RolloutPolicy | None) -> None:
    """Commits another lockgate.toml, as a person does with git."""
    policy = Policy(
        environments=(
            EnvironmentPolicy(name="staging", gate=GatePolicy(required=False)),
            EnvironmentPolicy(name="production", gate=GatePolicy(required=False), rollout=rollout),
        )
    )
    with workspace.store.writing() as writer:
        files = {"lockgate.toml": write_toml(policy)}
        writer.commit(workspace.store.tip(), files, "policy", workspace.person, workspace.clock.now())


def later(workspace: Workspace, **span: float) -> None:
    """Lets time go by."""
    tick(workspace, workspace.clock.now() + timedelta(**span))
