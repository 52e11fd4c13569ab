"""Compare: the same questions to two releases; answers, passages, latencies and costs beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.operations.arms import Bench
from console.operations.shadow.access import rate_of
from console.operations.shadow.paths import envelopes_of
from console.operations.shadow.replays import retrieve_of
from evals.answer import Answer
from evals.live.alike import Embed, similarity
from evals.live.asking import asked
from evals.live.overlap import overlap_at, rank_biased_overlap
from store.errors import InputError, LockgateError
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.component import Kind
from store.records.release import Release
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.case import Input
    from evals.live.envelopes import Captured
    from evals.pipeline import Pipeline

MOST = 1_000
"""Questions of one comparison."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. Foreign text."""

    input: Input
    request_id: str | None = None
    """The request that it was taken from."""
    served: str | None = None
    """What the user was answered then."""
    served_by: str | None = None
    """By which release."""

    @property
    def question(self) -> str:
        """The user's words; what stands in for them where there are none."""
        try:
            return asked(self.input)[0]
        except InputError:
            return "(a conversation that does not end with the user's turn)"


@dataclass(frozen=True, slots=True)
class Side:
    """What one release answers. Foreign text."""

    release: str
    answer: Answer
    usd: float | None
    """None where the price is not known."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides of one question."""

    asked: Asked
    first: Side
    second: Side
    same: bool
    """The very same words."""
    similarity: float | None
    """Cosine of the two answers by the first release's embedder, 0 to 1; None where it has none."""
    overlap: float | None
    """The share of the passages that both retrieved; None where neither retrieves."""
    ranked: float | None
    """Rank-biased overlap of them."""


OnCompared = Callable[[Compared], None]
"""Called with each question as it is done."""


def questions(
    workspace: Workspace,
    *,
    text: str | None = None,
    request: str | None = None,
    last: int | None = None,
    environment: str | None = None,
) -> list[Asked]:
    """What to ask: `text`, the stored `request`, or the `last` stored ones, newest first.

    Raises InputError where not exactly one of them is given, or nothing is stored.
    """
    if [text, request, last].count(None) != 2:
        raise InputError("say what to ask: --input TEXT, --request ID or --last N, one of them.")
    if text is not None:
        if not text.strip():
            raise InputError("--input is empty; give a question.")
        return [Asked(text)]
    if request is not None:
        found = envelopes_of(workspace).find(request)
        if found is None:
            raise InputError(
                f"request {one_line(request, 80)!r} is not stored here: applications keep a sampled share "
                "only (see `capture`), for 14 days."
            )
        return [_asked(found)]
    if last is None or not 1 <= last <= MOST:
        raise InputError(f"--last is a number from 1 to {MOST:,}.")
    if environment is not None:
        workspace.store.at().environment(environment)
    stored = [_asked(one) for one in envelopes_of(workspace).newest(last, environment)]
    if not stored:
        raise InputError(
            "no request is stored here; applications keep some while a rollout or a shadow is on."
        )
    return stored


async def run(
    workspace: Workspace,
    first: str,
    second: str,
    asking: Sequence[Asked],
    *,
    report: Report = silent,
    stop: Stop = never,
    on_compared: OnCompared | None = None,
) -> list[Compared]:
    """Asks both releases (`rN`, or an environment for what it serves) everything in `asking`, anew.

    What one release cannot answer is its answer's error. Raises InputError for releases that have no
    pipeline, MachineryError when an index or a model server cannot be opened, Cancelled.
    """
    snapshot = workspace.store.at()
    releases = [_release(snapshot, ref) for ref in (first, second)]
    found: list[Compared] = []
    async with _Fresh(workspace, snapshot) as bench:
        pipelines = [await bench.pipeline(one, retrieve_of(snapshot, one)) for one in releases]
        embed = bench.context(releases[0]).embed
        for number, one in enumerate(asking):
            check(stop, "The comparison")
            report(Progress("comparing", number, len(asking), one_line(one.question, 60)))
            answers = [await _answer(pipeline, one) for pipeline in pipelines]
            check(stop, "The comparison")
            sides = [
                Side(release.id, answer, _usd(workspace, snapshot, release, answer))
                for release, answer in zip(releases, answers, strict=True)
            ]
            compared = _compared(one, sides[0], sides[1], embed)
            found.append(compared)
            if on_compared is not None:
                on_compared(compared)
        report(Progress("comparing", len(asking), len(asking)))
    return found


class _Fresh(Bench):
    """Without the answers of evals: latencies and costs are to be real."""

    async def __aenter__(self) -> _Fresh:
        return self


def _release(snapshot: Snapshot, ref: str) -> Release:
    if ref in snapshot.policy.names:
        stable = snapshot.environment(ref).stable
        if stable is None:
            raise InputError(f"{ref} serves nothing yet.")
        return snapshot.release(stable)
    return snapshot.release(ref)


def _asked(captured: Captured) -> Asked:
    return Asked(captured.input, captured.mark.request_id, captured.answer, captured.mark.release)


async def _answer(pipeline: Pipeline, one: Asked) -> Answer:
    try:
        question, variables, history = asked(one.input)
        return await pipeline.ask(question, variables, history)
    except LockgateError as error:
        return Answer(error=error.message)


def _usd(workspace: Workspace, snapshot: Snapshot, release: Release, answer: Answer) -> float | None:
    try:
        rate = rate_of(workspace.settings, snapshot.model(release.pins(Kind.MODEL)[0]))
    except InputError:
        return None
    return rate.usd(answer.prompt_tokens, answer.completion_tokens)


def _compared(one: Asked, first: Side, second: Side, embed: Embed | None) -> Compared:
    ours = [passage.id for passage in first.answer.retrieved]
    theirs = [passage.id for passage in second.answer.retrieved]
    retrieved = bool(ours or theirs)
    failed = first.answer.error is not None or second.answer.error is not None
    return Compared(
        asked=one,
        first=first,
        second=second,
        same=not failed and first.answer.text == second.answer.text,
        similarity=None if failed else similarity(embed, first.answer.text, second.answer.text),
        overlap=overlap_at(max(len(ours), len(theirs)), ours, theirs) if retrieved else None,
        ranked=rank_biased_overlap(ours, theirs) if retrieved else None,
    )
